"""Thinner evidence never has a narrower interval."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import CatalogError
from planner.performance.calibration import EVIDENCE, load_calibration


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


def test_another_calibration_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    load_calibration.cache_clear()
    monkeypatch.setenv("PLANNER_CALIBRATION", str(tmp_path))
    with pytest.raises(CatalogError, match="planner calibrate"):
        load_calibration()
    monkeypatch.delenv("PLANNER_CALIBRATION")
    assert load_calibration().levels
