"""Law: larger batches and wider weights leave an engine no more for its cache, a larger device no less.

What a budget says it divides adds up to what it may use.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.accounting.runtime import EngineOptions
from planner.memory.inference import InferenceBudget, inference_budget
from planner.units import GIB

MODELS = (
    "meta-llama/Llama-3.1-8B-Instruct",
    "google/gemma-3-27b-it",
    "openai/gpt-oss-20b",
    "Qwen/Qwen3-Next-80B-A3B-Instruct",
    "zai-org/GLM-4.7-Flash",
)
ENGINES = ("vllm", "sglang", "trtllm", "llamacpp", "transformers")
names, engines, degrees = st.sampled_from(MODELS), st.sampled_from(ENGINES), st.sampled_from((1, 2, 4, 8))
tokens, sequences = st.integers(16, 16384), st.integers(1, 1024)


def budget(name: str, engine: str, tp: int, fmt: str = "bf16", **options: int | float) -> InferenceBudget:
    shelf = load_catalog()
    return inference_budget(
        resolve_model(name, catalog=shelf), shelf.formats[fmt], shelf.kv_formats["bf16"],
        shelf.accelerators["h100-sxm"], shelf.engines[engine], tp, options=EngineOptions(**options),
    )  # fmt: skip


@settings(max_examples=80)
@given(names, engines, degrees, tokens, tokens, sequences, sequences)
def test_larger_batches_leave_no_more(
    name: str, engine: str, tp: int, few: int, more: int, one: int, other: int
) -> None:
    small = budget(name, engine, tp, max_num_batched_tokens=few, max_num_seqs=one)
    large = budget(name, engine, tp, max_num_batched_tokens=few + more, max_num_seqs=one + other)
    assert large.kv_budget_bytes <= small.kv_budget_bytes
    assert large.runtime.activation_peak >= small.runtime.activation_peak


@settings(max_examples=60)
@given(names, engines, degrees, st.integers(8, 200), st.integers(1, 100))
def test_a_larger_device_leaves_no_less(name: str, engine: str, tp: int, gib: int, more: int) -> None:
    small = budget(name, engine, tp, total_bytes=gib * GIB)
    assert budget(name, engine, tp, total_bytes=(gib + more) * GIB).kv_budget_bytes >= small.kv_budget_bytes


@settings(max_examples=40)
@given(names, engines, degrees)
def test_more_devices_hold_less_each_and_wider_weights_more(name: str, engine: str, tp: int) -> None:
    held = budget(name, engine, tp).weights_bytes
    assert budget(name, engine, 2 * tp).weights_bytes < held
    assert budget(name, engine, tp, "fp8-e4m3").weights_bytes < held


@settings(max_examples=60)
@given(names, engines, degrees, tokens, sequences)
def test_terms_add_up_to_the_share_that_the_engine_takes(
    name: str, engine: str, tp: int, batch: int, most: int
) -> None:
    found = budget(name, engine, tp, max_num_batched_tokens=batch, max_num_seqs=most)
    used = sum(term.value for term in found.terms)
    if found.fits:
        left = found.kv_budget_bytes * (1 / found.runtime.share_of_rest - 1)
        assert abs(used + left - found.runtime.limit) <= 2
    assert found.max_concurrency(1024) >= found.max_concurrency(4096)
