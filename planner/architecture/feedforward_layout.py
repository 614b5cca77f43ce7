"""Which layers have a dense feed-forward block, which route to experts, which have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from planner.architecture.facts import Facts
from planner.architecture.fields import Fields

FeedForward = Literal["dense", "moe", "none"]

_NAMES: dict[str, FeedForward] = {"dense": "dense", "sparse": "moe", "moe": "moe", "hash_moe": "moe", "mlp": "dense"}
_LETTERS: dict[str, FeedForward] = {"-": "dense", "E": "moe"}


def feedforward_kinds(fields: Fields, facts: Facts, count: int) -> list[FeedForward]:
    """Return the feed-forward block of each of ``count`` layers."""
    single = _single_block(fields, facts)
    if single is not None:
        return (single + ["none"] * count)[:count]
    if fields.items("block_configs"):
        blocks = [_nas(block) for block in fields.items("block_configs")]
        return (blocks + ["none"] * count)[:count]
    if not facts.feedforward:
        return ["none"] * count
    if not fields.integer("num_experts", 0, minimum=0) or not fields.flag("enable_moe_block", True):
        return ["dense"] * count
    if not fields.flag("is_moe", True):
        return ["dense"] * count
    if facts.sublayers > 1:
        return ["dense" if index % facts.sublayers else "moe" for index in range(count)]
    sparse = _listed(fields, count) or _computed(fields, count)
    return ["moe" if flag else "dense" for flag in sparse]


def _single_block(fields: Fields, facts: Facts) -> list[FeedForward] | None:
    """Layers that are either a mixer or a feed-forward block, never both (Nemotron-H)."""
    pattern = fields.text("hybrid_override_pattern")
    if pattern:
        return [_LETTERS.get(letter, "none") for letter in pattern if letter != "|"]
    blocks = fields.items("layers_block_type")
    if any(item in ("moe", "mlp") for item in blocks):
        return [_NAMES.get(str(item), "none") for item in blocks]
    return None


def _nas(block: Any) -> FeedForward:
    ffn = block.get("ffn") if isinstance(block, Mapping) else None
    if not isinstance(ffn, Mapping) or ffn.get("no_op"):
        return "none"
    return "moe" if ffn.get("moe") else "dense"


def _listed(fields: Fields, count: int) -> list[bool] | None:
    """Per-layer names, flags or indices."""
    names = fields.items("mlp_layer_types")
    if names:
        return [_NAMES.get(str(name), "moe") == "moe" for name in (names + ["moe"] * count)[:count]]
    flags = fields.raw("moe_layer_freq")
    if isinstance(flags, list | tuple):
        return [bool(flag) for flag in (list(flags) + [1] * count)[:count]]
    indices = fields.raw("moe_layers_enum", fields.raw("moe_layers"))
    if isinstance(indices, str):
        indices = [int(part) for part in indices.split(",") if part.strip().isdigit()]
    if isinstance(indices, list | tuple):
        return [index in indices for index in range(count)]
    return None


def _computed(fields: Fields, count: int) -> list[bool]:
    """First dense layers, a period with an offset, an interval within bounds."""
    first = fields.integer("first_k_dense_replace", 0, minimum=0)
    only_dense = fields.indices("mlp_only_layers")
    step = fields.integer("decoder_sparse_step", fields.integer("interleave_moe_layer_step", 1))
    every = fields.integer("moe_layer_freq", 1)
    period = fields.integer("expert_layer_period", 1)
    offset = fields.integer("expert_layer_offset", 0, minimum=0) if "expert_layer_period" in fields else 0
    start = fields.integer("moe_layer_start_index", 0, minimum=0)
    end = fields.integer("moe_layer_end_index", count, minimum=-1)
    end = count if end < 0 else end
    interval = fields.integer("moe_layer_interval", 1)
    return [
        index >= first
        and index not in only_dense
        and (index + 1) % step == 0
        and index % every == 0
        and index % period == offset
        and start <= index <= end
        and (index + 1) % interval == 0
        for index in range(count)
    ]
