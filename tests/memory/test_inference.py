"""Budgets against start-up logs of vLLM, and the table against the single budget."""

from __future__ import annotations

import numpy as np
import pytest

from planner.architecture.model import ModelArchitecture
from planner.catalog.schema.accelerators import Accelerator
from planner.catalog.schema.engines import Engine
from planner.catalog.schema.formats import KvFormat, WeightFormat
from planner.memory.accounting.runtime import EngineOptions
from planner.memory.inference import inference_budget
from planner.memory.table import BudgetColumns, budget_table

GIB = 1024**3


def test_llama_8b_on_an_h100_as_vllm_0_19_prints_it(
    llama_8b: ModelArchitecture, bf16: WeightFormat, kv16: KvFormat, h100: Accelerator, vllm: Engine
) -> None:
    """Logged with gpu_memory_utilization 0.95: activation 1.89, non-torch 0.25, KV cache 58.11 GiB, 476,016 tokens."""
    options = EngineOptions(gpu_memory_utilization=0.95)
    budget = inference_budget(llama_8b, bf16, kv16, h100, vllm, options=options)
    assert budget.runtime.activation_peak / GIB == pytest.approx(1.89, abs=0.02)
    assert budget.kv_budget_bytes / GIB == pytest.approx(58.11, rel=0.005)
    assert budget.kv_tokens == pytest.approx(476_016, rel=0.005)
    assert sum(term.value for term in budget.terms) == pytest.approx(budget.runtime.limit, abs=1)


def test_a_model_that_does_not_fit_has_no_tokens(
    llama_8b: ModelArchitecture, bf16: WeightFormat, kv16: KvFormat, h100: Accelerator, vllm: Engine
) -> None:
    budget = inference_budget(
        llama_8b, bf16, kv16, h100, vllm, options=EngineOptions(total_bytes=16 * GIB, gpu_memory_utilization=0.9)
    )
    assert not budget.fits
    assert budget.kv_tokens == 0
    assert budget.max_concurrency(1024) == 0.0


def test_table_rows_equal_single_budgets(
    llama_8b: ModelArchitecture, bf16: WeightFormat, awq: WeightFormat, kv16: KvFormat, h100: Accelerator, vllm: Engine
) -> None:
    rows = [(fmt, tp, pp) for fmt in (0, 1) for tp in (1, 2, 8) for pp in (1, 2)]
    zeros = np.zeros(len(rows), dtype=np.int64)
    columns = BudgetColumns(
        (bf16, awq), (kv16,), (h100,), (vllm,),
        np.array([row[0] for row in rows]), zeros, zeros, zeros,
        np.array([row[1] for row in rows]), np.array([row[2] for row in rows]), zeros + 1,
    )  # fmt: skip
    table = budget_table(llama_8b, columns, context=4096)
    for index, (fmt, tp, pp) in enumerate(rows):
        one = inference_budget(llama_8b, (bf16, awq)[fmt], kv16, h100, vllm, tp, pp)
        assert table["weights_bytes"][index] == one.weights_bytes
        assert int(table["kv_budget_bytes"][index]) == one.kv_budget_bytes
        assert table["kv_tokens"][index] == one.kv_tokens
        assert table["max_concurrency"][index] == pytest.approx(one.max_concurrency(4096))
