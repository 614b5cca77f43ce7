"""Law: more context, more sequences, more parameters or more bits never take less memory."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.architecture.model import LayerGroup, Mixer, ModelArchitecture, Tensor
from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.kv_cache import kv_cache_bytes
from planner.memory.weights import weight_bytes

MODELS = (
    "meta-llama/Llama-3.1-8B-Instruct",
    "google/gemma-3-27b-it",
    "deepseek-ai/DeepSeek-V3",
    "deepseek-ai/DeepSeek-V4-Pro",
    "Qwen/Qwen3-Next-80B-A3B-Instruct",
    "nvidia/NVIDIA-Nemotron-Nano-9B-v2",
)
models = st.sampled_from(MODELS).map(lambda name: resolve_model(name, catalog=load_catalog()))
degrees = st.sampled_from((1, 2, 4, 8))
lengths = st.integers(0, 200_000)


@given(models, degrees, lengths, lengths, st.integers(1, 500), st.integers(1, 500))
def test_the_cache_grows_with_context_and_sequences(
    model: ModelArchitecture, tp: int, shorter: int, more: int, fewer: int, others: int
) -> None:
    kv = load_catalog().kv_formats["bf16"]
    small = kv_cache_bytes(model, kv, tp, context=shorter, sequences=fewer)
    assert kv_cache_bytes(model, kv, tp, context=shorter + more, sequences=fewer) >= small
    assert kv_cache_bytes(model, kv, tp, context=shorter, sequences=fewer + others) >= small


@given(models, degrees, lengths, st.sampled_from((("fp8", "bf16"), ("q4_0", "q8_0"), ("q8_0", "bf16"))))
def test_the_cache_grows_with_bits(model: ModelArchitecture, tp: int, context: int, formats: tuple[str, str]) -> None:
    narrow, wide = (kv_cache_bytes(model, load_catalog().kv_formats[name], tp, context=context) for name in formats)
    assert narrow <= wide


@given(models, lengths, st.integers(0, 200_000), st.integers(1, 64))
def test_sharing_a_prefix_never_costs(model: ModelArchitecture, context: int, prefix: int, sequences: int) -> None:
    kv = load_catalog().kv_formats["bf16"]
    apart = kv_cache_bytes(model, kv, context=context, sequences=sequences, block=1)
    shared = kv_cache_bytes(model, kv, context=context, sequences=sequences, block=1, shared_prefix=prefix)
    assert shared <= apart * (1 + 1e-12)


@st.composite
def dense(draw: st.DrawFn) -> ModelArchitecture:
    """Return a small dense model of any shape that groups of 32 divide."""
    hidden, width = draw(st.integers(1, 16)) * 256, draw(st.integers(1, 16)) * 256
    tensors = (
        Tensor("q_proj", "attention", hidden, hidden, "column"),
        Tensor("up_proj", "mlp", width, hidden, "column"),
        Tensor("down_proj", "mlp", hidden, width, "row"),
        Tensor("norm", "norm", hidden, 1, "replicated", linear=False),
    )
    layers = tuple(range(draw(st.integers(1, 12))))
    outer = (
        Tensor("embed_tokens", "embedding", draw(st.integers(1, 5000)), hidden, "vocab", linear=False),
        Tensor("lm_head", "lm_head", 640, hidden, "vocab"),
    )
    mixer = Mixer("full", 8, 8, hidden // 8, hidden // 8, kv_elements_per_token=2 * hidden)
    return ModelArchitecture("made", "llama", hidden, 640, 4096, (LayerGroup(layers, mixer, tensors),), outer)


FROM_WIDE_TO_NARROW = ("fp32", "bf16", "gguf-q8_0", "gguf-q6_k", "gguf-q5_k_m", "gguf-q4_k_m", "gguf-q3_k_m")


@settings(max_examples=60)
@given(dense(), degrees, st.sampled_from(("bf16", "fp8-e4m3", "int4-awq-g128", "mxfp4", "nvfp4", "gguf-q4_k_m")))
def test_weights_grow_with_parameters(model: ModelArchitecture, tp: int, name: str) -> None:
    fmt = load_catalog().formats[name]
    (group,) = model.layers
    deeper = replace(model, layers=(replace(group, indices=(*group.indices, group.count)),))
    wordier = replace(model, outer=(replace(model.outer[0], rows=model.outer[0].rows + 64), model.outer[1]))
    small = weight_bytes(model, fmt, tp)
    for larger in (weight_bytes(deeper, fmt, tp), weight_bytes(wordier, fmt, tp)):
        assert larger.checkpoint > small.checkpoint
        assert larger.per_gpu >= small.per_gpu


@settings(max_examples=60)
@given(dense(), degrees)
def test_weights_shrink_with_bits(model: ModelArchitecture, tp: int) -> None:
    sizes = [weight_bytes(model, load_catalog().formats[name], tp).per_gpu for name in FROM_WIDE_TO_NARROW]
    assert sizes == sorted(sizes, reverse=True)


MLX = ("mlx-3bit", "mlx-4bit", "mlx-5bit", "mlx-6bit", "mlx-8bit", "bf16")
GGUF = ("gguf-q2_k", "gguf-q3_k_m", "gguf-q4_k_m", "gguf-q5_k_m", "gguf-q6_k", "gguf-q8_0", "gguf-bf16")


@settings(max_examples=60)
@given(st.deferred(lambda: st.sampled_from(sorted(load_catalog().models))), st.sampled_from((MLX, GGUF)))
def test_checkpoints_of_every_model_grow_with_bits(name: str, ladder: tuple[str, ...]) -> None:
    catalog = load_catalog()
    model = resolve_model(name, catalog=catalog)
    sizes = [weight_bytes(model, catalog.formats[fmt]).checkpoint for fmt in ladder]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
