"""Rows of measurements: which kind they are, their cells from either file type, and what cannot be predicted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.catalog import load_catalog
from planner.error_summary import summarize
from planner.errors import MeasurementError
from planner.memory.validation import is_memory_rows, validate_memory
from planner.memory.validation.columns import typed_rows

LOG = {
    "id": "mine",
    "engine": "vllm",
    "engine_version": "0.19.0",
    "model": "meta-llama/Llama-3.1-8B-Instruct",
    "gpu": "H100 SXM",
    "tp": 1,
    "gpu_memory_utilization": 0.95,
    "weights_gib_per_gpu": 14.99,
    "kv_cache_gib": 58.11,
    "kv_cache_tokens": 476_016,
}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"kv_cache_gib": 1.0}, "start-up logs"),
        ({"id": "x", "total_bytes": 1}, "checkpoints"),
        ({"gpu_memory": 1}, "scripts"),
        ({"ttft_ms": 1}, None),
    ],
)
def test_columns_tell_the_kind(row: dict[str, object], kind: str | None) -> None:
    assert is_memory_rows([row]) == kind


def test_a_log_gets_its_predictions() -> None:
    (row,), errors = validate_memory([LOG], "start-up logs", load_catalog())
    assert row["predicted_weights_gib_per_gpu"] == pytest.approx(14.99, rel=0.001)
    assert row["predicted_kv_cache_gib"] == pytest.approx(58.11, rel=0.005)
    assert row["predicted_kv_cache_tokens"] == pytest.approx(476_016, rel=0.005)
    assert {item.quantity for item in errors} == {"weights_gib_per_gpu", "kv_cache_gib", "kv_cache_tokens"}


def test_text_cells_are_read_like_numbers() -> None:
    text = {name: str(value) for name, value in LOG.items()} | {"enforce_eager": "True", "inferred": '{"tp": 1}'}
    (typed,) = typed_rows([text])
    assert (typed["tp"], typed["kv_cache_gib"], typed["enforce_eager"]) == (1, 58.11, True)
    assert typed["inferred"] == {"tp": 1}
    assert (
        validate_memory([text], "start-up logs", load_catalog())[1]
        == validate_memory([LOG], "start-up logs", load_catalog())[1]
    )


def test_all_cells_that_cannot_be_read_are_named_at_once() -> None:
    bad = LOG | {"tp": 0, "kv_cache_gib": "lots", "max_model_len": 1.5, "inferred": "[", "enforce_eager": "perhaps"}
    with pytest.raises(MeasurementError) as caught:
        validate_memory([LOG, bad], "start-up logs", load_catalog())
    messages = [item.message for item in caught.value.diagnostics]
    assert len(messages) == 5
    assert all(message.startswith("row 2 (mine): ") for message in messages)


@pytest.mark.parametrize(
    ("name", "value"),
    [("inferred", {"tp": -1}), ("inferred", {"pp": "two"}), ("extra", {"dcp": 0}), ("tp", 10**7), ("inferred", [])],
)
def test_deduced_cells_are_read_with_the_same_care(name: str, value: object) -> None:
    with pytest.raises(MeasurementError, match=r"row 1 \(mine\)"):
        validate_memory([LOG | {name: value}], "start-up logs", load_catalog())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, [1]])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(MeasurementError):
        typed_rows([{"kv_cache_gib": value}])


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"engine": "somebody's engine"}, "is not known"),
        ({"model": "nobody/nothing-1T"}, "is not in the catalog"),
        ({"tp": None, "gpus_visible": 4}, "not stated"),
        ({"quantization": "exl3 3.1bpw"}, "no format"),
    ],
)
def test_rows_that_cannot_be_predicted_say_why(change: dict[str, object], note: str) -> None:
    (row,), _ = validate_memory([LOG | change], "start-up logs", load_catalog())
    assert note in row["prediction_notes"]
    assert "predicted_kv_cache_gib" not in row


def test_a_model_of_ones_own_goes_by_its_path(tmp_path: Path) -> None:
    config = load_catalog().models["meta-llama/Llama-3.1-8B-Instruct"].config
    (tmp_path / "config.json").write_text(json.dumps(config, default=dict), encoding="utf-8")
    for name in (tmp_path, tmp_path / "config.json"):
        (row,), _ = validate_memory([LOG | {"model": str(name)}], "start-up logs", load_catalog())
        assert row["predicted_weights_gib_per_gpu"] == pytest.approx(14.99, rel=0.001)
    (row,), _ = validate_memory([LOG | {"model": str(tmp_path.parent)}], "start-up logs", load_catalog())
    assert "not in the catalog" in row["prediction_notes"]


def test_an_unknown_device_without_a_total_has_no_budget_of_its_own() -> None:
    (row,), _ = validate_memory([LOG | {"gpu": None}], "start-up logs", load_catalog())
    assert "predicted_kv_cache_gib" not in row
    assert row["predicted_kv_cache_tokens"] == pytest.approx(58.11 * 1024**3 / 131072, rel=1e-4)


def test_llamacpp_tokens_are_an_input_not_a_prediction() -> None:
    log = {"engine": "llama.cpp", "model": "Qwen2.5-0.5B-Instruct", "quantization": "Q4_K_M", "kv_cache_tokens": 512,
           "kv_cache_gib": 0.0059}  # fmt: skip
    (row,), _ = validate_memory([log], "start-up logs", load_catalog())
    assert row["predicted_kv_cache_gib"] == pytest.approx(0.0059, rel=0.01)
    assert "predicted_kv_cache_tokens" not in row


@pytest.mark.parametrize(("unit", "expected"), [("GiB", 7.79), ("MiB", 7973), ("GB", 8.36)])
def test_scripts_answer_in_the_rows_own_unit(unit: str, expected: float) -> None:
    """Qwen3-4B, one token of prompt and 2048 of answer: 7973 MiB in Qwen's own table."""
    row = {"model": "Qwen3-4B", "input_len": 1, "gen_len": 2048, "quantization": "BF16", "n_gpus": 1, "batch": 1,
           "engine": "transformers 4.51.3", "gpu_memory": expected, "unit": unit}  # fmt: skip
    (predicted,), _ = validate_memory([row], "scripts", load_catalog())
    assert predicted["predicted_gpu_memory"] == pytest.approx(expected, rel=0.005)


def test_summary_counts_what_was_measured_and_what_was_answered() -> None:
    rows = [{"m": 1.0, "p": 1.1}, {"m": 2.0, "p": 1.8}, {"m": 4.0}, {"m": None, "p": 1.0}, {"m": 0, "p": 1.0}]
    (found,) = summarize(rows, (("m", "p"),), lambda row: "all")
    assert (found.measured, found.predicted) == (3, 2)
    assert found.median == pytest.approx(0.1)
    assert found.bias == pytest.approx(0.0)
