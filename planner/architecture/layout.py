"""Which layer is what: the mixer, the feed-forward block and the overridden fields of every layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from planner.architecture.facts import Facts
from planner.architecture.fields import Fields
from planner.architecture.model import MixerKind

FeedForward = Literal["dense", "moe", "none"]


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """What one layer is made of; equal plans are built once."""

    mixer: MixerKind
    feedforward: FeedForward
    window: int | None = None
    overrides: tuple[tuple[str, Any], ...] = ()


def plan_layers(fields: Fields, facts: Facts) -> tuple[LayerPlan, ...]:
    """Return the plan of every layer in order."""
    count = fields.integer("num_hidden_layers")
    mixer: MixerKind = "mla" if "kv_lora_rank" in fields else "full"
    window = (
        fields.integer("sliding_window")
        if fields.flag("use_sliding_window", True) and "sliding_window" in fields
        else None
    )
    if mixer == "full" and window:
        mixer = "sliding"
    return tuple(LayerPlan(mixer, ffn, window) for ffn in _feedforward(fields, count))


def _feedforward(fields: Fields, count: int) -> list[FeedForward]:
    if not fields.integer("num_experts", 0, minimum=0):
        return ["dense"] * count
    first = fields.integer("first_k_dense_replace", 0, minimum=0)
    step = fields.integer("decoder_sparse_step", 1)
    only = set(fields.items("mlp_only_layers"))
    return ["dense" if index < first or index in only or (index + 1) % step else "moe" for index in range(count)]
