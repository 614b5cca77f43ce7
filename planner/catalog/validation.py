"""Entities as pydantic models, derived from the dataclasses so that there is one definition of each."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from planner.errors import Diagnostic
from planner.source import SourceDocument, diagnostics_from_validation_error

STRICT = ConfigDict(extra="forbid", strict=True)


@cache
def model_of(entity: type) -> type[BaseModel]:
    """Return a model with the fields, bounds and defaults of a dataclass; nested dataclasses become models too."""
    hints = get_type_hints(entity, include_extras=True)
    members: dict[str, Any] = {}
    for item in fields(entity):
        if item.default_factory is not MISSING:
            default: Any = Field(default_factory=item.default_factory)
        else:
            default = ... if item.default is MISSING else item.default
        members[item.name] = (_swap(hints[item.name]), default)
    return cast(type[BaseModel], create_model(entity.__name__, __config__=STRICT, __doc__=entity.__doc__, **members))


def _swap(hint: Any) -> Any:
    """Replace dataclasses by their models, inside unions and containers too."""
    if isinstance(hint, type) and is_dataclass(hint):
        return model_of(hint)
    arguments = get_args(hint)
    origin = get_origin(hint)
    if not arguments or not any(_holds_dataclass(item) for item in arguments):
        return hint
    swapped = tuple(_swap(item) for item in arguments)
    if origin in (Union, types.UnionType):
        return reduce(or_, swapped)
    if origin is Annotated:
        return Annotated[(swapped[0], *arguments[1:])]
    return cast(Any, origin)[swapped]


def _holds_dataclass(hint: Any) -> bool:
    if isinstance(hint, type) and is_dataclass(hint):
        return True
    return any(_holds_dataclass(item) for item in get_args(hint))


def validate(document: SourceDocument, model: type[BaseModel]) -> tuple[BaseModel | None, list[Diagnostic]]:
    """Return what the document says as ``model``, or None with every problem of the file.

    Strict, but through JSON, where a list is what a tuple is written as and an integer may stand for a float.
    """
    try:
        return model.model_validate_json(json.dumps(document.data)), []
    except ValidationError as error:
        return None, diagnostics_from_validation_error(document, error, model)


def plain(value: BaseModel) -> dict[str, Any]:
    """Return the model as plain data without what is at its default; the form of the cache and of digests."""
    data: Mapping[str, Any] = value.model_dump(mode="json", by_alias=False, exclude_defaults=True)
    return dict(data)
