"""The tables of errors on what a fit has not seen, for a terminal; the page of them is :mod:`accuracy_page`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from planner.report.error_tables import percent
from planner.report.layout import Paint, table, unpainted

if TYPE_CHECKING:
    from planner.performance.accuracy import Accuracy, LeftOut
    from planner.performance.cross_validation import LeaveOut

TITLES: dict[LeaveOut, str] = {
    "setting": "Left-out settings: the machine was measured, this setting of it was not",
    "pair": "Left-out pairs: no run of this model on this accelerator was seen",
    "machine": "Left-out machines: no run of this engine on this accelerator was seen",
    "generation": "Left-out generations: no run on this generation of accelerators was seen",
}
HEAD = ("group", "quantity", "rows", "answered", "median", "mean", "p90", "bias", "in 90 %")
ALIGNMENT = "llrrrrrrr"
CHOICE_HEAD = ("left out", "prices", "SLA held with", "cases", "within 5 %", "SLA broken", "none found", "costlier by")
CHOICE_ALIGNMENT = "lllrrrrr"


def accuracy_text(found: Accuracy, paint: Paint = unpainted) -> str:
    """Return one table after the other."""
    parts = []
    for item in found.parts:
        parts += [paint("strong", TITLES[item.left_out]), *table([HEAD, *error_cells(item)], ALIGNMENT), ""]
    choices = list(choice_cells(found.parts))
    if choices:
        title = "The cheapest measured setting within an SLA, as chosen by left-out predictions"
        parts += [paint("strong", title), *table([CHOICE_HEAD, *choices], CHOICE_ALIGNMENT), ""]
    return "\n".join(parts)


def error_cells(item: LeftOut) -> Iterator[tuple[str, ...]]:
    """Yield a row of cells per group and quantity."""
    for error in item.errors:
        yield (
            error.group,
            error.quantity,
            f"{error.measured:,}",
            f"{error.predicted:,}",
            percent(error.median),
            percent(error.mean),
            percent(error.p90),
            percent(error.bias, signed=True),
            percent(error.coverage),
        )


def choice_cells(parts: Sequence[LeftOut]) -> Iterator[tuple[str, ...]]:
    """Yield a row of cells per kind of left-out prediction, prices and confidence."""
    for part in parts:
        for item in part.choices:
            sure = "best estimate" if item.confidence <= 0.5 else f"{100 * item.confidence:.0f} % confidence"
            shares = (percent(value) for value in (item.near, item.broken, item.nothing))
            excess = percent(item.excess, signed=True)
            yield (f"{part.left_out}s", item.prices, sure, f"{item.cases:,}", *shares, excess)
