"""Sizes of published checkpoints, byte for byte from the hub or from headers, against the formats' recipes."""

from __future__ import annotations

import pytest

from planner.catalog import load_catalog
from planner.memory.validation import validate_memory

# (checkpoint, model, format, bytes, largest error): sizes as their publishers' model cards and headers list them, 2026.
PUBLISHED = (
    ("mlx-community/Llama-3.1-Nemotron-70B-Instruct-HF-8bit", "meta-llama/Llama-3.1-70B", "MLX 8bit",
     74_964_549_632, 1e-6),
    ("mlx-community/Qwen3.5-122B-A10B-4bit", "Qwen/Qwen3.5-122B-A10B", "MLX 4bit", 69_593_314_272, 1e-5),
    ("mlx-community/GLM-5-bf16", "zai-org/GLM-5", "MLX bf16", 1_487_822_475_264, 1e-5),
    ("mlx-community/GLM-4.7-8bit-gs32", "zai-org/GLM-4.5", "MLX 8bit", 396_963_397_248, 3e-4),
    ("mlx-community/GLM-5-MXFP4-Q8", "zai-org/GLM-5", "MLX MXFP4-Q8", 405_478_939_008, 5e-4),
    ("moonshotai/Kimi-K2.6", "moonshotai/Kimi-K2.5", "compressed-tensors int4 (native)", 595_148_192_736, 1e-5),
    ("zephyr-7b-beta.Q6_K.gguf", "mistralai/Mistral-7B-v0.1", "GGUF Q6_K", 5_942_064_832, 2e-4),
    ("mistral-7b-instruct-v0.1.Q4_K_S.gguf", "mistralai/Mistral-7B-v0.1", "GGUF Q4_K_S", 4_140_373_664, 2e-4),
    ("qwen1_5-7b-chat-q5_k_m.gguf", "Qwen/Qwen1.5-7B", "GGUF Q5_K_M", 5_530_664_160, 2e-4),
    ("gemma-2-9b-it-Q4_K_M.gguf", "google/gemma-2-9b-it", "GGUF Q4_K_M", 5_761_057_728, 1e-3),
    ("Starling-LM-7B-beta-IQ4_XS.gguf", "mistralai/Mistral-7B-v0.1", "GGUF IQ4_XS", 3_944_399_776, 2e-4),
    ("Hermes-2-Pro-Mistral-7B.Q4_0.gguf", "mistralai/Mistral-7B-v0.1", "GGUF Q4_0", 4_109_098_752, 2e-4),
    ("gpt4all-falcon-newbpe-q4_0.gguf", "tiiuae/falcon-7b", "GGUF Q4_0", 4_210_994_112, 2e-4),
    ("mpt-7b-chat-newbpe-q4_0.gguf", "mosaicml/mpt-7b", "GGUF Q4_0", 3_912_373_472, 2e-4),
    ("starcoder-newbpe-q4_0.gguf", "bigcode/starcoder", "GGUF Q4_0", 8_987_411_904, 2e-4),
    ("LFM2-1.2B-Q4_K_M.gguf", "LiquidAI/LFM2-1.2B", "GGUF Q4_K_M", 730_893_024, 3e-4),
    ("gpt-oss-120b-Q8_0", "openai/gpt-oss-120b", "GGUF MXFP4 experts + Q8_0", 63_374_323_968, 1e-5),
    ("granite-4.0-h-small-Q8_0", "ibm-granite/granite-4.0-h-small", "GGUF Q8_0", 34_261_297_152, 1e-9),
    ("openai/gpt-oss-20b", "openai/gpt-oss-20b", "MXFP4 experts", 13_761_264_768, 1e-5),
    ("deepseek-ai/DeepSeek-V3", "deepseek-ai/DeepSeek-V3", "FP8 block128 + MTP", 688_574_839_360, 1e-6),
    ("mlx-community/DeepSeek-V4-Pro", "deepseek-ai/DeepSeek-V4-Pro", "MLX 8bit", 849_681_803_879, 2e-4),
    ("mlx-community/Kimi-K2.6-mlx-DQ3_K_M-q8", "moonshotai/Kimi-K2.5", "MLX 3bit", 470_628_683_776, 2.1e-3),
    ("mlx-community/GLM-5.1-DQ4plus-q8", "zai-org/GLM-5", "MLX 8bit", 465_173_655_552, 1e-6),
    ("mlx-community/NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4", "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "MLX 4bit",
     19_323_906_944, 1e-5),
    ("mlx-community/gemma-4-26b-a4b-it-4bit", "google/gemma-4-26B-A4B", "MLX 4bit", 15_608_614_044, 1e-4),
    ("mlx-community/gemma-4-26b-a4b-it-6bit", "google/gemma-4-26B-A4B", "MLX 6bit", 21_781_015_708, 1e-4),
    ("MiniMaxAI/MiniMax-M2.7", "MiniMaxAI/MiniMax-M2.5", "FP8 block128", 230_066_110_464, 5e-4),
)  # fmt: skip


@pytest.mark.parametrize(("name", "base", "fmt", "size", "tolerance"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_published_checkpoints(name: str, base: str, fmt: str, size: int, tolerance: float) -> None:
    row = {"id": name, "base": base, "format": fmt, "total_bytes": size}
    (predicted,), _ = validate_memory([row], "checkpoints", load_catalog())
    assert predicted["predicted_total_bytes"] == pytest.approx(size, rel=tolerance)
