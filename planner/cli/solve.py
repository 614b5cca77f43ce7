"""``planner solve``: scenario in, cheapest plan out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.asking import scenario_argument, settings_option
from planner.cli.output import emit, output_option, painter, progress_line
from planner.errors import Infeasible

if TYPE_CHECKING:
    from planner.plan import Conflict, Plan
    from planner.scenario import Scenario

FORMATS = ("text", "json", "yaml", "md", "html")
ENDINGS = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".md": "md", ".html": "html", ".htm": "html"}
LANGUAGES = ("en", "zh-CN")


@click.command(
    epilog="""\b
A whole scenario, here as standard input; docs/scenario.md has every key:
  planner solve - <<'END'
  name: chat
  model: meta-llama/Llama-3.1-70B-Instruct
  workload: {input_tokens: 2048, output_tokens: 512, concurrency: 200}
  sla: {ttft_p95: 2s, tpot_p95: 50ms}
  budget: {max: 60000 USD/month}
  END

\b
Examples:
  planner solve scenarios/70b-chat.yaml
  planner solve scenarios/70b-chat.yaml --set workload.concurrency=400 --set sla.tpot_p95=40ms
  planner solve scenarios/70b-chat.yaml --top 8
  planner solve scenarios/70b-chat.yaml -o report.html --lang zh-CN
  planner solve scenarios/70b-chat.yaml --format json | jq .plan.cost_usd_per_month
  generate-scenario | planner solve -

\b
Exit codes:
  0  a plan was found
  1  something unexpected happened
  2  the scenario, a catalog or the usage is wrong; every problem is listed
  3  no plan holds every requirement; the output says which of them conflict, and the cheapest ways out""",
)
@scenario_argument
@settings_option
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="How to tell it.  [default: as FILE ends, else text]"
)
@output_option
@click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of text, md and html."
)
@click.option(
    "--top",
    type=click.IntRange(1, 50),
    metavar="K",
    help="The K best plans that really differ, the cheapest first.  [default: 4]",
)
def solve(
    scenario: str, settings: tuple[str, ...], form: str | None, output: Path | None, lang: str, top: int | None
) -> int:
    """Find the cheapest plan that holds every requirement of SCENARIO, and prove it.

    SCENARIO is a YAML file, or - for standard input. The plan says what to rent or buy, how the model is laid out on
    it, how far it stays from each limit, what fills the memory, what it costs, and why nothing cheaper works. The
    answer goes to standard output or to a file; everything else goes to standard error.
    """
    from planner.scenario import load_scenario

    form = form or (ENDINGS.get(output.suffix.lower()) if output else None) or "text"
    asked = load_scenario(scenario, settings=settings)

    from planner.solve import ALTERNATIVES  # a wrong scenario need not wait for numpy
    from planner.solve import solve as cheapest

    try:
        with progress_line():
            plan = cheapest(asked, alternatives=ALTERNATIVES if top is None else top - 1)
    except Infeasible as ending:
        emit(_conflict(ending.conflict, asked, form, lang, output), output)
        return ending.exit_code
    emit(_plan(plan, asked, form, lang, output), output)
    return 0


def _plan(plan: Plan, scenario: Scenario, form: str, language: str, output: Path | None) -> str:
    """Return ``plan`` in one of ``FORMATS``; only what that format needs is imported."""
    if form == "text":
        from planner.report.text import plan_text

        return plan_text(plan, scenario, language=language, paint=painter(output))
    if form in ("json", "yaml"):
        from planner.plan_io import plan_to_dict
        from planner.report.structured import dump

        return dump(plan_to_dict(plan), form)
    from planner.report.document import plan_document

    if form == "html" and (scenario.workload.kind == "training" or plan.holdings):
        return plan_document(plan, "html", scenario=scenario, language=language)
    if form == "html":
        from planner.candidates import evaluate
        from planner.report.cloud import clouds_of

        clouds = clouds_of(evaluate(scenario))
        return plan_document(plan, "html", scenario=scenario, clouds=clouds, language=language)
    return plan_document(plan, "md", scenario=scenario, language=language)


def _conflict(conflict: Conflict, scenario: Scenario, form: str, language: str, output: Path | None) -> str:
    if form == "text":
        from planner.report.conflict import conflict_text

        return conflict_text(conflict, scenario, language=language, paint=painter(output))
    if form in ("json", "yaml"):
        from planner.report.structured import conflict_to_dict, dump

        return dump(conflict_to_dict(conflict), form)
    from planner.report.document import conflict_document

    return conflict_document(conflict, "html" if form == "html" else "md", scenario=scenario, language=language)
