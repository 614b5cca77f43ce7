"""ModelProfile: the few numbers of an architecture that the time of an iteration depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from planner.architecture.model import Component, LayerGroup, Mixer, ModelArchitecture

if TYPE_CHECKING:
    from typing import Self

FloatArray = NDArray[np.float64]
Number = float | FloatArray
"""A figure of one model, or one per row when the rows of a table belong to different models."""

ATTENTION: frozenset[Component] = frozenset({"attention", "indexer"})
RECURRENT: frozenset[Component] = frozenset({"linear_attention", "mamba", "convolution"})
DENSE: frozenset[Component] = frozenset({"mlp", "experts_shared"})
GROWING = ("full", "mla")
"""Mixers whose cache grows with the whole context."""
BOUNDED = ("sliding", "chunked")
"""Mixers whose cache stops growing at a window."""


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """What one token costs, summed over all layers of the whole model.

    Weights are counted in elements, caches in elements per token (or per sequence for ``state_elements``), attention
    in multiply-accumulates per query token and attended token.
    """

    key: str
    """The same for models of one shape: fine-tunes and renamed releases share their measurements."""
    layers: Number
    hidden: Number
    vocabulary: Number
    attention_weights: Number
    recurrent_weights: Number
    dense_weights: Number
    """Dense MLPs and shared experts."""
    router_weights: Number
    expert_weights: Number
    """All routed experts, resident; a token uses ``experts_per_token / experts`` of them."""
    head_weights: Number
    experts: Number
    experts_per_token: Number
    moe_layers: Number
    full_kv_elements: Number
    window_kv_elements: Number
    window: Number
    """Tokens at which sliding and chunked layers stop (mean over such layers); 0 without them."""
    attended_limit: Number
    """Tokens that a sparse-attention indexer selects; 0 where attention is dense."""
    indexer_elements: Number
    full_decode_macs: Number
    """Decoding with full attention; for MLA in the absorbed form, against the latent."""
    full_prefill_macs: Number
    window_macs: Number
    state_elements: Number
    recurrent_layers: Number
    latent_layers: Number
    kv_heads: Number
    """KV heads by which tensor parallelism can divide the cache; 1 for MLA, whose latent every rank keeps."""
    query_heads: Number
    experts_only: Number
    """1 where the published 4-bit checkpoint converts routed experts alone (gpt-oss)."""

    @classmethod
    def from_architecture(cls, architecture: ModelArchitecture) -> Self:
        """Sum an architecture up. Works for every architecture: unknown mixers count by their tensors and caches."""
        totals = dict.fromkeys(_FIGURES, 0.0)
        totals.update(
            layers=float(architecture.num_layers),
            hidden=float(architecture.hidden_size),
            vocabulary=float(architecture.vocab_size),
            head_weights=float(architecture.vocab_size) * architecture.hidden_size,
            experts=float(architecture.experts),
            experts_per_token=float(architecture.experts_per_token),
            experts_only=float(architecture.native_format == "mxfp4"),
        )
        windows = [(group.mixer.window or 0, group.count) for group in architecture.layers if _windowed(group.mixer)]
        if windows:
            totals["window"] = sum(w * n for w, n in windows) / sum(n for _, n in windows)
        heads = [group.mixer.kv_heads or group.mixer.heads for group in architecture.layers if group.mixer.heads]
        latent = any(group.mixer.kind == "mla" for group in architecture.layers)
        totals["kv_heads"] = 1.0 if latent else float(min(heads, default=1))
        totals["query_heads"] = float(max((group.mixer.heads for group in architecture.layers), default=1) or 1)
        for group in architecture.layers:
            for name, value in _layer_totals(group):
                totals[name] += value * group.count
            totals["attended_limit"] = max(totals["attended_limit"], float(group.mixer.indexer_top_k))
        return cls(key=shape_key(totals), **totals)


_FIGURES = tuple(field.name for field in fields(ModelProfile) if field.name != "key")


def shape_key(figures: Mapping[str, float]) -> str:
    """Return a name for the shape of a model: layers, hidden size, and weights in units of ten million.

    >>> shape_key({"layers": 80, "hidden": 8192, "attention_weights": 12.08e9, "dense_weights": 56.37e9})
    '80x8192-6845'
    """
    parts = ("attention_weights", "recurrent_weights", "dense_weights", "expert_weights")
    weights = sum(figures.get(name, 0.0) for name in parts)
    return f"{figures['layers']:.0f}x{figures['hidden']:.0f}-{weights / 1e7:.0f}"


def _layer_totals(group: LayerGroup) -> list[tuple[str, float]]:
    """Return (field, addend) of one layer of a group."""
    mixer = group.mixer
    sums: list[tuple[str, float]] = []
    for tensor in group.tensors:
        name = _WEIGHT_FIELDS.get(tensor.component)
        if name and tensor.linear:
            sums.append((name, float(tensor.parameters)))
    sums.append(("moe_layers", float(group.is_moe)))
    width = mixer.head_dim + (mixer.value_head_dim or mixer.head_dim)
    macs = float(mixer.heads * width)
    if mixer.kind in GROWING:
        latent = mixer.kind == "mla"
        sums += [
            ("full_kv_elements", float(mixer.kv_elements_per_token)),
            ("full_prefill_macs", macs),
            ("full_decode_macs", 2.0 * mixer.heads * mixer.kv_elements_per_token if latent else macs),
            ("indexer_elements", float(mixer.indexer_elements_per_token)),
            ("latent_layers", float(latent)),
        ]
    elif mixer.kind in BOUNDED:
        sums += [("window_kv_elements", float(mixer.kv_elements_per_token)), ("window_macs", macs)]
    if mixer.state_elements:
        sums += [("state_elements", float(mixer.state_elements)), ("recurrent_layers", 1.0)]
    return sums


def _windowed(mixer: Mixer) -> bool:
    return mixer.kind in BOUNDED


_WEIGHT_FIELDS: dict[Component, str] = {
    **dict.fromkeys(ATTENTION, "attention_weights"),
    **dict.fromkeys(RECURRENT, "recurrent_weights"),
    **dict.fromkeys(DENSE, "dense_weights"),
    "router": "router_weights",
    "experts_routed": "expert_weights",
}


def stack(profiles: Sequence[ModelProfile], index: NDArray[np.intp]) -> ModelProfile:
    """Return one profile whose fields are arrays: row i is that of ``profiles[index[i]]``."""
    columns: dict[str, Any] = {
        name: np.array([getattr(profile, name) for profile in profiles], dtype=np.float64)[index] for name in _FIGURES
    }
    return ModelProfile(key="", **columns)
