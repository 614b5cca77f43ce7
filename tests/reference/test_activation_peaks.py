"""Activation peaks that vLLM printed, against the model that follows from its code.

0.19.0: llm-d's "Capacity Planner Accuracy Report", H100 80GB (79.19 GiB), gpu_memory_utilization 0.95, 8192 tokens and
1024 sequences. Others: start-up logs in public issues of vllm-project/vllm.
"""

from __future__ import annotations

import pytest

from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.accounting.runtime import EngineOptions
from planner.memory.inference import InferenceBudget, inference_budget
from planner.units import GIB

REPORTED = (
    ("meta-llama/Llama-3.1-8B-Instruct", 1, 1, 1.89),
    ("meta-llama/Llama-3.1-8B-Instruct", 4, 1, 1.89),
    ("meta-llama/Llama-3.1-8B-Instruct", 1, 2, 1.10),
    ("Qwen/Qwen2.5-7B-Instruct", 1, 1, 2.21),
    ("Qwen/Qwen3-8B", 1, 1, 2.21),
    ("Qwen/Qwen3-14B", 1, 1, 2.23),
    ("google/gemma-2-2b-it", 1, 1, 3.62),
    ("google/gemma-2-27b-it", 1, 1, 3.66),
    ("google/gemma-3-4b-it", 1, 1, 3.89),
    ("google/gemma-3-27b-it", 1, 1, 3.99),
    ("microsoft/phi-2", 1, 1, 0.79),
    ("microsoft/phi-4", 1, 1, 1.52),
    ("Qwen/Qwen2.5-72B-Instruct", 2, 1, 2.29),
    ("mistralai/Mixtral-8x7B-v0.1", 2, 1, 1.21),
    ("deepseek-ai/DeepSeek-V2-Lite", 1, 1, 1.93),
    ("Qwen/Qwen3-30B-A3B", 1, 1, 2.68),
    ("openai/gpt-oss-20b", 2, 1, 2.87),
)


def budget(name: str, device: str, version: str, tp: int = 1, pp: int = 1, **options: float) -> InferenceBudget:
    catalog = load_catalog()
    architecture = resolve_model(name, catalog=catalog)
    fmt = catalog.formats[architecture.native_format or "bf16"]
    chosen = EngineOptions(version=version, **options)  # type: ignore[arg-type]
    engine, accelerator = catalog.engines["vllm"], catalog.accelerators[device]
    return inference_budget(architecture, fmt, catalog.kv_formats["bf16"], accelerator, engine, tp, pp, options=chosen)


@pytest.mark.parametrize(("name", "tp", "pp", "gib"), REPORTED)
def test_vllm_0_19_on_an_h100(name: str, tp: int, pp: int, gib: float) -> None:
    found = budget(name, "h100-sxm", "0.19.0", tp, pp, gpu_memory_utilization=0.95)
    assert found.runtime.activation_peak / GIB == pytest.approx(gib, rel=0.012, abs=0.005)


@pytest.mark.parametrize(("tokens", "gib"), [(20000, 2.07), (29000, 2.99)])
def test_vllm_v0_grows_with_the_tokens_of_a_step(tokens: int, gib: float) -> None:
    """Llama-3.1-8B on an RTX 3090, 0.6.4: the MLP of all tokens of a prompt at once."""
    found = budget(
        "meta-llama/Llama-3.1-8B-Instruct", "rtx3090", "0.6.4", max_num_batched_tokens=tokens, max_model_len=tokens
    )
    assert found.runtime.activation_peak / GIB == pytest.approx(gib, rel=0.01)


def test_sorting_in_0_15_took_more_than_twice_as_much_as_0_19() -> None:
    """Qwen3-14B: 5.64 GiB on 0.15 and 0.16 (the same report), 2.23 on 0.19."""
    found = budget("Qwen/Qwen3-14B", "h100-sxm", "0.15.1", gpu_memory_utilization=0.95)
    assert found.runtime.activation_peak / GIB == pytest.approx(5.64, rel=0.012)


def test_a_hybrid_of_experts_and_linear_attention() -> None:
    """Qwen3-Next-80B on two H200 with 0.11: weights 74.28, activations 5.58, KV cache 44.59 GiB, 973,760 tokens."""
    found = budget(
        "Qwen/Qwen3-Next-80B-A3B-Instruct", "h200-sxm", "0.11.0", 2,
        gpu_memory_utilization=0.9, total_bytes=round(139.81 * GIB),
    )  # fmt: skip
    assert found.weights_bytes / GIB == pytest.approx(74.28, abs=0.005)
    assert found.runtime.activation_peak / GIB == pytest.approx(5.58, rel=0.005)
    assert found.kv_budget_bytes / GIB == pytest.approx(44.59, rel=0.005)
