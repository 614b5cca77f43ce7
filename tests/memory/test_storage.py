"""What each recipe converts and what it leaves in 16 bit."""

from __future__ import annotations

import pytest

from planner.architecture.model import Component, Tensor
from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.padding import MARLIN_MXFP4, expert_padding
from planner.memory.storage import is_quantized
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
