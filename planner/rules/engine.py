"""Evaluate rules over a table of candidates: once per distinct combination of what a rule reads, then gather.

A table of 20,000 candidates has some 60 accelerators, 20 formats and 5 engines; a rule that reads the format's
compute format and the accelerator's compute capability meets perhaps 50 pairs of values. Those are what CEL sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.errors import Diagnostic, RuleError
from planner.rules.expression import EvaluationError, Program
from planner.rules.messages import placeholders, render
from planner.rules.rule import PenaltyPer, Rule
from planner.rules.variables import Value

Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]

_DENSE = 1 << 16
"""Combinations up to which a table over all of them is cheaper than sorting the rows."""


@dataclass(frozen=True, slots=True)
class Column:
    """One variable over the rows: row i has ``values[codes[i]]``. Values may repeat."""

    codes: Codes
    values: Sequence[Value]

    @classmethod
    def constant(cls, value: Value, rows: int) -> Column:
        """Return a column with the same value in every row."""
        return cls(np.zeros(rows, dtype=np.int32), (value,))

    @classmethod
    def of_array(cls, array: NDArray[Any]) -> Column:
        """Return the column of a plain array of numbers, one per row."""
        distinct, codes = np.unique(array, return_inverse=True)
        return cls(codes.astype(np.int32), distinct.tolist())


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the rules say of every row. ``violations`` has the mask of each rule that any row violates, in order."""

    rows: int
    violations: Mapping[str, Mask]
    rules: Mapping[str, Rule]
    """The rules of ``violations``, by id."""
    columns: Mapping[str, Column] = field(repr=False)

    def cut(self) -> Mask:
        """Return the rows that a ``forbid`` or ``require`` rules out."""
        gone = np.zeros(self.rows, dtype=bool)
        for name, mask in self.violations.items():
            if self.rules[name].cuts:
                gone |= mask
        return gone

    def of(self, row: int) -> tuple[Rule, ...]:
        """Return the rules that ``row`` violates."""
        return tuple(self.rules[name] for name, mask in self.violations.items() if mask[row])

    def penalty_usd_per_month(self, counts: Mapping[PenaltyPer, NDArray[Any]]) -> NDArray[np.float64]:
        """Return what ``prefer`` rules add to each row; ``counts`` are its replicas, instances, GPUs (and 1)."""
        total = np.zeros(self.rows)
        for name, mask in self.violations.items():
            rule = self.rules[name]
            if rule.effect == "prefer":
                total += mask * rule.penalty_usd_per_month * counts[rule.penalty_per]
        return total

    def message(self, rule_id: str, rows: Mask | int | None = None, language: str = "en") -> str:
        """Return the rule's message with the values that it has in ``rows`` (by default in all that violate it)."""
        template = self.rules[rule_id].text(language)
        if isinstance(rows, int):
            met: dict[str, Iterable[Value]] = {
                name: (column.values[column.codes[rows]],)
                for name, column in ((name, self.columns[name]) for name in placeholders(template))
            }
        else:
            mask = self.violations[rule_id] if rows is None else rows
            met = {}
            for name in placeholders(template):
                column = self.columns[name]
                present = np.bincount(column.codes[mask], minlength=len(column.values))
                met[name] = {_plain(column.values[code]) for code in np.flatnonzero(present).tolist()}
        return render(template, met, language)


def evaluate_rules(rules: Iterable[Rule], columns: Mapping[str, Column], rows: int) -> Verdicts:
    """Evaluate ``rules`` over a table of ``rows`` candidates; ``columns`` by variable, at least what the rules read.

    Raises RuleError, naming the rule and the values, when an expression fails; LookupError for a missing column.
    """
    combinations = _Combinations(columns, rows)
    violations: dict[str, Mask] = {}
    violated: dict[str, Rule] = {}
    for rule in rules:
        if not rows:
            break
        keys, distinct, size = combinations.of(rule.reads)
        decide = decision(rule)
        verdict = np.zeros(size, dtype=bool)
        for key, values in distinct:
            if decide(values):
                verdict[key] = True
        if verdict.any():
            violations[rule.id] = verdict[keys]
            violated[rule.id] = rule
    return Verdicts(rows, violations, violated, columns)


def decision(rule: Rule) -> Callable[[Mapping[str, Any]], bool]:
    """Return the function that says whether values violate ``rule``.

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


Distinct = list[tuple[int, dict[str, Any]]]


class _Combinations:
    """The distinct combinations of variables in a table, kept for the next rule that reads the same ones."""

    def __init__(self, columns: Mapping[str, Column], rows: int) -> None:
        self._columns, self._rows = columns, rows
        self._reduced: dict[str, tuple[Codes, list[Any]]] = {}
        self._known: dict[tuple[str, ...], tuple[Codes, Distinct, int]] = {}

    def of(self, names: tuple[str, ...]) -> tuple[Codes, Distinct, int]:
        """Return (a key per row, (key, values) of the keys that occur, number of keys)."""
        known = self._known.get(names)
        if known is None:
            known = self._known[names] = self._combine(names)
        return known

    def _combine(self, names: tuple[str, ...]) -> tuple[Codes, Distinct, int]:
        keys = np.zeros(self._rows, dtype=np.int32)
        combinations: list[tuple[Any, ...]] = [()]
        for name in names:
            codes, values = self._column(name)
            if len(values) == 1:
                combinations = [(*combination, values[0]) for combination in combinations]
                continue
            size = len(combinations) * len(values)
            wide = keys.astype(np.int64) * len(values) + codes
            if size <= _DENSE:
                present = np.flatnonzero(np.bincount(wide, minlength=size))
                renumber = np.zeros(size, dtype=np.int32)
                renumber[present] = np.arange(present.size, dtype=np.int32)
                keys = renumber[wide]
            else:
                present, inverse = np.unique(wide, return_inverse=True)
                keys = inverse.astype(np.int32)
            combinations = [
                (*combinations[left], values[right])
                for left, right in zip(*(part.tolist() for part in divmod(present, len(values))), strict=True)
            ]
        distinct = [(key, dict(zip(names, combination, strict=True))) for key, combination in enumerate(combinations)]
        return keys, distinct, len(combinations)

    def _column(self, name: str) -> tuple[Codes, list[Any]]:
        """Return a column whose values are distinct, occur, and are of the types that CEL takes."""
        reduced = self._reduced.get(name)
        if reduced is None:
            if name not in self._columns:
                raise LookupError(f"the table has no column for {name!r}")
            column = self._columns[name]
            values: dict[Any, int] = {}
            used = np.bincount(column.codes, minlength=len(column.values)).tolist()
            remap = np.zeros(len(column.values), dtype=np.int32)
            for index, (value, count) in enumerate(zip(column.values, used, strict=True)):
                if count:
                    remap[index] = values.setdefault(_plain(value), len(values))
            listed = [list(value) if isinstance(value, tuple) else value for value in values]
            reduced = self._reduced[name] = (remap[column.codes], listed)
        return reduced


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
