"""An estimate as the sum of its terms: the part of a report that shows where a figure comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.report.figures import figure, interval, label, quantity
from planner.report.i18n import Translator

if TYPE_CHECKING:
    from planner.plan import Estimate, Margin


@dataclass(frozen=True, slots=True)
class Addend:
    """A term of a breakdown; ``share`` is its part of the whole that is drawn, ``tone`` its colour."""

    label: str
    text: str
    share: float
    formula: str
    source: str
    tone: str


@dataclass(frozen=True, slots=True)
class Breakdown:
    """An estimate as the sum of its terms, within a limit where it has one."""

    id: str
    label: str
    addends: tuple[Addend, ...]
    sum_text: str
    interval_text: str
    limit_text: str
    free_text: str
    free_share: float


def breakdown(estimate: Estimate, margin: Margin | None, say: Translator) -> Breakdown:
    """Return an estimate as its terms; the whole that is drawn is its limit, or the estimate itself."""
    whole = max(margin.limit if margin else 0.0, estimate.value)
    free = whole - estimate.value
    return Breakdown(
        id=quantity(estimate.name).replace("_", "-"),
        label=label(estimate.name, say),
        addends=tuple(
            Addend(
                label=label(term.name, say),
                text=figure(term.value, term.unit, say),
                share=term.value / whole if whole else 0.0,
                formula=term.formula,
                source=term.source,
                tone=f"c{index % 6 + 1}",
            )
            for index, term in enumerate(estimate.terms)
        ),
        sum_text=figure(estimate.value, estimate.unit, say),
        interval_text=interval_of(estimate, say),
        limit_text=figure(margin.limit, margin.unit, say) if margin else "",
        free_text=figure(free, estimate.unit, say) if margin else "",
        free_share=free / whole if whole else 0.0,
    )


def interval_of(estimate: Estimate, say: Translator) -> str:
    """Return the 90 % interval of an estimate, empty where it is exact arithmetic."""
    if estimate.low is None or estimate.high is None:
        return ""
    return interval(estimate.low, estimate.high, estimate.unit, say)
