"""What loading leaves on a GPU beside the tensors, where an engine weighs a model by the memory that it is short of.

SGLang prints the fall of free memory while it loads: segments of PyTorch's allocator, the copies that its attention
multiplies by, and its tables of cosines, which are twice as wide as those of others.
"""

from __future__ import annotations

from planner.architecture.model import LayerGroup, ModelArchitecture
from planner.catalog.schema.accelerators import Accelerator
from planner.catalog.schema.formats import WeightFormat
from planner.memory.allocator import reserved_bytes
from planner.memory.sharding import Layout, group_kv_heads, local_shape, outer_tensors, stage_counts
from planner.memory.storage import is_quantized
from planner.memory.weights import ROTARY_BYTES, class_bytes

MERGED: dict[str, str] = {
    "q_proj": "qkv",
    "k_proj": "qkv",
    "v_proj": "qkv",
    "gate_proj": "gate_up",
    "up_proj": "gate_up",
    "q_a_proj": "qkv_a",
    "kv_a_proj": "qkv_a",
}
"""Projections that engines hold as one tensor, each part behind the other; all experts of a layer are one as well.
Scales are tensors beside them."""

REPEATED = "kv_b_proj"
"""MLA's up-projection, which absorbed attention needs split into keys and values: two copies that make one more."""

SGLANG_ROTARY_BYTES = 4
"""SGLang keeps cosines and sines in 32 bit on CUDA (RotaryEmbedding.__init__)."""


def casts_experts(accelerator: Accelerator) -> bool:
    """Return whether SGLang casts experts into the device's own layout, as it does to FRACTAL_NZ on Ascend.

    Each is copied and the old one freed (UnquantizedFusedMoEMethod.process_weights_after_loading); the room of the
    largest stays with the allocator.
    """
    return accelerator.vendor.casefold() == "huawei"


def loading_overhead(architecture: ModelArchitecture, fmt: WeightFormat, layout: Layout, *, casts: bool = False) -> int:
    """Return the bytes on the fullest GPU that loading takes beyond the tensors and 16-bit rotary tables.

    ``casts``: experts are cast into a layout of the device (``casts_experts``).
    """
    stages = stage_counts(architecture, layout.pp)
    fullest = max(range(layout.pp), key=lambda stage: sum(stages[stage]))
    sizes = [
        int(class_bytes(tensor, fmt, architecture, layout, 1))
        for tensor in outer_tensors(architecture, fullest, layout.pp)
    ]
    copies = cast = 0
    layers = []
    for group, count in zip(architecture.layers, stages[fullest], strict=True):
        held, repeated = _layer(group, fmt, architecture, layout)
        layers += [(index, held) for index in group.indices[:count]]
        copies += repeated * count
        if casts and group.is_moe:
            cast = max(cast, *held)
    for _, held in sorted(layers, key=lambda layer: layer[0]):
        sizes += held
    positions = architecture.rotary_positions or architecture.max_position_embeddings
    wider = positions * architecture.rotary_dim * (SGLANG_ROTARY_BYTES - ROTARY_BYTES)
    return reserved_bytes(sizes) - sum(sizes) + copies + cast + wider


def _layer(
    group: LayerGroup, fmt: WeightFormat, architecture: ModelArchitecture, layout: Layout
) -> tuple[list[int], int]:
    """Return the sizes of a layer's tensors as an engine holds them, and the bytes that it holds twice."""
    merged: dict[tuple[str, str, str], float] = {}
    copies = 0.0
    mixture = architecture.experts > 0
    kv_heads = group_kv_heads(group)
    for tensor in group.tensors:
        size = class_bytes(tensor, fmt, architecture, layout, kv_heads, group.indices)
        values = size
        if is_quantized(tensor, fmt, mixture=mixture):
            rows, columns, count = local_shape(tensor, kv_heads, architecture.hidden_size, layout)
            values = min(size, rows * columns * count * fmt.bits_per_weight / 8)
        last = tensor.name.rpartition(".")[2]
        for part, held in (("values", values), ("scales", size - values)):
            key = (tensor.component, MERGED.get(last, tensor.name), part)
            merged[key] = merged.get(key, 0.0) + held
        copies += size if last == REPEATED else 0.0
    return [round(size) for size in merged.values() if size >= 1], round(copies)
