"""SourceDocument: parsed data beside the text it came from and the place of each value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from planner.errors import Diagnostic

Location = Sequence[str | int]
"""Keys and list indices from the top of a document down to a value."""

Place = tuple[int, int, int]
"""Line and column, both from 1, and how many characters to underline."""

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what libyaml counts as the end of a line
_LONGEST_EXCERPT = 160


@dataclass(slots=True)
class Marks:
    """The place of a value, of its keys and of the values below it: a shadow of the data with the same shape."""

    place: Place
    keys: dict[str, Place] = field(default_factory=dict)
    children: dict[str | int, Marks] = field(default_factory=dict)


@lru_cache(maxsize=4)
def _lines(text: str) -> list[str]:
    return _LINE_BREAK.split(text)


def excerpt_of(text: str, line: int, column: int) -> str:
    """Return a line as it may be printed: no control or bidi characters, and nothing at all where it is too long."""
    lines = _lines(text)
    if not 1 <= line <= len(lines) or column > _LONGEST_EXCERPT:
        return ""
    shown = lines[line - 1].rstrip()
    if len(shown) > _LONGEST_EXCERPT:
        shown = shown[: _LONGEST_EXCERPT - 3] + "..."
    return printable(shown.replace("\t", " "))


def printable(text: str) -> str:
    """Return a text in which nothing steers a terminal or turns the direction of writing."""
    return text if text.isprintable() else "".join(it if it.isprintable() else "\ufffd" for it in text)


def dotted(location: Location) -> str:
    """Return ``search.accelerators[0]`` for ("search", "accelerators", 0)."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """What a file says (``data``), its ``path`` as messages print it, its ``text`` and the ``marks`` of its values."""

    data: Any
    path: str
    text: str
    marks: Marks

    def place(self, location: Location, *, key: bool = False) -> Place:
        """Return where a value stands (or its key), or the nearest part above it that exists.

        Parts that are no key of the document, such as the tags that pydantic adds for unions, are skipped.
        """
        node, place = self.marks, self.marks.place
        for part in location:
            child = node.children.get(part)
            if child is None:
                continue
            place = node.keys.get(part, child.place) if key and isinstance(part, str) else child.place
            node = child
        return place

    def known(self, location: Location) -> tuple[str | int, ...]:
        """Return the parts of a location that are keys or indices of this document."""
        node, parts = self.marks, []
        for part in location:
            child = node.children.get(part)
            if child is not None:
                parts.append(part)
                node = child
        return tuple(parts)

    def diagnostic(
        self, location: Location, message: str, *, help: str = "", code: str = "", key: bool = False
    ) -> Diagnostic:
        """Return a Diagnostic at the value (``key=True``: at the key) of ``location``; its path opens the message."""
        line, column, width = self.place(location, key=key)
        prefix = f"{dotted(location)}: " if location else ""
        excerpt = excerpt_of(self.text, line, column)
        return Diagnostic(
            message=printable(prefix + message),
            path=self.path,
            line=line,
            column=column,
            code=code,
            help=printable(help),
            excerpt=excerpt,
            width=max(1, min(width, len(excerpt) - column + 1)),
        )
