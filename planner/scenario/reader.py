"""Data -> Scenario, with every problem of the file rather than the first.

Reading goes in two steps. ``draft`` reads each value by its kind and keeps what is right; ``checks`` then looks at
what remains, so that a slip in one section hides no contradiction between others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, get_args, get_origin, get_type_hints

from planner.scenario.kinds import Kind
from planner.scenario.model import INTERNAL, Scenario
from planner.scenario.sections import Section, key_of
from planner.scenario.words import EntryError, EntryErrors

_MANY = 50
"""Problems after which no more time is spent on guessing what was meant."""

Draft = dict[str, Any]
"""Fields of a section that are right, defaults included; sections are drafts themselves."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a location (keys and indices), and what to do. ``at_key``: the key is wrong, not its value."""

    location: tuple[str | int, ...]
    message: str
    help: str = ""
    code: str = "wrong-value"
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """How one key of a section is read: by a ``kind``, or as a ``section``, or as a list of them (``many``)."""

    field: str
    kind: Kind | None
    section: type[Section] | None
    many: bool
    default: Any

    @property
    def required(self) -> bool:
        """Whether a file must have the key."""
        return self.default is MISSING


_TABLES: dict[type[Section], Mapping[str, Entry]] = {}


def entries(section: type[Section]) -> Mapping[str, Entry]:
    """Return the keys of a section as they stand in files, in order."""
    if section not in _TABLES:
        _TABLES[section] = _table(section)
    return _TABLES[section]


def _table(section: Any) -> Mapping[str, Entry]:
    hints = get_type_hints(section, include_extras=True)
    table = {}
    for item in fields(section):
        if item.name in INTERNAL or item.name in section.HIDDEN:
            continue
        hint = hints[item.name]
        kind = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, Kind)), None)
        many = kind is None and get_origin(hint) is tuple
        default = item.default if item.default_factory is MISSING else item.default_factory()
        table[key_of(item.name)] = Entry(
            item.name, kind, None if kind else get_args(hint)[0] if many else hint, many, default
        )
    return table


def draft(section: type[Section], data: Any, at: tuple[str | int, ...], problems: list[Problem]) -> Draft | None:
    """Read a section. Return what of it is right, or None where it is no mapping; append to ``problems``."""
    if not isinstance(data, Mapping):
        problems.append(Problem(at, *_not_a_section(section, data, at)))
        return None
    table = entries(section)
    read: Draft = {}
    meant = set()
    for key in data:
        if key in map(key_of, section.HIDDEN):
            problems.append(Problem((*at, key), section.HIDDEN_WHY, section.HIDDEN_HELP, "contradiction", True))
        elif key not in table:
            best, remedy = _unknown(key, table) if len(problems) < _MANY else ("", "")
            problems.append(Problem((*at, key), "unknown key", remedy, "unknown-key", True))
            if best and best not in data and best not in meant:
                meant.add(best)  # read what was meant, so that no problem hides behind a slip of the key
                _read(table[best], data[key], (*at, key), read, problems)
    for key, entry in table.items():
        place = (*at, key)
        if key in data:
            _read(entry, data[key], place, read, problems)
        elif key in meant:
            continue
        elif entry.required:
            problems.append(Problem(at, f"{key} is missing", _add(key, entry), "missing-key", True))
        elif entry.section is not None and not entry.many:
            read[entry.field] = draft(entry.section, {}, place, [])
        else:
            read[entry.field] = entry.default
    return read


def _read(entry: Entry, value: Any, place: tuple[str | int, ...], read: Draft, problems: list[Problem]) -> None:
    if value is None:
        problems.append(Problem(place, "is empty", "give it a value, or leave the key out", at_key=True))
    elif entry.kind is not None:
        try:
            read[entry.field] = entry.kind.read(value)
        except ValueError as error:
            problems.extend(_problems(place, error))
    elif entry.section is not None and entry.many:
        if not isinstance(value, list):
            problems.append(Problem(place, "must be a list", f"write `{place[-1]}: [{{...}}]`"))
            return
        before = len(problems)
        drafts = [draft(entry.section, item, (*place, index), problems) for index, item in enumerate(value)]
        if len(problems) == before:
            read[entry.field] = drafts
    elif entry.section is not None:
        inner = draft(entry.section, value, place, problems)
        if inner is not None:
            read[entry.field] = inner


def build(section: type[Section], values: Draft) -> Any:
    """Make the section from a draft in which nothing is missing."""
    table = {entry.field: entry for entry in entries(section).values()}
    made = {}
    for name, value in values.items():
        inner = table[name].section
        if inner is None:
            made[name] = value
        elif table[name].many:
            made[name] = tuple(build(inner, item) for item in value)
        else:
            made[name] = build(inner, value)
    return section(**made)


def _problems(place: tuple[str | int, ...], error: ValueError) -> Iterator[Problem]:
    if isinstance(error, EntryErrors):
        for item in error.errors:
            yield from _problems(place, item)
    elif isinstance(error, EntryError):
        yield from _problems((*place, error.part), error.error)
    else:
        yield Problem(place, getattr(error, "problem", str(error)), getattr(error, "remedy", ""))


def _add(key: str, entry: Entry) -> str:
    if entry.kind is not None:
        return f"add `{key}: {entry.kind.example}`"
    inner = entries(entry.section) if entry.section else {}
    if entry.section is not None and entry.section.EXAMPLE:
        return f"add `{key}: {{{entry.section.EXAMPLE}}}`"
    parts = [f"{name}: {part.kind.example}" for name, part in inner.items() if part.required and part.kind]
    return f"add `{key}: {{{', '.join(parts)}, ...}}`"


def _not_a_section(section: type[Section], data: Any, at: tuple[str | int, ...]) -> tuple[str, str]:
    kind = "a list" if isinstance(data, list) else f"{str(data)[:40]!r}"
    opening = f"{at[-1]}: " if at and isinstance(at[-1], str) else ""
    return f"must be a mapping, not {kind}", f"write `{opening}{{...}}` with {', '.join(entries(section))}"


_SYNONYMS: Mapping[str, str] = {
    "slo": "sla", "slos": "sla", "isl": "input_tokens", "osl": "output_tokens", "prompt_tokens": "input_tokens",
    "rate": "request_rate", "rps": "request_rate", "qps": "request_rate", "users": "concurrency",
    "batch_size": "concurrency", "ttft": "ttft_p95", "tpot": "tpot_p95", "itl": "tpot_p95", "latency": "e2e_p95",
    "throughput": "output_tokens_per_second", "tp": "tensor_parallel", "pp": "pipeline_parallel", "gpu": "accelerators",
    "gpus": "accelerators", "dtype": "weights", "quantization": "weights", "precision": "weights", "engine": "engines",
    "cost": "max", "limit": "max", "disabled_rules": "disable_rules", "owned": "inventory", "quota": "quotas",
    "racks": "power_per_rack", "profile": "hourly",
}  # fmt: skip


def _unknown(key: str, table: Mapping[str, Entry]) -> tuple[str, str]:
    """Return (key of this section that may have been meant or '', what to do)."""
    from planner.source import closest

    folded = key.casefold().replace("-", "_")
    known = _SYNONYMS.get(folded, folded)
    if known not in table:
        if known != folded and (near := closest(key, table)):  # a word of its own level before a guess at another
            return near, f"did you mean {near!r}?"
        for name, entry in entries(Scenario).items():
            if entry.section is not None and known in entries(entry.section):
                return "", f"{known!r} belongs under {name!r}"
        if known in entries(Scenario):
            return "", f"{known!r} belongs at the top of the file"
        known = closest(key, table)
    return known, f"did you mean {known!r}?" if known else f"known keys: {', '.join(table)}"
