"""Compile, check and evaluate rule expressions. The only module that knows the CEL library.

CEL (https://github.com/google/cel-spec) has no loops, no side effects and no access to Python; what is left to bound
is size, nesting of comprehensions and patterns, and that happens here, when a rule is loaded. A run-time error is
an exception, never ``false``: a rule that cannot be evaluated has not been passed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from planner.rules.variables import DECLARED, VARIABLES

if TYPE_CHECKING:
    from planner.rules.checked import CheckedExpression, Node
    from planner.rules.diagnosis import Problem

MAX_LENGTH = 2_000
"""Characters of an expression: the longest built-in one has a tenth of that."""

MAX_NODES = 400
"""Nodes of its syntax tree: bounds what one evaluation without comprehensions can cost."""

MAX_COMPREHENSION_DEPTH = 2
"""Comprehensions within comprehensions. Lists are bounded too, so that one evaluation stays below a millisecond."""

MAX_PATTERN_LENGTH = 200
"""Characters of a regular expression. RE2 is linear in the text; its automaton grows with the pattern."""

MAX_LIST_ITEMS = 64
"""Items of a list, in an expression or in a variable."""

_SPLIT = "split the rule; several rules that forbid are joined by or"

_HAS = r"\bhas\s*\("
_QUOTED = r"""(?s)[rR]?("{3}.*?"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|//[^\n]*"""


class EvaluationError(ValueError):
    """An expression failed at run time: division by zero, an index out of range, a text that is no number."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An expression that passed: its text, the variables that it reads (sorted) and its tree."""

    text: str
    variables: tuple[str, ...]
    root: Node
    serialized: bytes
    """The checked tree as the library keeps it, from which a Program starts sooner than from text."""


class Program:
    """A compiled expression. Compiling costs some 80 microseconds, a tenth of it from ``serialized``; evaluating 3."""

    __slots__ = ("_expression", "_text")

    def __init__(self, text: str, serialized: bytes = b"") -> None:
        self._text = text
        environment = _environment()
        self._expression = environment.deserialize(serialized) if serialized else environment.compile(text)

    def evaluate(self, values: Mapping[str, Any]) -> bool:
        """Return the result over ``values`` (name -> value; lists as Python lists).

        Raises EvaluationError when it fails or a variable that it needs has no value.
        """
        try:
            result = self._expression.eval(data=values).value()
        except RuntimeError as error:  # the iteration budget, raised rather than returned
            raise EvaluationError(_first_line(str(error))) from None
        if result is True or result is False:
            return result
        raise EvaluationError(_first_line(str(result)))


def check(text: str) -> Checked | list[Problem]:
    """Compile ``text`` and check everything that can be checked before values are known.

    Returns the checked expression, or every problem found: unknown names, wrong types, a result that is not
    boolean, no variable read, or a cost that could not be bounded.
    """
    from planner.rules.checked import decode
    from planner.rules.diagnosis import Problem, explain

    if len(text) > MAX_LENGTH:
        message = f"the expression has {len(text):,} characters; at most {MAX_LENGTH:,} are read"
        return [Problem(message, "too-complex", help=_SPLIT)]
    if not text.strip():
        return [Problem("the expression is empty", "syntax", help="write a condition, or leave the key out")]
    if match := re.search(_HAS, blank_texts(text)):
        line, column = _place(text, match.start())
        hint = "drop has(); what stands for 'none' is in the variable's description"
        return [Problem("every declared variable always has a value", "type", line, column, 3, hint)]
    try:
        compiled = _environment().compile(text)
    except RuntimeError as error:
        return explain(str(error), text)
    serialized = compiled.serialize()
    checked = decode(serialized, DECLARED)
    kind = compiled.return_type()
    if kind != _library().Type.BOOL:
        name = str(kind.name()).lower()
        return [
            Problem(
                f"the expression gives {name}, not bool", "not-boolean", 1, 1, len(text.split("\n")[0]), _compare(text)
            )
        ]
    return _bounded(checked, text) or Checked(text, checked.variables, checked.root, serialized)


def blank_texts(text: str) -> str:
    """Return ``text`` with quoted texts and comments replaced by as many blanks: symbols in them are no code."""
    return re.sub(_QUOTED, lambda match: " " * len(match[0]), text)


def _compare(text: str) -> str:
    variable = VARIABLES.get(text.strip())
    if variable is None:
        return "a rule needs a condition: compare with ==, <, in, ..."
    example = {"int": "== 1", "double": ">= 1.0", "string": '== "..."'}.get(variable.type, '.exists(x, x == "...")')
    return f"compare it, for instance `{text.strip()}{'' if example[0] == '.' else ' '}{example}`"


def _bounded(checked: CheckedExpression, text: str) -> list[Problem]:
    """Return the problems of an expression that is well-typed but dynamic, constant or without bounded cost."""
    from planner.rules.diagnosis import Problem

    problems: list[Problem] = []

    def report(node: Node, message: str, code: str, help_text: str = "") -> None:
        line, column = _place(text, node.offset)
        problems.append(Problem(message, code, line, column, 1, help_text))

    nodes = list(checked.root.walk())
    if len(nodes) > MAX_NODES:
        message = f"the expression has {len(nodes)} parts; at most {MAX_NODES} are taken"
        problems.append(Problem(message, "too-complex", help=_SPLIT))
    for node in nodes:
        if node.kind == "call" and node.name == "dyn":
            report(
                node,
                "dyn() switches the check of types off",
                "type",
                "convert with double(...), int(...) or string(...)",
            )
        elif node.kind == "list" and len(node.children) > MAX_LIST_ITEMS:
            message = f"a list of {len(node.children)} items; at most {MAX_LIST_ITEMS} are taken"
            report(node, message, "too-complex", "join two lists with ||, or match a pattern")
        elif node.kind == "call" and node.name == "matches":
            _check_pattern(node, report)
        elif node.kind == "struct":
            report(node, "a rule cannot build a map", "too-complex", "use `x in [...]`")
    _check_comprehensions(checked.root, 0, report)
    if checked.dynamic and not problems:
        problems.append(
            Problem("a list mixes types, so that they cannot be checked", "type", help="keep lists to one type")
        )
    if not checked.variables and not problems:
        message = "the expression reads no variable, so that it is always the same"
        problems.append(Problem(message, "constant", help="a rule without `when` always applies"))
    return problems


def _check_pattern(node: Node, report: Any) -> None:
    pattern = node.children[-1].value
    if not isinstance(pattern, str):
        report(node, "the pattern of matches() must be written out", "too-complex", 'for instance matches("^h[12]00")')
    elif len(pattern) > MAX_PATTERN_LENGTH:
        message = f"a pattern of {len(pattern)} characters; at most {MAX_PATTERN_LENGTH} are taken"
        report(node, message, "too-complex", "list the values with `in [...]`")
    else:
        outcome = str(_trial().eval(data={"engine.id": "", "engine.name": pattern}).value())
        if "invalid regular expression" in outcome:
            report(node, _first_line(outcome), "pattern", "patterns are RE2: https://github.com/google/re2/wiki/Syntax")


def _check_comprehensions(node: Node, depth: int, report: Any) -> None:
    if node.kind == "comprehension":
        depth += 1
        walked = node.children[0]
        declared = walked.kind == "identifier" and walked.name in VARIABLES
        if not declared and walked.kind not in ("list", "comprehension", "identifier"):
            report(node, "only declared lists and lists written out can be walked through", "too-complex", _SPLIT)
        if depth > MAX_COMPREHENSION_DEPTH:
            limit = MAX_COMPREHENSION_DEPTH
            report(
                node, f"comprehensions nest {depth} deep; at most {limit} are taken", "too-complex", "split the rule"
            )
            return
    for child in node.children:
        _check_comprehensions(child, depth, report)


def _place(text: str, offset: int) -> tuple[int, int]:
    """Return (line, column), from 1, of a code point of ``text``."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _first_line(text: str) -> str:
    """Strip the library's status codes from an error text."""
    line = text.split("\n")[0]
    return re.sub(r"^[A-Z_]+: | \[[A-Z_]+\]$", "", line)


@cache
def _library() -> Any:
    from cel_expr_python import cel

    return cel


def library_file() -> str:
    """Return the path of the library, whose change makes serialized expressions stale."""
    return str(_library().__file__)


@cache
def _environment() -> Any:
    cel = _library()
    kinds = {
        "bool": cel.Type.BOOL,
        "int": cel.Type.INT,
        "double": cel.Type.DOUBLE,
        "string": cel.Type.STRING,
        "list(string)": cel.Type.List(cel.Type.STRING),
        "list(int)": cel.Type.List(cel.Type.INT),
    }
    return cel.NewEnv(variables={variable.name: kinds[variable.type] for variable in VARIABLES.values()})


@cache
def _trial() -> Any:
    """The expression that asks RE2 whether it takes a pattern (held in a variable, so that nothing is quoted)."""
    return _environment().compile("engine.id.matches(engine.name)")
