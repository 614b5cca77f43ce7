"""Files -> rules, and the selection of rules that a scenario makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from planner.errors import Diagnostic, RuleError
from planner.rules.rule import Disabled, Rule, RuleSet
from planner.rules.shipped import load_packs

if TYPE_CHECKING:
    from planner.rules.reading import RuleFile
    from planner.scenario import Scenario
    from planner.source.document import Location, SourceDocument


def load_rule_file(path: Path, *, name: str = "", pack: str = "") -> RuleFile:
    """Read one file: a single rule, whose id is the file's name, or a pack of rules.

    ``name`` is the path that messages print; ``pack`` the pack of a single rule, by default its directory's name.
    Raises RuleError with every problem of the file.
    """
    from planner.rules.reading import read_rules
    from planner.source import SCENARIO_LIMITS, load_yaml

    document = load_yaml(path, name=name, limits=SCENARIO_LIMITS, error=RuleError)
    return read_rules(document, pack=pack or path.resolve().parent.name, stem=path.stem)


def load_rule_files(paths: Iterable[Path]) -> tuple[RuleFile, ...]:
    """Read several files (a directory stands for every .yaml in it, sorted). Raises RuleError with all problems."""
    files: list[RuleFile] = []
    problems: list[Diagnostic] = []
    for path in paths:
        for member in sorted(path.glob("*.yaml")) if path.is_dir() else [path]:
            try:
                files.append(load_rule_file(member))
            except RuleError as error:
                problems += error.diagnostics
    problems += twice(rule for file in files for rule in file.rules)
    if problems:
        raise RuleError(problems)
    return tuple(files)


def scenario_rules(scenario: Scenario) -> RuleSet:
    """Return the rules of a scenario, as its keys ``rules``, ``rule_packs``, ``disable_rules``, ``rule_penalties`` say.

    Raises RuleError as ``select_rules`` does, with the lines of the scenario.
    """
    return select_rules(
        packs=scenario.rule_packs,
        files=scenario.rules,
        disabled=[Disabled(item.id, item.reason) for item in scenario.disabled_rules],
        penalties=scenario.rule_penalties_usd_per_month,
        document=scenario.document,
    )


def select_rules(
    *,
    packs: Sequence[str] = (),
    files: Sequence[Path] = (),
    disabled: Sequence[Disabled] = (),
    penalties: Mapping[str, float] | None = None,
    document: SourceDocument | None = None,
) -> RuleSet:
    """Return the rules in force: the default packs, ``packs`` and ``files`` beside them, less ``disabled``.

    ``penalties`` (USD per month by rule id) replace those of ``prefer`` rules; ``document`` is the scenario that says
    so, for the places of problems. Raises RuleError for packs and rules that do not exist, a rule that two files
    define, a penalty on a rule that has none.
    """
    shipped = load_packs()
    known = {pack.id: pack for pack in shipped}
    prices = penalties or {}
    rules = [rule for pack in shipped if pack.default or pack.id in packs for rule in pack.rules]
    rules += [rule for file in load_rule_files(files) for rule in file.rules]
    problems = twice(rules)

    def report(location: Location, message: str, code: str, remedy: str = "") -> None:
        if document is not None and document.path:
            problems.append(document.diagnostic(location, message, code=code, help=remedy))
        else:
            problems.append(Diagnostic(message, code=code, help=remedy))

    for index, name in enumerate(packs):
        if name not in known:
            report(("rule_packs", index), f"there is no pack {name!r}", "unknown-pack", _near(name, known))
    ids = {rule.id: rule for rule in rules}
    elsewhere = {rule.id: pack.id for pack in shipped for rule in pack.rules}
    named: list[tuple[Location, str]] = [(("disable_rules", i, "id"), item.id) for i, item in enumerate(disabled)]
    named += [(("rule_penalties", name), name) for name in prices]
    for location, name in named:
        if name not in ids:
            hint = f"it is in the pack {elsewhere[name]!r}" if name in elsewhere else _near(name, ids)
            report(location, f"the scenario has no rule {name!r}", "unknown-rule", hint)
        elif location[0] == "rule_penalties" and ids[name].effect != "prefer":
            text = f"the rule {name!r} has no penalty: its effect is {ids[name].effect}"
            report(location, text, "no-penalty", "leave it out, or use a rule with `effect: prefer`")
    if problems:
        raise RuleError(problems)
    off = {item.id for item in disabled}
    kept = tuple(
        replace(rule, penalty_usd_per_month=prices[rule.id]) if rule.id in prices else rule
        for rule in rules
        if rule.id not in off
    )
    return RuleSet(kept, tuple(disabled))


def twice(rules: Iterable[Rule]) -> list[Diagnostic]:
    """Return a problem for every rule whose id another rule has already."""
    seen: dict[str, Rule] = {}
    problems = []
    for rule in rules:
        if rule.id in seen:
            text = f"the rule {rule.id!r} is defined twice"
            hint = f"the other one is in {seen[rule.id].path}:{seen[rule.id].line}"
            problems.append(Diagnostic(text, path=rule.path, line=rule.line, code="twice", help=hint))
        seen.setdefault(rule.id, rule)
    return problems


def _near(name: str, known: Iterable[str]) -> str:
    from planner.source import closest

    near = closest(name, known)
    return f"did you mean {near!r}?" if near else "see `planner rules list`"
