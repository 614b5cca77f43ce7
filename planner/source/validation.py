"""A pydantic ValidationError -> Diagnostics with places, plain words, remedies and "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from planner.errors import Diagnostic
from planner.source.document import Location, SourceDocument

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

_MAX_PROBLEMS = 50
_LONGEST_WORD = 64

# pydantic error type -> what to say; {placeholders} come from the error's context
_SAY: dict[str, str] = {
    "greater_than": "must be more than {gt}, not {input}",
    "greater_than_equal": "must be at least {ge}, not {input}",
    "less_than": "must be less than {lt}, not {input}",
    "less_than_equal": "must be at most {le}, not {input}",
    "int_type": "must be a whole number, not {input}",
    "int_parsing": "must be a whole number, not {input}",
    "int_from_float": "must be a whole number, not {input}",
    "float_type": "must be a number, not {input}",
    "float_parsing": "must be a number, not {input}",
    "finite_number": "must be a finite number, not {input}",
    "bool_type": "must be true or false, not {input}",
    "bool_parsing": "must be true or false, not {input}",
    "string_type": "must be a text, not {input}",
    "string_too_short": "must not be empty",
    "string_too_long": "is longer than {max_length} characters",
    "string_pattern_mismatch": "{input} does not have the form {pattern}",
    "model_type": "must be a mapping (`key: value`), not {input}",
    "dict_type": "must be a mapping (`key: value`), not {input}",
    "list_type": "must be a list, not {input}",
    "tuple_type": "must be a list, not {input}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "literal_error": "must be {expected}, not {input}",
    "enum": "must be {expected}, not {input}",
    "date_type": "must be a date such as 2026-07-31, not {input}",
    "date_parsing": "must be a date such as 2026-07-31, not {input}",
    "date_from_datetime_parsing": "must be a date such as 2026-07-31, not {input}",
    "missing": "is missing",
    "extra_forbidden": "unknown key",
}


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word that may have been meant, or ''. Case is no difference."""
    if len(word) > _LONGEST_WORD:
        return ""
    from difflib import get_close_matches

    by_folded = {item.casefold().replace("-", "_"): item for item in sorted(known)}
    folded = word.casefold().replace("-", "_")
    best = get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    if not best:  # a stem of exactly one, such as `output` of `output_tokens`
        best = [item for item in by_folded if len(folded) >= 3 and (item.startswith(folded) or folded.startswith(item))]
    return by_folded[best[0]] if len(best) == 1 else ""


def shown(value: object) -> str:
    """Return a value as a message may print it: short, and a collection by its kind."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return repr(value if len(value) <= _LONGEST_WORD else value[: _LONGEST_WORD - 3] + "...")
        case int() | float():
            return str(value)
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
    return type(value).__name__


def diagnostics_from_validation_error(
    document: SourceDocument, error: ValidationError, model: type[BaseModel] | None = None
) -> list[Diagnostic]:
    """Return one Diagnostic per error, in the order of the file.

    Unknown keys point at the key, wrong values at the value, missing keys at what they are missing from. ``model``, the
    class that was validated, supplies the keys for "did you mean"; without it there is no such hint.
    """
    problems = [_diagnostic(document, item, model) for item in error.errors(include_url=False)]
    problems.sort(key=lambda item: (item.line, item.column, item.message))
    if len(problems) > _MAX_PROBLEMS:
        rest = len(problems) - _MAX_PROBLEMS
        problems[_MAX_PROBLEMS:] = [Diagnostic(f"and {rest:,} more problems", document.path, code="more")]
    return problems


def _diagnostic(document: SourceDocument, item: ErrorDetails, model: type[BaseModel] | None) -> Diagnostic:
    kind, location, value = item["type"], item["loc"], item["input"]
    context: dict[str, Any] = dict(item.get("ctx") or {})
    parts = document.known(location)
    if kind == "missing":
        name = str(location[-1])
        return document.diagnostic(
            parts,
            f"{name} is missing",
            code="missing-key",
            key=True,
            help=f"add `{name}: ...`{_example(model, parts, name)}",
        )
    if kind == "extra_forbidden":
        keys = _keys(model, parts[:-1])
        best = closest(str(parts[-1]), keys) if parts else ""
        remedy = f"did you mean {best!r}?" if best else f"known keys: {', '.join(keys)}" if keys else ""
        return document.diagnostic(parts, "unknown key", code="unknown-key", key=True, help=remedy)
    cause = context.get("error")
    if isinstance(cause, ValueError):
        remedy = getattr(cause, "remedy", "")
        message = getattr(cause, "problem", "") or str(cause)
        return document.diagnostic(parts, message, code=getattr(cause, "code", "wrong-value"), help=remedy)
    remedy = ""
    if kind in ("literal_error", "enum") and isinstance(value, str):
        best = closest(value, [word.strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(", ")])
        remedy = f"did you mean {best!r}?" if best else ""
    words = _SAY.get(kind)
    message = words.format(**{**context, "input": shown(value)}) if words else item["msg"][:1].lower() + item["msg"][1:]
    return document.diagnostic(parts, message, code="wrong-value", help=remedy)


def _model_at(model: type[BaseModel] | None, location: Location) -> type[BaseModel] | None:
    """Return the model that validates what stands at ``location``, as far as the annotations tell."""
    for part in location:
        if model is None:
            return None
        if isinstance(part, int):
            continue
        field = next((item for name, item in model.model_fields.items() if part in (name, item.alias)), None)
        model = _first_model(field.annotation) if field else None
    return model


def _first_model(annotation: Any) -> type[BaseModel] | None:
    if hasattr(annotation, "model_fields"):
        return annotation  # type: ignore[no-any-return]
    found = (_first_model(item) for item in get_args(annotation))
    return next((item for item in found if item is not None), None)


def _keys(model: type[BaseModel] | None, location: Location) -> list[str]:
    owner = _model_at(model, location)
    return [item.alias or name for name, item in owner.model_fields.items()] if owner else []


def _example(model: type[BaseModel] | None, location: Location, key: str) -> str:
    owner = _model_at(model, location)
    fields = owner.model_fields.items() if owner else ()
    examples = next((item.examples for name, item in fields if key in (name, item.alias)), None)
    return f", such as `{key}: {examples[0]}`" if examples else ""
