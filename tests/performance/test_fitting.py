"""The fit finds what made the data, pools what is thin, and says the same twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.catalog import load_catalog
from planner.performance.calibration import Calibration, decode, encode
from planner.performance.coefficients import NAMES
from planner.performance.fitting import fit
from planner.performance.hierarchy import design, diagonal_of, normal_equations, solve, variances
from planner.performance.measurements import read_measurements
from planner.performance.observations import Observations


def observations(count: int = 90) -> Observations:
    """Rows of two engines on two devices whose times are those of a known calibration, without noise."""
    draw = np.random.default_rng(7)
    rows = [
        {
            "model": ("meta-llama/Llama-3.1-70B", "Qwen/Qwen3-235B-A22B")[number % 2],
            "accelerator": ("h100-sxm", "h200-sxm", "b200-sxm")[number % 3],
            "engine": ("vllm", "trtllm")[(number // 2) % 2],
            "weights": "fp8",
            "isl": int(draw.choice([512, 1024, 4096, 8192])),
            "osl": int(draw.choice([128, 512, 1024])),
            "concurrency": int(draw.choice([1, 4, 16, 64])),
            "tp": int(draw.choice([4, 8])),
            "attention_dp": 1,
            "moe_tp": 1,
            "moe_ep": 1,
            "ttft_ms": 1.0,
            "tpot_ms": 1.0,
            "source": "inferencex 2026-01-01",
        }
        for number in range(count)
    ]
    found = read_measurements(rows, load_catalog()).observations
    assert found is not None
    prior = Calibration.prior()
    truth = replace(prior, base=prior.base + draw.normal(0, 0.2, len(NAMES)))
    made = found.predict(truth.coefficients(found.situations))
    return replace(found, measured={**found.measured, "ttft": made[0], "tpot": made[1]})


def test_a_fit_reproduces_what_one_calibration_made() -> None:
    data = observations()
    before = data.predict(Calibration.prior().coefficients(data.situations))
    after = data.estimates(fit(data))
    for metric, bound in ((0, 0.03), (1, 0.01)):
        made = np.exp(data.logs[metric])
        assert np.median(np.abs(after[metric] / made - 1)) < bound
        assert np.median(np.abs(before[metric] / made - 1)) > 3 * bound, "the prior alone must not do"


def test_a_fit_is_deterministic_and_survives_the_file() -> None:
    data = observations(40)
    first, second = fit(data, iterations=6), fit(data, iterations=6)
    assert encode(first) == encode(second)
    import json

    text = "\n".join(line for line in encode(first).splitlines() if not line.startswith("#"))
    read = decode(json.loads(text))
    assert data.estimates(read) == pytest.approx(data.estimates(first), rel=5e-3, nan_ok=True)


def test_blocks_are_eliminated_as_a_dense_solve_would() -> None:
    data = observations(40)
    found = data.situations
    plan = design(found, ["engine", "generation", "model engine accelerator arithmetic"], 3)
    draw = np.random.default_rng(1)
    slopes, weight = draw.normal(size=(3, 1, len(data))), draw.uniform(0.5, 2.0, (1, len(data)))
    residual = draw.normal(size=(1, len(data)))
    members = [np.flatnonzero(found.index == s) for s in range(len(found))]
    equations = normal_equations(plan, members, slopes, weight, residual)
    jacobian = np.zeros((len(data), plan.size))
    for row, situation in enumerate(found.index):
        for block in plan.blocks[situation]:
            jacobian[row, block * 3 : block * 3 + 3] += slopes[:, 0, row]
    dense = jacobian.T @ (weight[0][:, None] * jacobian)
    precision = draw.uniform(0.5, 2.0, plan.size)
    gradient = jacobian.T @ (weight[0] * residual[0])
    assert equations.gradient == pytest.approx(gradient)
    assert diagonal_of(plan, equations) == pytest.approx(np.diag(dense))
    matrix = dense + np.diag(precision)
    assert solve(plan, equations, precision, gradient) == pytest.approx(np.linalg.solve(matrix, gradient))
    assert variances(plan, equations, precision) == pytest.approx(np.diag(np.linalg.inv(matrix)))
