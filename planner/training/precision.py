"""Precision policies: in how many bytes weights, gradients, master weights and states are kept, and what computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Precision:
    """Bytes per trainable parameter, by what is kept.

    ``weights`` is what lies sharded or replicated on the device; ``master`` a second, wider copy that only the
    optimizer reads; ``states`` an element of an optimizer state; ``compute`` the copy that forward and backward read,
    which is gathered from shards where they are sharded. ``compute_format`` is the accelerator's key for matrix rates.
    """

    id: str
    name: str
    weights: float
    gradients: float
    master: float
    states: float
    compute: float
    compute_format: str
    source: str

    @property
    def bytes_per_parameter_adam(self) -> float:
        """What Adam keeps per parameter before activations: the founding notes' 16 to 18 for mixed precision."""
        return self.weights + self.gradients + self.master + 2 * self.states


_ALL: tuple[Precision, ...] = (
    Precision("fp32", "FP32 throughout", 4, 4, 0, 4, 4, "tf32", "torch defaults; matrix products in TF32"),
    Precision(
        "mixed",
        "BF16 weights and gradients, FP32 master and states",
        2,
        2,
        4,
        4,
        2,
        "bf16",
        "ZeRO, arXiv 1910.02054, section 3.1 (16 bytes); DeepSpeed bf16 and fp16 engines",
    ),
    Precision(
        "mixed-fp32-gradients",
        "BF16 weights, FP32 gradients, master and states",
        2,
        4,
        4,
        4,
        2,
        "bf16",
        "Megatron-LM, accumulate_allreduce_grads_in_fp32 (18 bytes)",
    ),
    Precision(
        "mixed-fp32-weights",
        "FP32 weights, gradients and states, cast to BF16 for compute",
        4,
        4,
        0,
        4,
        2,
        "bf16",
        "torch FSDP MixedPrecision and autocast: the sharded FP32 parameters are the master (16 bytes)",
    ),
    Precision("bf16", "BF16 throughout", 2, 2, 0, 2, 2, "bf16", "torch.optim states follow the parameters' type"),
    Precision(
        "fp8",
        "FP32 weights, gradients and states, linear layers computed in FP8",
        4,
        4,
        0,
        4,
        2,
        "fp8",
        "torchao Float8Linear with dynamic scales: weights are gathered in BF16 and cast per use",
    ),
)

PRECISIONS: Mapping[str, Precision] = {item.id: item for item in _ALL}
"""Id -> policy."""
