"""Word the problems of an expression for the person who wrote it.

The CEL library reports ``ERROR: <input>:LINE:COLUMN: text`` in a compiler's terms and points at the operator or at
the dot of a name. This module turns each into a sentence, a remedy and the whole span that is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.rules.variables import VARIABLES, suggest

FUNCTIONS = ("size", "int", "double", "string", "matches", "contains", "startsWith", "endsWith")
MACROS = ("all", "exists", "exists_one", "filter", "map")
_REPORT = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?=\n \||\nERROR: | \[[A-Z_]+\]\Z|\Z)", re.DOTALL)
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '\(([^)]*)\)'")
_SELECT = re.compile(r"expression of type '([^']*)' cannot be the operand of a select operation")
_RANGE = re.compile(r"expression of type '([^']*)' cannot be the range of a comprehension")
_SYNTAX = re.compile(
    r"Syntax error: (?:mismatched input|extraneous input|token recognition error at:|no viable .*?) '(.*)"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*")
_GRAMMAR = "conditions are CEL: comparisons joined by && and ||, texts in quotes"
_WORDS = {
    "and": "write `&&` for and",
    "or": "write `||` for or",
    "not": "write `!` for not",
    "is": "write `==`",
    "True": "write `true`",
    "False": "write `false`",
    "None": "every variable has a value; see its description for what stands for 'none'",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of an expression. ``line`` and ``column`` count from 1 within its text; ``width`` underlines."""

    message: str
    code: str
    line: int = 1
    column: int = 1
    width: int = 1
    help: str = ""


def explain(report: str, text: str) -> list[Problem]:
    """Return the problems that the library's ``report`` names, worded; never empty."""
    lines = text.split("\n")
    problems: list[Problem] = []
    for match in _REPORT.finditer(report):
        row, column = int(match[1]), int(match[2])
        here = lines[row - 1] if 0 < row <= len(lines) else ""
        problem = _word(match[3].strip(), here, max(row, 1), max(column, 1))
        if not any(problem.line == known.line and problem.message == known.message for known in problems):
            problems.append(problem)
    syntax = [problem for problem in problems if problem.code == "syntax"]
    problems = [problem for problem in problems if "*error*" not in problem.message] or problems
    if syntax:  # what follows the first syntax error is its echo
        return syntax[:1]
    if not problems and "recursion" in report:
        return [too_deep()]
    return problems or [Problem(report.split("\n")[0], "expression", help=_GRAMMAR)]


def too_deep() -> Problem:
    """Return the problem of an expression that nests or chains beyond what the parser takes."""
    return Problem(
        "the expression nests or chains too deeply (at most 32 levels)",
        "too-complex",
        help="split it into several rules, or use `x in [...]` instead of a chain of `||`",
    )


def _word(text: str, here: str, row: int, column: int) -> Problem:
    if "recursion" in text:
        return too_deep()
    if match := _UNDECLARED.match(text):
        return _undeclared(match[1], here, row, column)
    if match := _OVERLOAD.match(text):
        return _overload(match[1], [part.strip() for part in match[2].split(",")], row, column)
    if match := _SELECT.match(text):
        start, name = _name_around(here, column)
        return Problem(
            f"{name!r} reaches into a value of type {match[1]}, which has no fields",
            "unknown-variable",
            row,
            start,
            len(name),
            _whole(name),
        )
    if match := _RANGE.match(text):
        start, name = _name_around(here, column)
        message = f"only a list can be walked through; this is {_a(match[1])}"
        return Problem(message, "type", row, start, len(name), "lists are those of type list(...)")
    if text.startswith("Syntax error"):
        return _syntax(text, here, row, column)
    return Problem(text, "expression", row, column, 1, _GRAMMAR)


def _undeclared(name: str, here: str, row: int, column: int) -> Problem:
    bare = name.rpartition(".")[2]
    if here[column - 1 : column] == "(" or here.startswith("(", column - 1 + len(name)):
        start = max(here.rfind(name, 0, column), 0) + 1
        if name in MACROS:
            return Problem(
                f"{name}() is written wrongly",
                "unknown-function",
                row,
                start,
                len(name),
                f"write `list.{name}(x, condition)`",
            )
        known = ", ".join((*FUNCTIONS, *MACROS))
        return Problem(f"unknown function {name!r}", "unknown-function", row, start, len(name), f"there are {known}")
    start, full = _name_around(here, column)
    if full not in (name, bare) and name not in full:
        start, full = column, name
    if name in _WORDS:
        return Problem(f"{name!r} is not CEL", "syntax", row, start, len(name), _WORDS[name])
    return Problem(f"unknown variable {full!r}", "unknown-variable", row, start, len(full), _near(full))


def _whole(name: str) -> str:
    owner = name.rpartition(".")[0]
    return f"{owner!r} is compared as it is" if owner in VARIABLES else _near(name)


def _near(name: str) -> str:
    near = suggest(name)
    if near is None:
        return "see `planner rules variables` for what a rule may read"
    return f"did you mean {near!r}? ({VARIABLES[near].type}: {VARIABLES[near].doc})"


def _overload(function: str, types: list[str], row: int, column: int) -> Problem:
    symbol = function.strip("_@").replace("_", "") or function
    width = len(symbol) if function.startswith(("_", "@")) and function != "_?_:_" else 1
    help_text = "compare values of one type"
    if set(types) == {"int", "double"}:
        help_text = "write whole numbers with a decimal point beside a double (8.0), or convert with double(...)"
    elif "null_type" in types:
        help_text = _WORDS["None"]
    elif "string" in types and set(types) & {"int", "double", "bool"}:
        help_text = "text stands in quotes, numbers and true/false do not"
    if function == "_?_:_":
        message = f"the condition before `?` must be bool, not {types[0]}, and both results of one type"
    elif function.startswith(("_", "@", "!", "-")):
        message = f"`{symbol}` does not go with {' and '.join(types)}"
    else:
        message = f"{function}() does not take {' and '.join(types)}"
        width = 1
    return Problem(message, "type", row, column, width, help_text)


def _syntax(text: str, here: str, row: int, column: int) -> Problem:
    match = _SYNTAX.match(text)
    token = match[1].split("' expecting")[0].rstrip("'") if match else ""
    if "<EOF>" in token and "expecting <EOF>" not in token:
        return Problem("the expression ends where something is missing", "syntax", row, column, 1, "complete it")
    if token.startswith("="):
        return Problem("`=` does not compare", "syntax", row, column, 1, "write `==`")
    if token.startswith(("'", '"')):
        return Problem(
            "a quoted text is not closed", "syntax", row, column, max(len(token), 1), "close it with the same quote"
        )
    words = _NAME.findall(here[: column - 1])
    culprit = token if token in _WORDS else (words[-1] if words and words[-1] in _WORDS else "")
    if culprit:
        start = here.rfind(culprit, 0, column - 1 + len(culprit)) + 1
        return Problem(f"{culprit!r} is not CEL", "syntax", row, start, len(culprit), _WORDS[culprit])
    shown = token.strip() or here[column - 1 : column]
    return Problem(f"cannot read {shown!r} here", "syntax", row, column, max(len(shown), 1), _GRAMMAR)


def _name_around(here: str, column: int) -> tuple[int, str]:
    """Return (column, text) of the dotted name at or just before ``column``, or of the one character there."""
    for match in _NAME.finditer(here):
        if match.start() < column <= match.end() + 1:
            return match.start() + 1, match[0]
    return column, here[column - 1 : column] or " "


def _a(kind: str) -> str:
    return f"an {kind}" if kind[:1] in "aeiou" else f"a {kind}"
