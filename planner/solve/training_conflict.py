"""Why a training run cannot be had: the requirements in each other's way, and the cheapest ways out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.plan import Conflict, Relaxation
from planner.solve.conflict import minimal_conflict
from planner.solve.training_requirements import RunRequirement, requirements
from planner.solve.wording import together
from planner.units import MICRO_USD_PER_USD, format_number, format_usd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from planner.candidates.training.evaluation import TrainingRow, TrainingTable


def conflict_of(table: TrainingTable) -> Conflict:
    """Return the conflict of a table without feasible rows."""
    asked = {item.id: item for item in requirements(table)}
    rejected = tuple((item.reason, item.count) for item in table.rejected)
    if not table.rows:
        nothing = f"nothing that may be rented holds {table.architecture.id} with any layout that the search allows"
        return Conflict(f"Because {nothing}, so no plan holds every requirement.", (), (nothing,), (), rejected)

    def holding(names: Iterable[str]) -> list[TrainingRow]:
        wanted = [asked[name] for name in names]
        return [row for row in table.rows if all(item.holds(item.actual(row)) for item in wanted)]

    found = minimal_conflict(list(asked), lambda names: bool(holding(names)))
    causes = []
    relaxations = []
    for name in found:
        item, rest = asked[name], holding(other for other in found if other != name)
        best = min(item.actual(row) for row in rest)
        where = "that the others in conflict leave" if len(found) > 1 else "of any candidate"
        causes.append(f"{item.words} at most {figure(item, item.limit)} but {figure(item, best)} is the least {where}")
        others = [other for other in asked if other != name]
        kept = others if holding(others) else _grown(others, holding)
        if kept != others and holding([*kept, name]):
            continue  # the rest gives way without it
        least = min(holding(kept), key=lambda row: (item.actual(row), row.cost_micro))
        cost = format_usd(least.cost_micro / MICRO_USD_PER_USD)
        needed = f"{figure(item, item.actual(least))}, at {cost} for the run"
        needed = together(needed, [other for other in others if other not in kept])
        relaxations.append((least.cost_micro, Relaxation(name, figure(item, item.limit), needed, None)))
    broken = tuple(
        (f"{item.id}", sum(not item.holds(item.actual(row)) for row in table.rows)) for item in asked.values()
    )
    return Conflict(
        summary=f"Because {', and because '.join(causes)}, so no plan holds every requirement.",
        requirements=found,
        because=tuple(causes),
        relaxations=tuple(item for _, item in sorted(relaxations, key=lambda pair: (pair[0], pair[1].requirement))),
        rejected=rejected + broken,
    )


def _grown(names: list[str], holding: Callable[[list[str]], list[TrainingRow]]) -> list[str]:
    """Return a largest feasible subset of ``names``, grown from the first on."""
    kept: list[str] = []
    for name in names:
        if holding([*kept, name]):
            kept.append(name)
    return kept


def figure(item: RunRequirement, value: float) -> str:
    """Return a figure of a requirement with its unit, rounded up: ``74.2 h``, ``$20,000``."""
    if item.unit == "h":
        return f"{format_number(_up(value))} h"
    return format_usd(value, {"USD/h": "hour", "USD/month": "month"}.get(item.unit))


def _up(value: float) -> float:
    """Round up to three digits, so that the rounded limit really holds."""
    from math import ceil, floor, log10

    if value <= 0:
        return value
    step = 10.0 ** (floor(log10(value)) - 2)
    return float(f"{ceil(value / step - 1e-9) * step:.6g}")
