"""Zamba's shared transformer blocks (arXiv:2405.16712, 2411.15242): a few blocks, called from many layers.

Their weights count once, outside the layers; each call caches keys and values of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.architecture.attention import softmax_attention
from planner.architecture.facts import Facts
from planner.architecture.feedforward import dense_width, mlp
from planner.architecture.fields import Fields
from planner.architecture.model import Tensor
from planner.architecture.tensors import linear, vector


def calling_layer(fields: Fields) -> Iterator[Tensor]:
    """Yield what a layer that calls a shared block has of its own: a projection, and its low-rank adapters."""
    hidden = fields.integer("hidden_size")
    yield from linear("linear", "other", hidden, hidden, "replicated")
    rank = fields.integer("adapter_rank", 0, minimum=0)
    if rank:
        yield from linear("mlp_adapter.down", "other", rank, hidden, "replicated")
        yield from linear("mlp_adapter.up", "other", 2 * dense_width(fields, hidden), rank, "replicated")
    if rank and fields.flag("use_shared_attention_adapter"):
        yield from linear("attention_adapters.down", "other", rank, 2 * hidden, "replicated", count=3)
        yield from linear("attention_adapters.up", "other", 2 * hidden, rank, "replicated", count=3)


def shared_blocks(fields: Fields, facts: Facts) -> Iterator[Tensor]:
    """Yield the blocks themselves: attention over hidden state and embedding side by side, and a gated MLP."""
    hidden = fields.integer("hidden_size")
    _, attention = softmax_attention(fields, facts, "full", None)
    block = (
        *attention,
        *mlp("", "mlp", hidden, dense_width(fields, hidden), gated=True),
        vector("input_norm", "norm", 2 * hidden),
        vector("pre_mlp_norm", "norm", hidden),
    )
    for tensor in block:
        yield replace(tensor, name=f"shared.{tensor.name}", count=fields.integer("num_mem_blocks", 1))
