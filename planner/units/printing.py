"""Quantities as a person would write them. Each text reads back, to the digits that it shows."""

from __future__ import annotations

from planner.units.constants import GB, GIB, MIB, MONTHS_PER_YEAR
from planner.units.money import Money
from planner.units.number import format_number


def format_bytes_gib(value: float, digits: int = 1) -> str:
    """Return ``65.7 GiB``: memory, as engines and drivers count it."""
    return f"{value / GIB:,.{digits}f} GiB"


def format_bytes_mib(value: float) -> str:
    """Return ``16 MiB``: sizes of files."""
    return f"{format_number(value / MIB, 1)} MiB"


def format_bytes_gb(value: float, digits: int = 1) -> str:
    """Return ``80 GB``: what data sheets and disks print."""
    return f"{format_number(value / GB, digits)} GB"


def format_duration_ms(value: float) -> str:
    """Return milliseconds in the unit a person would choose, to four significant digits.

    >>> format_duration_ms(47.31), format_duration_ms(2000), format_duration_ms(90_000), format_duration_ms(1234567)
    ('47.31 ms', '2 s', '90 s', '20.58 min')
    """
    for unit, factor, least in (("h", 3.6e6, 7.2e6), ("min", 6e4, 1.2e5), ("s", 1e3, 1e3), ("ms", 1.0, 0.01)):
        if abs(float(f"{value:.4g}")) >= least:
            return f"{_significant(value / factor)} {unit}"
    return f"{_significant(value * 1000)} us" if value else "0 ms"


def format_rate_per_second(value: float, noun: str = "") -> str:
    """Return ``12/s`` or ``5120 tok/s``, to four significant digits and never in powers of ten."""
    return f"{_significant(value)}{' ' + noun if noun else ''}/s"


def format_percent(value: float, digits: int = 1) -> str:
    """Return a share as ``98%`` or ``98.5%``."""
    return f"{format_number(value * 100, digits)}%"


def format_count(value: float) -> str:
    """Return ``70.6B``, ``128k`` or ``200``: a count to three significant digits."""
    rounded = float(f"{value:.3g}")
    for suffix, factor in (("T", 10**12), ("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if abs(rounded) >= factor:
            return f"{_significant(rounded / factor, 3)}{suffix}"
    return _significant(rounded, 3)


def format_usd(value: float, per: str | None = None) -> str:
    """Return ``$41,200/month`` or ``$2.49/h``: cents below 1,000 dollars, whole dollars above."""
    digits = 0 if abs(value) >= 1000 or float(value).is_integer() else 2
    return f"{'-' if value < 0 else ''}${half_up(abs(value), digits)}{_per(per)}"


_HALF = 1e-7
"""More than a sum of prices is off by, less than the thousandth of a cent to which prices are known."""


def half_up(value: float, digits: int) -> str:
    """Return a positive amount in so many digits, a half upwards: two ways to the same sum then read the same.

    >>> half_up(514.285 - 394.2, 2), half_up(0.1645 * 730, 2)
    ('120.09', '120.09')
    """
    return f"{value + _HALF:,.{digits}f}"


def format_money(value: Money) -> str:
    """Return ``$60,000/month`` or ``￥400,000``; other currencies with their code."""
    if value.currency == "USD":
        return format_usd(value.amount, value.per)
    sign = "￥" if value.currency == "CNY" else f"{value.currency} "
    return format_usd(value.amount, value.per).replace("$", sign)


def format_months(value: int) -> str:
    """Return ``3 years`` or ``18 months``."""
    if value % MONTHS_PER_YEAR == 0:
        return f"{value // MONTHS_PER_YEAR} year{'s' if value != MONTHS_PER_YEAR else ''}"
    return f"{value} month{'s' if value != 1 else ''}"


def _per(per: str | None) -> str:
    return {"hour": "/h", None: ""}.get(per, f"/{per}")


def _significant(value: float, digits: int = 4) -> str:
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.0f}" if abs(rounded) >= 10**digits else format_number(rounded)
