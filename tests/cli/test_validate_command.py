"""``planner validate``: measurements in, predictions beside them out, errors summed up."""

from __future__ import annotations

import csv
import json

import pytest

ROWS = [
    {"id": "a", "engine": "vllm", "engine_version": "0.19.0", "model": "meta-llama/Llama-3.1-8B-Instruct", "tp": 1,
     "gpu": "H100 SXM", "gpu_memory_utilization": 0.95, "weights_gib_per_gpu": 14.99, "kv_cache_gib": 58.11,
     "kv_cache_tokens": 476016, "inferred": {"kv_dtype": "bf16"}},
    {"id": "b", "engine": "vllm", "model": "nobody/unheard-of", "tp": 1, "kv_cache_gib": 1.0},
]  # fmt: skip


@pytest.fixture
def logs(tmp_path):
    path = tmp_path / "logs.json"
    path.write_text(json.dumps(ROWS), encoding="utf-8")
    return path


def test_predictions_stand_beside_what_was_measured(planner, logs, tmp_path):
    out = tmp_path / "predicted.csv"
    ran = planner("validate", logs, "--predictions", out)
    assert ran.code == 0
    assert "vllm" in ran.out
    assert "'nobody/unheard-of' is not in the catalog" in ran.out
    first, second = csv.DictReader(out.read_text(encoding="utf-8").splitlines())
    assert (first["kv_cache_gib"], second["kv_cache_gib"]) == ("58.11", "1.0")
    assert float(first["predicted_weights_gib_per_gpu"]) == pytest.approx(14.99, rel=0.001)
    assert float(first["predicted_kv_cache_gib"]) == pytest.approx(58.11, rel=0.005)
    assert float(first["predicted_kv_cache_tokens"]) == pytest.approx(476016, rel=0.005)
    assert float(first["predicted_activation_peak_gib"]) == pytest.approx(1.89, rel=0.01)
    assert second["predicted_kv_cache_gib"] == ""


def test_a_csv_file_says_the_same_as_a_json_file(planner, logs, tmp_path):
    table = tmp_path / "logs.csv"
    planner("validate", logs, "--predictions", table)
    assert planner("validate", table).out == planner("validate", logs).out


def test_data_for_scripts(planner, logs):
    data = json.loads(planner("validate", logs, "--format", "json").out)
    assert (data["kind"], data["rows"]) == ("start-up logs", 2)
    found = next(item for item in data["errors"] if item["quantity"] == "weights_gib_per_gpu")
    assert (found["measured"], found["predicted"]) == (1, 1)
    assert found["median"] < 0.001


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.json", "[{", "is not JSON"),
        ("x.json", '{"a": 1}', "must hold a JSON list"),
        ("x.json", "[1, 2]", "must hold a JSON list"),
        ("x.json", "[]", "holds no rows"),
        ("x.json", "[" * 100_000, "nested too deep"),
        ("x.csv", "", "holds no rows"),
        ("x.csv", "a,a\n1,2\n", "two columns named 'a'"),
        ("x.csv", "kv_cache_gib,tp\n1\n", "does not have 2 cells"),
        ("x.csv", "kv_cache_gib,tp\nlots,1\n", "must be a number"),
        ("x.csv", "colour\nred\n", "none of its columns"),
    ],
)
def test_files_that_cannot_be_read_are_named(planner, tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    ran = planner("validate", path)
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_bytes_that_are_no_text(planner, tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"kv_cache_gib\n\xff\xfe\n")
    ran = planner("validate", path)
    assert (ran.code, "not UTF-8" in ran.err) == (2, True)


def test_a_missing_file_and_a_place_that_cannot_be_written(planner, logs, tmp_path):
    assert planner("validate", tmp_path / "none.json").code == 2
    assert planner("validate", logs, "--predictions", tmp_path / "no" / "where.csv").code == 2


def test_flags_of_benchmark_files_are_refused_for_tables(planner, logs):
    ran = planner("validate", logs, "--tp", 4)
    assert (ran.code, ran.out) == (2, "")
    assert "--tp: for files of benchmark tools" in ran.err
