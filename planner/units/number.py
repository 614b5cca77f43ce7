"""The number at the start of a quantity, read exactly; and the shortest text of a number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.units.constants import GB, GIB, KB, KIB, MB, MIB, PB, TB

_NUMBER = re.compile(r"([+-]?)([0-9][0-9_,]*)?(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3})(?![0-9]))?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+(?:_[0-9]+)*")
_MAX_TEXT = 64
_MAX_DIGITS = 30
_KINDS: dict[type, str] = {type(None): "nothing", bool: "true or false", list: "a list", dict: "a mapping"}


class UnitError(ValueError):
    """A text is not the quantity it should be. ``str()`` gives problem and remedy, ``remedy`` the latter alone."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}" if remedy else problem)


def show(value: object) -> str:
    """Return a value in quotes, cut where it is long."""
    text = str(value)
    return repr(text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 3] + "...")


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal as it was written: ``-1.50e3`` is ("-", "1", "50", 3)."""

    sign: str
    whole: str
    fraction: str
    exponent: int

    def to_float(self, shift: int = 0) -> float:
        """Return the nearest float of the number x 10^shift."""
        return float(f"{self.sign}{self.whole}.{self.fraction or '0'}e{self.exponent + shift}")

    def to_int(self, multiplier: int = 1) -> tuple[int, bool]:
        """Return (number x multiplier rounded to a whole, whether it was whole already), in exact arithmetic."""
        scaled = int(self.sign + self.whole + self.fraction) * multiplier
        shift = self.exponent - len(self.fraction)
        if shift >= 0:
            return scaled * 10**shift, True
        quotient, remainder = divmod(scaled, 10**-shift)
        return quotient + (2 * remainder >= 10**-shift), remainder == 0


def split_number(value: object, what: str, example: str) -> tuple[str, Number, str]:
    """Return (the text, the number it starts with, what follows). Numbers pass as texts without a unit.

    Raises UnitError for other types, for texts that start with no number, and beyond 30 digits or powers of ten.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise UnitError(f"{what} is expected, not {_KINDS.get(type(value), type(value).__name__)}", f"write {example}")
    if isinstance(value, int) and value.bit_length() > 4 * _MAX_DIGITS:  # turning it into digits may be costly
        raise UnitError("the number is out of any sensible range", f"write {example}")
    text = str(value).strip()
    if len(text) > _MAX_TEXT:
        raise UnitError(f"{show(text)} is too long for {what}", f"write {example}")
    match = _NUMBER.match(text)
    if match is None or not (match[2] or match[3]):
        raise UnitError(f"{show(text)} is not {what}", f"write {example}")
    whole, fraction, exponent = match[2] or "0", match[3] or "", int(match[4] or 0)
    if not _GROUPED.fullmatch(whole):
        remedy = f"write {example}"
        if whole.count(",") == 1 and not fraction:
            remedy = f"write {text.replace(',', '.')} if the comma is a decimal point"
        raise UnitError(f"the digits of {show(text)} are grouped in an unusual way", remedy)
    whole = whole.replace(",", "").replace("_", "")
    if len(whole) + len(fraction) > _MAX_DIGITS or abs(exponent) > _MAX_DIGITS:
        raise UnitError(f"{show(text)} is out of any sensible range", f"write {example}")
    return text, Number(match[1], whole, fraction, exponent), text[match.end() :].strip()


_SCALES: tuple[tuple[str, int], ...] = (
    ("Ki", KIB), ("Mi", MIB), ("Gi", GIB),
    ("k", KB), ("K", KB), ("M", MB), ("G", GB), ("B", GB), ("T", TB),
    ("万", 10**4), ("亿", 10**8),
)  # fmt: skip
SCALES = tuple(name for name, _ in _SCALES)


def split_scale(text: str) -> tuple[int, str]:
    """Split a leading multiplier off: ``k tok`` -> (1000, ``tok``). A word that merely starts so is left whole."""
    for prefix, multiplier in _SCALES:
        rest = text[len(prefix) :]
        if text.startswith(prefix) and not (rest[:1].isascii() and rest[:1].isalpha()):
            return multiplier, rest.strip()
    return 1, text


def format_number(value: float, digits: int | None = None) -> str:
    """Return the shortest text that reads back as the number, or rounded to ``digits`` after the point.

    >>> format_number(60000.0), format_number(2.490), format_number(1 / 3, 2)
    ('60000', '2.49', '0.33')
    """
    if digits is None:
        text = f"{value:.0f}" if float(value).is_integer() and abs(value) < PB else repr(float(value))
    else:
        text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
    return "0" if text == "-0" else text
