"""Time that offloading to host memory adds to a step.

Ren et al., ZeRO-Offload, arXiv 2101.06840, section 4: gradients leave the device while the backward pass computes, the
host updates master weights and states, the new weights come back. With the weights offloaded as well (Rajbhandari et
al., ZeRO-Infinity, arXiv 2104.07857; torch FSDP ``CPUOffloadPolicy``) each pass of a micro-batch fetches its shard.
"""

from __future__ import annotations

HOST_BYTES_PER_S_PER_GPU = 50e9
"""Of host memory that one GPU's share of an optimizer step reaches, an assumption: two sockets of eight channels of
DDR5-4800 (614 GB/s, as in an HGX H100 server) over eight GPUs are 77 GB/s each, of which loops over large arrays get
two thirds."""

BACKWARD_SHARE = 2 / 3
"""Of the computing of a step, in which gradients can leave."""


def host_seconds(
    offload: str,
    parameters: float,
    accumulation: int,
    *,
    gradient_bytes: float,
    compute_bytes: float,
    state_bytes: float,
    pcie_bytes_per_s: float,
    busy: float,
    other: float = 0.0,
) -> float:
    """Return the seconds of a step that ``busy`` seconds of computing do not hide.

    ``parameters``: what one GPU updates; ``state_bytes``: master weight and states of each, read and written. Gradients
    leave after every micro-batch, since they are added up in host memory. ``other``: seconds of further transfers.

    >>> round(host_seconds("optimizer", 1e9, 1, gradient_bytes=2, compute_bytes=2, state_bytes=12,
    ...                    pcie_bytes_per_s=25e9, busy=1.0), 2)  # 28 B over 50 GB/s, and 2 B over PCIe
    0.64
    """
    outward = accumulation * parameters * gradient_bytes / pcie_bytes_per_s
    update = parameters * (2 * state_bytes + gradient_bytes + compute_bytes) / HOST_BYTES_PER_S_PER_GPU
    if offload == "all":
        fetched = 2 * accumulation * parameters * compute_bytes / pcie_bytes_per_s
        return max(0.0, outward + fetched + other - busy) + update
    inward = parameters * compute_bytes / pcie_bytes_per_s
    return max(0.0, outward + other - busy * BACKWARD_SHARE) + update + inward
