"""Models: the config.json they were published with and their exact size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from planner.catalog.schema.base import AsOf, Count, Entity, Text


@dataclass(frozen=True, slots=True)
class ModelEntry(Entity):
    """A model of the catalog. Its file is named after the id with ``--`` for ``/``."""

    id: Text
    """As on the hub, ``meta-llama/Llama-3.1-70B-Instruct``."""
    name: Text
    config: Mapping[str, Any] = field(hash=False)
    """The content of config.json, as far as the architecture follows from it."""
    parameters: Count
    """Exact total as published, a tied head counted once; what the architecture computes must equal it."""
    parameters_basis: Text
    """What the total counts and where it is from: a safetensors index, a header, or arithmetic on the config."""
    source: Text
    as_of: AsOf
    aliases: tuple[str, ...] = ()
    native_format: str = "bf16"
    """Format id of the published checkpoint; the reference of quality recovery."""
    config_kind: Literal["exact", "retyped", "reconstructed"] = "exact"
    """``exact``: the publisher's text; ``retyped``: its values, copied; ``reconstructed``: from a description."""
    license: str = ""
    notes: str = ""
