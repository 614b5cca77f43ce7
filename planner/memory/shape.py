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
    encoder: int
    """Bytes of features alive per image patch at the encoder's peak, times the patches of the largest image; 0 without
    one that reads images at full resolution."""
    multimodal: bool
    recurrent: bool
    """Some layers keep a state instead of a growing cache."""
    heads: int
    model_type: str


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
        encoder=_encoder_bytes(architecture),
        multimodal=any(tensor.component in ("vision", "audio") for tensor in architecture.outer),
        recurrent=any(group.mixer.state_elements for group in architecture.layers),
        heads=max((group.mixer.heads for group in architecture.layers), default=0),
        model_type=architecture.model_type,
    )


FULL_RESOLUTION_PATCHES = 65536
"""Patches of the largest image that Qwen's processors let through: 12.8 to 16.8 million pixels, 14 or 16 across."""

FULL_RESOLUTION = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5", "qwen3_omni")
"""Beginnings of model types whose images are not scaled down to a fixed size."""

ENCODER_HIDDEN_COPIES = 7
"""Hidden vectors per patch alive beside the MLP at its peak (Qwen3.5 of 27B and 35B, logs of 0.24 to 0.29)."""


def _encoder_bytes(architecture: ModelArchitecture) -> int:
    """Return the peak of profiling the vision encoder with one image of the largest size, in bytes."""
    if not architecture.model_type.startswith(FULL_RESOLUTION):
        return 0
    matrices = [tensor for tensor in architecture.outer if tensor.component == "vision" and tensor.columns > 1]
    hidden = min((tensor.columns for tensor in matrices if tensor.rows > tensor.columns), default=0)
    width = max((tensor.rows for tensor in matrices if tensor.columns == hidden), default=0)
    return 2 * FULL_RESOLUTION_PATCHES * (2 * width + ENCODER_HIDDEN_COPIES * hidden)


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
