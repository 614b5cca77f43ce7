"""A plan or a conflict as a document: Markdown to paste into a design, HTML to put in front of a review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from planner.report.breakdown import Breakdown
from planner.report.charts import Segment, fleet, margin_bar, stacked_bar
from planner.report.cloud import Cloud, draw
from planner.report.conflict import conflict_view
from planner.report.environment import render
from planner.report.hours_chart import TONES, by_base, hours_chart
from planner.report.i18n import Translator, translator_for
from planner.report.view import plan_view

if TYPE_CHECKING:
    from markupsafe import Markup

    from planner.plan import Conflict, Deployment, Plan
    from planner.scenario import Scenario

Format = Literal["md", "html"]


def plan_document(
    plan: Plan,
    form: Format,
    *,
    scenario: Scenario | None = None,
    clouds: Sequence[Cloud] = (),
    language: str = "en",
) -> str:
    """Return ``plan`` as a document; the HTML draws ``clouds`` of candidates (``planner.report.cloud.clouds_of``)."""
    say = translator_for(scenario, language)
    view = plan_view(plan, say, scenario)
    values: dict[str, Any] = {"view": view, "scenario_text": _echo(scenario)}
    if form == "html":
        values["clouds"] = [drawn for cloud in clouds if (drawn := draw(plan, cloud, say)) is not None]
        values["margin_bars"] = [
            margin_bar(limit=row.limit, actual=row.actual, low=row.low, high=row.high, holds=row.holds)
            for row in view.requirements
        ]
        split = [item for item in (*view.memory, *view.cost, *view.performance) if len(item.addends) > 1]
        values["bars"] = {item.id: _bar(item, say) for item in split}
        values["fleets"] = [_fleet(number, item, say) for number, item in enumerate(plan.deployments)]
        values["service_bars"] = [
            [
                margin_bar(limit=row.limit, actual=row.actual, low=row.low, high=row.high, holds=row.holds)
                for row in item.requirements
            ]
            for item in view.services
        ]
        values["hours"] = hours_chart(plan, say)
        values["hours_legend"] = [
            (TONES[index % len(TONES)], f"{it.offer} ({say(it.pricing)})") for index, it in enumerate(by_base(plan))
        ]
    return render(f"plan.{form}.j2", language=language, **values)


def conflict_document(
    conflict: Conflict, form: Format, *, scenario: Scenario | None = None, language: str = "en"
) -> str:
    """Return the reasons why no plan exists, and the ways out, as a document."""
    view = conflict_view(conflict, translator_for(scenario, language), scenario)
    return render(f"conflict.{form}.j2", language=language, view=view, scenario_text=_echo(scenario))


def _bar(item: Breakdown, say: Translator) -> Markup:
    segments = [Segment(term.label, term.share, term.text, term.tone) for term in item.addends]
    if item.free_text:
        segments.append(Segment(say("free"), item.free_share, item.free_text, "rest"))
    described = ", ".join(f"{term.label} {term.text}" for term in item.addends)
    return stacked_bar(f"terms-{item.id}", segments, total=1.0, title=item.label, description=described)


def _fleet(number: int, item: Deployment, say: Translator) -> Markup:
    return fleet(
        f"fleet-{number}",
        instances=item.instances,
        gpus_per_instance=item.gpus_per_instance,
        gpus_per_replica=item.gpus_per_replica,
        replicas=item.replicas,
        title=say(
            "{instances} instances of {gpus} GPUs hold {replicas} replicas of {each}",
            instances=item.instances,
            gpus=item.gpus_per_instance,
            replicas=item.replicas,
            each=item.gpus_per_replica,
        ),
        more=say("and so on: {n} instances in all", n=item.instances),
    )


def _echo(scenario: Scenario | None) -> str:
    """Return the scenario as its author wrote it, followed by what the command line set over it."""
    if scenario is None or not scenario.document.text:
        return ""
    settings = getattr(scenario.document, "settings", {})
    return "\n".join([scenario.document.text.strip(), *(f"# --set {setting}" for setting in settings.values())])
