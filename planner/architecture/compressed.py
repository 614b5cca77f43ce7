"""DeepSeek-V4 attention: one shared key-value vector, a sliding window, and compressed entries beyond it."""

from __future__ import annotations

from collections.abc import Iterator

from planner.architecture.fields import Fields
from planner.architecture.model import Mixer, Tensor
from planner.architecture.tensors import linear, vector

_RATIOS = {
    "compressed": ("compressed_sparse_attention", 4),
    "heavily_compressed": ("heavily_compressed_attention", 128),
}
"""Kind -> its key in ``compress_rates``, and its tokens per entry where that is silent. Sparse has an indexer."""


def compressed_attention(fields: Fields, kind: str, window: int | None) -> tuple[Mixer, list[Tensor]]:
    """Return mixer and tensors of one layer; ``kind`` sliding keeps the window only."""
    heads = fields.integer("num_attention_heads")
    width = fields.integer("head_dim")
    ratio = 0
    if kind in _RATIOS:
        name, default = _RATIOS[kind]
        ratio = fields.inside("compress_rates").integer(name, default)
    index_width = fields.integer("index_head_dim", 128) if kind == "compressed" else 0
    mixer = Mixer(
        "sliding",
        heads,
        1,
        width,
        width,
        kv_elements_per_token=width,
        indexer_elements_per_token=index_width // ratio if index_width else 0,
        indexer_top_k=fields.integer("index_topk", 0, minimum=0) if index_width else 0,
        window=window,
        tokens_per_entry=ratio,
        entry_elements=width if ratio else 0,
    )
    tensors = list(_projections(fields, heads, width))
    if kind == "compressed":
        tensors += _compressor("compressor", "attention", fields, 2 * width, width, ratio)
        tensors += _compressor("indexer", "indexer", fields, 2 * index_width, index_width, ratio)
        index_heads = fields.integer("index_n_heads", 64)
        rank = fields.integer("q_lora_rank")
        tensors += linear("indexer.q_b_proj", "indexer", index_heads * index_width, rank, "replicated")
        tensors += linear("indexer.weights_proj", "indexer", index_heads, fields.integer("hidden_size"), "replicated")
    elif kind == "heavily_compressed":
        tensors += _compressor("compressor", "attention", fields, width, width, ratio)
    return mixer, tensors


def _projections(fields: Fields, heads: int, width: int) -> Iterator[Tensor]:
    hidden = fields.integer("hidden_size")
    rank = fields.integer("q_lora_rank")
    groups = fields.integer("o_groups", 1)
    latent = groups * fields.integer("o_lora_rank", hidden)
    yield vector("sinks", "attention", heads, "column")
    yield from linear("q_a_proj", "attention", rank, hidden, "replicated")
    yield vector("q_a_norm", "attention", rank)
    yield from linear("q_b_proj", "attention", heads * width, rank, "column")
    yield from linear("kv_proj", "attention", width, hidden, "replicated")
    yield vector("kv_norm", "attention", width)
    yield from linear("o_a_proj", "attention", latent, heads * width // groups, "column")
    yield from linear("o_b_proj", "attention", hidden, latent, "row")


def _compressor(name: str, component: str, fields: Fields, rows: int, width: int, ratio: int) -> Iterator[Tensor]:
    hidden = fields.integer("hidden_size")
    part = "indexer" if component == "indexer" else "attention"
    yield from linear(f"{name}.kv_proj", part, rows, hidden, "replicated")  # type: ignore[arg-type]
    yield from linear(f"{name}.gate_proj", part, rows, hidden, "replicated")  # type: ignore[arg-type]
    yield vector(f"{name}.position_bias", part, ratio * rows)  # type: ignore[arg-type]
    yield vector(f"{name}.kv_norm", part, width)  # type: ignore[arg-type]
