"""Facts of a family that nobody told us about, from the way its config is written.

First the fields that only one family's code has, then relatives by name, then what spelling gives away: authors who
write ``n_embd`` follow GPT-2 (LayerNorm, biases, two-matrix MLP), those who write ``rms_norm_eps`` follow Llama.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from planner.architecture.facts import Facts
from planner.architecture.families import FAMILIES
from planner.architecture.feedforward import PLAIN_ACTIVATIONS
from planner.architecture.nested import ConfigParts

SIGNATURES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("altup_num_inputs",), "gemma3n"),
    (("enable_moe_block",), "gemma4"),
    (("query_pre_attn_scalar", "rope_local_base_freq"), "gemma3"),
    (("query_pre_attn_scalar", "attn_logit_softcapping"), "gemma2"),
    (("lru_width",), "recurrent_gemma"),
    (("o_lora_rank",), "deepseek_v4"),
    (("zero_expert_num",), "longcat_flash"),
    (("linear_num_value_heads", "attn_output_gate"), "qwen3_5_moe"),
    (("linear_num_value_heads", "shared_expert_intermediate_size"), "qwen3_next"),
    (("shared_expert_intermediate_size", "decoder_sparse_step"), "qwen2_moe"),
    (("mlp_only_layers", "head_dim"), "qwen3_moe"),
    (("attention_chunk_size", "no_rope_layers"), "llama4"),
    (("attention_chunk_size", "intermediate_size_mlp"), "llama4"),
    (("swiglu_limit", "initial_context_length"), "gpt_oss"),
    (("moe_num_shared_experts", "moe_layer_start_index"), "ernie4_5_moe"),
    (("mamba_dt_rank", "attn_layer_period"), "jamba"),
    (("attn_layer_indices",), "bamba"),
    (("mamba_d_ssm",), "falcon_h1"),
    (("conv_L_cache", "use_sandwich_norm"), "lfm3"),
    (("conv_L_cache",), "lfm2"),
    (("hybrid_override_pattern",), "nemotron_h"),
    (("mamba_num_heads", "layers_block_type"), "nemotron_h"),
    (("use_head_wise_attn_gate",), "step3p5"),
    (("swa_num_key_value_heads", "add_swa_attention_sink_bias"), "mimo_v2_flash"),
    (("use_parallel_residual", "rotary_pct"), "gpt_neox"),
    (("parallel_attn", "new_decoder_architecture"), "falcon"),
    (("n_head_kv", "parallel_attn"), "refined_web"),
    (("apply_residual_connection_post_layernorm", "slow_but_exact"), "bloom"),
    (("word_embed_proj_dim",), "opt"),
    (("multi_query", "n_embd"), "gpt_bigcode"),
    (("attention_types",), "gpt_neo"),
    (("logit_scale",), "cohere"),
)  # fmt: skip
"""Fields that together give a family's code away -> the family; the first row whose fields are all there holds."""

_LAYER_NORM = ("layer_norm_epsilon", "layer_norm_eps", "layernorm_epsilon", "norm_epsilon")
_GPT2 = ("n_embd", "n_embed")
_ROTARY = ("rotary", "rotary_dim", "rotary_pct", "rope_theta", "rope_scaling", "rope_parameters", "alibi")


def infer_facts(parts: ConfigParts) -> tuple[Facts, list[str]]:
    """Return conventions that fit the fields present, and a note on what they rest on."""
    fields = {**parts.whole, **parts.text}
    for names, family in SIGNATURES:
        if all(name in fields for name in names):
            return _assumed(family), [f"{' and '.join(names)} are {family}'s fields: its conventions are assumed"]
    relative = _relative(parts.types)
    if relative:
        return _assumed(relative), [f"its relative {relative} is known: the same conventions are assumed"]
    return _from_spelling(fields), []


def _assumed(family: str) -> Facts:
    return replace(FAMILIES[family], known=False)


def _relative(names: tuple[str, ...]) -> str | None:
    """Return the family of the same stem (qwen, glm, gemma ...) that is closest in name, of several the latest."""
    for name in names:
        words = _words(name)
        same = [known for known in FAMILIES if known.islower() and _stem(known) == _stem(name)] if words else []
        if same:
            return max(same, key=lambda known: (*_kinship(words, _words(known)), known))
    return None


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word and word != "text"]


def _stem(name: str) -> str:
    found = re.match(r"[a-z]{3,}", name.lower())
    return found[0] if found else name


def _kinship(left: list[str], right: list[str]) -> tuple[int, int, int, bool]:
    """Return how alike two names are: common beginning, common words, fewest words that only one has, no variant."""
    pairs = zip("".join(left), "".join(right), strict=False)
    beginning = next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(left[0]), len(right[0])))
    common = set(left[1:]) & set(right[1:])
    plain = re.fullmatch(r"[a-z]+\d*", right[0]) is not None  # glm4, not glm4v
    return beginning, len(common), -len(set(left[1:]) ^ set(right[1:])), plain


def _from_spelling(fields: Mapping[str, Any]) -> Facts:
    gpt2 = any(name in fields for name in _GPT2)
    layer_norm = gpt2 or ("rms_norm_eps" not in fields and any(name in fields for name in _LAYER_NORM))
    rotary = any(fields.get(name) for name in _ROTARY)
    pure_state = "state_size" in fields and "num_key_value_heads" not in fields
    routed = any(name in fields for name in ("num_experts", "num_local_experts", "n_routed_experts"))
    return Facts(
        known=False,
        tied=not routed,  # configs saved by transformers leave the field out where it is true
        norm="layer" if layer_norm and not pure_state else "rms",
        gated_mlp=_gated(fields, layer_norm),
        learned_positions=0 if gpt2 and "n_positions" in fields and not rotary else None,
        qkv_bias=True if gpt2 and not rotary and fields.get("bias") is not False else None,
        mlp_bias=True if gpt2 and fields.get("bias") is not False else None,
        feedforward=not pure_state,
    )


def _gated(fields: Mapping[str, Any], layer_norm: bool) -> bool:
    """GELU gates in RMSNorm models (Gemma), not in LayerNorm ones (GPT-2, StarCoder2)."""
    names = ("hidden_act", "hidden_activation", "activation_function", "mlp_hidden_act", "activation")
    activation = next((str(fields[name]) for name in names if fields.get(name)), "")
    if not activation:
        return not layer_norm and "use_parallel_residual" not in fields
    if "gelu" in activation:
        return "hidden_activation" in fields or not layer_norm
    return activation not in PLAIN_ACTIVATIONS
