"""Tables of rotary positions: how many rows of cosines and sines engines compute ahead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.architecture.fields import Fields

MULTIMODAL_FACTOR = 4
"""Rotary positions of images and video run further than the text: engines make the table four times as long."""


def rotary_positions(fields: Fields) -> int:
    """Return the rows of all rotary tables, as vLLM's rotary embeddings build them.

    One row per position of ``max_position_embeddings``; linear and dynamic scaling multiply them by their factor,
    YaRN stretches the original length, LongRoPE keeps a short and a long table, multimodal positions take four times
    as many. A second base frequency for sliding layers (Gemma 3) has a table of its own.
    """
    longest = fields.integer("max_position_embeddings", 0, minimum=0)
    scaling = _scaling(fields)
    kind = str(scaling.get("rope_type", scaling.get("type", "default")))
    factor = _number(scaling.get("factor"), 1.0)
    original = int(_number(scaling.get("original_max_position_embeddings"), 0.0))
    rows = longest
    if kind in ("linear", "dynamic"):
        rows = int(longest * factor)
    elif kind == "yarn" and original:
        rows = int(original * factor)
    elif kind in ("longrope", "su"):
        rows = longest + (original or fields.integer("original_max_position_embeddings", 0, minimum=0))
    elif "mrope_section" in scaling:
        rows = MULTIMODAL_FACTOR * longest
    return rows + (longest if "rope_local_base_freq" in fields else 0)


def _scaling(fields: Fields) -> Mapping[str, Any]:
    """Return the record that says how positions are scaled, under either of its names."""
    for name in ("rope_scaling", "rope_parameters"):
        found = fields.raw(name)
        if isinstance(found, Mapping):
            full = found.get("full_attention")
            return full if isinstance(full, Mapping) else found
    return {}


def _number(value: Any, default: float) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
    return float(value) if usable else default
