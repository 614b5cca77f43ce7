"""``planner diff``: what leads from one plan to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.output import emit, output_option, painter
from planner.cli.plans import plan_of_text, text_of

if TYPE_CHECKING:
    from planner.plan import Plan

DIFFERENT = 4
"""Exit code of ``--exit-code`` when the plans differ."""


@click.command(
    epilog="""\b
Examples:
  planner solve scenarios/70b-chat.yaml --format json -o plan.json
  planner diff plan.json scenarios/70b-chat.yaml
  planner diff plan.json scenarios/70b-chat.yaml --exit-code > /dev/null || echo "prices have moved the plan"
  planner diff scenarios/8b-assistant.yaml - --format json < changed.yaml

\b
Exit codes:
  0  compared (with --exit-code: the plans are the same)
  2  a file is neither a plan nor a scenario, or is wrong
  3  a scenario has no plan
  4  with --exit-code: the plans differ"""
)
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option("--exit-code", "by_exit_code", is_flag=True, help=f"Exit with {DIFFERENT} when the plans differ.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of output."
)
@output_option
def diff(old: str, new: str, by_exit_code: bool, form: str, output: Path | None) -> int:
    """Show what leads from plan A to plan B: + add, - remove, ~ change, and the money.

    A and B are plans, as `planner solve --format json` writes them, or scenarios, which are solved; one of them may be
    - for standard input. The same instances in another number or layout are a change; other instances are removed and
    added. Inputs that differ (catalogs, versions) are named, but plans that are otherwise equal are the same.
    """
    if old == new == "-":
        raise click.UsageError("only one of A and B can be standard input")
    from planner.plan_diff import diff_plans

    found = diff_plans(_plan(old), _plan(new))
    if form == "json":
        from planner.report.difference import diff_to_dict
        from planner.report.structured import dump

        emit(dump(diff_to_dict(found), "json"), output)
    else:
        from planner.report.difference import diff_text

        emit(diff_text(found, paint=painter(output)), output)
    return DIFFERENT if by_exit_code and found.different else 0


def _plan(source: str) -> Plan:
    """Return the plan of a file, solved where it is a scenario. Raises InputError, and Infeasible of a scenario."""
    text = text_of(source)
    plan = plan_of_text(text, source)
    if plan is not None:
        return plan
    from planner.scenario import load_scenario, parse_scenario
    from planner.solve import solve

    return solve(parse_scenario(text, name=source) if source == "-" else load_scenario(source), alternatives=0)
