"""Read and print quantities as people write them: ``80GiB``, ``250ms``, ``12/s``, ``98%``, ``60000 USD/month``.

Inside the planner every figure is in its base unit: bytes, milliseconds, per second, shares of one, US dollars.
This is the only module that knows 1024, 1e9, 730 hours or an exchange rate; the others use its names.

Every ``parse_*`` raises :class:`UnitError`, a ValueError whose ``remedy`` says what to write instead.
A number without a unit is refused wherever its unit could be mistaken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

KIB, MIB, GIB, TIB, PIB = 1024, 1024**2, 1024**3, 1024**4, 1024**5
KB, MB, GB, TB, PB = 10**3, 10**6, 10**9, 10**12, 10**15
TERA = 10**12
"""Operations per second in one TFLOPS."""

MS_PER_SECOND = 1000
SECONDS_PER_HOUR = 3600
HOURS_PER_DAY = 24
MONTHS_PER_YEAR = 12
HOURS_PER_MONTH = 730
"""Hours in an average month, as cloud price lists count them: 365 x 24 / 12."""
HOURS_PER_YEAR = HOURS_PER_MONTH * MONTHS_PER_YEAR

MICRO_USD_PER_USD = 10**6
"""The solver counts money in whole micro-dollars."""

CURRENCY_UNITS_PER_USD: Mapping[str, float] = {"USD": 1.0, "CNY": 7.1}
"""Units of a currency that one US dollar buys, unless a scenario states its own ``currency_rates``.

CNY 7.10: the rate at which Chinese list prices of the price catalog stand beside dollars; as of 2025-12.
"""
CURRENCY_RATES_AS_OF = "2025-12"

Period = Literal["hour", "month", "year"]

_HOURS_PER: dict[str, int] = {"hour": 1, "month": HOURS_PER_MONTH, "year": HOURS_PER_YEAR}

_NUMBER = re.compile(r"\s*([+-]?)([0-9][0-9_,]*)?(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3})(?![0-9]))?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+(?:_[0-9]+)*")
_MAX_TEXT = 64
_MAX_DIGITS = 30


class UnitError(ValueError):
    """A text is not the quantity it should be. ``str()`` gives problem and remedy, ``remedy`` the latter alone."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}" if remedy else problem)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as it was written: ``amount`` in ``currency`` (ISO 4217 code), per hour, month, year or once."""

    amount: float
    currency: str = "USD"
    per: Period | None = None

    def to_usd(self, rates: Mapping[str, float] = CURRENCY_UNITS_PER_USD) -> float:
        """Return the amount in US dollars per the same period; ``rates`` are units of a currency per dollar.

        Raises UnitError when ``rates`` lacks the currency.
        """
        if self.currency not in rates:
            raise UnitError(
                f"no exchange rate for {self.currency}",
                f"add `currency_rates: {{{self.currency}: <{self.currency} per US dollar>}}` or write the sum in "
                + " or ".join(rates),
            )
        return self.amount / rates[self.currency]

    def to_usd_per_hour(self, rates: Mapping[str, float] = CURRENCY_UNITS_PER_USD) -> float:
        """Return US dollars per hour. Raises UnitError for a sum without a period or a currency without a rate."""
        if self.per is None:
            raise UnitError(f"{self} has no period", f"write {self}/month")
        return self.to_usd(rates) / _HOURS_PER[self.per]

    def __str__(self) -> str:
        per = f"/{self.per}" if self.per else ""
        return f"{format_number(self.amount)} {self.currency}{per}"


# -- reading -----------------------------------------------------------------------------------------------------


def _show(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 3] + "...")


def _split(value: object, what: str, example: str) -> tuple[str, tuple[str, str, str, int], str]:
    """Return (the text, (sign, whole digits, fraction digits, exponent), what follows the number)."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        kind = {type(None): "nothing", bool: "true or false", list: "a list", dict: "a mapping"}.get(
            type(value), type(value).__name__
        )
        raise UnitError(f"{what} is expected, not {kind}", f"write {example}")
    # float repr keeps the value; an int beyond the limit below is cut before the costly conversion to decimal
    if isinstance(value, int) and value.bit_length() > 4 * _MAX_DIGITS:
        raise UnitError("the number is out of any sensible range", f"write {example}")
    text = str(value).strip()
    if len(text) > _MAX_TEXT:
        raise UnitError(f"{_show(text)} is too long for {what}", f"write {example}")
    match = _NUMBER.match(text)
    if match is None or (not match[2] and not match[3]):
        raise UnitError(f"{_show(text)} is not {what}", f"write {example}")
    whole = match[2] or "0"
    if not _GROUPED.fullmatch(whole):
        hint = f"write {text.replace(',', '.')} for a decimal point" if "," in whole else f"write {example}"
        raise UnitError(f"the digits of {_show(text)} are grouped in an unusual way", hint)
    whole = whole.replace(",", "").replace("_", "")
    exponent = int(match[4] or 0)
    if len(whole) + len(match[3] or "") > _MAX_DIGITS or abs(exponent) > _MAX_DIGITS:
        raise UnitError(f"{_show(text)} is out of any sensible range", f"write {example}")
    return text, (match[1], whole, match[3] or "", exponent), text[match.end() :].strip()


def _float(parts: tuple[str, str, str, int]) -> float:
    sign, whole, fraction, exponent = parts
    return float(f"{sign}{whole}.{fraction or '0'}e{exponent}")


def _integer(parts: tuple[str, str, str, int], multiplier: int) -> tuple[int, bool]:
    """Return (number x multiplier rounded to a whole, whether it was whole already), in exact arithmetic."""
    sign, whole, fraction, exponent = parts
    scaled = int(sign + whole + fraction) * multiplier
    shift = exponent - len(fraction)
    if shift >= 0:
        return scaled * 10**shift, True
    quotient, remainder = divmod(scaled, 10**-shift)
    return quotient + (2 * remainder >= 10**-shift), remainder == 0


_BYTES: dict[str, int] = {
    "b": 1, "byte": 1, "bytes": 1,
    "kb": KB, "mb": MB, "gb": GB, "tb": TB, "pb": PB,
    "kib": KIB, "mib": MIB, "gib": GIB, "tib": TIB, "pib": PIB,
}  # fmt: skip


def parse_bytes(value: str | int | float) -> int:
    """Return whole bytes. ``80GiB`` is 80 x 1024^3, ``80GB`` 80 x 10^9; a bare number is refused.

    >>> parse_bytes("80GiB"), parse_bytes("1.5 TB")
    (85899345920, 1500000000000)
    """
    text, parts, unit = _split(value, "a size", "80GiB or 80GB")
    if len(unit) == 2 and unit[1] == "b" and unit[0] in "KMGTP":
        raise UnitError(f"{_show(text)} means bits", f"write {text[:-1]}B")
    multiplier = _BYTES.get(unit.lower())
    if multiplier is None:
        if not unit or unit.lower() in ("k", "m", "g", "t", "p", "ki", "mi", "gi", "ti", "pi"):
            number = text.removesuffix(unit).strip()
            prefix = unit[:1].upper() or "G"
            raise UnitError(
                f"{_show(text)} does not say which bytes",
                f"write {number}{prefix}iB (1024s) or {number}{prefix}B (1000s)",
            )
        raise UnitError(f"{_show(unit)} is not a unit of size", "write 80GiB or 80GB")
    if parts[0] == "-":
        raise UnitError(f"{_show(text)} is negative", "write 80GiB or 80GB")
    return _integer(parts, multiplier)[0]


_MS: dict[str, float] = {
    "us": 0.001, "µs": 0.001, "μs": 0.001, "ms": 1.0, "msec": 1.0,
    "s": 1e3, "sec": 1e3, "secs": 1e3, "second": 1e3, "seconds": 1e3, "秒": 1e3, "毫秒": 1.0,
    "min": 6e4, "mins": 6e4, "minute": 6e4, "minutes": 6e4, "分钟": 6e4,
    "h": 3.6e6, "hr": 3.6e6, "hour": 3.6e6, "hours": 3.6e6, "小时": 3.6e6,
    "d": 8.64e7, "day": 8.64e7, "days": 8.64e7, "天": 8.64e7,
}  # fmt: skip


def parse_duration_ms(value: str | int | float) -> float:
    """Return milliseconds.

    >>> parse_duration_ms("2s"), parse_duration_ms("250ms"), parse_duration_ms("1.5 min")
    (2000.0, 250.0, 90000.0)
    """
    text, parts, unit = _split(value, "a duration", "2s or 250ms")
    if not unit:
        raise UnitError(f"{_show(text)} lacks a unit", f"write {text}s or {text}ms")
    if unit == "m":
        raise UnitError(f"{_show(text)} could be minutes or milliseconds", f"write {text}in or {text}s")
    factor = _MS.get(unit) or _MS.get(unit.lower())
    if factor is None:
        raise UnitError(f"{_show(unit)} is not a unit of time", "write 2s or 250ms")
    return _float(parts) * factor


_MONTHS: dict[str, int] = {
    "mo": 1, "month": 1, "months": 1, "月": 1, "个月": 1,
    "y": 12, "yr": 12, "yrs": 12, "year": 12, "years": 12, "a": 12, "年": 12,
}  # fmt: skip


def parse_months(value: str | int | float) -> int:
    """Return whole months: ``36 months``, ``3 years``, ``3y``."""
    text, parts, unit = _split(value, "a number of months or years", "36 months or 3 years")
    if not unit:
        raise UnitError(f"{_show(text)} lacks a unit", f"write {text} months or {text} years")
    factor = _MONTHS.get(unit.lower())
    if factor is None:
        raise UnitError(f"{_show(unit)} is not a unit that holds for a horizon", "write 36 months or 3 years")
    months, whole = _integer(parts, factor)
    if not whole:
        raise UnitError(f"{_show(text)} is not a whole number of months", "write 18 months rather than a fraction")
    return months


_SECONDS: dict[str, int] = {
    "s": 1, "sec": 1, "second": 1, "秒": 1,
    "min": 60, "minute": 60, "分钟": 60,
    "h": 3600, "hr": 3600, "hour": 3600, "小时": 3600,
    "d": 86400, "day": 86400, "天": 86400,
}  # fmt: skip
_COUNTED: dict[str, tuple[str, ...]] = {
    "requests": ("", "req", "reqs", "request", "requests"),
    "tokens": ("", "tok", "toks", "token", "tokens"),
}
_SHORTHAND = {"rps": ("requests", 1), "qps": ("requests", 1), "rpm": ("requests", 60), "tps": ("tokens", 1)}


def parse_rate_per_second(value: str | int | float, of: Literal["requests", "tokens"] = "requests") -> float:
    """Return a rate per second of what ``of`` names; another noun in the text is refused.

    >>> parse_rate_per_second("12/s"), parse_rate_per_second("3/min"), parse_rate_per_second("5k tok/s", "tokens")
    (12.0, 0.05, 5000.0)
    """
    example = "12/s or 500/min" if of == "requests" else "5000 tok/s"
    text, parts, rest = _split(value, f"a rate of {of}", example)
    noun, slash, period = (part.strip() for part in re.sub(r"\s+per\s+", "/", f" {rest}").partition("/"))
    multiplier, noun = _scale(noun)
    if not slash:
        kind, seconds = _SHORTHAND.get(noun.lower(), ("", 0))
        if not kind:
            problem = "lacks a unit" if not noun else "does not say per what"
            raise UnitError(f"{_show(text)} {problem}", f"write {text}/s" if not noun else f"write {example}")
    else:
        kind = next((kind for kind, nouns in _COUNTED.items() if noun.lower() in nouns and noun), of)
        if noun and noun.lower() not in _COUNTED[kind]:
            raise UnitError(f"{_show(noun)} is not what this rate counts ({of})", f"write {example}")
        seconds = _SECONDS.get(period.lower(), 0)
        if not seconds:
            raise UnitError(f"{_show(period)} is not a period of a rate", f"write {example}")
    if kind != of:
        raise UnitError(f"{_show(text)} counts {kind} where {of} are asked", f"write {example}")
    return _float(parts) * multiplier / seconds


def parse_percent(value: str | int | float) -> float:
    """Return a share of one. ``98%`` and ``0.98`` are the same; a bare number above 1 is refused.

    >>> parse_percent("98%"), parse_percent(0.98)
    (0.98, 0.98)
    """
    text, parts, unit = _split(value, "a percentage", "98% or 0.98")
    if unit in ("%", "％", "percent"):
        sign, whole, fraction, exponent = parts
        return _float((sign, whole, fraction, exponent - 2))
    if unit:
        raise UnitError(f"{_show(text)} is not a percentage", "write 98% or 0.98")
    share = _float(parts)
    if share > 1:
        raise UnitError(f"{_show(text)} could be a percentage or a factor", f"write {text}%")
    return share


_SCALES: tuple[tuple[str, int], ...] = (
    ("Ki", KIB), ("Mi", MIB), ("k", 10**3), ("K", 10**3), ("M", 10**6), ("G", 10**9), ("B", 10**9), ("T", 10**12),
    ("亿", 10**8), ("万", 10**4),
)  # fmt: skip


def _scale(text: str) -> tuple[int, str]:
    """Split a leading multiplier off: ``k tok`` -> (1000, ``tok``). A word that merely starts so is left whole."""
    for prefix, multiplier in _SCALES:
        rest = text[len(prefix) :]
        if text.startswith(prefix) and (not rest or not (rest[0].isascii() and rest[0].isalpha())):
            return multiplier, rest.strip()
    return 1, text


def parse_count(value: str | int | float) -> int:
    """Return a whole number, zero or more. ``k M B T`` are thousands, ``Ki Mi`` 1024s, ``万 亿`` 10^4 and 10^8.

    >>> parse_count("10B"), parse_count("7e9"), parse_count("128k"), parse_count("128Ki"), parse_count(200)
    (10000000000, 7000000000, 128000, 131072, 200)
    """
    text, parts, unit = _split(value, "a whole number", "2048, 128k or 10B")
    multiplier, rest = _scale(unit)
    if rest:
        raise UnitError(f"{_show(text)} is not a whole number", "write 2048, 128k or 10B")
    count, whole = _integer(parts, multiplier)
    if not whole:
        raise UnitError(f"{_show(text)} is not a whole number", f"write {count}")
    if count < 0:
        raise UnitError(f"{_show(text)} is negative", f"write {-count}")
    return count


_SYMBOLS: dict[str, str] = {
    "US$": "USD", "$": "USD", "CN¥": "CNY", "￥": "CNY", "¥": "CNY", "元": "CNY", "人民币": "CNY",
    "€": "EUR", "£": "GBP",
}  # fmt: skip
_WORDS = {"DOLLAR": "USD", "DOLLARS": "USD", "美元": "USD", "RMB": "CNY", "YUAN": "CNY"}
_PERIODS: dict[str, Period] = {
    "h": "hour", "hr": "hour", "hour": "hour", "小时": "hour", "时": "hour",
    "mo": "month", "month": "month", "月": "month",
    "y": "year", "yr": "year", "year": "year", "a": "year", "年": "year",
}  # fmt: skip
_MONEY_EXAMPLE = "60000 USD/month, $2.49/h or ￥8.98/h"


def _currency(word: str) -> str | None:
    if word in _SYMBOLS:
        return _SYMBOLS[word]
    upper = word.upper()
    return _WORDS.get(upper) or (upper if re.fullmatch(r"[A-Z]{3}", upper) else None)


def parse_money(value: str | int | float) -> Money:
    """Return an amount with its currency and period. ``￥``, ``¥`` and ``元`` are CNY, ``$`` is USD.

    >>> parse_money("60000 USD/month")
    Money(amount=60000.0, currency='USD', per='month')
    >>> parse_money("￥8.98/h"), parse_money("10万元")
    (Money(amount=8.98, currency='CNY', per='hour'), Money(amount=100000.0, currency='CNY', per=None))
    """
    body = re.sub(r"\s+per\s+", "/", value.strip()) if isinstance(value, str) else value
    lead = ""
    if isinstance(body, str):
        prefix = re.match(r"([^\d\s+.-]{1,8})\s*(?=[\d+.-])", body)
        if prefix:
            lead, body = prefix[1], body[prefix.end() :]
    text, parts, rest = _split(body, "an amount of money", _MONEY_EXAMPLE)
    unit, slash, period = (part.strip() for part in rest.partition("/"))
    multiplier, tail = _scale(unit)
    if lead and tail:
        raise UnitError(f"{_show(value)} names a currency twice", f"write {_MONEY_EXAMPLE}")
    if not (lead or tail):
        raise UnitError(f"{_show(text)} lacks a currency", f"write {text.partition('/')[0]} USD{slash}{period}")
    currency = _currency(lead or tail)
    if currency is None:
        raise UnitError(f"{_show(lead or tail)} is not a currency", f"write {_MONEY_EXAMPLE}")
    per = _PERIODS.get(period.lower()) if slash else None
    if slash and per is None:
        raise UnitError(f"{_show(period)} is not a period of a price", "write /hour, /month or /year")
    amount = _float(parts) * multiplier
    if not isfinite(amount):  # pragma: no cover - the digit and exponent limits keep it finite
        raise UnitError(f"{_show(text)} is out of any sensible range", f"write {_MONEY_EXAMPLE}")
    return Money(amount, currency, per)


# -- printing ----------------------------------------------------------------------------------------------------


def format_number(value: float, digits: int | None = None) -> str:
    """Return the shortest text that reads back as the number, or rounded to ``digits`` after the point."""
    text = f"{value:.{digits}f}" if digits is not None else f"{value:.15g}" if abs(value) < PB else repr(value)
    if digits is None and float(text) != value:
        text = repr(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


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
    """Return milliseconds in the unit a person would choose, to four significant digits: ``47.3 ms``, ``2.5 s``."""
    rounded = float(f"{value:.4g}")
    for unit, factor in (("h", 3.6e6), ("min", 6e4), ("s", 1e3)):
        if abs(rounded) >= factor * (1 if unit == "s" else 2):
            return f"{format_number(float(f'{value / factor:.4g}'))} {unit}"
    return f"{format_number(rounded)} ms" if rounded == 0 or abs(rounded) >= 0.01 else f"{value * 1e3:.4g} us"


def format_rate_per_second(value: float, noun: str = "") -> str:
    """Return ``12/s`` or ``5120 tok/s``, to four significant digits and never in powers of ten."""
    return f"{_plain(value)}{' ' + noun if noun else ''}/s"


def _plain(value: float) -> str:
    rounded = float(f"{value:.4g}")
    return f"{rounded:.0f}" if abs(rounded) >= 1000 else format_number(rounded)


def format_percent(value: float, digits: int = 1) -> str:
    """Return a share as ``98%`` or ``98.5%``."""
    return f"{format_number(value * 100, digits)}%"


def format_count(value: float) -> str:
    """Return ``70.6B``, ``128k`` or ``200``: a count to three significant digits."""
    for suffix, factor in (("T", 10**12), ("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if abs(value) >= factor:
            return f"{format_number(float(f'{value / factor:.3g}'))}{suffix}"
    return format_number(float(f"{value:.3g}"))


def format_usd(value: float, per: str | None = None) -> str:
    """Return ``$41,200/month`` or ``$2.49/h``: cents below 1,000 dollars, whole dollars above."""
    digits = 0 if abs(value) >= 1000 else 2
    period = {"hour": "/h", None: ""}.get(per, f"/{per}")
    return f"{'-' if value < 0 else ''}${abs(value):,.{digits}f}{period}"
