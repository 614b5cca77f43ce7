"""How far predictions are from what was measured: the one way in which memory, training and serving sum errors up.

errors = summarize(rows, [("kv_cache_gib", "predicted_kv_cache_gib")], lambda row: row["engine"])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
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
                found.append(errors_of(name, measured, errors, measured=len(known)))
    return found


def errors_of(
    group: str,
    quantity: str,
    errors: Sequence[float],
    *,
    measured: int | None = None,
    within: Sequence[bool] | None = None,
) -> Errors:
    """Return the summary of relative ``errors``, one per row that was predicted, of ``measured`` rows (None: all).

    ``within`` says, row by row, whether the measurement lies in the 90 % interval of its prediction.
    """
    count = len(errors) if measured is None else measured
    if not errors:
        return Errors(group, quantity, count, 0, None, None, None)
    sizes = sorted(abs(error) for error in errors)
    coverage = None if within is None else sum(map(bool, within)) / len(within)
    return Errors(
        group, quantity, count, len(errors), median(sizes), quantile(sizes, 0.9), median(errors), fmean(sizes), coverage
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile of sorted values, interpolated linearly between neighbours.

    >>> quantile([1.0, 2.0, 4.0], 0.75)
    3.0
    """
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value != 0
