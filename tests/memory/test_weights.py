"""Weights, worked out on paper: shares under TP and PP, what every GPU repeats, what a format leaves alone."""

from __future__ import annotations

from planner.architecture.model import ModelArchitecture
from planner.catalog.schema.formats import WeightFormat
from planner.memory.weights import weight_bytes

GIB = 1024**3


def test_one_gpu_holds_all_parameters_and_the_rotary_table(llama_8b: ModelArchitecture, bf16: WeightFormat) -> None:
    weights = weight_bytes(llama_8b, bf16)
    assert weights.checkpoint == 8_030_261_248 * 2
    assert weights.rotary == 131_072 * 128 * 2
    assert round(weights.per_gpu / GIB, 4) == 14.9888  # what vLLM 0.6.4 prints


def test_tensor_parallelism_splits_matrices_and_repeats_norms(llama_8b: ModelArchitecture, bf16: WeightFormat) -> None:
    half = weight_bytes(llama_8b, bf16, tp=2)
    norms = 65 * 4096 * 2
    assert half.per_gpu - half.rotary == (8_030_261_248 * 2 - norms) // 2 + norms


def test_kv_projections_repeat_beyond_the_kv_heads(llama_8b: ModelArchitecture, bf16: WeightFormat) -> None:
    sixteen = weight_bytes(llama_8b, bf16, tp=16)
    norms = 65 * 4096 * 2
    kv = 32 * 2 * 1024 * 4096 * 2
    assert sixteen.per_gpu - sixteen.rotary == (8_030_261_248 * 2 - norms - kv) // 16 + norms + kv // 8


def test_the_last_stage_holds_the_head_and_the_first_the_embedding(
    llama_8b: ModelArchitecture, bf16: WeightFormat
) -> None:
    stage = weight_bytes(llama_8b, bf16, pp=2)
    layer = (4096 * 4096 * 2 + 1024 * 4096 * 2 + 3 * 4096 * 14336 + 2 * 4096) * 2
    assert stage.per_gpu - stage.rotary == 16 * layer + 128_256 * 4096 * 2 + 4096 * 2


def test_group_scales_and_zeros_count_and_the_embeddings_stay(llama_8b: ModelArchitecture, awq: WeightFormat) -> None:
    linear = 32 * (4096 * 4096 * 2 + 1024 * 4096 * 2 + 3 * 4096 * 14336)
    rest = 8_030_261_248 - linear
    assert weight_bytes(llama_8b, awq).checkpoint == linear * 4 // 8 + linear // 128 * 20 // 8 + rest * 2
