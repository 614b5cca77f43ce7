"""Words, choices and lists in a scenario: the kinds that are not quantities."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from planner.scenario.kinds import MONEY_RATE, SHARE, Kind, between, count
from planner.units import Money, UnitError, format_percent, parse_percent
from planner.units.number import show

PRICING = ("on-demand", "reserved-1y", "reserved-3y", "spot", "purchase")
OWNED = "owned"
"""How what the inventory lists is paid: by its running cost. Nobody asks for it by name."""
ANY = "any"
_MOST_ENTRIES = 1000


class EntryError(ValueError):
    """One entry of a list, or one value of a mapping, is wrong."""

    def __init__(self, part: str | int, error: ValueError) -> None:
        self.part = part
        self.error = error
        super().__init__(f"{part}: {error}")


class EntryErrors(ValueError):
    """Several entries are wrong."""

    def __init__(self, errors: Iterable[EntryError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(str(item) for item in self.errors))


def _word(what: str, pattern: str, longest: int, remedy: str) -> Callable[[Any], str]:
    compiled = re.compile(pattern)

    def read(value: Any) -> str:
        if not isinstance(value, str):
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            raise UnitError(f"must be {what}", "put it in quotes" if number else remedy)
        if len(value) > longest or not compiled.fullmatch(value):
            raise UnitError(f"{show(value)} is not {what}", remedy)
        return value

    return read


_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
NAME = Kind(
    _word("a name of letters, digits, '.', '_' and '-'", _NAME, 64, "write a name such as 70b-chat"),
    {"type": "string", "pattern": f"^{_NAME}$", "maxLength": 64, "examples": ["70b-chat"]},
)

RULE_ID = Kind(NAME.read, {**NAME.schema, "examples": ["single-replica"]})

_LINE = r"\S(.*\S)?"
_TEXT = _word("a text on one line", _LINE, 500, "write a text on one line, without blanks around it")
TEXT = Kind(_TEXT, {"type": "string", "pattern": f"^{_LINE}$", "maxLength": 500, "examples": ["we hold a waiver"]})

IDENTIFIER = Kind(
    _word("an id", r"\S(.{0,126}\S)?", 128, "write the id of a catalog entry, such as h100-sxm"),
    {"type": "string", "pattern": r"^\S(.*\S)?$", "maxLength": 128, "examples": ["us"]},
)


def _model(value: Any) -> str | dict[str, Any]:
    if isinstance(value, dict):
        if not value:
            raise UnitError("is an empty mapping", "write the content of a config.json, or a model's id")
        return value
    text: str = _word(
        "an id, a path or the content of a config.json",
        r"\S(.*\S)?",
        256,
        "write an id such as meta-llama/Llama-3.1-70B-Instruct",
    )(value)
    return text


MODEL = Kind(
    _model,
    {
        "anyOf": [
            {"type": "string", "pattern": r"^\S(.*\S)?$", "maxLength": 256},
            {"type": "object", "minProperties": 1},
        ],
        "examples": ["meta-llama/Llama-3.1-70B-Instruct", "./config.json"],
    },
)


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UnitError(f"must be true or false, not {show(value)}", "write true or false")
    return value


SWITCH = Kind(_switch, {"type": "boolean", "examples": [True]})


def constant(word: str) -> Kind:
    """Return the kind of a field that has one value so far."""

    def read(value: Any) -> str:
        if value != word:
            raise UnitError(f"must be {word}, not {show(value)}", f"write {word}, or leave it out")
        return word

    return Kind(read, {"const": word, "examples": [word]})


def _entries(value: list[Any], entry: Kind) -> tuple[Any, ...]:
    """Read every entry; raise EntryErrors with all that are wrong or stand twice."""
    if len(value) > _MOST_ENTRIES:
        raise UnitError(f"lists {len(value):,} entries", f"list at most {_MOST_ENTRIES:,}")
    found: dict[Any, None] = {}
    errors: list[EntryError] = []
    for index, item in enumerate(value):
        try:
            read = entry.read(item)
            if read in found:
                raise UnitError(f"{show(read)} is listed twice", "list it once")
            found[read] = None
        except ValueError as error:
            errors.append(EntryError(index, error))
    if errors:
        raise EntryErrors(errors)
    return tuple(found)


def any_or_list(entry: Kind, *examples: Any) -> Kind:
    """Return the kind of a list of choices: ``any`` (read as None), one entry, or a list of entries."""

    def read(value: Any) -> tuple[Any, ...] | None:
        if value == ANY:
            return None
        if not isinstance(value, list):
            return (entry.read(value),)
        if not value:
            raise UnitError("an empty list allows nothing", f"write {ANY}, or list what is allowed")
        return _entries(value, entry)

    inner = {key: item for key, item in entry.schema.items() if key != "examples"}
    several = {"type": "array", "items": inner, "minItems": 1, "maxItems": _MOST_ENTRIES, "uniqueItems": True}
    return Kind(read, {"anyOf": [{"const": ANY}, inner, several], "examples": [*examples, ANY]})


def list_of(entry: Kind, *examples: Any) -> Kind:
    """Return the kind of a list without ``any``, read as a tuple; a single entry may stand without brackets."""

    def read(value: Any) -> tuple[Any, ...]:
        return _entries(value if isinstance(value, list) else [value], entry)

    inner = {key: item for key, item in entry.schema.items() if key != "examples"}
    return Kind(
        read,
        {
            "anyOf": [inner, {"type": "array", "items": inner, "maxItems": _MOST_ENTRIES, "uniqueItems": True}],
            "examples": [*examples],
        },
    )


def choice(what: str, words: tuple[str, ...]) -> Kind:
    """Return the kind of a field that takes one of a few words."""

    def read(value: Any) -> str:
        if value not in words:
            raise UnitError(f"{show(value)} is not {what}", f"write one of {', '.join(words)}")
        return str(value)

    return Kind(read, {"enum": list(words), "examples": [words[0]]})


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


def _pricing(value: Any) -> str:
    if value not in PRICING:
        raise UnitError(f"{show(value)} is not a way to pay", f"write one of {', '.join(PRICING)}")
    return str(value)


PRICING_KIND = Kind(_pricing, {"enum": list(PRICING), "examples": ["on-demand"]})
DEGREE = count(1, 1024, 8)
RULE_FILE = Kind(
    _word("a path", r"[^\s\\:*?\"<>|](.*\S)?", 256, "write the path of a YAML file, relative to this file"),
    {"type": "string", "pattern": r'^[^\s\\:*?"<>|](.*\S)?$', "maxLength": 256, "examples": ["company.yaml"]},
)


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
    text: str = _word("a day", _DAY, 10, "write a day such as 2026-10-01")(value)
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise UnitError(f"there is no {text}", "write a day such as 2026-10-01") from None


DAY = Kind(_day, {"type": "string", "format": "date", "pattern": _DAY, "examples": ["2026-10-01"]})
