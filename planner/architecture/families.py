"""Facts by model_type: one line per family. Source: the modelling code of transformers 5 or of the publisher.

A line holds only what the family's config.json leaves out. ``_is`` writes class defaults of config fields.
"""

from __future__ import annotations

from typing import Any

from planner.architecture.facts import Facts


def _is(**fields: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(fields.items())


LLAMA = Facts()
TIED = Facts(tied=True)
HEAD_NORM = Facts(qk_norm="head")
PLAIN = Facts(norm="layer", gated_mlp=False)
GPT2 = Facts(tied=True, norm="layer", learned_positions=0, qkv_bias=True, o_bias=True, gated_mlp=False, mlp_bias=True)
GEMMA2 = Facts(tied=True, gated_mlp=True, layer_norms=4, window_pattern=2)
GEMMA3 = Facts(tied=True, gated_mlp=True, layer_norms=4, window_pattern=6, qk_norm="head")
QWEN2 = Facts(qkv_bias=True, o_bias=False)
QWEN3_NEXT = Facts(
    qk_norm="head", output_gate="fused", shared_expert_gate=True, defaults=_is(full_attention_interval=4)
)
GLM4_MOE = Facts(o_bias=False, qk_norm_width="head")
GPT_OSS = Facts(sinks="all", router_bias=True, expert_bias=True, defaults=_is(attention_bias=True))
OPT = Facts(tied=True, norm="layer", learned_positions=2, gated_mlp=False, defaults=_is(use_bias=True))
STEP = Facts(qk_norm="head", output_gate="head", defaults=_is(shared_expert_intermediate_size=1280))
MAMBA = Facts(layer_norms=2, feedforward=False)

FAMILIES: dict[str, Facts] = {
    # Llama and its close relatives: RMSNorm, gated MLP, biases only where a flag says so
    "llama": LLAMA,
    "mistral": Facts(defaults=_is(sliding_window=4096)),
    "ministral": Facts(defaults=_is(sliding_window=4096)),
    "ministral3": LLAMA,
    "mixtral": LLAMA,
    "mistral4": LLAMA,
    "mllama": LLAMA,
    "mllama_text": LLAMA,
    "aquila": LLAMA,
    "aquila3": LLAMA,
    "baichuan": LLAMA,
    "cwm": Facts(window_pattern=4, window_first_full=True, defaults=_is(sliding_window=8192)),
    "deepseek": LLAMA,
    "granite": LLAMA,
    "granite_swa": Facts(tied=True, sinks="all", window_pattern=4, window_first_full=True),
    "granitemoe": LLAMA,
    "granitemoeshared": LLAMA,
    "granitemoe_swa": Facts(sinks="all", window_pattern=4, window_first_full=True),
    "helium": LLAMA,
    "hyperclovax": Facts(defaults=_is(use_post_norm=True)),
    "internlm": Facts(mlp_bias=False),
    "internlm2": Facts(mlp_bias=False),
    "internlm3": LLAMA,
    "iquestcoder": LLAMA,
    "minicpm": TIED,
    "openelm": Facts(tied=True, gated_mlp=True),
    "orion": Facts(norm="layer"),
    "seed_oss": Facts(defaults=_is(attention_bias=True, attention_out_bias=False)),
    "smollm3": TIED,
    "solar": LLAMA,
    "solar_open": LLAMA,
    "telechat": Facts(qkv_bias=False, o_bias=True, mlp_bias=False),
    "xverse": LLAMA,
    "yi": LLAMA,
    "bitnet": Facts(gated_mlp=True, sub_norms=True),
    "ernie4_5": TIED,
    "paddleocr_vl": TIED,
    "pangu_embedded": Facts(mlp_bias=False),
    "apertus": Facts(qk_norm="head", gated_mlp=False, activation_parameters=2),
    "arcee": Facts(gated_mlp=False),
    "nemotron": Facts(norm="layer", gated_mlp=False),
    "nemotron_nas": LLAMA,
    "jais2": Facts(norm="layer", gated_mlp=False, defaults=_is(attention_bias=True, mlp_bias=True)),
    "nanochat": Facts(norm="none", gated_mlp=False),
    "phi3": LLAMA,
    "phi4_multimodal": LLAMA,
    "phimoe": Facts(norm="layer"),
    "aria_text": LLAMA,
    # Qwen
    "qwen": Facts(qkv_bias=True, o_bias=False, mlp_bias=False, halved_mlp=True),
    "qwen2": QWEN2,
    "qwen2_moe": Facts(qkv_bias=True, o_bias=False, shared_expert_gate=True),
    "qwen2_vl": QWEN2,
    "qwen2_5_vl": QWEN2,
    "qwen3": HEAD_NORM,
    "qwen3_moe": HEAD_NORM,
    "qwen3_vl": HEAD_NORM,
    "qwen3_vl_moe": HEAD_NORM,
    "qwen2_5_omni": QWEN2,
    "qwen2_5_omni_thinker": QWEN2,
    "qwen3_omni_moe": HEAD_NORM,
    "qwen3_omni_moe_thinker": HEAD_NORM,
    "qwen3_next": QWEN3_NEXT,
    "qwen3_5": QWEN3_NEXT,
    "qwen3_5_moe": QWEN3_NEXT,
    # DeepSeek and what is built on its latent attention
    "deepseek_v2": LLAMA,
    "deepseek_v3": LLAMA,
    "deepseek_v32": LLAMA,
    "deepseek_v4": LLAMA,
    "kimi_k2": LLAMA,
    "kimi_linear": LLAMA,
    "bailing_hybrid": Facts(output_gate="head"),
    "axk1": Facts(expert_layer_norms=1),
    "longcat_flash": Facts(sublayers=2),
    "minicpm3": TIED,
    "youtu": TIED,
    "glm4_moe_lite": LLAMA,
    "glm_moe_dsa": LLAMA,
    "hy_v4": Facts(sinks="all", output_gate="full"),
    # GLM
    "glm": Facts(o_bias=False, defaults=_is(attention_bias=True)),
    "glm4": Facts(o_bias=False, layer_norms=4, defaults=_is(attention_bias=True)),
    "glm4v": Facts(qkv_bias=True, o_bias=False, layer_norms=4),
    "glm4_moe": GLM4_MOE,
    "glm4v_moe": Facts(o_bias=False, qk_norm="none", defaults=_is(attention_bias=True)),
    "chatglm": Facts(o_bias=False, mlp_bias=False, gated_mlp=True),
    # Gemma
    "gemma": Facts(tied=True, gated_mlp=True),
    "gemma2": GEMMA2,
    "vaultgemma": Facts(tied=True, gated_mlp=True, window_pattern=2),
    "gemma3": GEMMA3,
    "gemma3_text": GEMMA3,
    "gemma3n": Facts(tied=True, gated_mlp=True, layer_norms=4, window_pattern=5, qk_norm="head"),
    "gemma4": Facts(
        tied=True, gated_mlp=True, layer_norms=4, window_pattern=6, qk_norm="head", experts_are_dense_too=True,
        expert_layer_norms=3, router_scales=True,
    ),
    "recurrent_gemma": Facts(
        tied=True, gated_mlp=True, mlp_bias=True, o_bias=True, qkv_bias=False, halved_mlp=True,
        defaults=_is(block_types=["recurrent", "recurrent", "attention"]),
    ),
    # Cohere
    "cohere": Facts(tied=True, norm="layer_no_bias", layer_norms=1, qk_norm_width="heads"),
    "cohere2": Facts(tied=True, norm="layer_no_bias", layer_norms=1, window_pattern=4),
    "cohere2_moe": Facts(tied=True, norm="layer_no_bias", layer_norms=1, window_pattern=4),
    # OLMo, EXAONE: norms behind the blocks
    "olmo": Facts(norm="none"),
    "olmo2": Facts(qk_norm="full"),
    "olmo3": Facts(qk_norm="full", window_pattern=4),
    "olmoe": Facts(qk_norm="full"),
    "flex_olmo": Facts(qk_norm="full"),
    "olmo_hybrid": Facts(qk_norm="full"),
    "exaone": LLAMA,
    "exaone4": Facts(qk_norm="head"),
    "exaone_moe": Facts(qk_norm="head"),
    # Experts of other houses
    "afmoe": Facts(layer_norms=4, qk_norm="head", output_gate="full", correction_bias=True),
    "bailing_moe": Facts(o_bias=False, mlp_bias=False),
    "bailing_moe_v2": Facts(o_bias=False, mlp_bias=False),
    "dbrx": Facts(norm="layer_no_bias"),
    "dots1": HEAD_NORM,
    "ernie4_5_moe": Facts(tied=True, correction_bias=True),
    "ernie4_5_vl_moe": Facts(tied=True, correction_bias=True),
    "gpt_oss": GPT_OSS,
    "hunyuan": Facts(tied=True, shared_key_norm=True),
    "hunyuan_v1_dense": HEAD_NORM,
    "hunyuan_v1_moe": HEAD_NORM,
    "hy_v3": HEAD_NORM,
    "kolibri1": Facts(qk_norm="head", layer_norms=4),
    "dots3_note": Facts(output_gate="head", rope_key_norm=True),
    "flint": Facts(qk_norm="head", sinks="all"),
    "glm5_next": LLAMA,
    "grok_1": Facts(tied=True, layer_norms=4, gated_mlp=True),
    "muse_glimmer": Facts(output_gate="full", layer_norms=4),
    "muse_spark": Facts(output_gate="full", layer_norms=5, latent_norms=2),
    "step3": LLAMA,
    "laguna": Facts(qk_norm="head", output_gate="head", correction_bias=True),
    "llama4": Facts(qk_norm="none", defaults=_is(num_shared_experts=1, attention_chunk_size=8192)),
    "mellum": HEAD_NORM,
    "mimo": QWEN2,
    "mimo_v2_flash": Facts(sinks="sliding", defaults=_is(swa_num_key_value_heads=8)),
    "minimax": LLAMA,
    "minimax_m2": Facts(qk_norm="full"),
    "minimax_m3": Facts(qk_norm="head"),
    "minimax_m3_vl": Facts(qk_norm="head", defaults=_is(num_shared_experts=1)),
    "step3p5": STEP,
    "step3p7": STEP,
    # Recurrent and hybrid
    "bamba": Facts(defaults=_is(attn_layer_indices=[])),
    "falcon_h1": Facts(defaults=_is(mamba_rms_norm=False)),
    "falcon_mamba": Facts(tied=True, layer_norms=2, feedforward=False),
    "granitemoehybrid": LLAMA,
    "jamba": Facts(mamba_bc_norms=True),
    "lfm2": Facts(tied=True, qk_norm="head"),
    "lfm2_moe": Facts(tied=True, qk_norm="head"),
    "lfm3": Facts(tied=True, qk_norm="head"),
    "mamba": Facts(tied=True, layer_norms=2, feedforward=False),
    "mamba2": MAMBA,
    "nemotron_h": Facts(gated_mlp=False),
    "zamba": Facts(tied=True, shared_blocks=True, feedforward=False, layer_norms=1),
    "zamba2": Facts(tied=True, shared_blocks=True, feedforward=False, layer_norms=1),
    # GPT-2 and its time: LayerNorm, two-matrix MLP, biases
    "gpt2": GPT2,
    "gpt_bigcode": Facts(
        tied=True, norm="layer", learned_positions=0, qkv_bias=True, o_bias=True, gated_mlp=False, mlp_bias=True,
        defaults=_is(multi_query=True),
    ),
    "openai_gpt": Facts(
        tied=True, norm="layer", final_norm=False, learned_positions=0, qkv_bias=True, o_bias=True, gated_mlp=False,
        mlp_bias=True,
    ),
    "gpt_neo": Facts(
        tied=True, norm="layer", learned_positions=0, qkv_bias=False, o_bias=True, gated_mlp=False, mlp_bias=True
    ),
    "gpt_neox": Facts(
        norm="layer", gated_mlp=False, mlp_bias=True, parallel_shares_norm=False, defaults=_is(attention_bias=True)
    ),
    "gptj": Facts(
        norm="layer", layer_norms=1, qkv_bias=False, o_bias=False, gated_mlp=False, mlp_bias=True, head_bias=True
    ),
    "codegen": Facts(
        norm="layer", layer_norms=1, qkv_bias=False, o_bias=False, gated_mlp=False, mlp_bias=True, head_bias=True
    ),
    "opt": OPT,
    "biogpt": Facts(
        tied=True, norm="layer", learned_positions=2, qkv_bias=True, o_bias=True, gated_mlp=False, mlp_bias=True
    ),
    "xglm": Facts(tied=True, norm="layer", qkv_bias=True, o_bias=True, gated_mlp=False, mlp_bias=True),
    "bloom": Facts(
        tied=True, norm="layer", embedding_norm=True, qkv_bias=True, o_bias=True, gated_mlp=False, mlp_bias=True
    ),
    "mpt": Facts(tied=True, norm="layer_no_bias", gated_mlp=False),
    "persimmon": Facts(
        norm="layer", qkv_bias=True, o_bias=True, gated_mlp=False, mlp_bias=True, qk_norm_bias=True,
        defaults=_is(qk_norm=True),
    ),
    "falcon": Facts(
        tied=True, stores_tied_head=True, norm="layer", gated_mlp=False,
        defaults=_is(parallel_attn=True, multi_query=True),
    ),
    "refined_web": Facts(
        tied=True, stores_tied_head=True, norm="layer", gated_mlp=False,
        defaults=_is(parallel_attn=True, new_decoder_architecture=True),
    ),
    "refined_web_model": Facts(
        tied=True, stores_tied_head=True, norm="layer", gated_mlp=False,
        defaults=_is(parallel_attn=True, multi_query=True),
    ),
    "phi": Facts(
        norm="layer", layer_norms=1, qkv_bias=True, o_bias=True, gated_mlp=False, mlp_bias=True, head_bias=True,
        qk_norm_bias=True,
    ),
    "stablelm": Facts(norm="layer", o_bias=False, gated_mlp=True, qk_norm_width="heads"),
    "starcoder2": Facts(tied=True, norm="layer", gated_mlp=False, defaults=_is(use_bias=True)),
}  # fmt: skip

_SAME = {
    "phi_msft": "phi", "mixformer_sequential": "phi", "gpt_sw3": "gpt2", "RWForCausalLM": "refined_web",
    "kimi_k25": "kimi_k2", "kimi_k3": "kimi_linear", "moonshot": "deepseek_v3", "olmo2_retrofit": "olmo2",
    "codellama": "llama", "vicuna": "llama", "MiniMaxText01": "minimax", "minimax_text_01": "minimax",
    "pangu": "pangu_embedded", "telechat2": "telechat", "gemma4_unified": "gemma4",
    "bailing_moe_linear": "bailing_moe_v2",
    "bailing": "llama", "grok-1": "grok_1", "exaone4_5": "exaone4", "step3_text": "step3",
    "granite_moe_hybrid": "granitemoehybrid",
}  # fmt: skip
FAMILIES |= {name: FAMILIES[other] for name, other in _SAME.items()}
