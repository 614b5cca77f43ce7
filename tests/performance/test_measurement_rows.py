"""Rows of both layouts become deployments, loads and figures; what cannot be read says why."""

from __future__ import annotations

import math
from typing import Any

import pytest

from planner.catalog import load_catalog
from planner.performance.measurement_names import RowError, engine_id
from planner.performance.measurement_rows import is_serving_row, read_row
from planner.performance.measurements import read_measurements

INFERENCEX: dict[str, Any] = {
    "model": "meta-llama/Llama-3.1-70B",
    "accelerator": "h200-sxm",
    "engine": "trtllm",
    "engine_version": "1.0",
    "weights": "fp8",
    "isl": "1024",
    "osl": "1024",
    "concurrency": "64",
    "tp": "4",
    "pp": "1",
    "attention_dp": "1",
    "moe_tp": "4",
    "moe_ep": "1",
    "ttft_ms": "528.7",
    "tpot_ms": "13.66",
    "source": "inferencex 2026-03-11",
}
PUBLISHED: dict[str, Any] = {
    "kind": "max_throughput",
    "model": "LLaMA v3.1 70B",
    "accelerator": "h100-sxm",
    "gpus": "4.0",
    "tp": "4.0",
    "pp": None,
    "ep": None,
    "dp": None,
    "engine": "TensorRT-LLM",
    "weights": "fp8",
    "kv_dtype": "fp8",
    "isl": "128",
    "osl": "2048.0",
    "concurrency": None,
    "request_rate": "inf",
    "ttft_ms_mean": None,
    "tpot_ms_mean": None,
    "output_tok_s_total": "6000",
    "source": "NVIDIA/TensorRT-LLM@00f37686 docs/source/performance/perf-overview.md",
}


def test_inferencex_rows() -> None:
    row = read_row(INFERENCEX, load_catalog())
    assert (row.kind, row.gpus, row.tp, row.attention_dp, row.ep) == ("closed_loop", 4, 4, 1, 1)
    assert row.input_tokens == pytest.approx(921.6), "lengths are uniform between 0.8 and 1.0 of nominal"
    assert (row.weights, row.kv_cache) == ("fp8-e4m3", "fp8"), "TensorRT-LLM calibrates the cache of FP8 checkpoints"
    assert (row.ttft_ms, row.tpot_ms) == (528.7, 13.66)
    assert math.isnan(row.output_tok_s)


def test_degrees_that_repeat_the_gpus_are_told_apart() -> None:
    row = read_row({**INFERENCEX, "tp": "8", "attention_dp": "8", "moe_tp": "1", "moe_ep": "64"}, load_catalog())
    assert (row.gpus, row.attention_dp, row.ep) == (8, 8, 8)
    row = read_row({**INFERENCEX, "tp": "64", "moe_tp": "8", "moe_ep": "8", "attention_dp": "1"}, load_catalog())
    assert (row.gpus, row.tp, row.ep) == (8, 8, 8)


def test_published_rows() -> None:
    row = read_row(PUBLISHED, load_catalog())
    assert (row.kind, row.engine, row.kv_cache, row.campaign) == ("max_throughput", "trtllm", "fp8", "trtllm-bench")
    assert row.output_tok_s == 6000
    assert math.isnan(row.request_rate_per_s)


@pytest.mark.parametrize(
    ("change", "cache"),
    [
        ({"engine": "vllm"}, "fp8"),
        ({"engine": "vllm", "model": "openai/gpt-oss-120b", "weights": "mxfp4"}, "bf16"),
        ({"engine": "vllm", "model": "openai/gpt-oss-120b", "weights": "mxfp4", "accelerator": "b200-sxm"}, "fp8"),
        ({"engine": "sglang"}, "bf16"),
        ({"engine": "sglang", "accelerator": "b200-sxm"}, "fp8"),
        ({"engine": "sglang", "accelerator": "b200-sxm", "weights": "bf16"}, "bf16"),
        ({"engine": "sglang", "accelerator": "b200-sxm", "source": "my own"}, "bf16"),
        ({"engine": "sglang", "source": "my own", "kv_dtype": "fp8_e4m3"}, "fp8"),
        ({"engine": "nim", "source": "my own"}, "fp8"),
        ({"engine": "nim", "source": "my own", "kv_dtype": "auto"}, "bf16"),
    ],
)
def test_caches_are_those_that_recipes_and_engines_run(change: dict[str, Any], cache: str) -> None:
    assert read_row({**INFERENCEX, **change}, load_catalog()).kv_cache == cache


def test_a_batch_of_tensorrt_is_another_engine_than_its_server() -> None:
    assert engine_id("TensorRT-LLM", "static_batch") == "trtllm-static"
    assert engine_id("TensorRT-LLM", "max_throughput") == "trtllm"
    assert engine_id("vLLM", "closed_loop") == "vllm"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": ""}, "model is missing"),
        ({"accelerator": "h1000"}, "'h1000' is not known"),
        ({"weights": "fp7"}, "'fp7' is not known"),
        ({"isl": "0"}, "isl is '0'"),
        ({"concurrency": "many"}, "concurrency is 'many'"),
    ],
)
def test_rows_that_cannot_be_compared_say_why(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError, match=message):
        read_row({**INFERENCEX, **change}, load_catalog())


def test_no_row_is_dropped_silently() -> None:
    found = read_measurements([INFERENCEX, {**INFERENCEX, "model": "nobody/nothing"}, PUBLISHED], load_catalog())
    assert found.kept.tolist() == [0, 2]
    assert "nobody/nothing" in found.errors[1]
    assert found.observations is not None
    assert len(found.observations) == 2


def test_layouts_are_known_by_their_columns() -> None:
    assert is_serving_row(INFERENCEX)
    assert is_serving_row(PUBLISHED)
    assert not is_serving_row({"model": "x", "weights_gib_per_gpu": "1"})
