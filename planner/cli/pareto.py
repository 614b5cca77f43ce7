"""``planner pareto``: the plans that no other one beats in everything at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.asking import scenario_argument, settings_option
from planner.cli.output import emit, output_option, painter

if TYPE_CHECKING:
    from planner.solve.pareto import Front

FORMATS = ("text", "json", "csv", "html")
ENDINGS = {".json": "json", ".csv": "csv", ".html": "html", ".htm": "html"}
AXES = ("cost", "ttft", "tpot", "quality", "energy")


@click.command(
    epilog="""\b
Examples:
  planner pareto scenarios/70b-chat.yaml
  planner pareto scenarios/70b-chat.yaml --axis cost --axis tpot --points 20
  planner pareto scenarios/70b-chat.yaml --set budget.max=null -o front.html

\b
Exit codes:
  0  there is a plan
  2  the scenario, a catalog or the usage is wrong
  3  no plan holds every requirement; the output says which of them conflict""",
)
@scenario_argument
@settings_option
@click.option(
    "--axis",
    "axes",
    type=click.Choice(AXES),
    multiple=True,
    help="What plans are compared in; repeatable.  [default: all]",
)
@click.option("--points", type=click.IntRange(2, 500), default=12, show_default=True, help="Most plans that are told.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="How to tell it.  [default: by the file's ending, else text]"
)
@click.option("--lang", type=click.Choice(("en", "zh-CN")), default="en", show_default=True, help="Language of html.")
@output_option
def pareto(
    scenario: str,
    settings: tuple[str, ...],
    axes: tuple[str, ...],
    points: int,
    form: str | None,
    lang: str,
    output: Path | None,
) -> int:
    """Show what there is to choose between: plans that no other one beats in cost, latency, quality and energy at once.

    Every plan holds all that SCENARIO asks; loosen its limits to see more. Cost is per month, latencies are 95th
    percentiles, quality is the measured recovery, energy the mean power of the fleet. Of many plans those that lie
    farthest apart are told, the best of each axis always among them.
    """
    from planner.errors import Infeasible
    from planner.scenario import load_scenario

    form = form or (ENDINGS.get(output.suffix.lower()) if output else None) or "text"
    asked = load_scenario(scenario, settings=settings)
    from planner.report.pareto import axes_of
    from planner.solve.pareto import front

    try:
        found = front(asked, axes=axes_of(axes or AXES), points=points)
    except Infeasible as ending:
        from planner.report.conflict import conflict_text

        click.echo(conflict_text(ending.conflict, asked, paint=painter(None)), err=True, nl=False)
        return ending.exit_code
    emit(_text(found, form, asked.name, lang, output), output)
    return 0


def _text(found: Front, form: str, name: str, language: str, output: Path | None) -> str:
    from planner.report import pareto as told

    if form == "json":
        from planner.report.structured import dump

        return dump(told.pareto_to_dict(found), "json")
    if form == "csv":
        return told.pareto_csv(found)
    if form == "html":
        return told.pareto_document(found, name, language=language)
    return told.pareto_text(found, paint=painter(output))
