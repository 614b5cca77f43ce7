"""What each recipe converts and what it leaves in 16 bit."""

from __future__ import annotations

import pytest

from planner.architecture.model import Component, Tensor
from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.padding import MARLIN_MXFP4, expert_padding
from planner.memory.storage import bytes_per_copy, is_quantized
from planner.memory.weights import weight_bytes

GIB = 1024**3


def converts(fmt: str, component: Component, *, columns: int = 4096, mixture: bool = False) -> bool:
    tensor = Tensor("some_proj", component, 4096, columns, "column", linear=component != "embedding")
    return is_quantized(tensor, load_catalog().formats[fmt], mixture=mixture)


@pytest.mark.parametrize("fmt", ["int4-awq-g128", "int4-gptq-g128", "fp8-e4m3", "fp8-e4m3-block128", "nvfp4"])
def test_servers_recipes_leave_embedding_head_and_router(fmt: str) -> None:
    assert converts(fmt, "mlp")
    assert not any(converts(fmt, component) for component in ("embedding", "lm_head", "router", "norm", "vision"))


def test_mlx_converts_the_embedding_and_the_head_too() -> None:
    assert all(converts("mlx-4bit", component) for component in ("embedding", "lm_head", "mlp"))
    assert not converts("mlx-4bit", "vision")


def test_16_bit_types_convert_nothing() -> None:
    assert not converts("bf16", "mlp")


def test_rows_that_make_no_whole_groups_stay() -> None:
    assert not converts("int4-gptq-g128", "mlp", columns=2880)  # gpt-oss: 22.5 groups
    assert converts("mxfp4", "mlp", columns=2880)


def test_mxfp4_mixtures_convert_the_routed_experts_alone() -> None:
    assert converts("mxfp4", "experts_routed", mixture=True)
    assert not converts("mxfp4", "attention", mixture=True)
    assert converts("mxfp4", "attention")


def per_weight(name: str, fmt: str, component: Component, last: str, layer: int) -> float:
    """Return the bytes per weight of the tensor of that name in one layer of a published model."""
    catalog = load_catalog()
    architecture = resolve_model(name, catalog=catalog)
    group = next(group for group in architecture.layers if layer in group.indices)
    tensor = next(item for item in group.tensors if item.component == component and item.name.endswith(last))
    rows, columns = tensor.rows, tensor.columns
    size = bytes_per_copy(tensor, rows, columns, catalog.formats[fmt], architecture, (layer,))
    return size / (rows * columns)


NEMOTRON, GEMMA_4, KIMI = "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "google/gemma-4-26B-A4B", "moonshotai/Kimi-K2.5"


@pytest.mark.parametrize(
    ("name", "fmt", "component", "last", "layer", "bits"),
    [
        (NEMOTRON, "nvfp4", "attention", "q_proj", 5, 16),
        (NEMOTRON, "nvfp4", "mamba", "in_proj", 4, 16),  # right before it
        (NEMOTRON, "nvfp4", "mamba", "in_proj", 0, 4.5),
        (NEMOTRON, "nvfp4", "experts_routed", "up_proj", 1, 4.5),
        ("meta-llama/Llama-3.1-8B-Instruct", "nvfp4", "attention", "q_proj", 5, 4.5),
        (GEMMA_4, "mlx-4bit", "mlp", "up_proj", 3, 8.5),
        (GEMMA_4, "mlx-4bit", "experts_routed", "up_proj", 3, 4.5),
        ("google/gemma-4-31B-it", "mlx-4bit", "mlp", "up_proj", 3, 4.5),  # has no experts beside it
        (KIMI, "mlx-dq3_k_m", "experts_routed", "up_proj", 3, 3.5),
        (KIMI, "mlx-dq3_k_m", "experts_routed", "down_proj", 3, 5.5),
        (KIMI, "mlx-dq3_k_m", "experts_routed", "down_proj", 10, 4.5),
        (KIMI, "mlx-dq3_k_m", "experts_routed", "down_proj", 11, 3.5),
        (KIMI, "mlx-dq3_k_m", "experts_shared", "down_proj", 11, 8.5),
        ("deepseek-ai/DeepSeek-V4-Pro", "mxfp4", "experts_routed", "up_proj", 3, 4.25),
        ("deepseek-ai/DeepSeek-V4-Pro", "mxfp4", "attention", "q_b_proj", 3, 8 + 8 / 128**2),
        ("openai/gpt-oss-120b", "mxfp4", "attention", "q_proj", 3, 16),
    ],
)
def test_recipes_that_differ_by_role_layer_and_model(
    name: str, fmt: str, component: Component, last: str, layer: int, bits: float
) -> None:
    assert 8 * per_weight(name, fmt, component, last, layer) == pytest.approx(bits, abs=1e-4)


def test_a_recipe_that_differs_by_layer_is_averaged_over_a_class() -> None:
    """Kimi-K2.5: of 60 layers with experts, 12 have 4 bits down, 4 more have 5."""
    catalog = load_catalog()
    architecture = resolve_model(KIMI, catalog=catalog)
    group = next(group for group in architecture.layers if group.is_moe)
    down = next(
        item for item in group.tensors if item.component == "experts_routed" and item.name.endswith("down_proj")
    )
    size = bytes_per_copy(down, down.rows, down.columns, catalog.formats["mlx-dq3_k_m"], architecture, group.indices)
    assert 8 * size / (down.rows * down.columns) == pytest.approx((44 * 3.5 + 12 * 4.5 + 4 * 5.5) / 60)


def test_marlin_pads_experts_and_blackwell_differently() -> None:
    """gpt-oss-120b: 60.77 GiB on disk, 65.97 GiB loaded on an H100 as vLLM prints it."""
    catalog = load_catalog()
    architecture = resolve_model("openai/gpt-oss-120b", catalog=catalog)
    padding = expert_padding("vllm", "mxfp4", catalog.accelerators["h100-sxm"])
    assert padding == MARLIN_MXFP4
    weights = weight_bytes(architecture, catalog.formats["mxfp4"], padding=padding)
    assert weights.checkpoint / GIB == pytest.approx(60.77, rel=0.001)
    assert weights.per_gpu / GIB == pytest.approx(65.97, rel=0.001)
    assert expert_padding("vllm", "mxfp4", catalog.accelerators["b200-sxm"]) != padding
    assert expert_padding("sglang", "mxfp4", catalog.accelerators["h100-sxm"]) is None
    assert expert_padding("vllm", "int4-awq-g128", catalog.accelerators["h100-sxm"]) is None


def test_padding_rounds_widths_and_hidden_features() -> None:
    assert MARLIN_MXFP4.apply(2880, 2880, inner_rows=True) == (2944, 3072)
    assert MARLIN_MXFP4.apply(2880, 2880, inner_rows=False) == (3072, 2944)
