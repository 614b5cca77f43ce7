"""Facts of a family that nobody told us about, from the way its config is written."""

from __future__ import annotations

from planner.architecture.facts import Facts
from planner.architecture.nested import ConfigParts


def infer_facts(parts: ConfigParts) -> tuple[Facts, list[str]]:
    """Return conventions that fit the fields present, and a note for each that is a guess."""
    return Facts(known=False), []
