"""Corrections: what near runs measured carries over smoothly, and as far as they are near."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from planner.catalog import load_catalog
from planner.performance.correction_fit import MetricFit, corrections_of, fit_metric, members_of
from planner.performance.correction_text import decode_corrections, encode_corrections
from planner.performance.corrections import COORDINATES, LEVELS, NEAR, SCALES, Corrections, alike, likeness
from planner.performance.measurements import read_measurements
from planner.performance.observations import Observations
from planner.performance.profile import FloatArray
from planner.performance.steady_state import METRICS

NOISE = 0.05
CONCURRENCIES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def row(accelerator: str, concurrency: int, isl: int, engine: str = "vllm", model: str = "70B") -> dict[str, Any]:
    return {
        "model": f"meta-llama/Llama-3.1-{model}",
        "accelerator": accelerator,
        "engine": engine,
        "weights": "fp8",
        "isl": isl,
        "osl": 1024,
        "concurrency": concurrency,
        "tp": 4,
        "attention_dp": 1,
        "moe_tp": 1,
        "moe_ep": 1,
        "ttft_ms": 1.0,
        "tpot_ms": 1.0,
        "source": "inferencex 2026-01-01",
    }


def observed(rows: list[dict[str, Any]]) -> Observations:
    found = read_measurements(rows, load_catalog()).observations
    assert found is not None
    return found


@pytest.fixture(scope="module")
def data() -> Observations:
    rows = [
        row(accelerator, c, isl)
        for accelerator in ("h100-sxm", "h200-sxm")
        for c in CONCURRENCIES
        for isl in (1024, 8192)
    ]
    return observed(rows + [row("h100-sxm", c, 1024, engine="sglang") for c in CONCURRENCIES])


def bias_of(data: Observations) -> FloatArray:
    """A residual that depends on the load: 50 % more, rising with the concurrency."""
    return np.asarray(np.log(1.5) + 0.05 * np.log2(data.deployments.concurrency))


def fitted(data: Observations, residual: FloatArray) -> tuple[Corrections, MetricFit]:
    """Corrections that were learned of TPOT alone."""
    x = data.coordinates
    keys, members = members_of(data.situations)
    nothing = MetricFit(np.zeros(len(x)), np.zeros((len(LEVELS), 2)))
    learned = fit_metric(x, members, residual, NOISE)
    return corrections_of(keys, members, x, [nothing, learned, nothing]), learned


def by(corrections: Corrections, data: Observations) -> FloatArray:
    return corrections.of(data.situations, data.coordinates)[0][METRICS.index("tpot")]


def test_a_load_between_measured_ones_is_corrected_like_them(data: Observations) -> None:
    bias = bias_of(data)
    left_out = np.isin(data.deployments.concurrency, (8, 64))
    corrections, _ = fitted(data, np.where(left_out, np.nan, bias))
    assert by(corrections, data)[left_out] == pytest.approx(np.exp(bias[left_out]), rel=0.02)


def test_what_was_not_measured_is_not_corrected(data: Observations) -> None:
    known = data.labels["engine"] == "vllm"
    corrections, _ = fitted(data, np.where(known, 0.4, np.nan))
    assert by(corrections, data)[~known] == pytest.approx(1.0)
    assert (by(corrections, data)[known] > 1.3).all()


def test_what_a_model_shows_on_one_accelerator_carries_over_in_part(data: Observations) -> None:
    known = (data.labels["engine"] == "vllm") & (data.labels["accelerator"] == "h100-sxm")
    other = (data.labels["engine"] == "vllm") & ~known
    bias = np.where(data.deployments.concurrency > 16, 0.4, 0.0)
    corrections, _ = fitted(data, np.where(known, bias, np.nan))
    carried = np.log(by(corrections, data))
    large = data.deployments.concurrency > 64
    assert (carried[other & large] > 0.05).all()
    assert (carried[other & large] < carried[known & large].min()).all()


def test_far_from_what_was_measured_only_the_constant_stays(data: Observations) -> None:
    corrections, _ = fitted(data, bias_of(data))
    x = data.coordinates.copy()
    x[:, COORDINATES.index("running")] = 100.0
    far = corrections.of(data.situations, x)[0]
    x[:, COORDINATES.index("running")] = 200.0
    assert far == pytest.approx(corrections.of(data.situations, x)[0])


def test_an_outlier_does_not_move_its_neighbours(data: Observations) -> None:
    bias = bias_of(data)
    odd = bias.copy()
    odd[4] += 3.0
    rest = np.arange(len(bias)) != 4
    plain, bent = (by(fitted(data, values)[0], data)[rest] for values in (bias, odd))
    assert bent == pytest.approx(plain, rel=0.1)


def test_levels_that_explain_more_spread_more(data: Observations) -> None:
    draw = np.random.default_rng(3)
    _, smooth = fitted(data, 10 * bias_of(data))
    _, rough = fitted(data, draw.normal(0.0, NOISE, len(data)))
    assert (smooth.spreads.max(axis=0) > 2 * rough.spreads.max(axis=0)).all()


def test_weights_are_those_of_a_dense_solve(data: Observations) -> None:
    """Rows of different engines are solved apart; together they come to the same."""
    residual = bias_of(data)
    _, learned = fitted(data, residual)
    x, members = data.coordinates, members_of(data.situations)[1]
    same = members[:, :, None] == members[:, None, :]
    constant, load = alike(x, x)
    covariance = np.einsum("l,lij->ij", learned.spreads[:, 0] ** 2, same) * constant
    covariance += np.einsum("l,lij->ij", learned.spreads[:, 1] ** 2, same) * load
    noise = (residual - covariance @ learned.weights) / learned.weights
    assert (noise > 0).all(), "what is left of a row is its weight times the variance of its noise"


def test_near_is_a_load_like_a_measured_one_of_the_same_pair(data: Observations) -> None:
    corrections, _ = fitted(data, bias_of(data))

    def near(*asked: dict[str, Any]) -> list[bool]:
        found = observed(list(asked))
        return corrections.of(found.situations, found.coordinates)[1].tolist()

    assert near(row("h100-sxm", 64, 1024), row("h100-sxm", 90, 1500)) == [True, True]
    assert near(row("h100-sxm", 1024, 1024), row("h100-sxm", 64, 131072)) == [False, False], "two octaves away"
    assert near(row("b200-sxm", 64, 1024), row("h100-sxm", 64, 1024, model="8B")) == [False, False], "another pair"


def test_likeness_falls_to_exp_of_minus_a_half_at_the_scale() -> None:
    here = np.zeros((1, len(SCALES)))
    for place in range(len(SCALES)):
        there = here.copy()
        there[0, place] = 1.0
        assert likeness(here, there)[0, 0] == pytest.approx(np.exp(-0.5))
    assert likeness(here, here)[0, 0] == 1.0 > NEAR


def test_corrections_survive_the_file(data: Observations) -> None:
    corrections, _ = fitted(data, bias_of(data))
    text = "{" + "\n".join(encode_corrections(corrections)) + "}"
    read = decode_corrections(json.loads(text))
    assert read is not None
    assert by(read, data) == pytest.approx(by(corrections, data), rel=5e-3)
    assert "{" + "\n".join(encode_corrections(read)) + "}" == text
    assert decode_corrections({"spreads": {}, "points": {}}) is None
