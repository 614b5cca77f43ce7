"""Sizes, durations, rates, percentages and counts. The tables are what may be written."""

from __future__ import annotations

import re
from typing import Literal

from planner.units.constants import GB, GIB, KB, KIB, MB, MIB, MONTHS_PER_YEAR, PB, PIB, TB, TIB
from planner.units.number import UnitError, show, split_number, split_scale

_BYTES: dict[str, int] = {
    "b": 1, "byte": 1, "bytes": 1,
    "kb": KB, "mb": MB, "gb": GB, "tb": TB, "pb": PB,
    "kib": KIB, "mib": MIB, "gib": GIB, "tib": TIB, "pib": PIB,
}  # fmt: skip

DURATIONS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("us", "µs", "μs"), (1, -3)),
    **dict.fromkeys(("ms", "msec", "毫秒"), (1, 0)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒"), (1, 3)),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "分钟"), (60, 3)),
    **dict.fromkeys(("h", "hr", "hour", "hours", "小时"), (3600, 3)),
    **dict.fromkeys(("d", "day", "days", "天"), (86400, 3)),
}
"""Unit -> (factor, power of ten) of a millisecond, so that ``0.3s`` is 300 ms to the last bit."""

MONTHS: dict[str, int] = {
    **dict.fromkeys(("mo", "month", "months", "月", "个月"), 1),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years", "年"), MONTHS_PER_YEAR),
}

RATE_PERIODS: dict[str, int] = {
    **dict.fromkeys(("s", "sec", "second", "秒"), 1),
    **dict.fromkeys(("min", "minute", "分钟"), 60),
    **dict.fromkeys(("h", "hr", "hour", "小时"), 3600),
    **dict.fromkeys(("d", "day", "天"), 86400),
}
COUNTED: dict[str, tuple[str, ...]] = {
    "requests": ("req", "reqs", "request", "requests"),
    "tokens": ("tok", "toks", "token", "tokens"),
}
RATE_WORDS: dict[str, tuple[str, int]] = {
    "rps": ("requests", 1), "qps": ("requests", 1), "rpm": ("requests", 60), "tps": ("tokens", 1),
}  # fmt: skip


def parse_bytes(value: str | int | float) -> int:
    """Return whole bytes. ``80GiB`` is 80 x 1024^3, ``80GB`` 80 x 10^9; a bare number is refused.

    >>> parse_bytes("80GiB"), parse_bytes("1.5 TB")
    (85899345920, 1500000000000)
    """
    example = "80GiB or 80GB"
    text, number, unit = split_number(value, "a size", example)
    if re.fullmatch("[KMGTP]b", unit):
        raise UnitError(f"{show(text)} means bits", f"write {text[:-1]}B")
    multiplier = _BYTES.get(unit.lower())
    if multiplier is None:
        if re.fullmatch("(?:[kmgtp]i?)?", unit.lower()):
            bare, prefix = text.removesuffix(unit).strip(), unit[:1].upper() or "G"
            remedy = f"write {bare}{prefix}iB (1024s) or {bare}{prefix}B (1000s)"
            raise UnitError(f"{show(text)} does not say which bytes", remedy)
        raise UnitError(f"{show(unit)} is not a unit of size", f"write {example}")
    if number.sign == "-":
        raise UnitError(f"{show(text)} is negative", f"write {example}")
    return number.to_int(multiplier)[0]


def parse_duration_ms(value: str | int | float) -> float:
    """Return milliseconds.

    >>> parse_duration_ms("2s"), parse_duration_ms("250ms"), parse_duration_ms("1.5 min")
    (2000.0, 250.0, 90000.0)
    """
    text, number, unit = split_number(value, "a duration", "2s or 250ms")
    if not unit:
        raise UnitError(f"{show(text)} lacks a unit", f"write {text}s or {text}ms")
    if unit == "m":
        raise UnitError(f"{show(text)} could be minutes or milliseconds", f"write {text}in or {text}s")
    if unit not in DURATIONS:
        raise UnitError(f"{show(unit)} is not a unit of time", "write 2s or 250ms")
    factor, power = DURATIONS[unit]
    return number.to_float(power) * factor


POWERS: dict[str, int] = {
    **dict.fromkeys(("W", "watt", "watts"), 1),
    **dict.fromkeys(("kW", "KW", "kw", "千瓦"), 1000),
    "MW": 10**6,
}


def parse_power_w(value: str | int | float) -> float:
    """Return watts; a bare number is refused.

    >>> parse_power_w("40 kW"), parse_power_w("17.5kW"), parse_power_w("800 W")
    (40000.0, 17500.0, 800.0)
    """
    text, number, unit = split_number(value, "a power", "40 kW")
    if unit not in POWERS:
        said = f"{show(unit)} is not a unit of power" if unit else f"{show(text)} lacks a unit"
        raise UnitError(said, "write 40 kW or 800 W")
    return number.to_float() * POWERS[unit]


def parse_months(value: str | int | float) -> int:
    """Return whole months.

    >>> parse_months("36 months"), parse_months("3 years"), parse_months("1.5y")
    (36, 36, 18)
    """
    text, number, unit = split_number(value, "a number of months or years", "36 months or 3 years")
    if not unit:
        raise UnitError(f"{show(text)} lacks a unit", f"write {text} months or {text} years")
    if unit not in MONTHS:
        raise UnitError(f"{show(unit)} is not months or years", "write 36 months or 3 years")
    months, whole = number.to_int(MONTHS[unit])
    if not whole:
        raise UnitError(f"{show(text)} is not a whole number of months", f"write {months} months")
    return months


def parse_rate_per_second(value: str | int | float, of: Literal["requests", "tokens"] = "requests") -> float:
    """Return a rate per second of what ``of`` names; another noun in the text is refused.

    >>> parse_rate_per_second("12/s"), parse_rate_per_second("3/min"), parse_rate_per_second("5k tok/s", "tokens")
    (12.0, 0.05, 5000.0)
    """
    example = "12/s or 500/min" if of == "requests" else "5000 tok/s"
    text, number, rest = split_number(value, f"a rate of {of}", example)
    multiplier, rest = split_scale(re.sub(r"(^|\s+)per\s+", "/", rest))
    noun, slash, period = (part.strip() for part in rest.partition("/"))
    kind, seconds = RATE_WORDS.get(noun, ("", 0))
    if slash:
        kind = next((kind for kind, nouns in COUNTED.items() if noun in nouns), "" if noun else of)
        seconds = RATE_PERIODS.get(period, 0)
        if not seconds:
            raise UnitError(f"{show(period)} is not a period of a rate", f"write {example}")
    elif not kind:
        raise UnitError(f"{show(text)} does not say per what", f"write {text}/s")
    if not kind:
        raise UnitError(f"{show(noun)} is not what this rate counts, {of}", f"write {example}")
    if kind != of:
        raise UnitError(f"{show(text)} counts {kind} where {of} are asked", f"write {example}")
    return number.to_float() * multiplier / seconds


def parse_percent(value: str | int | float) -> float:
    """Return a share of one. ``98%`` and ``0.98`` are the same; a bare number above 1 is refused.

    >>> parse_percent("98%"), parse_percent(0.98)
    (0.98, 0.98)
    """
    text, number, unit = split_number(value, "a percentage", "98% or 0.98")
    if unit in ("%", "％"):
        return number.to_float(-2)
    if unit:
        raise UnitError(f"{show(text)} is not a percentage", "write 98% or 0.98")
    share = number.to_float()
    if share > 1:
        raise UnitError(f"{show(text)} could be a percentage or a factor", f"write {text}%")
    return share


def parse_count(value: str | int | float, examples: str = "2048, 128k or 10B") -> int:
    """Return a whole number, zero or more; ``examples`` say what to write instead of what is none.

    ``k M B T`` are thousands, ``Ki Mi Gi`` 1024s, ``万 亿`` 10^4 and 10^8.

    >>> parse_count("10B"), parse_count("7e9"), parse_count("128k"), parse_count("128Ki"), parse_count(200)
    (10000000000, 7000000000, 128000, 131072, 200)
    """
    text, number, unit = split_number(value, "a whole number", examples)
    multiplier, rest = split_scale(unit)
    count, whole = number.to_int(multiplier)
    if rest:
        raise UnitError(f"{show(text)} is not a whole number", f"write {examples}")
    if not whole:
        raise UnitError(f"{show(text)} is not a whole number", f"write {abs(count)}")
    if count < 0:
        raise UnitError(f"{show(text)} is negative", f"write {-count}")
    return count
