"""Law: what parallel GPUs hold adds up to the model, apart from what is repeated, and a split never costs one GPU."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planner.architecture.model import ModelArchitecture
from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.kv_cache import kv_cache_bytes_per_token_per_gpu
from planner.memory.sharding import stage_counts, stage_sizes
from planner.memory.weights import weight_bytes

MODELS = (
    "meta-llama/Llama-3.1-8B-Instruct",
    "Qwen/Qwen2.5-72B-Instruct",
    "google/gemma-3-27b-it",
    "deepseek-ai/DeepSeek-V3",
    "openai/gpt-oss-120b",
    "Qwen/Qwen3-30B-A3B",
    "Qwen/Qwen3-Next-80B-A3B-Instruct",
)
models = st.sampled_from(MODELS).map(lambda name: resolve_model(name, catalog=load_catalog()))
formats = st.sampled_from(("bf16", "fp8-e4m3", "int4-gptq-g128")).map(lambda name: load_catalog().formats[name])
degrees = st.sampled_from((1, 2, 4, 8))


@given(models, formats, degrees, degrees, degrees)
def test_gpus_together_hold_the_whole_model(model, fmt, tp, pp, ep) -> None:
    split = weight_bytes(model, fmt, tp, pp, ep if tp % ep == 0 else 1)
    assert tp * pp * (split.per_gpu - split.rotary) >= split.checkpoint * (1 - 1e-9)
    assert split.per_gpu <= weight_bytes(model, fmt).per_gpu * (1 + 1e-9)


@given(models, degrees)
def test_only_what_is_repeated_is_added(model: ModelArchitecture, tp: int) -> None:
    """In 16 bit: TP x share - model = (TP - 1) x replicated tensors + KV heads copied + vocabulary padded."""
    whole, split = (weight_bytes(model, load_catalog().formats["bf16"], ways) for ways in (1, tp))
    more = tp * (split.per_gpu - split.rotary) - (whole.per_gpu - whole.rotary)
    repeated = padded = 0
    for tensor, copies in model.tensors():
        if tensor.split in ("replicated", "kv_heads"):
            repeated += 2 * tensor.parameters * copies
        if tensor.split == "vocab":
            padded += 2 * 64 * tensor.columns
        elif tensor.split != "replicated":
            padded += 2 * copies * tensor.count * tp * max(tensor.columns, tensor.rows)  # the last rank's rounding
    assert -tp <= more <= (tp - 1) * repeated + padded


@given(models, degrees)
def test_cache_heads_are_split_or_copied(model: ModelArchitecture, tp: int) -> None:
    kv = load_catalog().kv_formats["bf16"]
    whole, share = (kv_cache_bytes_per_token_per_gpu(model, kv, ways) for ways in (1, tp))
    assert whole / tp <= share <= whole
    heads = {group.mixer.kv_heads for group in model.layers if group.mixer.splits_kv and group.mixer.kv_heads}
    if heads and all(count % tp == 0 for count in heads) and all(group.mixer.splits_kv for group in model.layers):
        assert share == whole / tp


@given(st.integers(1, 130), st.integers(1, 16))
def test_stages_hold_every_layer_once(layers: int, pp: int) -> None:
    sizes = stage_sizes(layers, pp)
    assert (sum(sizes), len(sizes)) == (layers, pp)
    assert max(sizes) - min(sizes) <= 1


@given(models, st.integers(1, 8))
def test_stages_hold_every_group_once(model: ModelArchitecture, pp: int) -> None:
    stages = stage_counts(model, pp)
    assert [sum(counts) for counts in zip(*stages, strict=True)] == [group.count for group in model.layers]
