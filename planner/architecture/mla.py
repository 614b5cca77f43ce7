"""Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434) and the sparse indexer of DeepSeek-V3.2."""

from __future__ import annotations

from collections.abc import Iterator

from planner.architecture.attention import output_gate
from planner.architecture.facts import Facts
from planner.architecture.fields import Fields
from planner.architecture.model import Mixer, Tensor
from planner.architecture.tensors import linear, vector


def latent_attention(fields: Fields, facts: Facts, window: int | None) -> tuple[Mixer, list[Tensor]]:
    """Return mixer and tensors of a layer that caches one latent vector and one rotary key per token."""
    heads = fields.integer("num_attention_heads")
    rank = fields.integer("kv_lora_rank")
    rope = fields.integer("qk_rope_head_dim", 64, minimum=0)
    nope = fields.integer("qk_nope_head_dim", 128)
    value = fields.integer("v_head_dim", nope)
    indexed = "index_topk" in fields and window is None
    index_width = fields.integer("index_head_dim", 128) if indexed else 0
    own_index = indexed and not fields.flag("shares_indexer")
    mixer = Mixer(
        "mla",
        heads,
        1,
        nope + rope,
        value,
        kv_elements_per_token=rank + rope,
        indexer_elements_per_token=index_width if own_index else 0,
        indexer_top_k=fields.integer("index_topk", 0, minimum=0) if indexed else 0,
        window=window,
    )
    tensors = list(_projections(fields, heads, rank, nope, rope, value))
    gate = output_gate(fields, facts)
    if fields.flag("mla_use_output_gate") or gate == "full":
        tensors += linear("gate_proj", "attention", heads * value, fields.integer("hidden_size"), "column")
    elif gate == "head":
        tensors += linear("gate_proj", "attention", heads, fields.integer("hidden_size"), "column")
    if facts.rope_key_norm:
        tensors.append(vector("k_rope_norm", "attention", rope))
    if facts.sinks == "all":
        tensors.append(vector("sinks", "attention", heads, "column"))
    if own_index:
        tensors += indexer(fields, index_width)
    return mixer, tensors


def _projections(fields: Fields, heads: int, rank: int, nope: int, rope: int, value: int) -> Iterator[Tensor]:
    hidden = fields.integer("hidden_size")
    bias = fields.flag("attention_bias")
    if "q_lora_rank" in fields:
        query_rank = fields.integer("q_lora_rank")
        yield from linear("q_a_proj", "attention", query_rank, hidden, "replicated", bias=bias)
        yield vector("q_a_norm", "attention", query_rank)
        yield from linear("q_b_proj", "attention", heads * (nope + rope), query_rank, "column")
    else:
        yield from linear("q_proj", "attention", heads * (nope + rope), hidden, "column")
    yield from linear("kv_a_proj", "attention", rank + rope, hidden, "replicated", bias=bias)
    yield vector("kv_a_norm", "attention", rank)
    yield from linear("kv_b_proj", "attention", heads * (nope + value), rank, "column")
    yield from linear("o_proj", "attention", hidden, heads * value, "row", bias=bias)


def indexer(fields: Fields, width: int) -> Iterator[Tensor]:
    """Yield the lightning indexer: queries from the latent, one key per token with a LayerNorm, a weight per head."""
    hidden = fields.integer("hidden_size")
    heads = fields.integer("index_n_heads", 64)
    yield from linear("indexer.wq_b", "indexer", heads * width, fields.integer("q_lora_rank", hidden), "replicated")
    yield from linear("indexer.wk", "indexer", width, hidden, "replicated")
    yield vector("indexer.k_norm", "indexer", 2 * width)
    yield from linear("indexer.weights_proj", "indexer", heads, hidden, "replicated")
