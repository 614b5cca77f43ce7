"""What the entities of the catalog have in common: provenance, bounds and strictness."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

Confidence = Literal["high", "medium", "low", "estimate"]
"""How far to trust a figure: the vendor's own or several that agree; one source; a doubtful one; a guess."""


class Bound:
    """Limits that pydantic enforces when YAML is validated; inert otherwise, so that entities need no pydantic."""

    __slots__ = ("limits",)

    def __init__(self, **limits: Any) -> None:
        self.limits = limits

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Add the limits to the schema of the annotated type."""
        return {**handler(source), **self.limits}


Text = Annotated[str, Bound(min_length=1)]
AsOf = Annotated[str, Bound(pattern=r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$")]
"""The day, month or year at which a figure was read or published: ``2026-07-20``, ``2026-07`` or ``2026``."""

Positive = Annotated[float, Bound(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Bound(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Bound(ge=1)]
NaturalNumber = Annotated[int, Bound(ge=0)]
Share = Annotated[float, Bound(ge=0, le=1)]


class Entity:
    """Base of everything read from YAML: unknown keys are refused, and nothing but an int for a float is coerced."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True}


def latest_day(as_of: str) -> str:
    """Return the last day that ``as_of`` may mean, as ``YYYY-MM-DD``, so that dates of any precision compare as text.

    >>> latest_day("2026"), latest_day("2026-07"), latest_day("2026-07-20")
    ('2026-12-31', '2026-07-31', '2026-07-20')
    """
    return as_of + {4: "-12-31", 7: "-31", 10: ""}[len(as_of)]
