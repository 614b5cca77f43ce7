"""What ``planner explain`` says of rules: what one cuts, and which are against a candidate."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from planner.candidates.allowed import Allowance
    from planner.rules.rule import RuleSet
    from planner.scenario import Scenario
    from planner.solve.own_rules import Best, RuleEffect


def explain_rule(scenario: Scenario, rule_id: str, form: str) -> str:
    """Return what the rule ``rule_id`` cuts and costs, as ``text`` or ``json``."""
    from planner.catalog import load_catalog
    from planner.rules.loader import scenario_rules
    from planner.solve.own_rules import effect_of

    rules = scenario_rules(scenario)
    _check(rule_id, rules, scenario)
    effect = effect_of(scenario, rule_id, rules, load_catalog())
    return json.dumps(_as_json(effect), indent=2, ensure_ascii=False) if form == "json" else _as_text(effect)


def explain_candidate(scenario: Scenario, candidate: str, form: str) -> str:
    """Return which rules are against ``candidate`` (``KEY=VALUE ...``), as ``text`` or ``json``, service by service."""
    from planner.candidates.allowed import allowance
    from planner.catalog import load_catalog
    from planner.rules.loader import scenario_rules

    catalog, rules, named = load_catalog(), scenario_rules(scenario), _named(candidate)
    found = {part.name: allowance(part, catalog, rules, named) for part in scenario.parts}
    several = len(found) > 1
    if form == "json":
        data = {name: _allowed_json(item) for name, item in found.items()}
        return json.dumps(data if several else data[scenario.name], indent=2, ensure_ascii=False)
    return "\n\n".join((f"{name}: " if several else "") + _allowed_text(item) for name, item in found.items())


def _named(text: str) -> dict[str, str]:
    """Return ``{"tp": "8", ...}`` for ``tp=8 ...``; commas may stand between."""
    named = {}
    for part in text.replace(",", " ").split():
        key, separator, value = part.partition("=")
        if not separator or not value:
            raise click.BadParameter(f"{part!r} is not KEY=VALUE", param_hint="--candidate")
        named[key] = value
    return named


def _allowed_text(found: Allowance) -> str:
    if found.allowed:
        lines = [f"{found.allowed:,} of {found.combinations:,} combinations are allowed; the rest is cut by"]
    else:
        lines = [f"none of {found.combinations:,} combinations is allowed" if found.combinations > 1 else "not allowed"]
    for item in found.objections:
        lines.append(f"  {item.rule.id}: {item.message}" + ("" if item.always else " (in part)"))
        lines.append(f"    {item.rule.remedy()}")
    if not found.objections:
        return "allowed: no rule is against it; `planner candidates` shows whether it holds the requirements"
    return "\n".join(lines)


def _allowed_json(found: Allowance) -> dict[str, Any]:
    return {
        "combinations": found.combinations,
        "allowed": found.allowed,
        "rules": [
            {"id": it.rule.id, "always": it.always, "message": it.message, "fix": it.rule.remedy()}
            for it in found.objections
        ],
    }


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
    same = effect.kept == effect.dropped
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
            if best.usd_per_month is None
            else {"plan": best.words, "cost_usd_per_month": round(best.usd_per_month, 2)}
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
