"""The accuracy page: coverage is honest, every figure is computed, and a goal that is missed says so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planner.catalog import load_catalog
from planner.error_summary import Errors
from planner.performance.accuracy import ANCHOR, Accuracy, LeftOut, accuracy, honest_bounds, named
from planner.performance.calibration import EVIDENCE, Calibration, interval_key
from planner.performance.choice import Choices
from planner.performance.cross_validation import INTERVAL_FOLDS, Fitted, LeaveOut, labels_of
from planner.performance.intervals import Residuals, ordered, with_intervals
from planner.performance.measurements import read_measurements
from planner.performance.observations import Observations
from planner.performance.speed import Speed, measure_speed
from planner.performance.steady_state import KINDS, REGIMES
from planner.performance.validation import bounds
from planner.report.accuracy_page import accuracy_page
from planner.report.accuracy_text import accuracy_text

MODELS = ("meta-llama/Llama-3.1-70B", "Qwen/Qwen3-32B", "openai/gpt-oss-120b", "MiniMaxAI/MiniMax-M2.5")
DEVICES = ("h100-sxm", "h200-sxm", "b200-sxm", "mi300x")


def observed(each: int = 40) -> Observations:
    """Rows of four models on four devices; what was measured is of no account."""
    rows: list[dict[str, Any]] = [
        {
            "model": MODELS[pair % 4],
            "accelerator": DEVICES[pair // 4],
            "engine": "vllm",
            "weights": "fp8",
            "isl": 1024,
            "osl": 1024,
            "concurrency": 1 + number,
            "tp": 8,
            "attention_dp": 1,
            "moe_tp": 1,
            "moe_ep": 1,
            "ttft_ms": 100.0,
            "tpot_ms": 10.0,
            "source": "inferencex 2026-01-01",
        }
        for pair in range(16)
        for number in range(each)
    ]
    found = read_measurements(rows, load_catalog()).observations
    assert found is not None
    return found


def predictions(data: Observations, spread: float, evidence: str, seed: int) -> tuple[Any, Any]:
    """Predictions that are off by log-normal errors."""
    off = np.random.default_rng(seed).normal(0.0, spread, (3, len(data)))
    return np.exp(data.logs + off), np.full(len(data), EVIDENCE.index(evidence), dtype=np.intp)


def test_coverage_is_nine_of_ten_for_every_kind_whatever_its_spread() -> None:
    data = observed()
    kinds: dict[LeaveOut, tuple[Any, Any]] = {
        "setting": predictions(data, 0.05, "pair", 1),
        "pair": predictions(data, 0.3, "accelerator", 2),
    }
    found = honest_bounds(data, Fitted(Calibration.prior(), kinds))
    measured = np.exp(data.logs[1])
    for low, high in found.values():
        held = (measured >= low[1]) & (measured <= high[1])
        assert held.mean() == pytest.approx(0.9, abs=0.04)
    near, far = (np.log(high[1] / low[1]).mean() for low, high in found.values())
    assert far / near == pytest.approx(6.0, rel=0.2)


def width(found: Calibration, evidence: str) -> float:
    return float(np.ptp(found.intervals["tpot"][evidence]))


def test_a_level_without_residuals_has_the_interval_of_a_farther_one_or_a_wider() -> None:
    data = observed()
    found = with_intervals(Calibration.prior(), data, [predictions(data, 0.1, "accelerator", 3)])
    assert width(found, "accelerator") == pytest.approx(2 * 1.645 * 0.1, rel=0.2)
    assert width(found, "setting") == width(found, "pair") == width(found, "accelerator")
    assert width(found, "prior") > width(found, "engine") > width(found, "generation") > width(found, "accelerator")


def spread(low: float, high: float) -> Residuals:
    return Residuals(np.linspace(low, high, 999), np.arange(999).astype(str))


def test_levels_in_the_wrong_order_share_their_residuals() -> None:
    data = observed()
    parts = [predictions(data, 0.05, "setting", 4), predictions(data, 0.4, "pair", 5)]
    found = with_intervals(Calibration.prior(), data, [*parts, predictions(data, 0.1, "accelerator", 6)])
    assert width(found, "setting") == pytest.approx(2 * 1.645 * 0.05, rel=0.2)
    assert 0.4 < width(found, "pair") < 2 * 1.645 * 0.4, "both spreads, as often each"
    assert width(found, "pair") == pytest.approx(width(found, "accelerator"))
    assert ordered([spread(-1, 1), spread(-0.1, 2)])[1] == pytest.approx((-0.8, 1.9), abs=0.02)


def test_each_kind_of_run_has_intervals_of_its_own() -> None:
    data = observed()
    kind = np.array(data.kind)
    kind[1::2] = KINDS.index("static_batch")
    data = replace(data, kind=kind)
    predicted, evidence = predictions(data, 0.05, "pair", 5)
    predicted[:, 1::2] = np.exp(data.logs + 4 * (np.log(predicted) - data.logs))[:, 1::2]
    found = with_intervals(Calibration.prior(), data, [(predicted, evidence)])
    low, high = found.offsets("tpot", evidence[:4], np.array([REGIMES.index(name) for name in REGIMES]))
    served, static, saturated, crowded = np.log(high / low)
    assert static / served == pytest.approx(4.0, rel=0.2)
    assert saturated == crowded == served, "nothing of a kind: a server's"
    assert interval_key("tpot", "static_batch") in found.intervals


def test_a_nearly_full_cache_has_intervals_of_its_own() -> None:
    rows = [
        {
            "model": model,
            "accelerator": device,
            "engine": "vllm",
            "weights": "fp8",
            "isl": 8192,
            "osl": 1024,
            "concurrency": concurrency,
            "tp": 4,
            "ttft_ms": 100.0,
            "tpot_ms": 10.0,
            "source": "inferencex 2026-01-01",
        }
        | {"attention_dp": 1, "moe_tp": 1, "moe_ep": 1}
        for model in MODELS[:2]
        for device in DEVICES[:3]
        for concurrency in (*range(1, 21), *range(4000, 4020))
    ]
    data = read_measurements(rows, load_catalog()).observations
    assert data is not None
    full = data.regime == REGIMES.index("crowded")
    assert full.tolist() == (data.deployments.concurrency >= 4000).tolist()
    predicted, evidence = predictions(data, 0.05, "setting", 7)
    predicted[:, full] = np.exp(data.logs + 4 * (np.log(predicted) - data.logs))[:, full]
    found = with_intervals(Calibration.prior(), data, [(predicted, evidence)])
    low, high = bounds(predicted, evidence, data.regime, found)
    widths = np.log(high / low)[1]
    assert widths[full][0] / widths[~full][0] == pytest.approx(4.0, rel=0.35)


def test_what_is_left_out_together_is_named_by_its_kind() -> None:
    data = observed(2)
    assert len(set(labels_of(data, "pair"))) == 16
    assert set(labels_of(data, "machine")) == {f"vllm|{name}" for name in DEVICES}
    assert set(labels_of(data, "generation")) == {"hopper", "blackwell", "cdna3"}
    assert int(named(data)[ANCHOR].sum()) == 4
    assert not named(data)["published sets"].any()


def page(tpot: float, near: float, seconds: float = 0.1) -> str:
    """The page for one set of figures, the same for every kind."""
    groups = [("all", quantity) for quantity in ("TTFT", "TPOT", "throughput")]
    groups += [(ANCHOR, "TPOT"), ("published sets", "throughput")]
    errors = tuple(Errors(group, q, 100, 100, tpot, 0.2, 0.01, tpot, 0.9) for group, q in groups)
    choices = tuple(
        Choices(prices, c, 50, near, 0.05, 0.0, 0.02) for prices in ("equal", "catalog") for c in (0.5, 0.7)
    )
    parts = tuple(LeftOut(kind, errors, choices if kind in ("setting", "pair") else ()) for kind in INTERVAL_FOLDS)
    found = Accuracy(5000, 20, parts)
    assert ANCHOR in accuracy_text(found)
    return accuracy_page(found, {"the device is not known": 3}, Speed(10_000, seconds))


def test_the_page_says_which_goals_are_met() -> None:
    good = page(0.06, 0.8)
    assert "**no**" not in good
    assert "not measured" not in good
    assert "3 further rows could not be compared (3 x the device is not known)" in good
    bad = page(0.08, 0.6, seconds=1.5)
    missed = [line for line in bad.splitlines() if "**no**" in line]
    assert [line.split("|")[1].strip() for line in missed] == [
        "settings: TPOT, median error",
        f"settings: TPOT of {ANCHOR}, mean error",
        "settings: choice within 5 % of the best",
        "pairs: choice within 5 % of the best",
        "10,000 candidates estimated, whole table at once",
    ]
    assert "| 8.00 % |" in missed[0]


def test_accuracy_predicts_every_row_of_every_kind() -> None:
    data = observed(1)
    with ThreadPoolExecutor(1) as executor:
        found = accuracy(data, Fitted.of(data, executor), {})
    assert [part.left_out for part in found.parts] == list(INTERVAL_FOLDS)
    for part in found.parts:
        overall = [item for item in part.errors if item.group == "all"]
        assert {item.quantity: (item.measured, item.predicted) for item in overall} == {
            "TTFT": (16, 16),
            "TPOT": (16, 16),
        }
    assert {item.prices for item in found.parts[0].choices} == {"equal"}, "no prices, no choice at them"


def test_ten_thousand_candidates_take_less_than_a_second() -> None:
    speed = measure_speed(load_catalog())
    assert speed.candidates == 10_000
    assert speed.seconds < 1.0
