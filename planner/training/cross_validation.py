"""MFU of published runs, each predicted from the runs of other campaigns alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from planner.catalog.schema.accelerators import Accelerator
from planner.training.evidence import PublishedRun, efficiencies, efficiency_of, load_runs
from planner.training.time import step_time


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A run and the MFU predicted for it, with the 90 % interval."""

    run: PublishedRun
    mfu: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """Predicted over published, less one."""
        return self.mfu / self.run.mfu - 1

    @property
    def covered(self) -> bool:
        """Whether what was published lies in the interval."""
        return self.low <= self.run.mfu <= self.high


def campaign(run: PublishedRun) -> str:
    """Return who ran it: runs of one campaign share software and tuning, and say little about each other."""
    return run.id.split("-")[0]


def left_out(
    accelerators: Mapping[str, Accelerator], runs: tuple[PublishedRun, ...] | None = None
) -> Iterator[LeftOut]:
    """Yield every run with what the other campaigns predict for it."""
    known = load_runs() if runs is None else runs
    for run in known:
        device = accelerators[run.accelerator]
        others = tuple(item for item in known if campaign(item) != campaign(run))
        found = efficiency_of(device.generation, efficiencies(accelerators, others))
        mfu, low, high = (
            step_time(run.step, run.cluster(device), each).mfu for each in (found.value, found.low, found.high)
        )
        yield LeftOut(run, mfu, low, high)
