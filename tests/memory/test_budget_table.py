"""The memory side of the candidate table: every engine's rows equal single budgets, and many rows take little time."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import pytest

from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.accounting.runtime import EngineOptions
from planner.memory.inference import inference_budget
from planner.memory.table import BudgetColumns, budget_table

FORMATS = ("bf16", "fp8-e4m3", "fp8-e4m3-block128", "int8-w8a8", "int4-awq-g128", "int4-gptq-g128", "nvfp4", "mxfp4")
ENGINES = ("vllm", "sglang", "trtllm")


def columns(devices: tuple[str, ...], rows: list[tuple[int, ...]]) -> BudgetColumns:
    catalog = load_catalog()
    table = np.array(rows, dtype=np.int64).T
    return BudgetColumns(
        tuple(catalog.formats[name] for name in FORMATS),
        tuple(catalog.kv_formats[name] for name in ("bf16", "fp8")),
        tuple(catalog.accelerators[name] for name in devices),
        tuple(catalog.engines[name] for name in (*ENGINES, "llamacpp")),
        *table,
    )


@pytest.mark.parametrize("name", ["openai/gpt-oss-120b", "Qwen/Qwen3-Next-80B-A3B-Instruct", "deepseek-ai/DeepSeek-V3"])
def test_every_row_is_the_budget_of_its_own(name: str) -> None:
    catalog = load_catalog()
    architecture = resolve_model(name, catalog=catalog)
    devices = ("h100-sxm", "b200-sxm", "l40s")
    degrees = ((1, 1, 1), (8, 1, 1), (8, 2, 8))
    rows = [
        (fmt, kv, device, engine, *degree)
        for fmt, kv, device, engine, degree in product((0, 1, 7), (0, 1), range(3), range(4), degrees)
    ]
    context = 8192
    asked = columns(devices, rows)
    table = budget_table(architecture, asked, context=context)
    for index, (fmt, kv, device, engine, tp, pp, ep) in enumerate(rows):
        one = inference_budget(
            architecture, asked.formats[fmt], asked.kv_formats[kv], asked.accelerators[device], asked.engines[engine],
            tp, pp, ep, EngineOptions(),
        )  # fmt: skip
        assert table["weights_bytes"][index] == pytest.approx(one.weights_bytes, abs=1)
        assert table["kv_budget_bytes"][index] == pytest.approx(one.kv_budget_bytes, abs=2)
        assert table["max_concurrency"][index] == pytest.approx(one.max_concurrency(context))
        assert table["fits"][index] == (one.max_concurrency(context) >= 1)
        assert table["activation_bytes"][index] == one.runtime.activation_peak
        assert table["kv_bytes_per_token"][index] == one.kv_bytes_per_token


def test_twenty_thousand_rows_take_a_small_part_of_a_second() -> None:
    catalog = load_catalog()
    architecture = resolve_model("deepseek-ai/DeepSeek-V3", catalog=catalog)
    devices = tuple(sorted(catalog.accelerators))[:16]
    rows = list(product(range(8), range(2), range(16), range(3), (1, 2, 4, 8), (1, 2, 4), (1,)))
    asked = columns(devices, (rows * 3)[:20_000])
    budget_table(architecture, asked, context=8192)
    times = []
    for _ in range(5):
        start = time.process_time()
        budget_table(architecture, asked, context=8192)
        times.append(time.process_time() - start)
    assert min(times) < 0.5  # 0.026 to 0.075 s measured; row by row it took 40 s


def test_no_rows_are_no_trouble() -> None:
    architecture = resolve_model("openai/gpt-oss-20b", catalog=load_catalog())
    none = columns(("h100-sxm",), [(0, 0, 0, 0, 1, 1, 1)])
    empty = BudgetColumns(
        none.formats, none.kv_formats, none.accelerators, none.engines,
        *(np.zeros(0, dtype=np.int64) for _ in range(7)),
    )  # fmt: skip
    assert all(len(values) == 0 for values in budget_table(architecture, empty, context=1024).values())


def test_an_engine_without_an_account_is_named() -> None:
    from dataclasses import replace

    architecture = resolve_model("openai/gpt-oss-20b", catalog=load_catalog())
    asked = columns(("h100-sxm",), [(0, 0, 0, 0, 1, 1, 1)])
    engines = (replace(asked.engines[0], id="tgi"), *asked.engines[1:])
    with pytest.raises(LookupError, match="no memory accounting for engine 'tgi'"):
        budget_table(architecture, replace(asked, engines=engines), context=1024)
