"""How well the memory model predicts what others measured: the bars it must clear, on data that is not part of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.catalog import load_catalog
from planner.error_summary import Errors
from planner.memory.validation import is_memory_rows, validate_memory


def errors(path: Path) -> dict[tuple[str, str], Errors]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    kind = is_memory_rows(rows)
    assert kind is not None
    _, found = validate_memory(rows, kind, load_catalog())
    return {(item.group, item.quantity): item for item in found}


@pytest.mark.parametrize(
    ("group", "quantity", "least_rows", "bar"),
    [
        ("vllm", "weights_gib_per_gpu", 45, 0.003),
        ("vllm", "kv_cache_gib", 30, 0.03),
        ("vllm", "kv_cache_tokens", 45, 0.03),
        ("vllm, stated", "weights_gib_per_gpu", 25, 0.003),
        ("vllm, stated", "kv_cache_gib", 15, 0.03),
        ("sglang", "weights_gib_per_gpu", 6, 0.003),
        ("sglang, stated", "weights_gib_per_gpu", 5, 0.003),
        ("sglang, stated", "kv_cache_gib", 2, 0.03),
        ("sglang, stated", "kv_cache_tokens", 6, 0.03),
        ("tensorrt-llm, stated", "kv_cache_gib", 1, 0.03),
        ("tensorrt-llm, stated", "kv_cache_tokens", 2, 0.03),
        ("tensorrt-llm", "kv_cache_gib", 1, 0.03),
        ("tensorrt-llm", "kv_cache_tokens", 4, 0.03),
        ("llama.cpp", "weights_gib_per_gpu", 4, 0.003),
        ("llama.cpp", "kv_cache_gib", 10, 0.03),
    ],
)
def test_start_up_logs(shared: Path, group: str, quantity: str, least_rows: int, bar: float) -> None:
    found = errors(shared / "memory_logs.json")[group, quantity]
    assert found.predicted >= least_rows
    assert found.median is not None
    assert found.median <= bar


def test_scripts(shared: Path) -> None:
    found = errors(shared / "transformers_memory.json")["transformers", "gpu_memory"]
    assert found.predicted == found.measured == 120
    assert found.median is not None
    assert found.median <= 0.03


OFF = {
    "mlx-community/DeepSeek-V3.2-8bit": "groups of 32, which its name does not say",
    "mlx-community/gpt-oss-120b-MXFP4-Q8": "4.8 bits per expert weight; no recipe known",
    "phi-2.Q4_K_S.gguf": "quantized when llama.cpp did not yet widen fused projections like values",
}
"""Checkpoints that follow no recipe at hand, and why."""


def test_checkpoints_of_known_recipes_are_within_half_a_percent(shared: Path) -> None:
    rows = json.loads((shared / "quantized_checkpoints.json").read_text(encoding="utf-8"))
    predicted, _ = validate_memory(rows, "checkpoints", load_catalog())
    off = {}
    for row in predicted:
        size = row.get("predicted_total_bytes")
        if size is not None and row["exact_bytes"] and "layer by layer" not in row["prediction_notes"]:
            error = size / row["total_bytes"] - 1
            if abs(error) > 0.005:
                off[row["id"]] = error
    assert set(off) == set(OFF)
    answered = [row for row in predicted if row.get("predicted_total_bytes") is not None]
    assert len(answered) >= 102
    within = [row for row in answered if abs(row["predicted_total_bytes"] / row["total_bytes"] - 1) <= 0.005]
    assert len(within) >= 96
