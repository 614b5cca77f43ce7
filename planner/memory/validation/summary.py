"""How far predictions are from what was measured: medians and shares, by group and quantity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of one quantity in one group, as shares of what was measured; ``predicted`` of ``measured`` rows."""

    group: str
    quantity: str
    measured: int
    predicted: int
    median: float | None
    p90: float | None
    bias: float | None
    """Median of the signed errors: negative where predictions are too low."""
    mean: float | None = None
    coverage: float | None = None
    """Share of measurements that lie within the 90 % interval of their prediction, where predictions have one."""


def summarize(
    rows: Sequence[Mapping[str, Any]],
    compared: Iterable[tuple[str, str]],
    group: Callable[[Mapping[str, Any]], str],
) -> list[Errors]:
    """Return the errors of every compared pair (measured column, predicted column) by group, sorted.

    Rows that were measured as zero or not at all are left out: they have no relative error.
    """
    found = []
    for name in sorted({group(row) for row in rows}):
        members = [row for row in rows if group(row) == name]
        for measured, predicted in compared:
            known = [row for row in members if _number(row.get(measured))]
            errors = [
                float(row[predicted]) / float(row[measured]) - 1
                for row in known
                if isinstance(row.get(predicted), int | float)
            ]
            if known:
                found.append(_errors(name, measured, len(known), errors))
    return found


def _errors(group: str, quantity: str, measured: int, errors: Sequence[float]) -> Errors:
    if not errors:
        return Errors(group, quantity, measured, 0, None, None, None)
    sizes = sorted(abs(error) for error in errors)
    ninetieth = sizes[min(len(sizes) - 1, int(0.9 * len(sizes)))]
    mean = sum(sizes) / len(sizes)
    return Errors(group, quantity, measured, len(errors), median(sizes), ninetieth, median(errors), mean)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value != 0
