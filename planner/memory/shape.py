"""The few widths of a model that decide how much memory one forward pass needs beside weights and cache."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from planner.architecture.model import LayerGroup, ModelArchitecture
from planner.memory.sharding import Layout


@dataclass(frozen=True, slots=True)
class ForwardShape:
    """Features per token on one GPU.

    ``mlp``: outputs of the up projections and of the activation of the widest dense MLP (3 x width when gated).
    ``expert_in``/``expert_out``: outputs of one expert's up projections, and the width that its down projection
    reads. ``top_k``: experts per token. ``multimodal``: the model has towers, which profiling runs too.
    """

    hidden: int
    vocab: int
    layers: int
    mlp: int
    expert_in: int
    expert_out: int
    top_k: int
    multimodal: bool
    recurrent: bool
    """Some layers keep a state instead of a growing cache."""
    heads: int


def forward_shape(architecture: ModelArchitecture, layout: Layout) -> ForwardShape:
    """Return the widths of a model's forward pass on one GPU of the layout."""
    width = max(1, layout.tp // layout.ep)
    mlp = expert_in = expert_out = 0
    for group in architecture.layers:
        mlp = max(mlp, _dense(group, layout.tp))
        up, down = _expert(group, width)
        expert_in, expert_out = max(expert_in, up), max(expert_out, down)
    return ForwardShape(
        hidden=architecture.hidden_size,
        vocab=architecture.vocab_size,
        layers=ceil(architecture.num_layers / layout.pp),
        mlp=mlp,
        expert_in=expert_in,
        expert_out=expert_out,
        top_k=architecture.experts_per_token if expert_in else 0,
        multimodal=any(tensor.component in ("vision", "audio") for tensor in architecture.outer),
        recurrent=any(group.mixer.state_elements for group in architecture.layers),
        heads=max((group.mixer.heads for group in architecture.layers), default=0),
    )


def _dense(group: LayerGroup, tp: int) -> int:
    ups = [
        ceil(tensor.rows / tp)
        for tensor in group.tensors
        if tensor.component in ("mlp", "experts_shared") and tensor.linear and tensor.split == "column"
    ]
    return sum(ups) + max(ups, default=0)


def _expert(group: LayerGroup, width: int) -> tuple[int, int]:
    ups = [
        ceil(tensor.rows / width)
        for tensor in group.tensors
        if tensor.component == "experts_routed" and tensor.linear and not tensor.name.endswith("down_proj")
    ]
    return sum(ups), max(ups, default=0)
