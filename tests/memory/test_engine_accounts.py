"""How each engine divides a GPU: the formula of the engine, worked out beside what the accounting returns."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from planner.catalog import load_catalog
from planner.memory.accounting.runtime import EngineOptions, Runtime, Setting
from planner.memory.inference import account
from planner.memory.shape import ForwardShape
from planner.memory.sharding import Layout
from planner.units import GIB, MIB

SHAPE = ForwardShape(
    hidden=4096, vocab=128_256, layers=32, mlp=43_008, expert_in=0, expert_out=0, top_k=0, encoder=0,
    multimodal=False, recurrent=False, heads=32, model_type="llama",
)  # fmt: skip


@pytest.fixture
def runtime() -> Callable[..., Runtime]:
    """Return what an engine takes for a Llama-3.1-8B of one device."""

    def call(engine: str, device: str = "h100-sxm", tp: int = 1, **options: object) -> Runtime:
        catalog = load_catalog()
        setting = Setting(
            catalog.engines[engine], catalog.accelerators[device], SHAPE, Layout(tp), EngineOptions(**options)
        )  # type: ignore[arg-type]
        return account(setting)

    return call


def test_vllm_takes_a_share_of_the_total(runtime: Callable[..., Runtime]) -> None:
    found = runtime("vllm", gpu_memory_utilization=0.8, total_bytes=100 * GIB)
    weights = 20 * GIB
    assert found.limit == 80 * GIB
    assert found.kv_budget(weights) == 80 * GIB - weights - found.non_torch - found.activation_peak


@pytest.mark.parametrize(("version", "utilization"), [("0.6.4", 0.90), ("0.17.0", 0.90), ("0.19.0", 0.92)])
def test_vllm_raised_its_default_share(runtime: Callable[..., Runtime], version: str, utilization: float) -> None:
    assert runtime("vllm", version=version, total_bytes=100 * GIB).limit == pytest.approx(utilization * 100 * GIB)


@pytest.mark.parametrize(
    ("version", "inside"), [("0.20.0", False), ("0.21.0", True), ("0.22.1", True), ("0.24", False)]
)
def test_two_versions_take_graphs_out_of_the_budget(
    runtime: Callable[..., Runtime], version: str, inside: bool
) -> None:
    found = runtime("vllm", version=version)
    assert found.graphs_inside is inside
    assert found.cuda_graphs > 0
    assert runtime("vllm", version=version, eager=True).cuda_graphs == 0


def test_the_all_reduce_needs_more_where_there_is_a_fast_link(runtime: Callable[..., Runtime]) -> None:
    alone, linked, unlinked = runtime("vllm"), runtime("vllm", tp=4), runtime("vllm", "rtx4090", tp=4)
    assert 1.3 < (linked.non_torch - alone.non_torch) / GIB < 2.3
    assert 0.1 < (unlinked.non_torch - alone.non_torch) / GIB < 0.4


def test_sglang_keeps_free_what_its_fraction_leaves(runtime: Callable[..., Runtime]) -> None:
    """KV = free after loading - (1 - fraction) x free before = fraction x free before - weights."""
    found = runtime("sglang", gpu_memory_utilization=0.88, total_bytes=80 * GIB)
    before = 80 * GIB - 0.45 * GIB
    assert found.kv_budget(16 * GIB) == pytest.approx(0.88 * before - 16 * GIB)


def test_sglang_reserves_for_chunks_graphs_and_gpus(runtime: Callable[..., Runtime]) -> None:
    """server_args on a 4090: 512 MiB + 1.5 x 2048 tokens + 2 x graph sequences + 128 per GPU, of 23.5 GiB."""
    found = runtime("sglang", "rtx4090")
    before = found.total - 0.45 * GIB
    reserved = (1 - found.limit / before) * found.total / MIB
    assert reserved == pytest.approx(512 + 1.5 * found.max_num_batched_tokens + 2 * found.max_num_seqs + 128, abs=1)


def test_tensorrt_llm_takes_a_share_of_what_is_free(runtime: Callable[..., Runtime]) -> None:
    found = runtime("trtllm", gpu_memory_utilization=0.9)
    free = found.total - found.non_torch - found.activation_peak - 16 * GIB
    assert found.kv_budget(16 * GIB) == pytest.approx(0.9 * free)


def test_llamacpp_leaves_the_embedding_on_the_host_and_computes_in_32_bit(runtime: Callable[..., Runtime]) -> None:
    found = runtime("llamacpp")
    assert found.embedding_on_host
    assert found.activation_peak == 4 * 512 * (128_256 + 43_008)


def test_transformers_reserves_nothing(runtime: Callable[..., Runtime]) -> None:
    found = runtime("transformers", max_num_batched_tokens=2048)
    assert found.limit == found.total
    assert found.activation_peak == 2 * 2048 * (43_008 + 4 * 4096) + 60 * MIB


def test_what_does_not_fit_leaves_a_negative_rest_untouched_by_shares(runtime: Callable[..., Runtime]) -> None:
    found = runtime("trtllm", total_bytes=16 * GIB)
    assert found.kv_budget(20 * GIB) == found.before_weights - 20 * GIB < 0
