"""Which variants a sweep solves: settings that hold several values each.

``workload.concurrency=50..800``      nine values from 50 to 800, each the same factor above the one before
``workload.concurrency=50..800:16``   sixteen values, evenly spaced
``workload.concurrency=50..800x16``   sixteen values, the same factor apart (``:x16`` as well)
``sla.tpot_p95=20ms..80ms:4``         units stand at both ends, or once behind the last
``search.weights=bf16,fp8-e4m3``      a list; one value is the same in every variant

Both ends are always among the values. Between whole numbers the values are whole numbers, and equal ones are one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite

from planner.errors import Diagnostic, InputError

USUAL_STEPS = 9
"""Values of a range that does not say how many: eight steps, such as 50 to 800 by a factor of the square root of 2."""

MAX_VARIANTS = 20_000
"""Variants of one sweep: hours on a few cores, so that more is a slip."""

_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})([^\d.\s][^.]*?)?\s*\.\.\s*({_NUMBER})\s*([^\d:x][^:]*?)?(?:(:?x|:)(\d+))?\s*")
_LEADING = re.compile(rf"\s*({_NUMBER})")


@dataclass(frozen=True, slots=True)
class Swept:
    """A key with the values it takes, as they would be written."""

    key: str
    values: tuple[str, ...]

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """The leading number of each value, or None where one has none: ``250ms`` is 250."""
        found = [_LEADING.match(value) for value in self.values]
        return tuple(float(item[1]) for item in found if item) if all(found) else None


def parse_swept(setting: str) -> Swept:
    """Read ``key=values``. Raises InputError with what to write instead."""
    key, mark, text = setting.partition("=")
    if not mark or not key.strip():
        raise _wrong(setting, "is no setting", "write a key and values, such as workload.concurrency=50..800")
    key, text = key.strip(), text.strip()
    if ".." in text:
        match = _RANGE.fullmatch(text)
        if match is None:
            raise _wrong(setting, "is no range", "write 50..800, 50..800:16 (even steps) or 50..800x16 (even factors)")
        return Swept(key, _range(setting, match))
    if text.startswith(("[", "{")):
        return Swept(key, (text,))
    values = tuple(dict.fromkeys(value.strip() for value in text.split(",")))
    if len(values) > 1 and "" in values:
        raise _wrong(setting, "has an empty value in its list", "write a,b,c")
    return Swept(key, values)


def _range(setting: str, match: re.Match[str]) -> tuple[str, ...]:
    low_text, low_unit, high_text, high_unit, form, count = match.groups()
    unit = (high_unit or low_unit or "").strip()
    if low_unit and high_unit and low_unit.strip() != unit:
        raise _wrong(setting, "has different units at its ends", f"write both in {unit}")
    low, high = float(low_text), float(high_text)
    steps = int(count) if count else USUAL_STEPS
    even = form == ":"
    if not (isfinite(low) and isfinite(high)) or low == high or steps < 2:
        raise _wrong(setting, "is no range", "write two different numbers, and at least 2 steps")
    if not even and min(low, high) <= 0:
        raise _wrong(setting, "has no factor between its ends", "write :N for even steps from or across zero")
    if steps > MAX_VARIANTS:
        raise _wrong(setting, f"has more than {MAX_VARIANTS:,} values", "")
    shares = [step / (steps - 1) for step in range(steps)]
    numbers = [low + (high - low) * share if even else low * (high / low) ** share for share in shares]
    whole = "." not in low_text + high_text and low.is_integer() and high.is_integer()
    written = [str(round(number)) if whole else f"{number:.6g}" for number in numbers]
    space = " " if unit[:1].isupper() else ""
    return tuple(dict.fromkeys(f"{number}{space}{unit}" for number in written))


def variants(swept: Sequence[Swept]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return every combination as ((key, value), ...), the last key changing fastest.

    Raises InputError where a key stands twice or there are more than ``MAX_VARIANTS``.
    """
    keys = [item.key for item in swept]
    for key in keys:
        if keys.count(key) > 1:
            raise _wrong(key, "is set twice", "give all its values in one setting: key=a,b,c")
    total = 1
    for item in swept:
        total *= len(item.values)
    if total > MAX_VARIANTS:
        raise InputError(f"{total:,} variants are more than {MAX_VARIANTS:,}; take fewer values")
    return tuple(tuple(zip(keys, values, strict=True)) for values in product(*(item.values for item in swept)))


def _wrong(setting: str, message: str, help: str) -> InputError:
    return InputError([Diagnostic(message, path=f"--set {setting}", help=help)])
