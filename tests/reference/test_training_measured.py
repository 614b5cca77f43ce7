"""The memory model against every published measurement of training memory that is at hand."""

from __future__ import annotations

import json
from statistics import median

import pytest

from planner.catalog import load_catalog
from planner.errors import MeasurementError
from planner.measurements import read_rows, write_rows
from planner.training.rows import TrainingRow
from planner.training.validation import is_training_rows, usable_bytes, validate_training
from planner.units import GB, GIB


@pytest.fixture(scope="module")
def rows(shared):
    return json.loads((shared / "training_memory.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def predicted(rows):
    return validate_training(rows, load_catalog())


def error(row):
    return abs(row["predicted_peak_memory"] / row["peak_memory"] - 1)


def test_rows_are_told_by_their_columns(rows):
    assert is_training_rows(rows)
    assert not is_training_rows([{"gpu_memory": 3, "model": "x"}])


def test_every_row_is_predicted_in_its_own_unit_and_scope(rows, predicted):
    found, _ = predicted
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert [row["id"] for row in found if "predicted_peak_memory" not in row] == []
    assert all(0.3 < row["predicted_peak_memory"] / row["peak_memory"] < 2 for row in found)


def test_the_median_error_of_measured_rows_is_at_most_ten_percent(predicted):
    found, _ = predicted
    assert median(error(row) for row in found if row["kind"] == "measured") < 0.06


def test_every_framework_of_several_rows_is_within_ten_percent_in_the_median(predicted):
    _, errors = predicted
    for item in errors:
        if item.group.startswith("measured") and item.measured > 1:
            assert item.median is not None
            assert item.median < 0.10, item


def test_nothing_measured_above_the_device_is_said_to_fit(predicted):
    found, _ = predicted
    units = {"GiB": GIB, "GB": GB}
    catalog = load_catalog()
    known = [row for row in found if "predicted_fits" in row and row["kind"] == "measured"]
    assert len(known) > 60
    for row in known:
        measured = row["peak_memory"] * units[row["unit"]] / (row["n_gpus"] if "total" in row["scope"] else 1)
        usable = usable_bytes(TrainingRow(row), catalog)
        assert not (row["predicted_fits"] and measured > usable), row["id"]


def test_runs_that_were_published_fit_the_device_they_ran_on(predicted):
    """The converse: at most a few runs near the edge of their device are called too large."""
    found, _ = predicted
    refused = [row["id"] for row in found if row["kind"] == "measured" and row.get("predicted_fits") is False]
    assert len(refused) <= 4, refused


def test_rows_read_from_csv_are_predicted_like_those_from_json(rows, predicted, tmp_path):
    found, _ = predicted
    write_rows(rows, tmp_path / "rows.csv")
    again, _ = validate_training(read_rows(tmp_path / "rows.csv"), load_catalog())
    assert [row["predicted_peak_memory"] for row in again] == [row["predicted_peak_memory"] for row in found]


def test_cells_that_no_run_can_have_are_named_together():
    rows = [{"id": "a", "method": "full", "peak_memory": "much"}, {"method": "full", "peak_memory": 3, "n_gpus": -2}]
    with pytest.raises(MeasurementError) as raised:
        validate_training(rows, load_catalog())
    assert "row 1 (a): peak_memory must be a number" in str(raised.value)
    assert "row 2: n_gpus must be a number from zero on" in str(raised.value)


def test_what_is_not_known_is_said_in_the_notes():
    row = {"method": "full", "peak_memory": 30, "unit": "GB", "params_b": 7, "framework": "abacus", "scope": "per_gpu"}
    found, _ = validate_training([row, {**row, "unit": "stones"}, {**row, "params_b": None}], load_catalog())
    assert [item["prediction_notes"].split(" is ")[0] for item in found] == [
        "framework 'abacus'",
        "unit 'stones'",
        "model ''",
    ]
    assert all("predicted_peak_memory" not in item for item in found)
