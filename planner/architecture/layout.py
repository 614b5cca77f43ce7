"""Which layer is what: the mixer, the feed-forward block and the overridden fields of every layer.

A config says it in one of many ways: a list of names, a string of letters, lists of indices, a period with an
offset, or one list of integers. Every reader below turns one of them into names of ``_KINDS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from planner.architecture.facts import Facts
from planner.architecture.feedforward_layout import FeedForward, feedforward_kinds
from planner.architecture.fields import LIMITS, Fields
from planner.architecture.overrides import layer_overrides

Kind = Literal[
    "full", "sliding", "chunked", "cross", "recurrent", "convolution", "parallel", "compressed", "heavily_compressed",
    "none",
]  # fmt: skip
"""Mixer as layouts name it: ``recurrent`` is any constant-state mixer, ``parallel`` attention beside one, ``cross``
attention to the tokens of an image."""

_KINDS: dict[str, Kind] = {
    "full_attention": "full", "attention": "full", "global": "full", "global_attention": "full", "full": "full",
    "f": "full", "hybrid_full": "full", "indexed_attention": "full", "nope_attention": "full",
    "sliding_attention": "sliding", "sliding": "sliding", "local": "sliding", "local_attention": "sliding",
    "swa": "sliding", "hybrid_sliding": "sliding", "window": "sliding",
    "chunked_attention": "chunked",
    "linear_attention": "recurrent", "lightning_attention": "recurrent", "mamba": "recurrent", "mamba2": "recurrent",
    "m": "recurrent", "recurrent": "recurrent", "kda": "recurrent", "gdn": "recurrent", "ssm": "recurrent",
    "conv": "convolution", "short_conv": "convolution",
    "compressed_sparse_attention": "compressed", "heavily_compressed_attention": "heavily_compressed",
    "moe": "none", "mlp": "none",
}  # fmt: skip

_PARTS: tuple[tuple[str, Kind], ...] = (
    ("sliding", "sliding"), ("local", "sliding"), ("window", "sliding"), ("chunk", "chunked"), ("linear", "recurrent"),
    ("delta", "recurrent"), ("mamba", "recurrent"), ("ssm", "recurrent"), ("recurrent", "recurrent"),
    ("conv", "convolution"), ("full", "full"), ("global", "full"), ("attention", "full"),
)  # fmt: skip
"""What part of an unknown name tells its kind."""

_LETTERS: dict[str, Kind] = {"M": "recurrent", "*": "full", "-": "none", "E": "none"}
"""hybrid_override_pattern of Nemotron-H: Mamba, attention, MLP, experts."""


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """What one layer is made of; layers with equal plans are built once."""

    mixer: Kind
    feedforward: FeedForward
    window: int | None = None
    overrides: tuple[tuple[str, Any], ...] = ()


def plan_layers(fields: Fields, facts: Facts) -> tuple[LayerPlan, ...]:
    """Return the plan of every layer in order. Notes a problem where a list does not fit the number of layers."""
    kinds = _mixer_kinds(fields)
    if kinds is None:
        count = fields.integer("num_hidden_layers")
        kinds = _windowed(fields, facts, count) or ["full"] * count
    if not kinds:
        kinds = ["full"] * fields.integer("num_hidden_layers")  # notes that it is missing
    if len(kinds) > LIMITS["num_hidden_layers"]:
        fields.problem("num_hidden_layers", f"the config lists {len(kinds)} layers, at most 4096 are read")
        fields.check()
    kinds = [kind for kind in _resize(fields, kinds) for _ in range(facts.sublayers)]
    for index in fields.indices("cross_attention_layers"):
        if 0 <= index < len(kinds):
            kinds[index] = "cross"
    blocks = feedforward_kinds(fields, facts, len(kinds))
    overrides = layer_overrides(fields, facts, kinds)
    window = fields.integer("sliding_window", 0, minimum=0)
    chunk = fields.integer("attention_chunk_size", 0, minimum=0)
    windows: dict[Kind, int | None] = {
        "sliding": window or None, "chunked": chunk or window or None,
        "compressed": window or None, "heavily_compressed": window or None,
    }  # fmt: skip
    return tuple(
        LayerPlan("full" if kind == "sliding" and not window else kind, block, windows.get(kind), override)
        for kind, block, override in zip(kinds, blocks, overrides, strict=True)
    )


def _resize(fields: Fields, kinds: list[Kind]) -> list[Kind]:
    """Cut the entries of MTP layers, repeat a pattern that divides the model's depth, refuse what fits neither."""
    if "num_hidden_layers" not in fields:
        return kinds
    count = fields.integer("num_hidden_layers")
    if len(kinds) > count:
        return kinds[:count]
    if not kinds:
        return ["full"] * count
    if count % len(kinds) and "block_types" not in fields:
        fields.problem("num_hidden_layers", f"is {count}, but the config lists the kinds of {len(kinds)} layers")
    return [kinds[index % len(kinds)] for index in range(count)]


def _mixer_kinds(fields: Fields) -> list[Kind] | None:
    """Return the mixer of every layer where the config lists or encodes it, else None."""
    for name in ("layers_block_type", "layer_types", "block_types", "attention_layers"):
        if fields.items(name):
            return [_kind(fields, name, item) for item in fields.items(name)]
    pattern = fields.text("hybrid_override_pattern")
    if pattern:
        return [_LETTERS.get(letter, "full") for letter in pattern if letter != "|"]
    if fields.items("block_configs"):
        return [_block_kind(block) for block in fields.items("block_configs")]
    return _indexed(fields) or _periodic(fields)


def _kind(fields: Fields, name: str, item: Any) -> Kind:
    if item in ("hybrid", "attention_hybrid"):
        return "parallel" if _has_recurrence(fields) else "full"
    if isinstance(item, str):
        known = _KINDS.get(item.lower()) or next((kind for part, kind in _PARTS if part in item.lower()), None)
        if known:
            return known
    fields.problem(name, f"{item!r:.40} is no kind of layer that is known", f"known are {', '.join(sorted(_KINDS))}")
    return "full"


def _has_recurrence(fields: Fields) -> bool:
    return any(name in fields for name in ("mamba_d_state", "ssm_state_size", "linear_num_value_heads"))


def _block_kind(block: Any) -> Kind:
    attention = block.get("attention") if isinstance(block, Mapping) else None
    if not isinstance(attention, Mapping) or attention.get("no_op") or attention.get("replace_with_linear"):
        return "none"
    if attention.get("mamba"):
        return "recurrent"
    return "sliding" if attention.get("window_length") else "full"


def _indexed(fields: Fields) -> list[Kind] | None:
    """Lists of indices or of integers per layer."""
    linear = fields.inside("linear_attn_config")
    count = fields.integer("num_hidden_layers", 0)
    if linear.items("kda_layers"):
        recurrent = linear.indices("kda_layers")  # counted from 1
        return ["recurrent" if index + 1 in recurrent else "full" for index in range(count)]
    if fields.items("attn_type_list"):
        return ["full" if item else "recurrent" for item in fields.items("attn_type_list")]
    if fields.items("hybrid_layer_pattern"):
        return ["sliding" if item else "full" for item in fields.items("hybrid_layer_pattern")]
    if fields.items("compress_ratios"):
        return [_compression(fields, item) for item in fields.items("compress_ratios")]
    if fields.items("full_attn_idxs"):
        attention = fields.indices("full_attn_idxs")
        return ["full" if index in attention else "convolution" for index in range(count)]
    if fields.given("attn_layer_indices"):
        attention = fields.indices("attn_layer_indices")
        return ["full" if index in attention else "recurrent" for index in range(count)]
    return None


def _compression(fields: Fields, ratio: Any) -> Kind:
    if type(ratio) is not int:
        fields.problem("compress_ratios", f"must list whole numbers, has {ratio!r:.40}")
        return "full"
    return "sliding" if ratio in (0, 1) else "compressed" if ratio <= 16 else "heavily_compressed"


def _periodic(fields: Fields) -> list[Kind] | None:
    """One attention layer in every so many, recurrent ones between."""
    count = fields.integer("num_hidden_layers", 0)
    if "attn_layer_period" in fields:
        period, offset = fields.integer("attn_layer_period"), fields.integer("attn_layer_offset", 0, minimum=0)
        return ["full" if index % period == offset else "recurrent" for index in range(count)]
    for name in ("full_attention_interval", "layer_group_size"):
        if fields.integer(name, 1) > 1:
            period = fields.integer(name)
            last = count // period * period  # layers of an incomplete last group attend
            return ["recurrent" if (i + 1) % period and i < last else "full" for i in range(count)]
    if any(name in fields for name in ("state_size", "mamba_n_heads", "rwkv_head_size")):
        parallel = "num_attention_heads" in fields and "intermediate_size" in fields
        return ["parallel" if parallel else "recurrent"] * count
    return None


def _windowed(fields: Fields, facts: Facts, count: int) -> list[Kind] | None:
    """Sliding or chunked layers between full ones; None where no window binds."""
    if "attention_chunk_size" in fields and "sliding_window" not in fields:
        rotary = fields.items("no_rope_layers")
        if not rotary:
            step = fields.integer("no_rope_layer_interval", 4)
            rotary = [(index + 1) % step for index in range(count)]
        return ["chunked" if flag else "full" for flag in rotary]
    window = fields.integer("sliding_window", 0, minimum=0)
    longest = fields.integer("max_position_embeddings", 0, minimum=0)
    if not window or not fields.flag("use_sliding_window", True) or 0 < longest <= window:
        return None
    pattern = fields.raw("sliding_window_pattern", fields.raw("_sliding_window_pattern", facts.window_pattern))
    if isinstance(pattern, str):
        letters = {"L": "sliding", "S": "sliding", "G": "full", "F": "full"}
        return [letters.get(pattern[index % len(pattern)].upper(), "full") for index in range(count)]  # type: ignore[misc]
    period = fields.integer("global_attn_every_n_layers", pattern if isinstance(pattern, int) else 0, minimum=0)
    if period > 1:
        phase = 0 if facts.window_first_full else 1
        return ["sliding" if (index + phase) % period else "full" for index in range(count)]
    first = fields.integer("max_window_layers", 0, minimum=0) if "use_sliding_window" in fields else 0
    return ["sliding" if index >= first else "full" for index in range(count)]
