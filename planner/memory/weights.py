"""Bytes of a model's weights in a format: in the checkpoint, and on the GPU that holds most of them."""

from __future__ import annotations

from dataclasses import dataclass

from planner.architecture.model import Component, ModelArchitecture, Tensor
from planner.catalog.schema.formats import WeightFormat
from planner.memory.padding import ExpertPadding
from planner.memory.sharding import Layout, group_kv_heads, local_shape, outer_tensors, stage_counts
from planner.memory.storage import bytes_per_copy

ROTARY_BYTES = 2
"""Engines keep cosine and sine of every position and rotary feature in the model's 16-bit type."""


@dataclass(frozen=True, slots=True)
class WeightBytes:
    """What the weights take. ``by_component``: (component, bytes in the checkpoint, bytes on the fullest GPU)."""

    checkpoint: int
    """All tensors once, without MTP layers, which load only with speculative decoding."""
    mtp: int
    per_gpu: int
    """On the GPU that holds most: its share, what every GPU repeats, and the rotary table."""
    rotary: int
    by_component: tuple[tuple[Component, int, int], ...]


def weight_bytes(
    architecture: ModelArchitecture,
    fmt: WeightFormat,
    tp: int = 1,
    pp: int = 1,
    ep: int = 1,
    *,
    attention_dp: int = 1,
    padding: ExpertPadding | None = None,
) -> WeightBytes:
    """Return the bytes of the weights in ``fmt`` under TP, PP and EP, tensor class by tensor class.

    ``padding`` is what the engine adds to experts as it loads them. Raises ValueError for degrees below 1.
    """
    layout = Layout(tp, pp, ep, attention_dp)
    whole = _layer_bytes(architecture, fmt, Layout())
    local = whole if layout == Layout() and not padding else _layer_bytes(architecture, fmt, layout, padding)
    checkpoint: dict[Component, float] = {}
    for counts in stage_counts(architecture, 1):
        _add_layers(checkpoint, whole, counts)
    for tensor in (*outer_tensors(architecture, 0, 1), *_second_head(architecture)):
        _add(checkpoint, tensor.component, _class_bytes(tensor, fmt, architecture, Layout(), 1))
    stages = []
    for stage, counts in enumerate(stage_counts(architecture, pp)):
        held: dict[Component, float] = {}
        _add_layers(held, local, counts)
        for tensor in outer_tensors(architecture, stage, pp):
            _add(held, tensor.component, _class_bytes(tensor, fmt, architecture, layout, 1))
        stages.append(held)
    fullest = max(stages, key=lambda held: sum(held.values()))
    positions = architecture.rotary_positions or architecture.max_position_embeddings
    rotary = positions * architecture.rotary_dim * ROTARY_BYTES
    return WeightBytes(
        checkpoint=round(sum(checkpoint.values())),
        mtp=round(sum(_class_bytes(tensor, fmt, architecture, Layout(), 1) for tensor in architecture.mtp)),
        per_gpu=round(sum(fullest.values())) + rotary,
        rotary=rotary,
        by_component=tuple((name, round(checkpoint[name]), round(fullest.get(name, 0))) for name in sorted(checkpoint)),
    )


def _second_head(architecture: ModelArchitecture) -> tuple[Tensor, ...]:
    """Return the tied head that a checkpoint stores a second time; engines load it once."""
    if not architecture.stores_tied_head:
        return ()
    return tuple(
        Tensor("lm_head", "lm_head", tensor.rows, tensor.columns, "vocab")
        for tensor in architecture.outer
        if tensor.component == "embedding" and tensor.split == "vocab"
    )


def _layer_bytes(
    architecture: ModelArchitecture, fmt: WeightFormat, layout: Layout, padding: ExpertPadding | None = None
) -> list[list[tuple[Component, float]]]:
    """Return, per group of layers, (component, bytes in one layer on one GPU) of its tensor classes."""
    return [
        [
            (
                tensor.component,
                _class_bytes(tensor, fmt, architecture, layout, group_kv_heads(group), group.indices, padding),
            )
            for tensor in group.tensors
        ]
        for group in architecture.layers
    ]


def _class_bytes(
    tensor: Tensor,
    fmt: WeightFormat,
    architecture: ModelArchitecture,
    layout: Layout,
    kv_heads: int,
    layers: tuple[int, ...] = (),
    padding: ExpertPadding | None = None,
) -> float:
    rows, columns, count = local_shape(tensor, kv_heads, architecture.hidden_size, layout, padding)
    return count * bytes_per_copy(tensor, rows, columns, fmt, architecture, layers)


def _add_layers(
    into: dict[Component, float], groups: list[list[tuple[Component, float]]], counts: tuple[int, ...]
) -> None:
    for tensors, count in zip(groups, counts, strict=True):
        for component, size in tensors:
            _add(into, component, size * count)


def _add(into: dict[Component, float], component: Component, size: float) -> None:
    into[component] = into.get(component, 0.0) + size
