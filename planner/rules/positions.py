"""The place of a problem inside a YAML scalar: from line and column of the value to line and column of the file."""

from __future__ import annotations

import re

from planner.errors import Diagnostic
from planner.rules.diagnosis import Problem
from planner.source.document import Location, SourceDocument, dotted, excerpt_of

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def diagnostic_in(document: SourceDocument, location: Location, value: str, problem: Problem) -> Diagnostic:
    """Return ``problem`` of the text ``value``, which stands at ``location`` of ``document``, at its own place."""
    line, column, _ = document.place(location)
    line, column = _place(document.text, (line, column), value, (problem.line, problem.column))
    shown = excerpt_of(document.text, line, column)
    return Diagnostic(
        message=f"{dotted(location)}: {problem.message}",
        path=document.path,
        line=line,
        column=column,
        code=problem.code,
        help=problem.help,
        excerpt=shown,
        width=max(1, min(problem.width, len(shown) - column + 1)),
    )


def _place(text: str, start: tuple[int, int], value: str, inner: tuple[int, int]) -> tuple[int, int]:
    """Follow ``value`` through the raw ``text`` from ``start``: blanks may differ (folding, indentation), and escapes
    or doubled quotes only add characters, so that matching the others one by one finds every one of them."""
    ends = [match.end() for match in _LINE_BREAK.finditer(text)]
    starts = [0, *ends]
    position = starts[min(start[0], len(starts)) - 1] + start[1] - 1
    if text[position : position + 1] in ("|", ">"):  # a block scalar begins on the line after its header
        position = starts[min(start[0], len(starts) - 1)]
    elif text[position : position + 1] in ("'", '"'):
        position += 1
    wanted = _offset(value, inner)
    found = position
    for index, character in enumerate(value[: wanted + 1]):
        if character.isspace():
            continue
        at = text.find(character, position)
        if at < 0:
            break
        found, position = at, at + 1
        if index == wanted:
            break
    else:
        found = position  # beyond the last character: what is missing would stand here
    line = sum(1 for end in ends if end <= found) + 1
    return line, found - starts[line - 1] + 1


def _offset(value: str, inner: tuple[int, int]) -> int:
    lines = value.split("\n")
    row = min(inner[0], len(lines)) - 1
    return sum(len(line) + 1 for line in lines[:row]) + inner[1] - 1
