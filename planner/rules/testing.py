"""Tests of rules are data: cases that pass and cases that fail, beside the rule or in a file of its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.errors import Diagnostic, RuleError
from planner.rules.engine import decision
from planner.rules.messages import placeholders, render
from planner.rules.reading import ENTITIES, Case, TestCases, case_of
from planner.rules.rule import Rule

if TYPE_CHECKING:
    from planner.catalog import Catalog

_DEGREES = ("tp", "pp", "ep")


@dataclass(frozen=True, slots=True)
class TestReport:
    """What the cases of one rule showed; ``problems`` is empty when all of them came out as their author said."""

    __test__ = False

    rule: Rule
    passes: int = 0
    fails: int = 0
    problems: tuple[Diagnostic, ...] = field(default=())


def load_cases(path: Path, *, name: str = "") -> TestCases:
    """Read ``passes`` and ``fails`` of a file under ``tests/rules``. Raises RuleError with every problem."""
    from planner.source import load_yaml

    document = load_yaml(path, name=name, error=RuleError)
    problems: list[Diagnostic] = []
    cases: dict[str, list[Case]] = {"passes": [], "fails": []}
    for key, listed in document.data.items():
        if key not in cases or not isinstance(listed, list):
            problems.append(document.diagnostic((key,), "a test file has lists `passes` and `fails`", key=True))
            continue
        for index, data in enumerate(listed):
            try:
                if not isinstance(data, Mapping):
                    raise RuleError([document.diagnostic((key, index), "a case is a mapping of variables to values")])
                cases[key].append(case_of(document, (key, index), data))
            except RuleError as error:
                problems += error.diagnostics
    if problems:
        raise RuleError(problems)
    return TestCases(tuple(cases["passes"]), tuple(cases["fails"]))


@dataclass(frozen=True, slots=True)
class TestedRule:
    """A rule with its cases and the file that they stand in ('' where there is none)."""

    __test__ = False

    rule: Rule
    cases: TestCases
    path: str = ""


def collect(files: Sequence[Path], tests: Path | None) -> list[TestedRule]:
    """Return the rules of ``files`` with their tests, or without files the shipped ones.

    Tests stand beside the rule under ``tests:``, or in ``tests``/<id>.yaml (for the shipped rules by default the
    checkout's tests/rules). Raises RuleError for files that cannot be read.
    """
    from planner.rules.loader import load_rule_files
    from planner.rules.shipped import load_packs

    beside: dict[str, TestCases] = {}
    if files:
        read = load_rule_files(files)
        rules = [rule for file in read for rule in file.rules]
        beside = {name: cases for file in read for name, cases in file.tests.items()}
    else:
        from planner.paths import data_dir

        rules = [rule for pack in load_packs() for rule in pack.rules]
        tests = tests or data_dir("catalogs").parent / "tests" / "rules"
        if not tests.is_dir():
            raise RuleError("the tests of the shipped rules are not installed; name their directory with --tests")
    found = []
    problems: list[Diagnostic] = []
    for rule in rules:
        path = tests / f"{rule.id}.yaml" if tests else None
        try:
            if rule.id in beside:
                found.append(TestedRule(rule, beside[rule.id], rule.path))
            elif path is not None and path.is_file():
                found.append(TestedRule(rule, load_cases(path), str(path)))
            else:
                found.append(TestedRule(rule, TestCases(), str(path or rule.path)))
        except RuleError as error:
            problems += error.diagnostics
    if problems:
        raise RuleError(problems)
    return found


def test_rules(tested: Iterable[TestedRule]) -> list[TestReport]:
    """Run the cases of every rule against the catalog."""
    from planner.catalog import load_catalog

    catalog = load_catalog()
    return [run_cases(item.rule, item.cases, catalog, path=item.path) for item in tested]


test_rules.__test__ = False  # type: ignore[attr-defined]


def run_cases(rule: Rule, cases: TestCases, catalog: Catalog, *, path: str = "") -> TestReport:
    """Evaluate every case of ``rule``. ``path`` is the file of the cases, for messages.

    A rule without a case that passes, or without one that fails, is reported: nobody has seen it work.
    """
    problems: list[Diagnostic] = []
    if not cases.passes or not cases.fails:
        lacking = " and ".join(
            name for name, listed in (("passes", cases.passes), ("fails", cases.fails)) if not listed
        )
        problems.append(Diagnostic(f"the rule {rule.id!r} has no case under {lacking}", path=path, code="untested"))
    violated = decision(rule)
    for expected, listed in ((False, cases.passes), (True, cases.fails)):
        for case in listed:
            try:
                problem = _outcome(rule, case, expected, violated, case_values(case, catalog, _needed(rule, case)))
            except RuleError as error:
                problem = "; ".join(item.message for item in error.diagnostics)
            except LookupError as error:
                problem = str(error.args[0])
            if problem:
                text = f"{rule.id}: {case.why or 'the case'}: {problem}"
                problems.append(Diagnostic(text, path=path, line=case.line, code="rule-test"))
    return TestReport(rule, len(cases.passes), len(cases.fails), tuple(problems))


def _outcome(rule: Rule, case: Case, expected: bool, violated: Any, values: Mapping[str, Any]) -> str:
    missing = [name for name in rule.reads if name not in values]
    if missing:
        return f"it gives no value for {', '.join(missing)}"
    if violated(values) != expected:
        shown = ", ".join(f"{name} = {values[name]!r}" for name in rule.reads)
        return f"the rule {'does not speak' if expected else 'speaks'} of it ({shown})"
    if case.message:
        template = rule.text()
        unknown = [name for name in placeholders(template) if name not in values]
        if unknown:
            return f"its message shows {', '.join(unknown)}, which the case does not give"
        met = {name: (_hashable(values[name]),) for name in placeholders(template)}
        text = render(template, met)
        if case.message not in text:
            return f"the message is {text!r}, without {case.message!r}"
    return ""


def _needed(rule: Rule, case: Case) -> tuple[str, ...]:
    return (*rule.reads, *placeholders(rule.text())) if case.message else rule.reads


def case_values(case: Case, catalog: Catalog, names: Iterable[str]) -> dict[str, Any]:
    """Return those of the variables ``names`` that a case gives, spelt out or through the catalog entries it names.

    Degrees of parallelism that are not given are 1. Raises LookupError for an entry that does not exist.
    """
    import numpy as np

    from planner.rules.table import CandidateColumns

    given = dict(case.values)
    entities = {kind: _entity(kind, str(given.pop(kind)), catalog) for kind in ENTITIES if kind in given}
    degrees = {name: np.array(given.get(name, 1)) for name in _DEGREES}
    columns = CandidateColumns(entities, degrees)
    values: dict[str, Any] = {}
    for name in names:
        if name in given:
            values[name] = given[name]
        elif name in columns:
            (value,) = columns[name].met()
            values[name] = list(value) if isinstance(value, tuple) else value
    return values


def _entity(kind: str, name: str, catalog: Catalog) -> Any:
    if kind == "model":
        from planner.architecture import resolve_model

        return resolve_model(name, catalog=catalog)
    if kind == "scenario":
        from planner.rules.facts import Asked
        from planner.scenario import load_scenario

        return Asked.of(load_scenario(name), catalog)
    if kind == "offer":
        return _priced(name, catalog)
    kinds = {"accelerator": "accelerators", "format": "formats", "kv_format": "kv_formats", "engine": "engines"}
    found = catalog.resolve(kinds[kind], name)
    if found is None:
        raise LookupError(f"the catalog has no {kind} {name!r}")
    return catalog.entities(kinds[kind])[found]


def _priced(name: str, catalog: Catalog) -> Any:
    """An offer at the price kind after the last colon, or at its first price."""
    from planner.rules.facts import Priced, newest_price

    offer_id, _, kind = name.rpartition(":") if name not in catalog.offers else (name, "", "")
    offer = catalog.offers.get(offer_id)
    price = None if offer is None else offer.price(kind) if kind else offer.prices[0]
    if offer is None or price is None:
        raise LookupError(f"the catalog has no offer {name!r}")
    return Priced(offer, price, newest_price(catalog.offers.values()))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
