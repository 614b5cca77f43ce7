"""The search space: what hardware, engine and model allow."""

from __future__ import annotations

import numpy as np
import pytest

from planner.architecture import resolve_model
from planner.candidates import twins
from planner.candidates.evaluation import evaluate
from planner.candidates.parallelism import Parallelism
from planner.candidates.ruling import Ruling
from planner.candidates.space import Axes, Hardware
from planner.scenario import parse_scenario


@pytest.fixture(scope="module")
def table(chat, catalog):
    return evaluate(chat(), catalog)


def allowed(catalog, name: str, degrees: list[Parallelism], formats: tuple[str, ...] = ("bf16",)) -> list[list[bool]]:
    """[format][degree]: no rule of topology forbids the model so, on an H100 with vLLM."""
    scenario = parse_scenario(
        f"name: x\nmodel: {name}\nworkload: {{input_tokens: 1k, output_tokens: 128, concurrency: 1}}"
    )
    architecture = resolve_model(name, catalog=catalog)
    ruling = Ruling.of(scenario, architecture, catalog, marked=False)
    axes = Axes(
        hardware=(Hardware(catalog.accelerators["h100-sxm"], 8),),
        engines=(catalog.engines["vllm"],),
        weights=tuple(catalog.formats[fmt] for fmt in formats),
        kv_formats=(catalog.kv_formats["bf16"],),
        parallelism=tuple(degrees),
        recovery=(),
    )
    good = np.ones((1, 1, len(formats), 1, len(degrees)), dtype=bool)
    for verdict in ruling.of_layouts(axes):
        good &= ~verdict.mask
    return good[0, 0, :, 0, :].tolist()


def test_heads_and_kv_heads_divide(catalog) -> None:
    degrees = [Parallelism(tp) for tp in (1, 2, 3, 4, 6, 8, 16, 32, 128)]  # 64 heads, 8 KV heads
    expected = [True, True, False, True, False, True, True, True, False]
    assert allowed(catalog, "meta-llama/Llama-3.1-70B-Instruct", degrees) == [expected]


def test_stages_do_not_outnumber_layers(catalog) -> None:
    degrees = [Parallelism(1, 80), Parallelism(1, 81)]
    assert allowed(catalog, "meta-llama/Llama-3.1-70B-Instruct", degrees) == [[True, False]]


def test_experts_are_divided_whole(catalog) -> None:
    degrees = [Parallelism(4, 1, 4), Parallelism(8, 1, 8), Parallelism(16, 1, 16)]
    assert allowed(catalog, "mistralai/Mixtral-8x7B-v0.1", degrees) == [[True, True, False]]


def test_fp8_blocks_stay_whole_per_gpu(catalog) -> None:
    """An expert width of 1536 has blocks of 128 at TP 4 (384) but not at TP 8 (192), as vLLM says; EP keeps all."""
    degrees = [Parallelism(4), Parallelism(8), Parallelism(8, 1, 8)]
    found = allowed(catalog, "Qwen/Qwen3-235B-A22B", degrees, ("fp8-e4m3-block128", "fp8-e4m3"))
    assert found == [[True, False, True], [True, True, True]]


def test_of_equal_formats_one_is_tried(catalog) -> None:
    formats = [catalog.formats[name] for name in ("bf16", "fp16", "fp32", "fp8-e4m3", "fp8-e4m3-tensor", "int8-w8a8")]
    possible = np.ones((1, 1, len(formats), 1), dtype=bool)

    def kept(named: tuple[str, ...] = ()) -> list[str]:
        mask = twins.first_of_each(formats, "bf16", named, possible)[0, 0, :, 0]
        return [fmt.id for fmt, keep in zip(formats, mask, strict=True) if keep]

    assert kept() == ["bf16", "fp8-e4m3", "int8-w8a8"]
    assert "fp8-e4m3-tensor" in kept(("fp8-e4m3-tensor",))
    possible[0, 0, 0] = False  # Volta and Turing have no BF16
    assert "fp16" in kept()


def test_nothing_is_left_that_the_engine_has_no_kernel_for(table) -> None:
    axes, layouts = table.layouts.axes, table.layouts
    for h, e, w, k in set(
        zip(
            layouts.hardware.tolist(),
            layouts.engine.tolist(),
            layouts.weights.tolist(),
            layouts.kv.tolist(),
            strict=True,
        )
    ):
        accelerator = axes.hardware[h].accelerator
        assert axes.engines[e].weight_support(axes.weights[w].id, accelerator) != "no"
        assert axes.engines[e].kv_support(axes.kv_formats[k].id, accelerator) != "no"


def test_tensor_parallel_groups_lie_within_an_instance(table) -> None:
    tp = np.array([x.tp for x in table.layouts.axes.parallelism])[table.column("parallelism")]
    gpus = np.array([pool.offer.gpus for pool in table.pools])[table.pool]
    assert (tp <= gpus).all()


def test_what_was_cut_is_counted_by_reason(table) -> None:
    counts = {item.reason: item.count for item in table.rejected}
    assert {"engine-runs-format", "memory", "search.accelerators", "search.pricing", "dearer-offer"} <= set(counts)
    assert all(count > 0 for count in counts.values())
    assert all(item.message for item in table.rejected)


def test_a_model_too_large_for_an_instance_spans_several(catalog, chat) -> None:
    """DeepSeek-R1 in FP8 needs 16 H100 of 80 GB: stages over two nodes whose network carries them."""
    scenario = chat(
        ("meta-llama/Llama-3.1-70B-Instruct", "deepseek-ai/DeepSeek-R1"),
        ("quality: {min_recovery: 98%}\n", ""),
        ("[h100-sxm, a100-sxm-80, l40s, h200-sxm]", "[h100-sxm], weights: fp8-e4m3-block128"),
    )
    found = evaluate(scenario, catalog)
    assert len(found)
    degrees = found.layouts.axes.parallelism
    gpus = np.array([x.gpus for x in degrees])[found.column("parallelism")]
    assert gpus.min() >= 16
    assert all(found.pools[p].offer.network_gbps >= 100 for p in set(found.pool.tolist()))
