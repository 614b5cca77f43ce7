"""What a value of a scenario may be: how it is read and what its JSON Schema says, side by side.

A field is annotated ``Annotated[float, DURATION]``. The reader calls ``DURATION.read``; pydantic, which writes the
JSON Schema, finds the same function and the schema in the two hooks. Neither is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from planner.units import (
    Money,
    UnitError,
    format_count,
    format_duration_ms,
    format_months,
    format_percent,
    format_rate_per_second,
    parse_count,
    parse_duration_ms,
    parse_money,
    parse_months,
    parse_percent,
    parse_power_w,
    parse_rate_per_second,
)
from planner.units.money import CURRENCY_WORDS, MONEY_PERIODS
from planner.units.number import SCALES, show
from planner.units.quantities import COUNTED, DURATIONS, MONTHS, POWERS, RATE_PERIODS, RATE_WORDS


class Kind:
    """A kind of value. ``read`` turns what YAML gave into what the planner computes with, or raises ValueError."""

    __slots__ = ("example", "read", "schema")

    def __init__(self, read: Callable[[Any], Any], schema: dict[str, Any]) -> None:
        self.read = read
        self.schema = schema
        self.example = schema["examples"][0]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> dict[str, Any]:
        """Let pydantic validate with ``read``."""
        return {"type": "function-plain", "function": {"type": "no-info", "function": self.read}}

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        """Let pydantic print ``schema``."""
        return dict(self.schema)


_NUMBER = r"\+?([0-9][0-9_,]*(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"


def _either(words: Iterable[str]) -> str:
    escaped = (word.replace("$", r"\$").replace(".", r"\.") for word in words)
    return "(" + "|".join(sorted(escaped, key=lambda word: (-len(word), word))) + ")"


def _text(pattern: str, *examples: Any) -> dict[str, Any]:
    return {"type": "string", "pattern": rf"^\s*{pattern}\s*$", "examples": list(examples)}


def between(
    parse: Callable[[Any], Any],
    show_limit: Callable[[Any], str],
    example: object,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    below: float | None = None,
) -> Callable[[Any], Any]:
    """Return ``parse`` with limits on what it may return."""

    def read(value: Any) -> Any:
        number = parse(value)
        for broken, words, limit in (
            (above is not None and number <= above, "more than", above),
            (least is not None and number < least, "at least", least),
            (most is not None and number > most, "at most", most),
            (below is not None and number >= below, "less than", below),
        ):
            if broken:
                problem = f"must be {words} {show_limit(limit)}, not {str(value).strip()[:40]}"
                raise UnitError(problem, f"write a value such as {example}")
        return number

    return read


def count(least: int, most: int, *examples: Any) -> Kind:
    """Return the kind of a whole number between two limits, written as digits or as ``8k``."""
    number = {"type": "integer", "minimum": least, "maximum": most}
    text = {"type": "string", "pattern": rf"^\s*{_NUMBER}\s*{_either(SCALES)}?\s*$"}
    words = " or ".join(map(str, examples))
    return Kind(
        between(lambda value: parse_count(value, words), "{:,}".format, examples[0], least=least, most=most),
        {"anyOf": [number, text], "examples": [*examples]},
    )


def _share(schema: dict[str, Any], *examples: Any, **limits: float) -> Kind:
    text = {"type": "string", "pattern": rf"^\s*{_NUMBER}\s*[%％]?\s*$"}
    read = between(parse_percent, format_percent, examples[0], **limits)
    return Kind(read, {"anyOf": [{"type": "number", **schema}, text], "examples": list(examples)})


TOKENS = count(1, 100_000_000, 2048, "8k")
CONCURRENCY = count(1, 10_000_000, 200, "2k")
DURATION = Kind(
    between(parse_duration_ms, format_duration_ms, "2s", above=0, most=86_400_000),
    _text(rf"{_NUMBER}\s*{_either(DURATIONS)}", "2s", "250ms"),
)
PER_TOKEN = Kind(DURATION.read, {**DURATION.schema, "examples": ["50ms"]})
HORIZON = Kind(
    between(parse_months, format_months, "36 months", least=1, most=240),
    _text(rf"{_NUMBER}\s*{_either(MONTHS)}", "36 months", "3 years"),
)


def _rate(of: Literal["requests", "tokens"], bare: bool, *examples: Any) -> Kind:
    """``bare``: the field's own name says per second, so that a number needs no unit."""
    words = (word for word, (counted, _) in RATE_WORDS.items() if counted == of)
    nouns = rf"{_either(COUNTED[of])}?\s*(/|per)\s*{_either(RATE_PERIODS)}"
    schema = _text(rf"{_NUMBER}\s*{_either(SCALES)}?\s*({nouns}|{_either(words)})", *examples)

    def parse(value: Any) -> float:
        number = bare and isinstance(value, (int, float)) and not isinstance(value, bool)
        return parse_rate_per_second(f"{value}/s" if number else value, of)

    if bare:
        text = {"type": "string", "pattern": schema["pattern"]}
        number = {"type": "number", "exclusiveMinimum": 0, "maximum": _HIGHEST_RATE}
        schema = {"anyOf": [number, text], "examples": schema["examples"]}
    return Kind(between(parse, format_rate_per_second, examples[0], above=0, most=_HIGHEST_RATE), schema)


_HIGHEST_RATE = 10**9
REQUEST_RATE = _rate("requests", False, "12/s", "500/min")
TOKEN_RATE = _rate("tokens", True, 5000, "5k tok/s")
RECOVERY = _share({"exclusiveMinimum": 0, "maximum": 1}, "98%", above=0, most=1)
AVAILABILITY = _share({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, "99.9%", above=0, below=1)
CONFIDENCE = _share({"minimum": 0.5, "maximum": 0.99}, "90%", least=0.5, most=0.99)
SHARE = _share({"minimum": 0, "maximum": 1}, "20%", least=0, most=1)
HIT_SHARE = _share({"minimum": 0, "exclusiveMaximum": 1}, "30%", least=0, below=1)

_MOST_WATTS = 1e9


def _watts(value: float) -> str:
    return f"{value / 1000:g} kW"


POWER = Kind(
    between(parse_power_w, _watts, "40 kW", above=0, most=_MOST_WATTS),
    _text(rf"{_NUMBER}\s*{_either(POWERS)}", "40 kW", "800 W"),
)

_MOST_MONEY = 1e12


def _money(periodic: bool, *examples: str) -> Kind:
    def read(value: Any) -> Money:
        money = parse_money(value, periodic=periodic)
        if not 0 < money.amount <= _MOST_MONEY:
            problem = f"{show(value)} must be more than nothing and at most {format_count(_MOST_MONEY)}"
            raise UnitError(problem, f"write a sum such as {examples[0]}")
        if periodic and money.per is None:
            raise UnitError(f"{show(value)} does not say per what", f"write {money}/month or {money}/hour")
        if not periodic and money.per is not None:
            once = Money(money.amount, money.currency)
            raise UnitError(f"{show(value)} is a sum per {money.per}; a single sum is asked", f"write {once}")
        return money

    currency = rf"({_either(CURRENCY_WORDS)}|[A-Za-z]{{3}})"
    amount = rf"{_NUMBER}\s*{_either(SCALES)}?"
    period = rf"\s*(/|per)\s*{_either(MONEY_PERIODS)}" if periodic else ""
    return Kind(read, _text(rf"({currency}\s*{amount}|{amount}\s*{currency}){period}", *examples))


MONEY_RATE = _money(True, "60000 USD/month", "$80/h", "￥400k/month")


def money_sum(*examples: str) -> Kind:
    """Return the kind of a sum that is paid once, with what it is usually worth as its examples."""
    return _money(False, *examples)


MONEY_SUM = money_sum("400k USD", "￥200万")
