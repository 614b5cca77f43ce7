"""What a training scenario requires of a candidate, as figures with their limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.units import HOURS_PER_MONTH, MICRO_USD_PER_USD

if TYPE_CHECKING:
    from planner.candidates.training.evaluation import TrainingRow, TrainingTable


@dataclass(frozen=True, slots=True)
class RunRequirement:
    """A ceiling on one figure of a candidate."""

    id: str
    limit: float
    unit: str
    words: str
    actual: Callable[[TrainingRow], float]

    def holds(self, value: float) -> bool:
        """Whether a figure is within the limit; sums of money are equal when they differ by less than 1e-9."""
        return value <= self.limit * (1 + 1e-9)


def requirements(table: TrainingTable) -> tuple[RunRequirement, ...]:
    """Return the requirements of the scenario, in the order in which reports list them."""
    work, budget = table.scenario.workload, table.scenario.budget
    found: list[RunRequirement] = []

    def ask(name: str, limit: float, unit: str, words: str, actual: Callable[[TrainingRow], float]) -> None:
        found.append(RunRequirement(name, limit, unit, words, actual))

    if work.deadline_hours is not None:
        ask("workload.deadline", work.deadline_hours, "h", "the run has to take", lambda row: row.hours)
    if budget.run_usd is not None:
        cost = "the run has to cost"
        ask("budget.run", budget.run_usd, "USD", cost, lambda row: row.cost_micro / MICRO_USD_PER_USD)
    if budget.max is not None and budget.usd_per_hour is not None and budget.usd_per_month is not None:
        rent = "the rent has to be"
        if budget.max.per == "hour":
            ask("budget", budget.usd_per_hour, "USD/h", rent, table.usd_per_hour)
        else:
            ask(
                "budget", budget.usd_per_month, "USD/month", rent, lambda row: table.usd_per_hour(row) * HOURS_PER_MONTH
            )
    return tuple(found)
