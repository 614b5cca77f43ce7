"""``planner explain``: how a plan follows, why it is not something else, and what rules do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.asking import scenario_argument, settings_option
from planner.cli.output import emit, output_option, painter
from planner.errors import Infeasible

if TYPE_CHECKING:
    from planner.scenario import Scenario


@click.command(
    epilog="""\b
Examples:
  planner explain scenarios/70b-chat.yaml
  planner explain scenarios/70b-chat.yaml --why-not "h100-sxm fp8-e4m3 tp4"
  planner explain scenarios/70b-chat-company.yaml --rule contracted-providers
  planner explain scenarios/70b-chat.yaml --candidate "engine=sglang weights=nvfp4 accelerator=h100-sxm"

\b
Exit codes:
  0  explained
  2  the scenario, a catalog, WORDS, ID, KEYS or the usage is wrong
  3  no plan holds every requirement; the output says which of them conflict""",
)
@scenario_argument
@click.option("--why-not", "wanted", metavar="WORDS", help='What you expected: "h100-sxm fp8-e4m3 tp4", in any order.')
@click.option("--rule", "rule_id", metavar="ID", default=None, help="Explain this rule.")
@click.option(
    "--candidate",
    metavar="KEYS",
    default=None,
    help="Say which rules are against a candidate, such as 'accelerator=h100-sxm engine=sglang weights=nvfp4 tp=8'.",
)
@settings_option
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of output."
)
@output_option
def explain(
    scenario: str,
    wanted: str | None,
    rule_id: str | None,
    candidate: str | None,
    settings: tuple[str, ...],
    form: str,
    output: Path | None,
) -> int:
    """Show how the plan of SCENARIO follows, step by step with its numbers.

    With --why-not, what rejects or beats what you expected. WORDS name accelerator, weights, KV cache (kv-fp8), engine,
    tpN, ppN, pricing, provider=, region= or offer; what they leave open is chosen as well as it can be. With --rule,
    what that rule cuts, and what dropping it would save; every other rule stays as it is. With --candidate, which rules
    are against every combination of what its keys (accelerator, offer, engine, weights, kv_cache, tp, pp, ep) leave
    open.
    """
    from planner.scenario import load_scenario

    if sum(item is not None for item in (wanted, rule_id, candidate)) > 1:
        raise click.UsageError("give one of --why-not, --rule and --candidate")
    asked = load_scenario(scenario, settings=settings)
    if wanted is not None:
        emit(_why_not(asked, wanted, form, output), output)
    elif rule_id is not None:
        from planner.cli.explain_rules import explain_rule

        emit(explain_rule(asked, rule_id, form), output)
    elif candidate is not None:
        from planner.cli.explain_rules import explain_candidate

        emit(explain_candidate(asked, candidate, form), output)
    else:
        return _derivation(asked, form, output)
    return 0


def _why_not(scenario: Scenario, words: str, form: str, output: Path | None) -> str:
    from planner.catalog import load_catalog
    from planner.explain.wanted import parse_wanted
    from planner.explain.why_not import why_not
    from planner.report.explanation import why_not_text, why_not_to_dict
    from planner.report.structured import dump

    catalog = load_catalog()
    found = why_not(scenario, parse_wanted(words, catalog), catalog)
    return dump(why_not_to_dict(found), "json") if form == "json" else why_not_text(found, paint=painter(output))


def _derivation(scenario: Scenario, form: str, output: Path | None) -> int:
    from planner.explain.derivation import derived
    from planner.report.conflict import conflict_text
    from planner.report.explanation import derivation_text, derivation_to_dict
    from planner.report.structured import conflict_to_dict, dump

    paint = painter(output)
    try:
        steps = derived(scenario)
    except Infeasible as ending:
        data = conflict_to_dict(ending.conflict)
        emit(dump(data, form) if form == "json" else conflict_text(ending.conflict, scenario, paint=paint), output)
        return ending.exit_code
    data = derivation_to_dict(scenario.name, steps)
    emit(dump(data, form) if form == "json" else derivation_text(scenario.name, steps, paint=paint), output)
    return 0
