"""Evaluate rules over a table of candidates: once per distinct combination of what is read, then gather.

A table of 20,000 candidates has some 60 accelerators, 40 formats and 5 engines. CEL sees each distinct combination of
the variables of one part of a condition; numpy joins the parts and spreads the verdicts over the rows.

Columns may have any shapes that broadcast against each other, so that a grid of axes is judged without being written
out: a rule over engine and format gives a mask of engines x formats whatever else the grid has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.errors import Diagnostic, RuleError
from planner.rules.expression import EvaluationError, Program
from planner.rules.formula import Formula
from planner.rules.messages import placeholders, render
from planner.rules.rule import PenaltyPer, Rule
from planner.rules.variables import Value

Codes = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
Truth = NDArray[np.int8]

_FALSE, _ERROR, _TRUE = 0, 1, 2
"""CEL's three outcomes, ordered so that ``&&`` is the minimum, ``||`` the maximum and ``!`` the distance from true."""

_DENSE = 1 << 16
"""Combinations up to which a table over all of them is cheaper than sorting the rows."""


@dataclass(frozen=True, slots=True)
class Column:
    """One variable over the candidates: where the code is c, it has ``values[c]``. Values may repeat."""

    codes: Codes
    values: Sequence[Value]

    @classmethod
    def constant(cls, value: Value) -> Column:
        """Return a column with the same value everywhere."""
        return cls(np.zeros((), dtype=np.int64), (value,))

    @classmethod
    def of_array(cls, array: NDArray[Any]) -> Column:
        """Return the column of a plain array of numbers or texts."""
        if array.size and np.issubdtype(array.dtype, np.integer):
            low = int(array.min())
            if int(array.max()) - low < _DENSE:
                present, codes = _renumbered(array - low, int(array.max()) - low + 1)
                return cls(codes, (present + low).tolist())
        distinct, codes = np.unique(array, return_inverse=True)
        return cls(codes.reshape(array.shape), distinct.tolist())

    def met(self, where: Mask | None = None) -> list[Value]:
        """Return the distinct values that it has ``where`` a mask of a compatible shape is true, or anywhere."""
        codes, mask = np.broadcast_arrays(self.codes, True if where is None else where)
        present = np.bincount(codes[mask], minlength=len(self.values))
        return list(dict.fromkeys(_hashable(self.values[code]) for code in np.flatnonzero(present).tolist()))


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the rules say. ``violations`` has, in order, the mask of each rule that is violated somewhere.

    A mask has length 1 along axes on which its rule does not depend.
    """

    shape: tuple[int, ...]
    violations: Mapping[str, Mask]
    rules: Mapping[str, Rule]
    """The rules of ``violations``, by id."""
    columns: Mapping[str, Column] = field(repr=False)

    def mask(self, rule_id: str) -> Mask:
        """Return the full mask of a rule; all false where it is violated nowhere."""
        return np.broadcast_to(self.violations.get(rule_id, np.zeros((), dtype=bool)), self.shape)

    def cut(self) -> Mask:
        """Return the candidates that a ``forbid`` or ``require`` rules out."""
        gone = np.zeros(self.shape, dtype=bool)
        for name, mask in self.violations.items():
            if self.rules[name].cuts:
                gone |= mask
        return gone

    def of(self, *index: int) -> tuple[Rule, ...]:
        """Return the rules that the candidate at ``index`` violates."""
        return tuple(self.rules[name] for name in self.violations if self.mask(name)[index])

    def penalty_usd_per_month(self, counts: Mapping[PenaltyPer, NDArray[Any]]) -> NDArray[np.float64]:
        """Return what ``prefer`` rules add to each candidate; ``counts`` are its replicas, instances, GPUs (and 1)."""
        total = np.zeros(self.shape)
        for name, mask in self.violations.items():
            rule = self.rules[name]
            if rule.effect == "prefer":
                total += mask * rule.penalty_usd_per_month * counts[rule.penalty_per]
        return total

    def message(self, rule_id: str, language: str = "en", where: Mask | None = None) -> str:
        """Return the rule's message with the values met ``where`` a mask is true: by default where it is violated."""
        template = self.rules[rule_id].text(language)
        mask = self.violations[rule_id] if where is None else where
        return render(template, {name: self.columns[name].met(mask) for name in placeholders(template)}, language)


def evaluate_rules(rules: Iterable[Rule], columns: Mapping[str, Column], shape: tuple[int, ...]) -> Verdicts:
    """Evaluate ``rules`` over candidates of ``shape``; ``columns`` by variable, at least what the rules read.

    Raises RuleError, naming the rule and the values, when an expression fails; LookupError for a missing column.
    """
    table = _Table(columns)
    violations: dict[str, Mask] = {}
    violated: dict[str, Rule] = {}
    if prod(shape):
        for rule in rules:
            truth = table.truth(rule.violation)
            if (truth == _ERROR).any():
                _raise(rule, columns, truth == _ERROR)
            if (truth == _TRUE).any():
                violations[rule.id] = truth == _TRUE
                violated[rule.id] = rule
    return Verdicts(shape, violations, violated, columns)


def decision(rule: Rule) -> Callable[[Mapping[str, Any]], bool]:
    """Return the function that says whether values violate ``rule``, by its two expressions as they were written.

    It raises RuleError, naming the rule and the values that it read, when an expression fails.
    """
    when = Program(rule.when) if rule.when else None
    require = Program(rule.require) if rule.require else None

    def violated(values: Mapping[str, Any]) -> bool:
        try:
            if when is not None and not when.evaluate(values):
                return False
            return require is None or not require.evaluate(values)
        except EvaluationError as error:
            shown = ", ".join(f"{name} = {values[name]!r}" for name in rule.reads if name in values)
            raise RuleError(
                [
                    Diagnostic(
                        f"the rule {rule.id!r} could not be evaluated: {error}",
                        path=rule.path,
                        line=rule.line,
                        code="evaluation",
                        help=f"it met {shown}; guard the condition, for instance `x != 0 && y / x > 2`",
                    )
                ]
            ) from None

    return violated


def _raise(rule: Rule, columns: Mapping[str, Column], failed: Mask) -> None:
    """Evaluate ``rule`` as it was written on the first candidate on which it failed, which raises."""
    codes = {name: np.broadcast_arrays(columns[name].codes, failed) for name in rule.reads}
    values = {name: columns[name].values[int(code[mask][0])] for name, (code, mask) in codes.items()}
    decision(rule)({name: _plain(value) for name, value in values.items()})
    raise AssertionError(f"the rule {rule.id!r} fails in parts but not as a whole")


class _Table:
    """The columns, and the truth of every leaf that a rule has asked for."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns
        self._distinct: dict[str, tuple[Codes, list[Any]]] = {}
        self._leaves: dict[str, Truth] = {}

    def truth(self, formula: Formula) -> Truth:
        """Return the outcome of ``formula``, in the shape that its columns give it."""
        match formula.operator:
            case "leaf":
                known = self._leaves.get(formula.text)
                if known is None:
                    known = self._leaves[formula.text] = self._leaf(formula)
                return known
            case "not":
                return np.asarray(_TRUE - self.truth(formula.parts[0]), dtype=np.int8)
        # The outcome does not depend on the order: what decides everywhere is asked first, and then nothing more.
        join, decided = (np.minimum, _FALSE) if formula.operator == "and" else (np.maximum, _TRUE)
        first, *rest = sorted(formula.parts, key=self._effort)
        result = self.truth(first)
        for part in rest:
            if (result == decided).all():
                break
            result = join(result, self.truth(part))
        return result

    def _effort(self, formula: Formula) -> int:
        """Return how many evaluations a formula may take."""
        if formula.operator != "leaf":
            return sum(map(self._effort, formula.parts))
        if formula.text in self._leaves:
            return 0
        return prod(len(self._column(name)[1]) for name in formula.reads)

    def _leaf(self, leaf: Formula) -> Truth:
        program = Program(leaf.text, leaf.compiled)
        if len(leaf.reads) == 1:
            (name,) = leaf.reads
            codes, values = self._column(name)
            return np.array([_outcome(program, {name: value}) for value in values], dtype=np.int8)[codes]
        keys, combinations = self._combine(leaf.reads)
        outcomes = [_outcome(program, dict(zip(leaf.reads, values, strict=True))) for values in combinations]
        return np.array(outcomes, dtype=np.int8)[keys]

    def _combine(self, names: tuple[str, ...]) -> tuple[Codes, list[tuple[Any, ...]]]:
        """Return (a key per candidate, the combination of values that each key stands for), only those that occur."""
        keys: Codes = np.zeros((), dtype=np.int64)
        combinations: list[tuple[Any, ...]] = [()]
        for name in names:
            codes, values = self._column(name)
            if len(values) == 1:
                combinations = [(*combination, values[0]) for combination in combinations]
                continue
            size = len(combinations) * len(values)
            wide = keys * len(values) + codes
            if size <= _DENSE:
                present, keys = _renumbered(wide, size)
            else:
                present, inverse = np.unique(wide, return_inverse=True)
                keys = inverse.reshape(wide.shape)
            pairs = zip(*(part.tolist() for part in divmod(present, len(values))), strict=True)
            combinations = [(*combinations[left], values[right]) for left, right in pairs]
        return keys, combinations

    def _column(self, name: str) -> tuple[Codes, list[Any]]:
        """Return a column whose values are distinct and of the types that CEL takes."""
        known = self._distinct.get(name)
        if known is None:
            if name not in self._columns:
                raise LookupError(f"the table has no column for {name!r}")
            column = self._columns[name]
            number: dict[Any, int] = {}
            remap = [number.setdefault(_hashable(value), len(number)) for value in column.values]
            codes = column.codes if len(number) == len(remap) else np.array(remap, dtype=np.int64)[column.codes]
            known = self._distinct[name] = (codes, [_plain(value) for value in number])
        return known


def _renumbered(keys: Codes, size: int) -> tuple[Codes, Codes]:
    """Return (the keys below ``size`` that occur, for each key its place among them)."""
    present = np.flatnonzero(np.bincount(keys.ravel(), minlength=size))
    place = np.zeros(size, dtype=np.int64)
    place[present] = np.arange(present.size)
    return present, place[keys]


def _outcome(program: Program, values: Mapping[str, Any]) -> int:
    try:
        return _TRUE if program.evaluate(values) else _FALSE
    except EvaluationError:
        return _ERROR


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
