"""One training configuration: everything that its memory and time follow from, beside the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from planner.catalog.schema.formats import WeightFormat
from planner.training.optimizers import OPTIMIZERS, Optimizer
from planner.training.parallel import Parallel
from planner.training.precision import PRECISIONS, Precision
from planner.training.software import LOSSES, SOFTWARE, Loss, Software

Method = Literal["full", "lora", "qlora"]
METHODS: tuple[Method, ...] = ("full", "lora", "qlora")

Checkpointing = Literal["none", "selective", "full", "offloaded"]
"""Which activations are kept for the backward pass: all; all but what is cheap to recompute; the inputs of the layers;
or those inputs in host memory."""
CHECKPOINTING: tuple[Checkpointing, ...] = ("none", "selective", "full", "offloaded")

Offload = Literal["none", "optimizer", "all"]
"""What lies in host memory: nothing; states, master weights and gradients; the weights as well."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """Low-rank adapters on every linear layer of ``targets``; ``embeddings`` trains embedding and head as copies."""

    rank: int
    targets: tuple[str, ...] = ()
    """Names of tensor classes (``q_proj``); empty: every linear layer inside the layers (QLoRA, section 4)."""
    embeddings: bool = False

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"rank must be at least 1, is {self.rank}")


@dataclass(frozen=True, slots=True)
class TrainingSetup:
    """A method with its precision, optimizer, layout and batch.

    ``micro_batch`` sequences of ``sequence_length`` tokens go through a rank at once; ``accumulation`` of them make one
    step of a data-parallel rank. ``frozen`` is the format of the weights that do not train: those under adapters.
    """

    sequence_length: int
    micro_batch: int = 1
    accumulation: int = 1
    method: Method = "full"
    precision: Precision = PRECISIONS["mixed"]
    optimizer: Optimizer = OPTIMIZERS["adamw"]
    parallel: Parallel = field(default_factory=Parallel)
    software: Software = SOFTWARE["torch"]
    loss: Loss | None = None
    """None: the software's own."""
    checkpointing: Checkpointing = "full"
    flash_attention: bool = True
    fused: bool | None = None
    """None: the software's own."""
    optimizer_in_backward: bool = False
    offload: Offload = "none"
    adapters: Adapters | None = None
    frozen: WeightFormat | None = None

    def __post_init__(self) -> None:
        for name in ("sequence_length", "micro_batch", "accumulation"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, is {getattr(self, name)}")
        if (self.adapters is not None) != (self.method != "full"):
            raise ValueError(f"method {self.method!r} {'needs' if self.method != 'full' else 'has no'} adapters")
        if self.method != "full" and self.frozen is None:
            raise ValueError(f"method {self.method!r} needs the format of the frozen weights")
        if self.optimizer_in_backward and self.method != "full":
            raise ValueError("an optimizer in the backward pass is for full training: adapters have few gradients")
        if self.optimizer_in_backward and self.accumulation > 1:
            raise ValueError("an optimizer in the backward pass cannot accumulate gradients over micro-batches")

    @property
    def tokens_per_rank(self) -> float:
        """Tokens of a micro-batch on one GPU: context parallelism divides the sequence."""
        return self.micro_batch * self.sequence_length / self.parallel.cp

    @property
    def cross_entropy(self) -> Loss:
        """The loss in use."""
        return self.loss or LOSSES[self.software.loss]

    @property
    def is_fused(self) -> bool:
        """Whether pointwise kernels are fused."""
        return self.software.fused if self.fused is None else self.fused

    @property
    def trains_all(self) -> bool:
        """Whether the model's own weights are updated."""
        return self.method == "full"
