"""Facts by model_type: one line per family. Source: the modelling code of transformers 5 or of the publisher."""

from __future__ import annotations

from planner.architecture.facts import Facts

LLAMA = Facts()

FAMILIES: dict[str, Facts] = {
    "llama": LLAMA,
    "mistral": LLAMA,
    "mixtral": LLAMA,
    "qwen2": Facts(qkv_bias=True, o_bias=False),
    "qwen2_moe": Facts(qkv_bias=True, o_bias=False, shared_expert_gate=True),
    "qwen3": Facts(qk_norm="head"),
    "qwen3_moe": Facts(qk_norm="head"),
    "deepseek": LLAMA,
    "deepseek_v2": LLAMA,
    "deepseek_v3": LLAMA,
    "deepseek_v32": LLAMA,
}
