"""Axes: where a value lies between the ends of a plot, and which values get a tick."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass


def _plain(value: float) -> str:
    return f"{value:,.10g}"


@dataclass(frozen=True, slots=True)
class Axis:
    """The range of one axis in data units; ``text`` words the ticks.

    A logarithmic axis needs ``0 < low < high``; a linear one ``low < high``. Raises ValueError otherwise.
    """

    label: str
    low: float
    high: float
    log: bool = False
    text: Callable[[float], str] = _plain

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"no {'logarithmic ' if self.log else ''}axis from {self.low} to {self.high}")

    @classmethod
    def around(
        cls, label: str, values: Iterable[float], *, log: bool = False, text: Callable[[float], str] = _plain
    ) -> Axis:
        """Return the axis that shows all ``values`` with a little room; one from 0 when it is linear."""
        found = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
        low, high = min(found, default=1.0), max(found, default=1.0)
        if log:
            room = max((high / low) ** 0.04, 1.05)
            return cls(label, low / room, high * room, True, text)
        high = high if high > 0 else 1.0
        return cls(label, min(0.0, low), high * 1.05, False, text)

    def position(self, value: float) -> float:
        """Return the place of ``value`` from 0 (low end) to 1 (high end); values beyond an end lie on it."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int = 6) -> list[float]:
        """Return at most ``most`` round values inside the axis, in order.

        Decades and the finest usual parts of them that are few on a logarithmic axis; 1, 2 or 5 times a power
        of ten as the step of a linear one.
        """
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            for parts in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
                found = [part * 10.0**decade for decade in decades for part in parts]
                found = [value for value in found if self.low <= value <= self.high]
                if len(found) <= most:
                    break
            if len(found) > 1:
                return found[:: math.ceil(len(found) / most)]
        raw = (self.high - self.low) / (most - 1)
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(part * power for part in (1, 2, 5, 10) if part * power >= raw * (1 - 1e-9))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]
