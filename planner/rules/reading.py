"""One YAML document -> checked rules, or everything that is wrong with them at once, each at its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from planner.errors import Diagnostic, RuleError
from planner.rules.diagnosis import Problem
from planner.rules.expression import Checked, check
from planner.rules.formula import Formula, joined, negated, take_apart
from planner.rules.limits import linear_limits
from planner.rules.messages import check_message
from planner.rules.positions import diagnostic_in
from planner.rules.rule import Limit, Rule
from planner.rules.variables import VARIABLES, Stage, stage_of
from planner.source import SourceDocument, closest, diagnostics_from_validation_error

if TYPE_CHECKING:
    from planner.rules.schema import RuleModel

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What a file holds: its rules in order, and by id the tests that it brings along."""

    rules: tuple[Rule, ...]
    tests: Mapping[str, TestCases] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One test of a rule: values by variable, and what their author says of them."""

    values: Mapping[str, Any] = field(hash=False)
    why: str = ""
    message: str = ""
    """Text that the rendered message must contain; only for cases that fail."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class TestCases:
    """Cases that a rule must not speak of, and cases that must violate it."""

    __test__ = False  # pytest takes the name for a test class

    passes: tuple[Case, ...] = ()
    fails: tuple[Case, ...] = ()


def read_rules(document: SourceDocument, *, pack: str, stem: str) -> RuleFile:
    """Read a document that is one rule (of ``pack``, in a file named ``stem``) or a pack of rules.

    Raises RuleError with every problem of the document.
    """
    data = document.data
    is_pack = "rules" in data or "pack" in data
    if is_pack:
        entries = data.get("rules")
        locations: list[Location] = [("rules", i) for i in range(len(entries))] if isinstance(entries, list) else []
        pack = str(data.get("pack", ""))
    else:
        locations = [()]
    models, problems = _validate(document, is_pack)
    if not is_pack:
        problems += _misnamed(document, stem)
    rules: list[Rule] = []
    tests: dict[str, TestCases] = {}
    for index, location in enumerate(locations):
        entry: Any = data
        for part in location:
            entry = entry[part]
        if not isinstance(entry, Mapping):
            continue
        findings = _Entry(document, location, entry)
        problems += findings.problems
        if models and not findings.problems:
            rule = findings.rule(models[index], pack)
            if any(rule.id == known.id for known in rules):
                text = f"{rule.id!r} stands here twice"
                problems.append(document.diagnostic((*location, "id"), text, code="twice", help="rename one of them"))
            rules.append(rule)
            if models[index].tests is not None:
                tests[rule.id] = _tests(document, location, entry, problems)
    if problems:
        raise RuleError(sorted(problems, key=lambda item: (item.line, item.column, item.message)))
    return RuleFile(tuple(rules), tests)


def case_of(document: SourceDocument, location: Location, data: Mapping[str, Any]) -> Case:
    """Read one test case: ``why`` and ``message`` beside the values. Raises RuleError for unknown variables."""
    problems = []
    for name in data:
        if name not in VARIABLES and name not in _CASE_WORDS:
            near = closest(name, [*VARIABLES, *_CASE_WORDS])
            hint = f"did you mean {near!r}?" if near else "see `planner rules variables`"
            problems.append(
                document.diagnostic((*location, name), "unknown variable", code="unknown-variable", help=hint, key=True)
            )
        elif name in VARIABLES and not VARIABLES[name].accepts(data[name]):
            text = f"must be {VARIABLES[name].type}, not {data[name]!r}"
            problems.append(document.diagnostic((*location, name), text, code="type", help=VARIABLES[name].doc))
    if problems:
        raise RuleError(problems)
    values = {name: value for name, value in data.items() if name not in ("why", "message")}
    why, message = str(data.get("why", "")), str(data.get("message", ""))
    return Case(values, why, message, document.place(location)[0])


ENTITIES = ("accelerator", "offer", "model", "format", "kv_format", "engine", "scenario")
"""What a test case may name instead of spelling its variables out: an entry of the catalog, or a scenario's path."""

_CASE_WORDS = ("why", "message", *ENTITIES)


def _validate(document: SourceDocument, is_pack: bool) -> tuple[list[RuleModel], list[Diagnostic]]:
    from pydantic import ValidationError

    from planner.rules.schema import PackModel, RuleModel

    model: type[PackModel] | type[RuleModel] = PackModel if is_pack else RuleModel
    try:
        read = model.model_validate(document.data)
    except ValidationError as error:
        return [], diagnostics_from_validation_error(document, error, model)
    return (read.rules if isinstance(read, PackModel) else [read]), []


def _misnamed(document: SourceDocument, stem: str) -> list[Diagnostic]:
    identifier = document.data.get("id")
    if not isinstance(identifier, str) or identifier == stem:
        return []
    text = f"the rule {identifier!r} stands in a file named {stem!r}"
    hint = f"rename the file to {identifier}.yaml, or the rule to {stem}"
    return [document.diagnostic(("id",), text, code="file-name", help=hint)]


def _tests(
    document: SourceDocument, location: Location, entry: Mapping[str, Any], problems: list[Diagnostic]
) -> TestCases:
    cases: dict[str, list[Case]] = {"passes": [], "fails": []}
    for name, found in cases.items():
        for index, data in enumerate(entry["tests"].get(name, [])):
            try:
                found.append(case_of(document, (*location, "tests", name, index), data))
            except RuleError as error:
                problems += error.diagnostics
    return TestCases(tuple(cases["passes"]), tuple(cases["fails"]))


class _Entry:
    """One rule of a document under examination: its conditions, its message and how its effect fits them."""

    def __init__(self, document: SourceDocument, location: Location, data: Mapping[str, Any]) -> None:
        self.document, self.location, self.data = document, location, data
        self.problems: list[Diagnostic] = []
        self.checked: dict[str, Checked] = {}
        for name in ("when", "require"):
            self._check_condition(name)
        reads = {variable for checked in self.checked.values() for variable in checked.variables}
        self.reads = tuple(sorted(reads))
        self.stage: Stage = stage_of(self.reads)
        self.limits: tuple[Limit, ...] = ()
        self._check_effect()
        if not self.problems:
            self._check_messages()
            self._check_plan()

    def rule(self, model: RuleModel, pack: str) -> Rule:
        """Return the rule; only where there are no problems."""
        from planner.rules.schema import penalty_usd_per_month

        return Rule(
            id=model.id,
            pack=pack,
            effect=model.effect,
            when=model.when.strip(),
            require=model.require.strip(),
            message=dict(sorted(model.message.items())),
            fix=dict(sorted(model.fix.items())),
            source=model.source,
            as_of=model.as_of,
            reads=self.reads,
            stage=self.stage,
            violation=self._violation(),
            penalty_usd_per_month=penalty_usd_per_month(model.penalty) if model.penalty else 0.0,
            penalty_per=model.penalty_per,
            limits=self.limits,
            path=self.document.path,
            line=self.document.place(self.location)[0],
        )

    def _violation(self) -> Formula:
        parts = [take_apart(checked) for name, checked in self.checked.items() if name == "when"]
        parts += [negated(take_apart(checked)) for name, checked in self.checked.items() if name == "require"]
        return joined("and", tuple(parts))

    def _report(self, name: str, message: str, code: str, hint: str = "", *, key: bool = True) -> None:
        location = (*self.location, name) if name in self.data else self.location
        self.problems.append(self.document.diagnostic(location, message, code=code, help=hint, key=key))

    def _report_in(self, location: Location, text: str, problem: Problem) -> None:
        self.problems.append(diagnostic_in(self.document, (*self.location, *location), text, problem))

    def _check_condition(self, name: str) -> None:
        text = self.data.get(name)
        if not isinstance(text, str) or not text.strip():
            return  # absent, or of a kind that the model refuses
        outcome = check(text)
        if isinstance(outcome, Checked):
            self.checked[name] = outcome
            return
        for problem in outcome:
            self._report_in((name,), text, problem)

    def _check_effect(self) -> None:
        effect, data = self.data.get("effect"), self.data
        if effect == "require" and "require" not in data:
            self._report("effect", "says require, but no condition must hold", "effect", "add `require: ...`")
        elif effect == "forbid" and "require" in data:
            hint = "with `effect: forbid` write only `when`, the condition that is forbidden; or use `effect: require`"
            self._report("require", "a forbidden condition cannot be required too", "effect", hint)
        elif "when" not in data and "require" not in data:
            self._report("effect", "there is no condition", "effect", "add `when: ...` or `require: ...`")
        if effect == "prefer" and "penalty" not in data:
            self._report("effect", "prefer needs a price", "effect", "add `penalty: 500 USD/month`")
        for name in ("penalty", "penalty_per"):
            if effect in ("forbid", "require", "warn") and name in data:
                self._report(name, f"only `effect: prefer` has a price; this is `{effect}`", "effect", "leave it out")

    def _check_messages(self) -> None:
        for name in ("message", "fix"):
            given = self.data.get(name)
            texts = {(): given} if isinstance(given, str) else {(key,): text for key, text in (given or {}).items()}
            for below, text in texts.items():
                for problem in check_message(str(text), self.stage):
                    self._report_in((name, *below), str(text), problem)

    def _check_plan(self) -> None:
        if self.stage != "plan" or self.data.get("effect") == "warn":
            return
        if self.data.get("effect") == "prefer":
            hint = "put the price on a property of the candidate, such as `replicas` or `estimates.instances`"
            self._report("effect", "a preference over the whole plan has no place in the objective", "not-linear", hint)
            return
        condition = "require" if "require" in self.checked else "when"
        if condition == "require" and "when" in self.checked:
            outside = [name for name in self.checked["when"].variables if not name.startswith("scenario.")]
            if outside:
                text = f"a rule over the plan may depend on scenario.* alone, not on {', '.join(outside)}"
                self._report("when", text, "not-linear", "leave `when` out, or ask for scenario.*", key=False)
                return
        limits = linear_limits(self.checked[condition].root, holds=condition == "require")
        if isinstance(limits, Problem):
            self._report_in((condition,), str(self.data[condition]), limits)
        else:
            self.limits = limits
