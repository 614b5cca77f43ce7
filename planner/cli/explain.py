"""``planner explain``: what a rule does in a scenario, and what the plan would be without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli.asking import scenario_argument, settings_option
from planner.cli.output import emit, output_option

if TYPE_CHECKING:
    from planner.rules.rule import RuleSet
    from planner.scenario import Scenario
    from planner.solve.own_rules import Best, RuleEffect


@click.command()
@scenario_argument
@click.option("--rule", "rule_id", metavar="ID", required=True, help="The rule to explain.")
@settings_option
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of output."
)
@output_option
def explain(scenario: str, rule_id: str, settings: tuple[str, ...], form: str, output: Path | None) -> None:
    """Show what a rule cut in SCENARIO and what dropping it would save.

    The scenario is evaluated with the rule and without it; every other rule stays as it is.

    \b
    Examples:
      planner explain scenarios/70b-chat-company.yaml --rule contracted-providers
      planner explain scenarios/70b-chat.yaml --rule gguf-in-llamacpp --format json
    """
    from planner.catalog import load_catalog
    from planner.rules.loader import scenario_rules
    from planner.scenario import load_scenario
    from planner.solve.own_rules import effect_of

    asked = load_scenario(scenario, settings=settings)
    rules = scenario_rules(asked)
    _check(rule_id, rules, asked)
    effect = effect_of(asked, rule_id, rules, load_catalog())
    emit(json.dumps(_as_json(effect), indent=2, ensure_ascii=False) if form == "json" else _as_text(effect), output)


def _check(rule_id: str, rules: RuleSet, scenario: Scenario) -> None:
    if any(rule.id == rule_id for rule in rules.rules):
        return
    from planner.rules.shipped import load_packs
    from planner.source import closest

    off = next((item for item in rules.disabled if item.id == rule_id), None)
    pack = next((pack.id for pack in load_packs() for rule in pack.rules if rule.id == rule_id), None)
    if off is not None:
        hint = f"the scenario switches it off: {off.reason}"
    elif pack is not None:
        hint = f"it is in the pack {pack}, which {scenario.name} does not have; add `rule_packs: [{pack}]`"
    else:
        near = closest(rule_id, [rule.id for rule in rules.rules])
        hint = f"did you mean {near!r}?" if near else "`planner rules list` shows the shipped ones"
    raise click.BadParameter(f"no rule {rule_id!r} applies; {hint}", param_hint="--rule")


def _as_text(effect: RuleEffect) -> str:
    from planner.units import format_usd

    rule = effect.rule
    lines = [f"{rule.id}  {rule.pack}, {rule.effect}"]
    if effect.message:
        lines.append(f"  says     {effect.message}")
    speaks = {"prefer": "prices ", "warn": "warns of"}.get(rule.effect, "cuts   ")
    touched = (
        f"{effect.touched:,} candidates that every other rule allows, {effect.touched_feasible:,} of them feasible"
    )
    lines.append(f"  {speaks}  {touched if effect.touched else 'nothing that the other rules allow'}")
    lines.append(f"  with     {_plan(effect.kept)}")
    change = ""
    if effect.saved_usd_per_month:
        more = "less" if effect.saved_usd_per_month > 0 else "more"
        change = f", {format_usd(abs(effect.saved_usd_per_month), 'month')} {more}"
    same = effect.kept.same_as(effect.dropped)
    lines.append(f"  without  {'the same plan' if same else _plan(effect.dropped) + change}")
    if not rule.policy:
        lines.append("  note     it states what hardware or engines can do: a plan without it may not run")
    elif not same:
        lines.append(f"  to drop  disable_rules: [{{id: {rule.id}, reason: ...}}]")
    return "\n".join(lines)


def _plan(best: Best) -> str:
    from planner.units import format_usd

    return best.words if best.usd_per_month is None else f"{best.words}, {format_usd(best.usd_per_month, 'month')}"


def _as_json(effect: RuleEffect) -> dict[str, Any]:
    def plan(best: Best) -> dict[str, Any] | None:
        return (
            None
            if best.row is None
            else {"plan": best.words, "cost_usd_per_month": round(best.usd_per_month or 0.0, 2)}
        )

    return {
        "rule": effect.rule.id,
        "pack": effect.rule.pack,
        "effect": effect.rule.effect,
        "policy": effect.rule.policy,
        "message": effect.message,
        "candidates": effect.touched,
        "feasible": effect.touched_feasible,
        "with": plan(effect.kept),
        "without": plan(effect.dropped),
        "saved_usd_per_month": None if effect.saved_usd_per_month is None else round(effect.saved_usd_per_month, 2),
    }
