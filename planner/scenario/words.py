"""Words, choices and lists in a scenario: the kinds that are not quantities."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from planner.scenario.kinds import Kind, count
from planner.units import UnitError
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


def word(what: str, pattern: str, longest: int, remedy: str) -> Callable[[Any], str]:
    """Return what reads a text that matches ``pattern``; it raises UnitError with ``remedy`` for anything else."""
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
    word("a name of letters, digits, '.', '_' and '-'", _NAME, 64, "write a name such as 70b-chat"),
    {"type": "string", "pattern": f"^{_NAME}$", "maxLength": 64, "examples": ["70b-chat"]},
)

RULE_ID = Kind(NAME.read, {**NAME.schema, "examples": ["single-replica"]})

_LINE = r"\S(.*\S)?"
_TEXT = word("a text on one line", _LINE, 500, "write a text on one line, without blanks around it")
TEXT = Kind(_TEXT, {"type": "string", "pattern": f"^{_LINE}$", "maxLength": 500, "examples": ["we hold a waiver"]})

IDENTIFIER = Kind(
    word("an id", r"\S(.{0,126}\S)?", 128, "write the id of a catalog entry, such as h100-sxm"),
    {"type": "string", "pattern": r"^\S(.*\S)?$", "maxLength": 128, "examples": ["us"]},
)


def _model(value: Any) -> str | dict[str, Any]:
    if isinstance(value, dict):
        if not value:
            raise UnitError("is an empty mapping", "write the content of a config.json, or a model's id")
        return value
    text: str = word(
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


def _pricing(value: Any) -> str:
    if value not in PRICING:
        raise UnitError(f"{show(value)} is not a way to pay", f"write one of {', '.join(PRICING)}")
    return str(value)


PRICING_KIND = Kind(_pricing, {"enum": list(PRICING), "examples": ["on-demand"]})
DEGREE = count(1, 1024, 8)
RULE_FILE = Kind(
    word("a path", r"[^\s\\:*?\"<>|](.*\S)?", 256, "write the path of a YAML file, relative to this file"),
    {"type": "string", "pattern": r'^[^\s\\:*?"<>|](.*\S)?$', "maxLength": 256, "examples": ["company.yaml"]},
)
