"""What saves memory of a layout for time or for nothing: checkpointing, kind of loss, offloading, early optimizer.

A layout is tried with less of it first. More is worth trying only where less does not fit: on the same devices, with
everything else equal, a setup that recomputes and moves less is never slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planner.training.setup import TrainingSetup
from planner.training.software import LOSSES

if TYPE_CHECKING:
    from planner.scenario.training import TrainingScenario

CHECKPOINTING = ("none", "selective", "full", "offloaded")
LOSS_KINDS = ("standard", "chunked", "fused-linear")
"""``standard`` is the software's own; the others are as fast and exact (``planner.training.software.LOSSES``)."""

OFFLOADS = ("none", "optimizer", "all")

_OFFLOADABLE = {
    "ddp": ("optimizer", "all"),
    "zero1": ("optimizer",),
    "zero2": ("optimizer",),
    "zero3": ("optimizer", "all"),
    "fsdp": ("all",),
    "hsdp": ("all",),
}
"""What each way of sharding can leave in host memory: DeepSpeed ``offload_optimizer`` and ``offload_param`` (the latter
under stage 3), torch FSDP ``CPUOffloadPolicy`` (everything). One GPU alone counts as a group of one."""


@dataclass(frozen=True, slots=True)
class Saving:
    """How much of each saving, as places in the lists above."""

    checkpointing: int
    loss: int
    offload: int
    early: int
    """1: the optimizer steps in the backward pass."""

    def never_slower_than(self, other: Saving) -> bool:
        """Whether a setup with this is on any device at most as slow as the same one with ``other``.

        The kind of loss and an early optimizer cost no time. Everything offloaded may be faster than the optimizer
        alone: its weights need not come back.
        """
        return (
            self.checkpointing <= other.checkpointing
            and self.loss <= other.loss
            and self.early <= other.early
            and self.offload in (0, other.offload)
        )


def savings(scenario: TrainingScenario, setup: TrainingSetup) -> Iterator[tuple[Saving, TrainingSetup]]:
    """Yield ``setup`` with every combination that the scenario allows and the software knows, least first.

    Megatron knows neither losses in chunks nor checkpoints in host memory. What a rank offloads or steps early is all
    of its weights: adapters have few states. Where only some are asked for, those that cannot be combined are left out.
    """
    search = scenario.search
    torch = setup.software.id == "torch"
    for offload, early, checkpointing, loss in _combinations(search.optimizer_in_backward):
        if CHECKPOINTING[checkpointing] not in (search.checkpointing or CHECKPOINTING):
            continue
        if LOSS_KINDS[loss] not in (search.loss or LOSS_KINDS) or OFFLOADS[offload] not in (search.offload or OFFLOADS):
            continue
        if not torch and (loss or early or OFFLOADS[offload] == "all" or CHECKPOINTING[checkpointing] == "offloaded"):
            continue
        if offload and not _can_offload(setup, OFFLOADS[offload]):
            continue
        if early and (offload or not _can_step_early(setup)):
            continue
        made = replace(
            setup,
            checkpointing=CHECKPOINTING[checkpointing],  # type: ignore[arg-type]  # the same words
            loss=LOSSES[LOSS_KINDS[loss]] if loss else None,
            offload=OFFLOADS[offload],  # type: ignore[arg-type]
            optimizer_in_backward=bool(early),
        )
        yield Saving(checkpointing, loss, offload, early), made


def _combinations(early: bool) -> Iterator[tuple[int, int, int, int]]:
    for offload in range(len(OFFLOADS)):
        for first in (0, 1) if early else (0,):
            for checkpointing in range(len(CHECKPOINTING)):
                for loss in range(len(LOSS_KINDS)):
                    yield offload, first, checkpointing, loss


def _can_offload(setup: TrainingSetup, what: str) -> bool:
    parallel = setup.parallel
    if not setup.trains_all or setup.optimizer.paged:
        return False
    if parallel.sharding == "ddp":
        return parallel.dp * parallel.cp == 1 and what in _OFFLOADABLE["ddp"]
    return what in _OFFLOADABLE[parallel.sharding]


def _can_step_early(setup: TrainingSetup) -> bool:
    """Gradients are gone once they are used: none are accumulated, and each rank has to own what it steps."""
    parallel = setup.parallel
    owned = parallel.sharding in ("fsdp", "hsdp") or (parallel.sharding == "ddp" and parallel.dp * parallel.cp == 1)
    return setup.trains_all and setup.accumulation == 1 and owned
