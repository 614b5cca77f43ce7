"""A header's tensors as an inventory: which part of the model each one is, told from its name.

Used where the header disagrees with what the config implies: the header is the truth, the config keeps the mixers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from planner.architecture.model import Component, LayerGroup, ModelArchitecture, Split, Tensor
from planner.architecture.stored import StoredTensor

_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks|blk|block)\.(\d+)\.")

_PATTERNS: tuple[tuple[str, Component], ...] = (
    (r"(projector|connector|aligner|\bmm\.|merger)", "projector"),
    (r"(audio|speech|whisper)", "audio"),
    (r"(visual|vision|image|^v\.)", "vision"),
    (r"(^|\.)(mtp|nextn|eh_proj|enorm|hnorm)", "mtp"),
    (r"indexer", "indexer"),
    (r"(shared_expert|shared_mlp|shexp)", "experts_shared"),
    (r"(\.experts?\b|_exps|experts\.|block_sparse_moe\.(input|output)_linear)", "experts_routed"),
    (r"(mlp\.gate\.|router|gate_inp|block_sparse_moe\.gate|moe\.gate)", "router"),
    (r"(linear_attn|\.kda\.)", "linear_attention"),
    (r"(mamba|ssm_|mixer\.(in_proj|out_proj|conv1d|A_log|D\b|dt_bias|x_proj|dt_proj))", "mamba"),
    (r"(shortconv|\.conv\.)", "convolution"),
    (r"(lm_head|embed_out|^output\.(weight|bias))", "lm_head"),
    (
        r"(attn_norm|ffn_norm|input_layernorm|(post|pre)_\w*norm|^norm|\.norm\.|\bln_|(output|final)_\w*norm|norm_f)",
        "norm",
    ),
    (r"(embed|wte|wpe|token_embd|position_embd)", "embedding"),
    (r"(attn|attention|query_key_value)", "attention"),
    (r"norm", "norm"),
    (r"(mlp|ffn|feed_forward|fc1|fc2|dense_)", "mlp"),
)
"""The first pattern that a name matches tells its component."""

_RULES = tuple((re.compile(pattern), component) for pattern, component in _PATTERNS)


def component_of(name: str) -> Component:
    """Return the component that a tensor of that name belongs to; ``other`` when none is known."""
    for pattern, component in _RULES:
        if pattern.search(name):
            return component
    return "other"


def _split(name: str, component: Component) -> Split:
    if component in ("embedding", "lm_head"):
        return "vocab"
    if component == "experts_routed":
        return "experts"
    if component in ("norm", "router", "indexer", "other", "mtp", "projector") or name.endswith("norm.weight"):
        return "replicated"
    if re.search(r"([kv]_proj|attn_[kv])\b", name):
        return "kv_heads"
    if re.search(r"(o_proj|out_proj|down_proj|attn_output|ffn_down|w2|dense|fc2)", name):
        return "row"
    return "column"


def _tensor(stored: StoredTensor, name: str, packed_bits: int | None) -> Tensor:
    component = component_of(name)
    matrix = len(stored.shape) > 1 and component not in ("norm",)
    count = stored.shape[0] if len(stored.shape) == 3 and component == "experts_routed" else 1
    total = stored.parameters(packed_bits) // max(count, 1)
    rows = stored.shape[-2] if matrix else total
    columns = total // rows if matrix and rows and not total % rows else 1
    rows = rows if columns > 1 else total
    linear = matrix and component not in ("embedding", "router")
    return Tensor(name, component, rows, columns, _split(name, component), count, linear)


def from_header(
    architecture: ModelArchitecture, tensors: Iterable[StoredTensor], packed_bits: int | None
) -> ModelArchitecture:
    """Return the architecture with the header's tensors in place of the implied ones; mixers and sizes stay."""
    layers: dict[int, list[Tensor]] = {}
    outer: list[Tensor] = []
    mtp: list[Tensor] = []
    count = architecture.num_layers
    for stored in tensors:
        if stored.is_metadata:
            continue
        found = None if component_of(stored.name) in ("vision", "audio") else _LAYER.search(stored.name)
        name = _LAYER.sub("", stored.name, count=1) if found else stored.name
        tensor = _tensor(stored, name.removeprefix("model"), packed_bits)
        if found and int(found[1]) < count and tensor.component != "mtp":
            layers.setdefault(int(found[1]), []).append(tensor)
        elif found or tensor.component == "mtp":
            mtp.append(replace(tensor, component="mtp"))
        else:
            outer.append(tensor)
    if architecture.tied_embeddings:
        outer = [tensor for tensor in outer if tensor.component != "lm_head"]
    return replace(
        architecture, layers=_regroup(architecture.layers, layers), outer=tuple(_merge(outer)), mtp=tuple(_merge(mtp))
    )


def _merge(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Sum alike tensors (separate expert matrices) into one class with a count."""
    counts: dict[Tensor, int] = {}
    for tensor in tensors:
        key = replace(tensor, name=re.sub(r"\.\d+\.", ".#.", tensor.name), count=1)
        counts[key] = counts.get(key, 0) + tensor.count
    return [replace(tensor, count=count) for tensor, count in counts.items()]


def _regroup(groups: tuple[LayerGroup, ...], layers: dict[int, list[Tensor]]) -> tuple[LayerGroup, ...]:
    """Split each group by what its layers really hold."""
    found: dict[tuple[int, tuple[Tensor, ...]], list[int]] = {}
    for place, group in enumerate(groups):
        for index in group.indices:
            found.setdefault((place, tuple(_merge(layers.get(index, [])))), []).append(index)
    return tuple(
        LayerGroup(tuple(indices), groups[place].mixer, tensors) for (place, tensors), indices in found.items()
    )
