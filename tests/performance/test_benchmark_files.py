"""Results of vLLM, SGLang, GuideLLM and genai-perf become rows of one layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.errors import MeasurementError
from planner.performance.benchmark_files import COLUMNS, is_benchmark_file, read_benchmark_file

MACHINE = {"accelerator": "h100-sxm", "tp": 4, "gpus": 4, "weights": "fp8", "engine": "vllm", "model": "m/from-caller"}

VLLM: dict[str, Any] = {
    "date": "20260801-101500",
    "backend": "vllm",
    "model_id": "meta-llama/Llama-3.1-70B-Instruct",
    "num_prompts": 320,
    "request_rate": "inf",
    "max_concurrency": 32,
    "duration": 101.0,
    "completed": 320,
    "total_input_tokens": 320 * 1024,
    "total_output_tokens": 320 * 256,
    "output_throughput": 811.1,
    "mean_ttft_ms": 174.8,
    "median_ttft_ms": 150.1,
    "p99_ttft_ms": 612.0,
    "mean_tpot_ms": 16.5,
    "median_tpot_ms": 16.4,
    "p99_tpot_ms": 18.1,
}
SGLANG: dict[str, Any] = {
    "backend": "sglang",
    "random_input_len": 512,
    "random_output_len": 128,
    "request_rate": 4.0,
    "max_concurrency": None,
    "duration": 50.0,
    "completed": 200,
    "total_input_tokens": 200 * 512,
    "total_output_tokens": 200 * 128,
    "output_throughput": 512.0,
    "mean_ttft_ms": 88.0,
    "mean_tpot_ms": 11.0,
    "server_info": {"model_path": "Qwen/Qwen3-32B", "tp_size": 2, "version": "0.5.6"},
}
GUIDELLM: dict[str, Any] = {
    "benchmarks": [
        {
            "config": {"strategy": {"type_": "concurrent", "streams": 16}, "backend": {"model": "Qwen/Qwen3-8B"}},
            "metrics": {
                "prompt_token_count": {"successful": {"mean": 1000.0}},
                "output_token_count": {"successful": {"mean": 250.0}},
                "time_to_first_token_ms": {
                    "successful": {"mean": 60.0, "median": 50.0, "percentiles": {"p95": 120.0, "p99": 180.0}}
                },
                "inter_token_latency_ms": {"successful": {"mean": 9.0, "median": 8.9, "percentiles": {"p99": 12.0}}},
                "time_per_output_token_ms": {"successful": {"mean": 9.3, "median": 9.1}},
                "output_tokens_per_second": {"successful": {"mean": 1500.0}},
            },
        }
    ]
}
GENAI_PERF: dict[str, Any] = {
    "time_to_first_token": {"unit": "ns", "avg": 71_660_000.0, "p50": 74_000_000.0, "p99": 86_000_000.0},
    "inter_token_latency": {"unit": "ms", "avg": 18.47, "p50": 18.5, "p99": 18.7},
    "input_sequence_length": {"unit": "tokens", "avg": 550.0},
    "output_sequence_length": {"unit": "tokens", "avg": 16.0},
    "output_token_throughput": {"unit": "tokens/sec", "avg": 45.84},
    "input_config": {"model_names": ["llama-3.1-8b"], "perf_analyzer": {"stimulus": {"concurrency": 1}}},
}


def saved(tmp_path: Path, content: object, name: str = "result.json") -> Path:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_vllm(tmp_path: Path) -> None:
    (row,) = read_benchmark_file(saved(tmp_path, VLLM), MACHINE)
    assert tuple(row) == COLUMNS
    assert (row["model"], row["isl"], row["osl"], row["concurrency"]) == (VLLM["model_id"], 1024, 256, 32)
    assert (row["ttft_ms_mean"], row["tpot_ms_mean"], row["output_tok_s_total"]) == (174.8, 16.5, 811.1)
    assert row["request_rate"] == "", "'inf' means all at once, not a rate"
    assert (row["accelerator"], row["tp"], row["engine"]) == ("h100-sxm", 4, "vllm")


def test_what_vllm_recorded_as_metadata_wins_over_the_caller(tmp_path: Path) -> None:
    (row,) = read_benchmark_file(saved(tmp_path, {**VLLM, "accelerator": "h200-sxm", "tp": "8"}), MACHINE)
    assert (row["accelerator"], row["tp"], row["weights"]) == ("h200-sxm", "8", "fp8")


def test_sglang_lines(tmp_path: Path) -> None:
    lines = json.dumps(SGLANG) + "\n\n" + json.dumps({**SGLANG, "request_rate": 8.0}) + "\n"
    first, second = read_benchmark_file(saved(tmp_path, lines, "x.jsonl"), MACHINE)
    assert (first["model"], first["tp"], first["engine"], first["engine_version"]) == (
        "Qwen/Qwen3-32B",
        2,
        "sglang",
        "0.5.6",
    )
    assert (first["request_rate"], second["request_rate"]) == (4.0, 8.0)


def test_guidellm(tmp_path: Path) -> None:
    (row,) = read_benchmark_file(saved(tmp_path, GUIDELLM), MACHINE)
    assert (row["model"], row["concurrency"], row["isl"]) == ("Qwen/Qwen3-8B", 16, 1000.0)
    assert (row["ttft_ms_p95"], row["tpot_ms_mean"]) == (120.0, 9.0)


def test_genai_perf_says_its_units(tmp_path: Path) -> None:
    (row,) = read_benchmark_file(saved(tmp_path, GENAI_PERF), MACHINE)
    assert row["ttft_ms_mean"] == pytest.approx(71.66)
    assert (row["tpot_ms_mean"], row["concurrency"], row["model"]) == (18.47, 1, "llama-3.1-8b")


def test_what_neither_file_nor_caller_says_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match=r"does not say its accelerator, weights(.|\n)*--accelerator"):
        read_benchmark_file(saved(tmp_path, VLLM))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"a": 1}', "is no result of vLLM, SGLang, GuideLLM or genai-perf"),
        (json.dumps({**VLLM, "total_input_tokens": None}), "has no isl"),
        (json.dumps({**VLLM, "max_concurrency": None}), "concurrency or request_rate"),
        (json.dumps({**VLLM, "mean_ttft_ms": None, "mean_tpot_ms": None}), "TTFT or TPOT"),
    ],
)
def test_malformed_files_are_told_apart(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(MeasurementError, match=message):
        read_benchmark_file(saved(tmp_path, content), MACHINE)


def test_a_table_is_no_benchmark_file(tmp_path: Path) -> None:
    assert is_benchmark_file(saved(tmp_path, VLLM))
    assert not is_benchmark_file(saved(tmp_path, "model,accelerator\nm,h100-sxm\n", "x.csv"))
    assert not is_benchmark_file(tmp_path / "absent.json")
