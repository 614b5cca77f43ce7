"""Which part of a tensor one GPU holds under tensor, pipeline and expert parallelism."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from planner.architecture.model import Component, LayerGroup, ModelArchitecture, Tensor
from planner.memory.padding import ExpertPadding

VOCAB_PADDING = 64
"""Engines pad the vocabulary to a multiple of this before they split it (vLLM and SGLang: 64 rows)."""

ATTENTION: frozenset[Component] = frozenset({"attention", "linear_attention", "mamba", "convolution", "indexer"})
"""Components that data-parallel attention replicates instead of splitting."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How one replica is spread. ``attention_dp`` attention groups of ``tp / attention_dp`` GPUs share the experts."""

    tp: int = 1
    pp: int = 1
    ep: int = 1
    attention_dp: int = 1

    def __post_init__(self) -> None:
        for name in ("tp", "pp", "ep", "attention_dp"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, is {getattr(self, name)}")
        if self.tp % self.attention_dp:
            raise ValueError(f"attention_dp {self.attention_dp} must divide tp {self.tp}")

    @property
    def attention_tp(self) -> int:
        """GPUs that share the heads of one sequence."""
        return self.tp // self.attention_dp


def local_shape(
    tensor: Tensor, kv_heads: int, hidden_size: int, layout: Layout, padding: ExpertPadding | None = None
) -> tuple[int, int, int]:
    """Return (rows, columns, count) of a tensor class on the GPU that holds most of it.

    ``kv_heads`` are those of the layer: beyond them, tensor parallelism copies keys and values instead of splitting.
    Experts are split by expert over ``ep`` and, where GPUs remain, by width over ``tp / ep``.
    """
    rows, columns, count = tensor.rows, tensor.columns, tensor.count
    if tensor.split == "experts":
        width = max(1, layout.tp // layout.ep)
        inner_rows = columns == hidden_size or rows != hidden_size
        rows, columns = (ceil(rows / width), columns) if inner_rows else (rows, ceil(columns / width))
        if padding is not None and tensor.linear:
            rows, columns = padding.apply(rows, columns, inner_rows=inner_rows)
        return rows, columns, ceil(count / layout.ep)
    replicated_vocab = tensor.split == "vocab" and layout.attention_dp > 1
    ways = layout.attention_tp if tensor.component in ATTENTION or replicated_vocab else layout.tp
    if tensor.split == "column":
        return ceil(rows / ways), columns, count
    if tensor.split == "row":
        return rows, ceil(columns / ways), count
    if tensor.split == "kv_heads":
        return ceil(rows / min(ways, max(1, kv_heads))), columns, count
    if tensor.split == "vocab":
        padded = ceil(rows / VOCAB_PADDING) * VOCAB_PADDING if ways > 1 else rows
        return ceil(padded / ways), columns, count
    return rows, columns, count


@lru_cache(maxsize=512)
def stage_sizes(layers: int, pp: int) -> tuple[int, ...]:
    """Return the layers of each pipeline stage, as vLLM deals them out: the rest goes to the last but one, backwards.

    >>> stage_sizes(80, 4), stage_sizes(61, 4)
    ((20, 20, 20, 20), (15, 15, 16, 15))
    """
    sizes = [layers // pp] * pp
    for step in range(layers % pp):
        sizes[-2 - step if pp > 1 and step < pp - 1 else -1] += 1
    return tuple(sizes)


def stage_counts(architecture: ModelArchitecture, pp: int) -> list[tuple[int, ...]]:
    """Return, per pipeline stage, how many layers of each group of ``architecture.layers`` it holds."""
    if pp == 1:
        return [tuple(group.count for group in architecture.layers)]
    stages = []
    start = 0
    for size in stage_sizes(architecture.num_layers, pp):
        end = start + size
        stages.append(tuple(sum(start <= index < end for index in group.indices) for group in architecture.layers))
        start = end
    return stages


def outer_tensors(architecture: ModelArchitecture, stage: int, pp: int) -> Iterator[Tensor]:
    """Yield what a stage holds besides layers: the first the embedding and towers, the last the head and final norm.

    A tied embedding serves as the head too, so with several stages the first and the last each hold a copy.
    """
    for tensor in architecture.outer:
        at_end = tensor.component in ("lm_head", "norm")
        tied_copy = architecture.tied_embeddings and tensor.component == "embedding" and tensor.split == "vocab"
        if (stage == pp - 1 if at_end else stage == 0) or (tied_copy and stage == pp - 1):
            yield tensor


def group_kv_heads(group: LayerGroup) -> int:
    """Return the KV heads by which tensor parallelism may split the layer's keys and values."""
    return group.mixer.kv_heads or group.mixer.heads or 1
