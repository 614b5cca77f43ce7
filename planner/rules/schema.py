"""The YAML of rules and packs as pydantic models: the only place of this package that imports pydantic.

The JSON Schema under ``schemas/`` comes from the same models; descriptions here are what an editor shows on hover.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from planner.rules.rule import Effect, PenaltyPer
from planner.units import UnitError, parse_money

_ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_LONGEST_ID = 80
_DATE = r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$"


def _by_language(value: Any) -> Any:
    if isinstance(value, str):
        return {"en": value}
    if isinstance(value, dict) and "en" not in value:
        raise UnitError("there is no English text", "add `en: ...` beside the translations")
    return value


def _day(value: Any) -> str:
    """A bare year is a number to YAML."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(_DATE, text):
        raise UnitError(f"{value!r} is no date", "write 2026-07-31, 2026-07 or 2026")
    return text


def _identifier(value: str) -> str:
    if len(value) > _LONGEST_ID or not re.fullmatch(_ID, value):
        remedy = "write lower-case words joined by hyphens, such as no-consumer-cards"
        raise UnitError(f"{value[:_LONGEST_ID]!r} is no name of a rule", remedy)
    return value


Text = Annotated[str, Field(min_length=1, max_length=1_000)]
Translated = Annotated[
    dict[str, Text], BeforeValidator(_by_language, json_schema_input_type=Text | dict[str, Text]), Field(min_length=1)
]
Condition = Annotated[str, Field(min_length=1)]
Identifier = Annotated[
    str, AfterValidator(_identifier), WithJsonSchema({"type": "string", "pattern": _ID, "maxLength": _LONGEST_ID})
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CasesModel(_Model):
    """Tests of a rule: each case gives the variables that the rule reads, or names catalog entries that have them."""

    passes: list[dict[str, Any]] = Field(default_factory=list, description="Cases that the rule must not speak of.")
    fails: list[dict[str, Any]] = Field(default_factory=list, description="Cases that must violate the rule.")


class RuleModel(_Model):
    """One rule: where it applies, what must hold there, and what follows where it does not."""

    id: Identifier = Field(description="Name of the rule, and of its file.", examples=["fp8-compute-capability"])
    when: Condition = Field(
        "",
        description="CEL condition under which the rule applies; without it the rule always applies.",
        examples=['format.compute_format == "fp8"'],
    )
    require: Condition = Field(
        "",
        description="CEL condition that must hold where the rule applies. Without it, applying is violating.",
        examples=["accelerator.compute_capability >= 8.9"],
    )
    effect: Effect = Field(
        description="What a violation means: forbid and require rule the candidate out, prefer adds a penalty, "
        "warn says so in the report.",
        examples=["require"],
    )
    message: Translated = Field(
        description="What is wrong, as a text or by language ({en: ..., zh-CN: ...}); may show {variables}.",
        examples=['"{format.name} needs compute capability 8.9"'],
    )
    fix: Translated = Field(description="What to do about it, as a text or by language.", examples=["choose an H100"])
    source: Text = Field(description="Where the rule comes from: a data sheet, a document, a decision.")
    as_of: Annotated[str, BeforeValidator(_day), WithJsonSchema({"type": ["string", "integer"], "pattern": _DATE})] = (
        Field(description="When the source said so: 2026-07-31, 2026-07 or 2026.", examples=["2026-07-31"])
    )
    penalty: str | None = Field(
        None,
        description="For prefer: what a violation counts for in the objective, per month.",
        examples=["500 USD/month"],
    )
    penalty_per: PenaltyPer = Field("plan", description="For prefer: what the penalty is counted on.")
    tests: CasesModel | None = Field(None, description="Tests of the rule, for files outside the shipped catalog.")

    @field_validator("penalty")
    @classmethod
    def _penalty_is_money(cls, value: str | None) -> str | None:
        if value is not None:
            penalty_usd_per_month(value)
        return value


class PackModel(_Model):
    """A file with several rules that belong together, such as a company's."""

    pack: Identifier = Field(description="Name of the pack.", examples=["company"])
    rules: list[RuleModel] = Field(min_length=1, description="Its rules.")


class PackEntry(_Model):
    """One line of ``packs.yaml``."""

    id: Identifier
    about: Text
    default: bool
    policy: bool


class PackIndex(_Model):
    """``packs.yaml``: the shipped packs and which of them apply unless a scenario says otherwise."""

    packs: list[PackEntry] = Field(min_length=1)


def penalty_usd_per_month(text: str) -> float:
    """Return a penalty such as ``500 USD/month`` in USD per month. Raises UnitError where it is not positive rent."""
    from planner.units import HOURS_PER_MONTH

    money = parse_money(text)
    if money.amount <= 0:
        raise UnitError(f"a penalty of {money} would not be one", "write a positive sum")
    return money.to_usd_per_hour() * HOURS_PER_MONTH


def rule_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a rule file: one rule, or a pack of them."""
    from pydantic import TypeAdapter

    schema: dict[str, Any] = TypeAdapter(RuleModel | PackModel).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rule, or a pack of rules",
        **schema,
    }
