"""How a training run is spread: data, sharded, tensor, sequence, context, pipeline and expert parallelism."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.memory.sharding import Layout

Sharding = Literal["ddp", "zero1", "zero2", "zero3", "fsdp", "hsdp"]
"""What the data-parallel group divides. ``fsdp`` is ZeRO-3 as torch does it; ``hsdp`` shards within a group only.

| strategy | optimizer states, master | gradients | weights |
|---|---|---|---|
| ddp | replicated | replicated | replicated |
| zero1 | sharded | replicated | replicated |
| zero2 | sharded | sharded | replicated |
| zero3, fsdp, hsdp | sharded | sharded | sharded |

Rajbhandari et al., ZeRO, arXiv 1910.02054, figure 1; Zhao et al., PyTorch FSDP, arXiv 2304.11277.
"""

SHARDINGS: tuple[Sharding, ...] = ("ddp", "zero1", "zero2", "zero3", "fsdp", "hsdp")

Schedule = Literal["1f1b", "gpipe"]
"""Order of a stage's forward and backward passes: one of each in turn, or all forward passes first (Narayanan et al.,
arXiv 2104.04473, section 2.2). Both idle equally long; GPipe keeps the activations of every micro-batch."""

SHARDS_WEIGHTS = frozenset({"zero3", "fsdp", "hsdp"})
SHARDS_GRADIENTS = SHARDS_WEIGHTS | {"zero2"}
SHARDS_STATES = SHARDS_GRADIENTS | {"zero1"}


@dataclass(frozen=True, slots=True)
class Parallel:
    """Degrees of one run on ``dp * cp * tp * pp`` GPUs.

    ``dp`` counts data-parallel replicas. Context-parallel ranks hold the same weights as data-parallel ones, so states
    are sharded over ``dp * cp`` (torchtitan, Megatron). ``shard_group`` limits sharding to so many ranks (hybrid
    sharding); None: all of them. Experts are spread over ``ep`` GPUs taken from the data- and tensor-parallel ranks.
    ``virtual_stages`` is the interleaving of the pipeline schedule: 1 is plain 1F1B.
    """

    dp: int = 1
    tp: int = 1
    pp: int = 1
    cp: int = 1
    ep: int = 1
    sharding: Sharding = "fsdp"
    shard_group: int | None = None
    sequence_parallel: bool = True
    """Norms and residuals are split over the tensor-parallel group as well (Korthikanti et al. 2022, section 4.2.2)."""
    virtual_stages: int = 1
    schedule: Schedule = "1f1b"

    def __post_init__(self) -> None:
        for name in ("dp", "tp", "pp", "cp", "ep", "virtual_stages"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, is {getattr(self, name)}")
        if self.sharding == "hsdp" and self.shard_group is None:
            raise ValueError("hsdp needs shard_group, the ranks that shard among themselves")
        if self.shard_group is not None and (self.shard_group < 1 or (self.dp * self.cp) % self.shard_group):
            raise ValueError(f"shard_group {self.shard_group} must divide dp x cp = {self.dp * self.cp}")
        if (self.dp * self.cp * self.tp) % self.ep:
            raise ValueError(f"ep {self.ep} must divide dp x cp x tp = {self.dp * self.cp * self.tp}")
        if self.virtual_stages > 1 and self.pp == 1:
            raise ValueError("virtual_stages needs pipeline stages: pp is 1")
        if self.schedule == "gpipe" and self.pp == 1:
            raise ValueError("the schedule gpipe needs pipeline stages: pp is 1")
        if self.shard_group is not None and self.sharding == "ddp":
            raise ValueError("shard_group needs something to shard: ddp keeps everything on every rank")
        if self.virtual_stages > 1 and self.schedule == "gpipe":
            raise ValueError("virtual_stages interleave 1F1B: the schedule is gpipe")

    @property
    def gpus(self) -> int:
        """GPUs of the run."""
        return self.dp * self.cp * self.tp * self.pp

    @property
    def pipeline(self) -> str:
        """Name of the pipeline's schedule: ``1f1b``, ``interleaved`` or ``gpipe``; empty without a pipeline."""
        if self.pp == 1:
            return ""
        return "interleaved" if self.virtual_stages > 1 else self.schedule

    @property
    def layout(self) -> Layout:
        """How one copy of the weights is divided, for ``planner.memory.sharding``."""
        return Layout(self.tp, self.pp, self.ep)

    @property
    def shard_ways(self) -> int:
        """Ranks among which whatever is sharded is divided."""
        return self.shard_group or self.dp * self.cp

    @property
    def expert_shard_ways(self) -> int:
        """The same for experts, which ``ep`` has divided already."""
        width = max(1, self.tp // self.ep)
        replicas = max(1, self.dp * self.cp * self.tp // (self.ep * width))
        return min(replicas, self.shard_group) if self.shard_group else replicas
