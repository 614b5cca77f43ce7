"""ModelArchitecture as plain data and back, without loss: for inline architectures, caches and reports."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from planner.architecture.model import ModelArchitecture
from planner.errors import ArchitectureError, Diagnostic

SCHEMA = "planner-architecture/1"
"""Value of the key ``schema`` by which a dump is told from a config.json."""


def dump(architecture: ModelArchitecture) -> dict[str, Any]:
    """Return the architecture as JSON-ready data; fields at their default are left out."""
    return {"schema": SCHEMA, **_plain(architecture)}


def load(data: Mapping[str, Any], *, source: str = "") -> ModelArchitecture:
    """Return the architecture that ``dump`` wrote. Raises ArchitectureError naming the first field that is wrong."""
    record = {key: value for key, value in data.items() if key != "schema"}
    loaded: ModelArchitecture = _read(ModelArchitecture, record, "", source)
    return loaded


def is_dump(data: Mapping[str, Any]) -> bool:
    """Whether the mapping is a dump rather than a config.json."""
    return data.get("schema") == SCHEMA


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {
            item.name: _plain(getattr(value, item.name))
            for item in fields(value)
            if item.default is MISSING or getattr(value, item.name) != item.default
        }
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(hint: Any, value: Any, path: str, source: str) -> Any:
    """Check ``value`` against a type of the model and build it."""
    if is_dataclass(hint) and isinstance(hint, type):
        return _dataclass(hint, value, path, source)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _read(next(item for item in arguments if item is not type(None)), value, path, source)
    if origin is Literal:
        return value if value in arguments else _wrong(path, value, f"one of {', '.join(map(str, arguments))}", source)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return _wrong(path, value, "a list", source)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_read(arguments[0], item, f"{path}[{index}]", source) for index, item in enumerate(value))
        if len(value) != len(arguments):
            return _wrong(path, value, f"a list of {len(arguments)}", source)
        pairs = zip(arguments, value, strict=True)
        return tuple(_read(part, item, f"{path}[{index}]", source) for index, (part, item) in enumerate(pairs))
    wanted = (bool,) if hint is bool else (int,) if hint is int else (str,)
    if not isinstance(value, wanted) or (hint is int and isinstance(value, bool)):
        return _wrong(path, value, f"a {hint.__name__}", source)
    if isinstance(value, int) and value < 0:
        return _wrong(path, value, "not negative", source)
    return value


def _dataclass(kind: type, value: Any, path: str, source: str) -> Any:
    if not isinstance(value, Mapping):
        return _wrong(path, value, "a mapping", source)
    hints = _hints(kind)
    known = {item.name: item for item in fields(kind)}
    for name in value:
        if name not in known:
            _wrong(f"{path}.{name}".lstrip("."), name, f"a field of {kind.__name__}", source)
    for name, item in known.items():
        if name not in value and item.default is MISSING:
            _wrong(f"{path}.{name}".lstrip("."), None, "given", source)
    return kind(
        **{name: _read(hints[name], item, f"{path}.{name}".lstrip("."), source) for name, item in value.items()}
    )


def _wrong(path: str, value: Any, wanted: str, source: str) -> Any:
    message = f"{path or 'architecture'}: must be {wanted}, is {value!r:.60}"
    raise ArchitectureError([Diagnostic(message, path=source, code="architecture-dump")])
