"""GGUF metadata -> the config fields that the parser knows, and the catalog id of its file type."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.architecture.gguf import GgufHeader, SkippedArray
from planner.architecture.json_file import problem

_FIELDS = {
    "block_count": "num_hidden_layers",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "context_length": "max_position_embeddings",
    "vocab_size": "vocab_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "attention.value_length": "v_head_dim",
    "attention.sliding_window": "sliding_window",
    "attention.kv_lora_rank": "kv_lora_rank",
    "attention.q_lora_rank": "q_lora_rank",
    "attention.shared_kv_layers": "num_kv_shared_layers",
    "attention.indexer.head_count": "index_n_heads",
    "attention.indexer.key_length": "index_head_dim",
    "attention.indexer.top_k": "index_topk",
    "rope.dimension_count": "rotary_dim",
    "expert_count": "num_experts",
    "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
    "expert_shared_count": "num_shared_experts",
    "expert_shared_feed_forward_length": "shared_expert_intermediate_size",
    "leading_dense_block_count": "first_k_dense_replace",
    "interleave_moe_layer_step": "interleave_moe_layer_step",
    "nextn_predict_layers": "num_nextn_predict_layers",
    "full_attention_interval": "full_attention_interval",
    "shortconv.l_cache": "conv_L_cache",
}
"""Keys of gguf's constants.py under the architecture's name -> config fields."""

_TYPES = {
    "deepseek2": "deepseek_v3", "deepseek": "deepseek", "qwen2moe": "qwen2_moe", "qwen3moe": "qwen3_moe",
    "qwen3next": "qwen3_next", "qwen35": "qwen3_5", "qwen35moe": "qwen3_5_moe", "gemma3": "gemma3_text",
    "gemma3n": "gemma3n", "gpt-oss": "gpt_oss", "glm4moe": "glm4_moe", "glm4": "glm4", "chatglm": "chatglm",
    "command-r": "cohere", "cohere2": "cohere2", "phi2": "phi", "phi3": "phi3", "phimoe": "phimoe", "olmo2": "olmo2",
    "olmoe": "olmoe", "granite": "granite", "granitemoe": "granitemoe", "granitehybrid": "granitemoehybrid",
    "minicpm3": "minicpm3", "gptneox": "gpt_neox", "starcoder": "gpt_bigcode", "nemotron_h": "nemotron_h",
    "nemotron_h_moe": "nemotron_h", "falcon-h1": "falcon_h1", "llama4": "llama4", "minimax-m2": "minimax_m2",
    "kimi-linear": "kimi_linear", "exaone4": "exaone4", "ernie4_5-moe": "ernie4_5_moe", "hunyuan-moe": "hunyuan_v1_moe",
    "hunyuan-dense": "hunyuan_v1_dense", "bailingmoe": "bailing_moe", "dots1": "dots1", "seed_oss": "seed_oss",
    "smollm3": "smollm3", "lfm2": "lfm2", "lfm2moe": "lfm2_moe", "jamba": "jamba", "mamba": "mamba", "mamba2": "mamba2",
}  # fmt: skip
"""llama.cpp's architecture names where they differ from the model_type."""

FILE_TYPES = {
    0: "fp32", 1: "fp16", 2: "gguf-q4_0", 7: "gguf-q8_0", 8: "gguf-q5_0", 10: "gguf-q2_k", 12: "gguf-q3_k_m",
    14: "gguf-q4_k_s", 15: "gguf-q4_k_m", 16: "gguf-q5_k_s", 17: "gguf-q5_k_m", 18: "gguf-q6_k", 30: "gguf-iq4_xs",
    32: "gguf-bf16", 38: "gguf-mxfp4",
}  # fmt: skip
"""general.file_type (llama_ftype of llama.h) -> catalog id."""


def config_of(header: GgufHeader, path: Path) -> dict[str, Any]:
    """Return the config that a GGUF header describes. Raises ArchitectureError without general.architecture."""
    metadata = header.metadata
    name = metadata.get("general.architecture")
    if not isinstance(name, str) or not name:
        raise problem(path, "does not state general.architecture")
    config: dict[str, Any] = {"model_type": _TYPES.get(name, name.replace("-", "_"))}
    for key, field in _FIELDS.items():
        value = metadata.get(f"{name}.{key}")
        if value is not None and not isinstance(value, SkippedArray):
            config[field] = value
    _vocabulary(config, metadata, header)
    _latent(config, metadata, name)
    _mamba(config, metadata, name)
    shapes = {tensor.name: tensor.shape for tensor in header.tensors}
    config["tie_word_embeddings"] = "output.weight" not in shapes
    _per_layer(config)
    return config


def _vocabulary(config: dict[str, Any], metadata: Mapping[str, Any], header: GgufHeader) -> None:
    rows = next((tensor.shape[0] for tensor in header.tensors if tensor.name == "token_embd.weight"), None)
    tokens = metadata.get("tokenizer.ggml.tokens")
    length = tokens.length if isinstance(tokens, SkippedArray) else len(tokens or ())
    if rows or length:
        config["vocab_size"] = rows or length


def _latent(config: dict[str, Any], metadata: Mapping[str, Any], name: str) -> None:
    """Undo llama.cpp's reading of MLA as MQA: key_length_mla is the width of a head, key_length of the cache."""
    if "kv_lora_rank" not in config:
        return
    rope = int(config.get("rotary_dim", 64))
    width = metadata.get(f"{name}.attention.key_length_mla", config.get("head_dim", 192))
    value = metadata.get(f"{name}.attention.value_length_mla", config.get("v_head_dim", 128))
    config |= {"qk_rope_head_dim": rope, "qk_nope_head_dim": int(width) - rope, "v_head_dim": value}
    config.pop("head_dim", None)
    config.pop("num_key_value_heads", None)


def _mamba(config: dict[str, Any], metadata: Mapping[str, Any], name: str) -> None:
    """Map llama.cpp's ssm keys: a time step rank equal to the heads is Mamba-2's."""
    inner = metadata.get(f"{name}.ssm.inner_size")
    rank = metadata.get(f"{name}.ssm.time_step_rank")
    if type(inner) is not int or type(rank) is not int or not rank:
        return
    config["mamba_d_state"] = metadata.get(f"{name}.ssm.state_size", 16)
    config["mamba_d_conv"] = metadata.get(f"{name}.ssm.conv_kernel", 4)
    if f"{name}.ssm.group_count" in metadata:
        config |= {"mamba_n_heads": rank, "mamba_d_head": inner // rank}
        config["mamba_n_groups"] = metadata[f"{name}.ssm.group_count"]
    else:
        config["mamba_dt_rank"] = rank
        config["mamba_expand"] = max(inner // int(config.get("hidden_size", inner)), 1)


def _per_layer(config: dict[str, Any]) -> None:
    """Zero key-value heads mark layers without attention; a per-layer list keeps its other entries."""
    heads = config.get("num_key_value_heads")
    if isinstance(heads, list):
        recurrent = "mamba_d_state" in config
        if 0 in heads:
            config["layer_types"] = ["attention" if item else "mamba" if recurrent else "conv" for item in heads]
            config["num_key_value_heads"] = max(heads)
    if isinstance(config.get("num_attention_heads"), list) and len(set(config["num_attention_heads"])) > 1:
        config["num_attention_heads"] = max(config["num_attention_heads"])
