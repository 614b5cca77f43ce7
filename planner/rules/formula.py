"""A condition taken apart at its ``&&``, ``||`` and ``!``, so that each part is evaluated over what it alone reads.

``engine.id == "sglang" && format.id == "nvfp4" && accelerator.compute_capability < 10.0`` reads three variables with 4,
40 and 15 values: 2,400 combinations together, 59 apart. The parts stay CEL; only their joining is done here, with CEL's
own logic, in which ``false && error`` is false and ``true || error`` true.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from planner.rules.expression import Checked

Operator = Literal["leaf", "and", "or", "not"]


@dataclass(frozen=True, slots=True)
class Formula:
    """A leaf with its CEL ``text`` and the variables that it ``reads``, or parts joined by an operator."""

    operator: Operator
    parts: tuple[Formula, ...] = ()
    text: str = ""
    reads: tuple[str, ...] = ()
    compiled: bytes = field(default=b"", compare=False, repr=False)
    """The leaf as the CEL library serializes it; empty to compile its text."""

    def leaves(self) -> Iterator[Formula]:
        """Yield the leaves from left to right."""
        if self.operator == "leaf":
            yield self
        for part in self.parts:
            yield from part.leaves()

    def as_json(self, *, compiled: bool = False) -> list[Any]:
        """Return nested lists: ``[operator, part, ...]`` or ``["leaf", text, variable, ...]``.

        With ``compiled`` the leaves are ``["compiled", text, base64, variable, ...]``.
        """
        if self.operator == "leaf":
            kept = ["compiled", self.text, b64encode(self.compiled).decode()] if compiled else ["leaf", self.text]
            return [*kept, *self.reads]
        return [self.operator, *(part.as_json(compiled=compiled) for part in self.parts)]

    @classmethod
    def from_json(cls, data: list[Any]) -> Formula:
        """Read what ``as_json`` wrote."""
        operator, *rest = data
        if operator == "leaf":
            text, *reads = rest
            return cls("leaf", text=text, reads=tuple(reads))
        if operator == "compiled":
            text, code, *reads = rest
            return cls("leaf", text=text, reads=tuple(reads), compiled=b64decode(code))
        return cls(operator, tuple(cls.from_json(part) for part in rest))


def joined(operator: Literal["and", "or"], parts: tuple[Formula, ...]) -> Formula:
    """Return ``parts`` joined; a single part stands for itself."""
    return parts[0] if len(parts) == 1 else Formula(operator, parts)


def negated(formula: Formula) -> Formula:
    """Return the opposite of ``formula``."""
    return formula.parts[0] if formula.operator == "not" else Formula("not", (formula,))


def take_apart(checked: Checked) -> Formula:
    """Return the formula of a checked expression."""
    return _split(checked.text) or _leaf(checked)


def _leaf(checked: Checked) -> Formula:
    return Formula("leaf", text=checked.text, reads=checked.variables, compiled=checked.serialized)


def _split(text: str) -> Formula | None:
    """Return the formula of ``text``, or None where a part does not stand alone."""
    from planner.rules.expression import Checked, blank_texts, check

    text = _unwrapped(text.strip())
    code = blank_texts(text)
    if not _top_level(code, "?"):
        joins: tuple[tuple[Operator, str], ...] = (("or", "||"), ("and", "&&"))
        for operator, symbol in joins:
            cuts = _top_level(code, symbol)
            if cuts:
                edges = [-2, *cuts, len(text)]
                parts = [_split(text[left + 2 : right]) for left, right in pairwise(edges)]
                whole = tuple(part for part in parts if part is not None)
                return Formula(operator, whole) if len(whole) == len(parts) else None
        if code.startswith("!") and _closes_at_end(code[1:].lstrip()):
            inner = _split(text[1:])
            return None if inner is None else negated(inner)
    checked = check(text)
    return _leaf(checked) if isinstance(checked, Checked) else None


def _unwrapped(text: str) -> str:
    from planner.rules.expression import blank_texts

    while _closes_at_end(blank_texts(text)):
        text = text[1:-1].strip()
    return text


def _closes_at_end(code: str) -> bool:
    """Whether ``code`` opens with a parenthesis that its last character closes."""
    if not code.startswith("("):
        return False
    depth = 0
    for index, character in enumerate(code):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            return index == len(code) - 1
    return False


def _top_level(code: str, symbol: str) -> list[int]:
    """Return where ``symbol`` stands outside all brackets."""
    depth, found = 0, []
    for index, character in enumerate(code):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and code.startswith(symbol, index):
            found.append(index)
    return found
