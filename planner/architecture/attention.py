"""Softmax attention with a key-value cache: multi-head, grouped-query and multi-query; full, sliding or chunked."""

from __future__ import annotations

from collections.abc import Iterator

from planner.architecture.facts import Facts, NormKind, OutputGate, QkNorm
from planner.architecture.fields import Fields
from planner.architecture.model import Mixer, MixerKind, Tensor
from planner.architecture.tensors import linear, norm, vector


def kv_heads(fields: Fields, heads: int) -> int:
    """Return the number of key-value heads: 1 under ``multi_query``, else as stated, else one per query head."""
    if fields.flag("multi_query") and not fields.flag("new_decoder_architecture"):
        return 1
    return fields.integer("num_key_value_heads", heads)


def head_width(fields: Fields, hidden: int, heads: int) -> int:
    """Return the stated ``head_dim``, else hidden_size / heads, which must divide."""
    if "head_dim" in fields:
        return fields.integer("head_dim")
    if hidden % heads and not fields.wrong("hidden_size"):
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
    shapes: dict[str, QkNorm] = {"per_layer": "full", "per_head": "head"}
    return shapes.get(fields.text("qk_norm_type"), facts.qk_norm_width)


def output_gate(fields: Fields, facts: Facts) -> OutputGate:
    """Return the kind of gate on the attention output."""
    if facts.output_gate is not None:
        return facts.output_gate
    if fields.flag("attn_output_gate"):
        return "fused"
    by_head = ("use_head_wise_attn_gate", "use_attention_gate", "gating", "head_wise_attn_gate")
    return "head" if any(fields.raw(name) is True for name in by_head) else "none"


def has_sinks(fields: Fields, facts: Facts, kind: MixerKind) -> bool:
    """Whether the layer has a learned sink logit per head."""
    if facts.sinks is not None:
        return facts.sinks in ("all", kind)
    return fields.flag("add_swa_attention_sink_bias" if kind == "sliding" else "add_full_attention_sink_bias")


def rotary_width(fields: Fields, facts: Facts) -> int:
    """Return the dimensions of a head that are rotated; 0 without rotary positions (learned ones, ALiBi, none)."""
    if facts.learned_positions is not None or fields.flag("alibi") or "num_attention_heads" not in fields:
        return 0
    if fields.raw("position_embedding_type") in ("nope", "alibi", "absolute"):
        return 0
    for name in ("qk_rope_head_dim", "rotary_dim"):
        if name in fields:
            return fields.integer(name, minimum=0)
    heads = fields.integer("num_attention_heads")
    width = fields.integer("head_dim", max(fields.integer("hidden_size") // heads, 1))
    share = fields.number("partial_rotary_factor", fields.number("rotary_pct", 1.0))
    return int(width * fields.inside("rope_parameters").number("partial_rotary_factor", share))


def softmax_attention(fields: Fields, facts: Facts, kind: MixerKind, window: int | None) -> tuple[Mixer, list[Tensor]]:
    """Return the mixer and tensors of one attention layer."""
    hidden = fields.integer("hidden_size")
    heads = fields.integer("num_attention_heads")
    groups = kv_heads(fields, heads)
    if heads % groups and not fields.wrong("num_attention_heads"):
        fields.problem("num_key_value_heads", f"{groups} key-value heads do not divide {heads} attention heads")
    width = head_width(fields, hidden, heads)
    value_width = fields.integer("v_head_dim", width)
    mixer = Mixer(
        kind,
        heads,
        groups,
        width,
        value_width,
        kv_elements_per_token=groups * (width + value_width),
        window=window,
        shares_kv=fields.flag("shares_kv"),
    )
    return mixer, list(_tensors(fields, facts, mixer, hidden))


def _tensors(fields: Fields, facts: Facts, mixer: Mixer, hidden: int) -> Iterator[Tensor]:
    heads, groups, width, value_width = mixer.heads, mixer.kv_heads, mixer.head_dim, mixer.value_head_dim
    source = fields.integer("attention_hidden_size", hidden)
    bias = qkv_bias(fields, facts)
    gate = output_gate(fields, facts)
    own_keys = not (mixer.shares_kv and facts.shared_key_layers)
    query = heads * width * (2 if gate == "fused" else 1)
    rank = fields.integer("share_q_dim", 0, minimum=0)
    if rank:  # multi-matrix factorized attention (Step-3, arXiv:2412.19255)
        yield from linear("q_a_proj", "attention", rank, source, "replicated")
        yield vector("q_a_norm", "attention", rank)
    yield from linear("q_proj", "attention", query, rank or source, "column", bias=bias)
    if own_keys:
        key_bias = bias and facts.key_bias
        yield from linear("k_proj", "attention", groups * width, source, "kv_heads", bias=key_bias)
        if not fields.flag("shares_key_and_value"):
            yield from linear("v_proj", "attention", groups * value_width, source, "kv_heads", bias=bias)
    yield from linear("o_proj", "attention", hidden, heads * value_width, "row", bias=output_bias(fields, facts))
    if facts.qk_norm_on in ("all", mixer.kind):
        yield from _qk_norms(fields, facts, mixer, own_keys or facts.shared_key_norm)
    if gate == "full":
        yield from linear("gate_proj", "attention", heads * value_width, hidden, "column")
    elif gate == "head":
        yield from linear("gate_proj", "attention", heads, hidden, "column")
    if has_sinks(fields, facts, mixer.kind):
        yield vector("sinks", "attention", heads, "column")
    if facts.sub_norms:
        yield vector("attn_sub_norm", "attention", heads * value_width)


def _qk_norms(fields: Fields, facts: Facts, mixer: Mixer, own_keys: bool) -> Iterator[Tensor]:
    shape = qk_norm(fields, facts)
    kind: NormKind = "layer" if facts.qk_norm_bias else "rms"
    if shape == "head":
        yield from norm("qk_norm", mixer.head_dim, kind, "attention", count=2 if own_keys else 1)
    elif shape in ("full", "heads"):
        yield vector("q_norm", "attention", mixer.heads * mixer.head_dim, "column")
        yield vector("k_norm", "attention", mixer.kv_heads * mixer.head_dim, "kv_heads")
