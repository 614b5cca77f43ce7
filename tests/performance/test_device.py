"""Measuring a device: the arithmetic without one, the kernels on a processor where PyTorch is at hand."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from planner.catalog import load_catalog
from planner.errors import MeasurementError, MissingExtra
from planner.performance.calibration import Calibration
from planner.performance.coefficients import NAMES
from planner.performance.device import Measured, kernels, measure_device, report, with_device
from planner.performance.iteration import over_peak

FIGURES = (Measured("weight_read", 1.1, 0.02, 0.2, ""), Measured("dense_compute", 1.6, 0.01, 3.0, ""))


def test_measured_coefficients_replace_the_global_ones_for_that_accelerator_alone() -> None:
    calibration = with_device(Calibration.prior(), "h100-sxm", FIGURES)
    (level,) = calibration.levels
    assert (level.name, level.keys, level.rows) == ("accelerator", ("h100-sxm",), (2,))
    value = np.exp(calibration.base + level.table[0])
    assert over_peak(value)[NAMES.index("weight_read")] == pytest.approx(1.1)
    assert over_peak(value)[NAMES.index("dense_compute")] == pytest.approx(1.6)
    assert level.table[0][NAMES.index("step")] == 0.0, "what was not measured stays"


def test_a_second_device_joins_and_the_same_one_is_replaced() -> None:
    first = with_device(Calibration.prior(), "h200-sxm", FIGURES)
    both = with_device(first, "a30", FIGURES)
    again = with_device(both, "a30", (Measured("weight_read", 2.0, 0.0, 1.0, ""),))
    (level,) = again.levels
    assert level.keys == ("a30", "h200-sxm")
    assert over_peak(np.exp(again.base + level.table[0]))[NAMES.index("weight_read")] == pytest.approx(2.0)
    assert over_peak(np.exp(again.base + level.table[1]))[NAMES.index("dense_compute")] == pytest.approx(1.6)


def test_the_report_sets_measured_beside_fitted() -> None:
    prior = Calibration.prior()
    fitted = float(over_peak(np.exp(prior.base))[NAMES.index("weight_read")])
    assert report(FIGURES, prior)["weight_read"] == pytest.approx((1.1, fitted))


def test_a_kernel_at_the_data_sheet_is_at_its_bound() -> None:
    (level,) = with_device(Calibration.prior(), "a30", (Measured("weight_read", 0.97, 0.0, 1.0, ""),)).levels
    value = np.exp(Calibration.prior().base + level.table[0])[NAMES.index("weight_read")]
    assert 1.0 < over_peak(np.array(value)) < 1.01


def test_without_pytorch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match="torch"):
        measure_device(load_catalog().accelerators["h100-sxm"])


def test_without_a_gpu_it_says_so() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(MeasurementError, match="no GPU"):
        measure_device(load_catalog().accelerators["h100-sxm"])


def test_the_kernels_run(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr("planner.performance.device.REPEATS", 3)
    monkeypatch.setattr("planner.performance.device.WARMUP", 1)
    found = kernels(torch, load_catalog().accelerators["h100-sxm"], "cpu", scale=64)
    assert [item.coefficient for item in found] == ["weight_read", "dense_compute", "cache_read", "attention_compute"]
    assert all(item.value > 1.0 and item.milliseconds > 0.0 for item in found), "no processor reaches an H100's peak"
