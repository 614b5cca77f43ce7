"""Thinner evidence never has a narrower interval."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.errors import CatalogError
from planner.performance.calibration import EVIDENCE, decode, encode, load_calibration


def test_shipped_intervals_widen_with_distance() -> None:
    for metric, table in load_calibration().intervals.items():
        lows, highs = zip(*(table[name] for name in EVIDENCE), strict=True)
        assert list(lows) == sorted(lows, reverse=True), metric
        assert list(highs) == sorted(highs), metric
        assert lows[0] < 0 < highs[0]


def test_the_calibration_says_what_it_was_fitted_on() -> None:
    calibration = load_calibration()
    assert sum(item["rows"] for item in calibration.fitted_on if "set" in item) > 5000
    assert calibration.as_of


@pytest.mark.parametrize("missing", ["corrections", "intervals", "coefficients"])
def test_a_calibration_of_another_version_says_how_to_get_one(missing: str) -> None:
    text = "\n".join(line for line in encode(load_calibration()).splitlines() if not line.startswith("#"))
    data = json.loads(text)
    data[missing] = {}
    with pytest.raises(CatalogError, match="planner calibrate -o DIR"):
        decode(data if missing != "intervals" else data | {missing: {"ttft": {"pair": 1}}}, "serving.yaml")


def test_another_calibration_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    load_calibration.cache_clear()
    monkeypatch.setenv("PLANNER_CALIBRATION", str(tmp_path))
    with pytest.raises(CatalogError, match="planner calibrate"):
        load_calibration()
    monkeypatch.delenv("PLANNER_CALIBRATION")
    assert load_calibration().levels
