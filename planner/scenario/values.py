"""Values with a form of their own: profiles of a day, growth, rates of currencies, penalties, days."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from planner.scenario.kinds import MONEY_RATE, SHARE, Kind, between
from planner.scenario.words import NAME, RULE_ID, EntryError, EntryErrors, word
from planner.units import Money, UnitError, format_percent, parse_percent
from planner.units.number import show

HOURS_OF_PROFILE = (24, 168)
_SHARE_OF_LOAD = between(parse_percent, format_percent, "60%", least=0, most=1)


def _profile(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) not in HOURS_OF_PROFILE:
        found = f"{len(value)} values" if isinstance(value, list) else show(value)
        raise UnitError(
            f"must be a list of 24 values, one for each hour of a day, or of 168 for a week, not {found}",
            "write [20%, 20%, ..., 100%, ...]: shares of the load that is stated",
        )
    shares, errors = [], []
    for index, item in enumerate(value):
        try:
            shares.append(_SHARE_OF_LOAD(item))
        except ValueError as error:
            errors.append(EntryError(index, error))
    if errors:
        raise EntryErrors(errors)
    if not any(shares):
        raise UnitError("has no load in any hour", "write 100% in the busiest hour")
    return tuple(shares)


PROFILE = Kind(
    _profile,
    {
        "type": "array",
        "items": {key: item for key, item in SHARE.schema.items() if key != "examples"},
        "anyOf": [{"minItems": hours, "maxItems": hours} for hours in HOURS_OF_PROFILE],
        "examples": [["20%"] * 7 + ["60%", "100%"] + ["90%"] * 8 + ["50%"] * 7],
    },
)


def _within(value: Any) -> float | str:
    if value == PREDICTIONS:
        return PREDICTIONS
    share: float = between(parse_percent, format_percent, "2%", least=0, most=0.5)(value)
    return share


PREDICTIONS = "predictions"
WITHIN = Kind(
    _within,
    {
        "anyOf": [{"const": PREDICTIONS}, {key: item for key, item in SHARE.schema.items() if key != "examples"}],
        "examples": ["2%", PREDICTIONS],
    },
)


_PER_YEAR = re.compile(r"^(.*?)\s*(?:/|per)\s*(?:year|yr|y|年)$")
_MOST_GROWTH = 10.0
_SHARE_PER_YEAR = between(parse_percent, format_percent, "30%/year", least=0, most=_MOST_GROWTH)


def _growth(value: Any) -> float:
    match = _PER_YEAR.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise UnitError(f"{show(value)} does not say per what", "write 30%/year")
    return float(_SHARE_PER_YEAR(match.group(1)))


GROWTH = Kind(
    _growth,
    {
        "type": "string",
        "pattern": r"^\s*[0-9.,_]+\s*%\s*(/|per)\s*(year|yr|y|年)\s*$",
        "examples": ["30%/year"],
    },
)


def _factor(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= 5:
        raise UnitError(f"must be a number from 1 to 5, not {show(value)}", "write 1.3")
    return float(value)


PUE = Kind(_factor, {"type": "number", "minimum": 1, "maximum": 5, "examples": [1.3]})


def _rates(value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or not value:
        raise UnitError("must be a mapping of currencies to their worth", "write {CNY: 7.1}: yuan per US dollar")
    errors = []
    for code, rate in value.items():
        if len(code) != 3 or not (code.isascii() and code.isalpha() and code.isupper()) or code == "USD":
            errors.append(
                EntryError(code, UnitError("is not the ISO code of a currency beside USD", "write CNY or EUR"))
            )
        elif isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 1e-6 <= rate <= 1e6:
            example = f"write {code}: 7.1, the {code} that one US dollar buys"
            errors.append(EntryError(code, UnitError("must be a positive number", example)))
    if errors:
        raise EntryErrors(errors)
    return {code: float(rate) for code, rate in sorted(value.items())}


CURRENCY_RATES = Kind(
    _rates,
    {
        "type": "object",
        "propertyNames": {"pattern": "^[A-Z]{3}$", "not": {"const": "USD"}},
        "additionalProperties": {"type": "number", "minimum": 1e-6, "maximum": 1e6},
        "minProperties": 1,
        "examples": [{"CNY": 7.1}],
    },
)


def _penalties(value: Any) -> dict[str, Money]:
    if not isinstance(value, dict) or not value:
        raise UnitError(
            "must be a mapping of rules to what breaking them counts for", "write {node-upkeep: 80 USD/month}"
        )
    read: dict[str, Money] = {}
    errors = []
    for rule, price in value.items():
        try:
            read[RULE_ID.read(rule)] = MONEY_RATE.read(price)
        except ValueError as error:
            errors.append(EntryError(rule, error))
    if errors:
        raise EntryErrors(errors)
    return dict(sorted(read.items()))


RULE_PENALTIES = Kind(
    _penalties,
    {
        "type": "object",
        "propertyNames": {key: item for key, item in NAME.schema.items() if key != "examples"},
        "additionalProperties": {key: item for key, item in MONEY_RATE.schema.items() if key != "examples"},
        "minProperties": 1,
        "examples": [{"node-upkeep": "80 USD/month"}],
    },
)


_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def _day(value: Any) -> str:
    text: str = word("a day", _DAY, 10, "write a day such as 2026-10-01")(value)
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise UnitError(f"there is no {text}", "write a day such as 2026-10-01") from None


DAY = Kind(_day, {"type": "string", "format": "date", "pattern": _DAY, "examples": ["2026-10-01"]})
