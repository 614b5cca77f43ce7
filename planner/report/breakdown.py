"""An estimate as the sum of its terms: the part of a report that shows where a figure comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from planner.report.figures import asked, figure, interval, label, quantity
from planner.report.i18n import Translator

if TYPE_CHECKING:
    from planner.plan import Estimate, Margin


class Addend(NamedTuple):
    """A term of a breakdown; ``share`` is its part of the whole that is drawn, ``tone`` its colour.

    ``reference`` is the number of its source in the report's list, 0 where it names none.
    """

    label: str
    text: str
    share: float
    formula: str
    reference: int
    tone: str


class Breakdown(NamedTuple):
    """An estimate as the sum of its terms, within a limit where it has one."""

    id: str
    label: str
    addends: tuple[Addend, ...]
    sum_text: str
    limit_text: str
    free_text: str
    free_share: float
    remark: str
    """What is left below the limit, and the 90 % interval."""


def breakdown(estimate: Estimate, margin: Margin | None, references: Mapping[str, int], say: Translator) -> Breakdown:
    """Return an estimate as its terms; the whole that is drawn is its limit, or the estimate itself.

    ``references`` numbers the sources of the report.
    """
    whole = max(margin.limit if margin else 0.0, estimate.value)
    free = whole - estimate.value
    limit_text = asked(margin.limit, margin.unit, say) if margin else ""
    free_text = figure(free, estimate.unit, say) if margin else ""
    remark = say("of {limit}, {free} free", limit=limit_text, free=free_text) if margin else ""
    if spread := interval_of(estimate, say):
        spread = say("90 % interval {interval}", interval=spread)
        remark = say("{first}; {second}", first=remark, second=spread) if remark else spread
    return Breakdown(
        id=quantity(estimate.name).replace("_", "-"),
        label=label(estimate.name, say),
        addends=tuple(
            Addend(
                label=label(term.name, say),
                text=figure(term.value, term.unit, say),
                share=term.value / whole if whole else 0.0,
                formula=say.sentence(term.formula),
                reference=references.get(term.source, 0),
                tone=f"c{index % 8 + 1}",
            )
            for index, term in enumerate(estimate.terms)
        ),
        sum_text=figure(estimate.value, estimate.unit, say),
        limit_text=limit_text,
        free_text=free_text,
        free_share=free / whole if whole else 0.0,
        remark=remark,
    )


def interval_of(estimate: Estimate, say: Translator) -> str:
    """Return the 90 % interval of an estimate; ``≥ 99.0%`` where only its low end is known, empty where neither is."""
    if estimate.low is None:
        return ""
    if estimate.high is None:
        return f"≥ {figure(estimate.low, estimate.unit, say)}"
    return interval(estimate.low, estimate.high, estimate.unit, say)
