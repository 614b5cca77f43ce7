"""Time of a training step: compute, communication and transfers that nothing hides, pipeline bubble.

    step = (compute + tensor-parallel and expert traffic) x (1 + bubble), or the sharded traffic where that is longer

``efficiency`` of compute is the one figure that is measured: published runs give it (``planner.training.evidence``).
Formulas: Narayanan et al., arXiv 2104.04473, section 2.2 (bubble); Korthikanti et al., arXiv 2205.05198, section 4.2.2
(tensor and sequence parallel traffic); ZeRO, arXiv 1910.02054, section 7 (sharded traffic).
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.catalog.schema.accelerators import Accelerator
from planner.training.flops import ModelShape, attention_flops_per_token, flops_per_token, recompute_share
from planner.training.parallel import SHARDS_WEIGHTS, Parallel
from planner.training.precision import Precision
from planner.training.traffic import (
    context_seconds,
    data_seconds,
    expert_seconds,
    offload_seconds,
    score_seconds,
    tensor_seconds,
)

LINK_SHARE = 0.75
"""Of the link's one-way rate that collectives of a layer reach: nccl-tests on NVLink and InfiniBand, large messages."""

FP8_GAIN = 1.39
"""Linear layers in FP8 over BF16: torchtitan Llama-3.1-8B on 8 H100 makes 8,532 over 6,667 tokens/s at 8,192 tokens
(docs/performance.md, 2024-12), where attention, which stays in BF16, is 22 % of the FLOPs."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The devices and what joins them."""

    accelerator: Accelerator
    gpus_per_node: int
    network_gbytes_per_s: float
    """That one GPU sends between nodes, in one direction; 0 for a single node."""

    def rate(self, ranks: int, stride: int = 1) -> float:
        """Return bytes/s of one GPU in a ring of ``ranks`` that are ``stride`` GPUs apart.

        What enters a node is shared inside it, so each of the ring's members there adds its network port, up to the
        rate of the link.
        """
        if ranks <= 1:
            return float("inf")
        inside = self._inside(ranks * stride)
        if ranks * stride <= self.gpus_per_node:
            return inside * LINK_SHARE
        members = max(1, self.gpus_per_node // stride)
        ports = members * self.network_gbytes_per_s * 1e9
        return (min(ports, inside) if members > 1 else ports) * LINK_SHARE

    @property
    def pcie_bytes_per_s(self) -> float:
        """What one GPU exchanges with its host in one direction."""
        return self._pcie() * LINK_SHARE

    def _pcie(self) -> float:
        pcie = self.accelerator.pcie
        return (pcie.gbytes_per_s_one_way if pcie else PCIE_GBYTES_PER_S) * 1e9

    def _inside(self, span: int) -> float:
        link = self.accelerator.link
        if min(span, self.gpus_per_node) <= link.domain and link.gbytes_per_s_one_way:
            return link.gbytes_per_s_one_way * 1e9
        return self._pcie()


PCIE_GBYTES_PER_S = 31.5
"""PCIe 4.0 x16, where the catalog does not say."""


@dataclass(frozen=True, slots=True)
class StepInput:
    """A step: what is trained, how it is spread, how much goes through."""

    shape: ModelShape
    parallel: Parallel
    precision: Precision
    sequence_length: int
    micro_batch: int
    accumulation: int
    """Micro-batches of a step on one pipeline."""
    recompute: str = "full"
    """``none``, ``selective`` (attention core), ``alternate`` (every second product), ``full``, ``offloaded``."""
    trains_all: bool = True
    adapter_parameters: float = 0.0
    flash_attention: bool = True
    ring_attention: float = 1.0
    """``planner.training.software.Software.ring_attention``."""
    offload: str = "none"
    """``none``, ``optimizer``, ``all``: what lies in host memory (``planner.training.setup``)."""
    state_bytes: float = 12.0
    """Master weight and optimizer states per parameter, which the host reads and writes where they are offloaded."""

    @property
    def tokens(self) -> float:
        """Tokens of a step over all data-parallel ranks."""
        return float(self.parallel.dp * self.accumulation * self.micro_batch * self.sequence_length)


@dataclass(frozen=True, slots=True)
class StepTime:
    """Seconds of a step by cause; their sum is ``seconds``."""

    compute: float
    recompute: float
    tensor_parallel: float
    expert_parallel: float
    """As far as computing another micro-batch does not hide it (DualPipe; Megatron's overlapped 1F1B)."""
    bubble: float
    data_parallel: float
    """Gathering weights and reducing gradients, as far as computing does not hide it."""
    context_parallel: float
    """Keys and values passed around, as far as attention over those at hand does not hide it, and what attention in
    parts takes more than over the whole."""
    scores: float
    """Writing and reading attention scores, which FlashAttention never does."""
    host: float
    """Transfers to and from host memory and the host's optimizer step, as far as computing does not hide them."""
    tokens: float
    model_flops: float
    gpus: int
    peak_flops: float

    @property
    def seconds(self) -> float:
        """The step."""
        parts = (self.compute, self.recompute, self.tensor_parallel, self.expert_parallel, self.context_parallel)
        return sum(parts) + self.scores + self.bubble + self.data_parallel + self.host

    @property
    def tokens_per_second(self) -> float:
        """Of the whole run."""
        return self.tokens / self.seconds

    @property
    def mfu(self) -> float:
        """Model FLOPs over what the GPUs could do in 16 bit in that time."""
        return self.model_flops / (self.gpus * self.peak_flops * self.seconds)


def peak_flops(accelerator: Accelerator) -> float:
    """Return the dense 16-bit peak that MFU is measured against; 0 where there is none."""
    return accelerator.peak_flops("bf16") or accelerator.peak_flops("fp16")


def bubble_share(parallel: Parallel, micro_batches: int) -> float:
    """Return idle over busy time of a pipeline: (p - 1) / (m v).

    >>> bubble_share(Parallel(pp=8), 32)
    0.21875
    """
    return (parallel.pp - 1) / (micro_batches * parallel.virtual_stages)


def ring_share(step: StepInput) -> float:
    """Return the time of attention in the step's parts over attention over whole sequences; two parts cost nothing."""
    return step.ring_attention if step.parallel.cp > 2 else 1.0


def step_time(step: StepInput, cluster: Cluster, efficiency: float) -> StepTime:
    """Return the time of a step when compute runs at ``efficiency`` of the 16-bit peak.

    Raises ValueError for a device without a 16-bit rate, and for several nodes without a network between them.
    """
    parallel, shape = step.parallel, step.shape
    peak = peak_flops(cluster.accelerator)
    if not peak:
        raise ValueError(f"{cluster.accelerator.name} has no 16-bit rate in the catalog")
    if parallel.gpus > cluster.gpus_per_node and not cluster.network_gbytes_per_s:
        raise ValueError(f"{parallel.gpus} GPUs span nodes, and the network between them is not known")
    flops = flops_per_token(shape, step.sequence_length, trains_all=step.trains_all) * step.tokens
    gain = FP8_GAIN if step.precision.compute_format == "fp8" else 1.0
    attention = attention_flops_per_token(shape, step.sequence_length) * step.tokens / flops
    exact = flops / (parallel.gpus * peak * efficiency)
    compute = exact * ((1 - attention) / gain + attention)
    recompute = compute * recompute_share(step.recompute, trains_all=step.trains_all)
    passes = 2.0 + (1.0 if step.recompute in ("full", "offloaded") else 0.0)
    tensor = tensor_seconds(step, cluster, passes)
    experts = max(0.0, expert_seconds(step, cluster, passes) - compute)
    parts = exact * attention * (ring_share(step) - 1)
    context = max(0.0, context_seconds(step, cluster, passes) - exact * attention - parts)
    context += parts * (1 + recompute / compute)
    scores = 0.0 if step.flash_attention else score_seconds(step, cluster)
    busy = compute + recompute + tensor + experts + context + scores
    bubble = busy * bubble_share(parallel, step.accumulation)
    traffic = data_seconds(step, cluster)
    hidden_by = busy if parallel.sharding in SHARDS_WEIGHTS else busy * (2 / 3) / step.accumulation
    return StepTime(
        compute=compute,
        recompute=recompute,
        tensor_parallel=tensor,
        expert_parallel=experts,
        bubble=bubble,
        data_parallel=max(0.0, traffic - hidden_by),
        context_parallel=context,
        scores=scores,
        host=offload_seconds(step, cluster, busy),
        tokens=step.tokens,
        model_flops=flops,
        gpus=parallel.gpus,
        peak_flops=peak,
    )
