"""From a model_type to its family's facts: by name, by architecture class, else by the fields' own conventions."""

from __future__ import annotations

import re
from functools import cache

from planner.architecture.facts import Facts
from planner.architecture.families import FAMILIES
from planner.architecture.nested import ConfigParts

_SUFFIX = re.compile(r"(ForCausalLM|ForConditionalGeneration|LMHeadModel|Model|ForCausalLMOnly)$")


def plain_name(name: str) -> str:
    """Return the name without case, separators and the endings of text parts."""
    return re.sub(r"[^a-z0-9]", "", _SUFFIX.sub("", name).lower()).removesuffix("text")


@cache
def _by_plain_name() -> dict[str, str]:
    return {plain_name(name): name for name in FAMILIES}


def identify(parts: ConfigParts) -> tuple[Facts, str, list[str]]:
    """Return the facts, the model_type to report, and notes on what had to be assumed."""
    reported = parts.types[0] if parts.types else ""
    for name in parts.types:
        if name in FAMILIES:
            return FAMILIES[name], reported, []
    for name in parts.types:
        known = _by_plain_name().get(plain_name(name))
        if known:
            return FAMILIES[known], reported, []
    from planner.architecture.infer import infer_facts

    facts, notes = infer_facts(parts)
    return facts, reported, [f"model_type {reported!r} is not known; counts follow the fields' conventions", *notes]
