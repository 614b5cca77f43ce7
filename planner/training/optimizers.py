"""Optimizers as tables of what each keeps per trainable parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

AppliesTo = Literal["all", "matrices", "rest"]
"""``matrices``: weights of linear layers inside the layers; ``rest``: embeddings, head, norms, biases."""


@dataclass(frozen=True, slots=True)
class State:
    """One tensor that an optimizer keeps beside each parameter.

    ``bytes_per_parameter`` None: as many as an element of what is updated (the FP32 master, or the BF16 weight under
    pure BF16). ``factored``: one FP32 vector per row and one per column of a matrix instead of the matrix.
    """

    name: str
    applies_to: AppliesTo = "all"
    bytes_per_parameter: float | None = None
    factored: bool = False


@dataclass(frozen=True, slots=True)
class Optimizer:
    """An optimizer's states. ``paged``: they live in host memory and are not counted on the device.

    ``multiplier`` is the founding notes' rule of thumb: memory over that of inference, all at one precision.
    """

    id: str
    name: str
    states: tuple[State, ...]
    source: str
    multiplier: float | None = None
    paged: bool = False


_BLOCKWISE = 1 + 4 / 256
"""An 8-bit state with one FP32 scale per block of 256 (bitsandbytes ``optimizer.py``, torchao ``AdamW8bit``)."""

_ALL: tuple[Optimizer, ...] = (
    Optimizer("sgd", "SGD", (), "torch.optim.SGD without momentum", 2),
    Optimizer("momentum", "SGD with momentum", (State("momentum"),), "torch.optim.SGD", 3),
    Optimizer("adam", "Adam", (State("first moment"), State("second moment")), "Kingma & Ba 2014", 4),
    Optimizer("adamw", "AdamW", (State("first moment"), State("second moment")), "Loshchilov & Hutter 2017", 4),
    Optimizer(
        "adamw-8bit",
        "AdamW, 8-bit states",
        (
            State("first moment", bytes_per_parameter=_BLOCKWISE),
            State("second moment", bytes_per_parameter=_BLOCKWISE),
        ),
        "Dettmers et al., 8-bit Optimizers via Block-wise Quantization, arXiv 2110.02861",
    ),
    Optimizer(
        "paged-adamw-8bit",
        "AdamW, 8-bit states paged to host memory",
        (
            State("first moment", bytes_per_parameter=_BLOCKWISE),
            State("second moment", bytes_per_parameter=_BLOCKWISE),
        ),
        "Dettmers et al., QLoRA, arXiv 2305.14314, section 3 (paged optimizers)",
        paged=True,
    ),
    Optimizer(
        "adafactor",
        "Adafactor without first moment",
        (State("factored second moment", "all", 4.0, factored=True),),
        "Shazeer & Stern, Adafactor, arXiv 1804.04235, section 4",
    ),
    Optimizer(
        "muon",
        "Muon on matrices, AdamW on the rest",
        (
            State("momentum", "matrices"),
            State("first moment", "rest"),
            State("second moment", "rest"),
        ),
        "K. Jordan et al., Muon, 2024; Liu et al., Muon is Scalable, arXiv 2502.16982",
    ),
)

OPTIMIZERS: Mapping[str, Optimizer] = {item.id: item for item in _ALL}
"""Id -> optimizer, in the order in which help texts list them."""
