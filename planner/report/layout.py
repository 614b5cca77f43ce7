"""Plain text in columns: padding that knows wide characters, wrapping, and bars of block characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

COLUMNS, LINES = 100, 40
"""A screen. Lines are a wish: what is told shorter to keep it never includes a figure of the plan."""

Paint = Callable[[str, str], str]
"""(role, text) -> the text with the terminal's codes for ``strong``, ``faint``, ``good``, ``warn`` or ``bad``."""


def unpainted(role: str, text: str) -> str:
    """Return ``text`` as it is: the paint of files, pipes and NO_COLOR."""
    return text


def width(text: str) -> int:
    """Return the columns that ``text`` takes in a terminal: Chinese characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Return ``text`` filled with spaces to ``columns``, on its left when ``right`` aligned."""
    space = " " * max(columns - width(text), 0)
    return space + text if right else text + space


def cut(text: str, columns: int) -> str:
    """Return ``text`` in at most ``columns``, with an ellipsis where it was cut."""
    if width(text) <= columns:
        return text
    columns = max(columns, 1)
    while width(text) > columns - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, columns: int) -> list[str]:
    """Return ``text`` in lines of at most ``columns``, broken at spaces, or between Chinese characters."""
    lines, line = [], ""
    for word in _pieces(text):
        if line and width(line + word.rstrip()) > columns:
            lines.append(line.rstrip())
            line = ""
        line += word
    if line.strip():
        lines.append(line.rstrip())
    return lines


def _pieces(text: str) -> list[str]:
    """Return what a line break may not divide: words with the space after them, and single wide characters.

    A wide character stays with the punctuation that closes it, and with what a no-break space ties to it.
    """
    if width(text) == len(text):
        return [f"{word} " for word in text.split(" ")]
    return _wide_pieces().findall(text)


@cache
def _wide_pieces() -> re.Pattern[str]:
    import re  # compiling this takes longer than the rest of a report, so only where it is needed

    wide = "\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60"
    return re.compile(rf"[{wide}][，。；：、）」！？]*(?:\u00a0[^ ]* *)?|[^ {wide}]+ *| +")


def table(rows: Sequence[Sequence[str]], align: str, *, gap: str = "  ") -> list[str]:
    """Return rows in columns as wide as their widest cell; ``align`` has ``l`` or ``r`` per column."""
    widths = [max(width(row[index]) for row in rows) for index in range(len(align))]
    return [
        gap.join(
            pad(cell, columns, right=side == "r") for cell, columns, side in zip(row, widths, align, strict=True)
        ).rstrip()
        for row in rows
    ]


def stacked(shares: Sequence[float], columns: int) -> list[int]:
    """Return how many of ``columns`` each share of one gets: sums stay exact, what is there gets at least one."""
    edges, total = [0], 0.0
    for share in shares:
        total += share
        edges.append(max(min(round(total * columns), columns), min(edges[-1] + (share > 0), columns)))
    return [right - left for left, right in pairwise(edges)]


def gauge(actual: float, low: float | None, high: float | None, limit: float, columns: int) -> str:
    """Return a bar of ``columns`` for a figure against its limit, which lies at four fifths.

    Full blocks up to the figure (or the low end of its interval), shaded ones to the high end, a tick at the limit.
    """
    scale = 1.25 * limit

    def column(value: float) -> int:
        return min(max(round(value / scale * columns), 0), columns)

    solid = column(actual if low is None else low)
    shaded = max(column(actual if high is None else high), solid)
    marks = ["█"] * solid + ["▒"] * (shaded - solid) + [" "] * (columns - shaded)
    marks[round(0.8 * columns)] = "│"
    return "".join(marks)
