"""Accelerators: what one device offers, as the engine sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from planner.catalog.schema.base import AsOf, Confidence, Count, Entity, NotNegative, Positive, Text
from planner.catalog.schema.formats import ComputeFormat

Topology = Literal["none", "bridge", "mesh", "ring", "switch"]
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Link(Entity):
    """The fast link between accelerators, per device and in one direction (half of the usual marketing figure)."""

    kind: Text
    topology: Topology
    gbytes_per_s_one_way: NotNegative = 0.0
    """GB/s (1e9) that a device sends while it receives as much; 0 without a link, where PCIe carries the traffic."""
    domain: Count = 1
    """Devices that reach each other over it."""

    @property
    def switched(self) -> bool:
        """Whether any pair gets the full rate, which a mesh or bridge does not give."""
        return self.topology == "switch"


@dataclass(frozen=True, slots=True)
class Pcie(Entity):
    """The PCIe connection. ``peer_to_peer`` false: the stock driver copies through the host; None: not known."""

    generation: Count
    lanes: Count
    gbytes_per_s_one_way: Positive
    peer_to_peer: bool | None = None


@dataclass(frozen=True, slots=True)
class Accelerator(Entity):
    """One device. Peak rates are dense TFLOPS (TOPS for integers), never the doubled figures of structured sparsity."""

    id: Text
    name: Text
    vendor: Text
    architecture: Text
    generation: Text
    """Key of engine support and of calibration: ``ampere``, ``ada``, ``hopper``, ``blackwell``, ``cdna3``, ..."""
    compute_capability: str
    """CUDA's ``9.0``, ROCm's ``gfx942``; empty where the vendor has no such name."""
    form_factor: Text
    release_year: Count
    memory_type: Text
    memory_gb_marketed: Positive
    """GB as printed on the box; GiB more often than not."""
    memory_gib_usable: Positive
    """GiB that CUDA or HIP reports as the total of an empty device; what engines take their share of."""
    bandwidth_gbytes_per_s: Positive
    tflops: Mapping[ComputeFormat, Positive] = field(hash=False)
    link: Link
    source: Text
    as_of: AsOf
    pcie: Pcie | None = None
    tdp_w: Positive | None = None
    memory_bytes_reported: Count | None = None
    """What nvidia-smi or amd-smi prints as the total, in bytes."""
    memory_usable_estimated: bool = False
    memory_usable_basis: str = ""
    """Where the usable figure comes from; the rule when it is estimated."""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Node labels of schedulers: gfd, gke, eks, karpenter."""
    aliases: tuple[str, ...] = ()
    confidence: Confidence = "medium"
    notes: str = ""

    @property
    def memory_bytes_marketed(self) -> int:
        """Bytes of the marketed GB, taken as 1e9 each."""
        return int(self.memory_gb_marketed * 1e9)

    @property
    def memory_bytes_usable(self) -> int:
        """Bytes that CUDA or HIP offers on an empty device."""
        return int(self.memory_gib_usable * _GIB)

    @property
    def bandwidth_bytes_per_s(self) -> float:
        """Peak memory bandwidth."""
        return self.bandwidth_gbytes_per_s * 1e9

    @property
    def cuda_capability(self) -> float:
        """Compute capability as a number for comparison (8.9, 9.0, 12.0); 0 for what is not CUDA."""
        return float(self.compute_capability) if self.compute_capability[:1].isdigit() else 0.0

    def peak_flops(self, compute_format: ComputeFormat) -> float:
        """Return the dense peak in FLOP/s (OP/s for integers); 0 where the device has no such unit."""
        return self.tflops.get(compute_format, 0.0) * 1e12
