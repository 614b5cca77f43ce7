"""Softmax attention with a key-value cache: multi-head, grouped-query and multi-query; full, sliding or chunked."""

from __future__ import annotations

from collections.abc import Iterator

from planner.architecture.facts import Facts, OutputGate, QkNorm
from planner.architecture.fields import Fields
from planner.architecture.model import Mixer, MixerKind, Tensor
from planner.architecture.tensors import linear, norm, vector


def kv_heads(fields: Fields, heads: int) -> int:
    """Return the number of key-value heads: as stated, 1 under ``multi_query``, else one per query head."""
    if fields.flag("multi_query") and not fields.flag("new_decoder_architecture"):
        return 1
    return fields.integer("num_key_value_heads", heads)


def head_width(fields: Fields, hidden: int, heads: int) -> int:
    """Return the stated ``head_dim``, else hidden_size / heads, which must divide."""
    if "head_dim" in fields:
        return fields.integer("head_dim")
    if hidden % heads:
        fields.problem("num_attention_heads", f"{heads} heads do not divide hidden_size {hidden}", "state head_dim")
    return max(hidden // heads, 1)


def qkv_bias(fields: Fields, facts: Facts) -> bool:
    """Whether the query, key and value projections have biases."""
    if facts.qkv_bias is not None:
        return facts.qkv_bias
    return fields.flag("attention_bias", fields.flag("use_bias"))


def output_bias(fields: Fields, facts: Facts) -> bool:
    """Whether the output projection has a bias."""
    if facts.o_bias is not None:
        return facts.o_bias
    return fields.flag("attention_out_bias", qkv_bias(fields, facts))


def qk_norm(fields: Fields, facts: Facts) -> QkNorm:
    """Return the shape of the query and key norms."""
    if facts.qk_norm is not None:
        return facts.qk_norm
    if not fields.flag("qk_norm"):
        return "none"
    stated = fields.text("qk_norm_type")
    return {"per_layer": "full", "per_head": "head"}.get(stated, facts.qk_norm_width)  # type: ignore[return-value]


def output_gate(fields: Fields, facts: Facts) -> OutputGate:
    """Return the kind of gate on the attention output."""
    if facts.output_gate is not None:
        return facts.output_gate
    return "fused" if fields.flag("attn_output_gate") else "none"


def softmax_attention(fields: Fields, facts: Facts, kind: MixerKind, window: int | None) -> tuple[Mixer, list[Tensor]]:
    """Return the mixer and tensors of one attention layer."""
    hidden = fields.integer("hidden_size")
    heads = fields.integer("num_attention_heads")
    groups = kv_heads(fields, heads)
    if heads % groups:
        fields.problem("num_key_value_heads", f"{groups} key-value heads do not divide {heads} attention heads")
    width = head_width(fields, hidden, heads)
    value_width = fields.integer("v_head_dim", width)
    mixer = Mixer(
        kind, heads, groups, width, value_width, kv_elements_per_token=groups * (width + value_width), window=window
    )
    return mixer, list(_tensors(fields, facts, mixer, hidden))


def _tensors(fields: Fields, facts: Facts, mixer: Mixer, hidden: int) -> Iterator[Tensor]:
    heads, groups, width, value_width = mixer.heads, mixer.kv_heads, mixer.head_dim, mixer.value_head_dim
    bias = qkv_bias(fields, facts)
    gate = output_gate(fields, facts)
    query_rows = heads * width * (2 if gate == "fused" else 1)
    yield from linear("q_proj", "attention", query_rows, hidden, "column", bias=bias)
    yield from linear("k_proj", "attention", groups * width, hidden, "kv_heads", bias=bias)
    yield from linear("v_proj", "attention", groups * value_width, hidden, "kv_heads", bias=bias)
    yield from linear("o_proj", "attention", hidden, heads * value_width, "row", bias=output_bias(fields, facts))
    match qk_norm(fields, facts):
        case "head":
            yield from norm("qk_norm", width, "rms", "attention", count=2)
        case "full" | "heads":
            yield vector("q_norm", "attention", heads * width, "column")
            yield vector("k_norm", "attention", groups * width, "kv_heads")
    if gate == "full":
        yield from linear("gate_proj", "attention", heads * value_width, hidden, "column")
    elif gate == "head":
        yield from linear("gate_proj", "attention", heads, hidden, "column")
