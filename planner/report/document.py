"""A plan or a conflict as a document: Markdown to paste into a design, HTML to put in front of a review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from planner.report.breakdown import Breakdown
from planner.report.charts import Segment, margin_bar, stacked_bar
from planner.report.cloud import Row, clouds
from planner.report.conflict import conflict_view
from planner.report.environment import render
from planner.report.i18n import Translator, translator
from planner.report.view import plan_view

if TYPE_CHECKING:
    from markupsafe import Markup

    from planner.plan import Conflict, Plan
    from planner.scenario import Scenario

Format = Literal["md", "html"]


def plan_document(
    plan: Plan,
    form: Format,
    *,
    scenario: Scenario | None = None,
    candidates: Sequence[Row] = (),
    language: str = "en",
) -> str:
    """Return ``plan`` as a document; the rows of ``candidates`` become the charts of the HTML."""
    say = translator(language)
    view = plan_view(plan, say, scenario)
    values: dict[str, Any] = {"view": view, "scenario_text": _echo(scenario)}
    if form == "html":
        values["clouds"] = clouds(plan, candidates, say)
        values["margin_bars"] = [
            margin_bar(limit=row.limit, actual=row.actual, low=row.low, high=row.high, holds=row.holds)
            for row in view.requirements
        ]
        values["bars"] = {item.id: _bar(item, say) for item in (*view.memory, *view.cost, *view.performance)}
    return render(f"plan.{form}.j2", language=language, **values)


def conflict_document(
    conflict: Conflict, form: Format, *, scenario: Scenario | None = None, language: str = "en"
) -> str:
    """Return the reasons why no plan exists, and the ways out, as a document."""
    view = conflict_view(conflict, translator(language), scenario)
    return render(f"conflict.{form}.j2", language=language, view=view, scenario_text=_echo(scenario))


def _bar(item: Breakdown, say: Translator) -> Markup:
    segments = [Segment(term.label, term.share, term.text, term.tone) for term in item.addends]
    if item.free_text:
        segments.append(Segment(say("free"), item.free_share, item.free_text, "rest"))
    described = ", ".join(f"{term.label} {term.text}" for term in item.addends)
    return stacked_bar(f"terms-{item.id}", segments, total=1.0, title=item.label, description=described)


def _echo(scenario: Scenario | None) -> str:
    """Return the scenario as its author wrote it."""
    return scenario.document.text.strip() if scenario is not None and scenario.document is not None else ""
