"""Money: an amount with its currency and period, as people write it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from planner.units.constants import CURRENCY_UNITS_PER_USD, HOURS_PER_MONTH, HOURS_PER_YEAR
from planner.units.number import UnitError, format_number, show, split_number, split_scale

Period = Literal["hour", "month", "year"]

_HOURS_PER: dict[str, int] = {"hour": 1, "month": HOURS_PER_MONTH, "year": HOURS_PER_YEAR}

CURRENCY_WORDS: dict[str, str] = {
    **dict.fromkeys(("$", "US$", "美元"), "USD"),
    **dict.fromkeys(("￥", "¥", "CN¥", "元", "人民币", "RMB"), "CNY"),
    "€": "EUR",
    "£": "GBP",
}
"""Signs and words beside the ISO 4217 codes. ``¥`` is taken for the yuan: write JPY for the yen."""

MONEY_PERIODS: dict[str, Period] = {
    **dict.fromkeys(("h", "hr", "hour", "小时", "时"), "hour"),
    **dict.fromkeys(("mo", "month", "月"), "month"),
    **dict.fromkeys(("y", "yr", "year", "年"), "year"),
}
_EXAMPLE = "60000 USD/month, $2.49/h or ￥8.98/h"
_LEADING = re.compile(r"([^\d\s+.-]{1,8})\s*(?=[\d+.-])")
_CODE = re.compile(r"[A-Za-z]{3}")


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
            raise UnitError(f"no exchange rate is known for {self.currency}", f"write it in {' or '.join(rates)}")
        return self.amount / rates[self.currency]

    def to_usd_per_hour(self, rates: Mapping[str, float] = CURRENCY_UNITS_PER_USD) -> float:
        """Return US dollars per hour. Raises UnitError for a sum without a period or a currency without a rate."""
        return self._to_usd_per("hour", rates)

    def to_usd_per_month(self, rates: Mapping[str, float] = CURRENCY_UNITS_PER_USD) -> float:
        """Return US dollars per month of 730 hours. Raises UnitError as :meth:`to_usd_per_hour` does."""
        return self._to_usd_per("month", rates)

    def _to_usd_per(self, period: Period, rates: Mapping[str, float]) -> float:
        if self.per is None:
            raise UnitError(f"{self} has no period", f"write {self}/month")
        usd = self.to_usd(rates)
        return usd if period == self.per else usd * _HOURS_PER[period] / _HOURS_PER[self.per]

    def __str__(self) -> str:
        return f"{format_number(self.amount)} {self.currency}{'/' + self.per if self.per else ''}"


def parse_money(value: str | int | float, *, periodic: bool = False) -> Money:
    """Return an amount with its currency and period. ``￥``, ``¥`` and ``元`` are CNY, ``$`` is USD.

    ``periodic`` says that a period is asked, so that the remedy for a bare number names one.

    >>> parse_money("60000 USD/month")
    Money(amount=60000.0, currency='USD', per='month')
    >>> parse_money("￥8.98/h"), parse_money("10万元")
    (Money(amount=8.98, currency='CNY', per='hour'), Money(amount=100000.0, currency='CNY', per=None))
    """
    body, sign = value, ""
    if isinstance(value, str):
        body = value = re.sub(r"\s+per\s+", "/", value.strip())
        leading = _LEADING.match(value)
        if leading:
            body, sign = value[leading.end() :], leading[1]
    text, number, rest = split_number(body, "an amount of money", _EXAMPLE)
    unit, slash, period = (part.strip() for part in rest.partition("/"))
    multiplier, word = split_scale(unit)
    if sign and word:
        raise UnitError(f"{show(value)} names a currency twice", f"write {_EXAMPLE}")
    if not (sign or word):
        bare, _, per = text.partition("/")
        whole = f"{bare.strip()} USD"
        remedy = f"write {whole}/month or {whole}/hour" if periodic and not per else f"write {whole}{slash}{per}"
        raise UnitError(f"{show(text)} lacks a currency", remedy)
    currency = CURRENCY_WORDS.get(sign or word) or (sign or word).upper()
    if not _CODE.fullmatch(currency):
        raise UnitError(f"{show(sign or word)} is not a currency", f"write {_EXAMPLE}")
    if slash and period not in MONEY_PERIODS:
        raise UnitError(f"{show(period)} is not a period of a price", "write /hour, /month or /year")
    return Money(number.to_float() * multiplier, currency, MONEY_PERIODS[period] if slash else None)
