"""The front: nothing on it is beaten, everything beside it is, and what is told lies apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from planner.errors import Infeasible, ScenarioError
from planner.plan import Alternative
from planner.scenario import parse_scenario
from planner.solve import solve
from planner.solve.pareto import AXES, SAME, Front, front, spread, undominated

TEXT = """
name: front
model: meta-llama/Llama-3.1-8B-Instruct
workload: {input_tokens: 1000, output_tokens: 200, concurrency: 100}
sla: {ttft_p95: 4s, tpot_p95: 80ms}
quality: {min_recovery: 90%}
search: {pricing: on-demand, accelerators: [l4, l40s, h100-sxm, mi300x]}
"""
rows = arrays(np.float64, st.tuples(st.integers(1, 60), st.integers(1, 4)), elements=st.floats(0.1, 1e4))


@given(rows)
def test_nothing_on_the_front_is_beaten_and_everything_else_is(values: np.ndarray) -> None:
    kept = undominated(values)
    cells = np.rint(np.log(values) / np.log1p(SAME))
    for place in range(len(values)):
        beaten = any((cells[other] <= cells[place]).all() for other in kept if other != place)
        assert beaten == (place not in kept)


@given(rows, st.integers(2, 12))
def test_what_is_told_has_the_best_of_each_axis(values: np.ndarray, count: int) -> None:
    told = spread(values, count)
    assert len(told) == min(count, len(values))
    assert len(set(told.tolist())) == len(told)
    if count >= values.shape[1]:
        assert (values[told].min(axis=0) == values.min(axis=0)).all()


@pytest.fixture(scope="module")
def found() -> Front:
    return front(parse_scenario(TEXT), points=8)


def figures(plan: Alternative) -> dict[str, float]:
    return {item.name: item.value for item in plan.estimates}


def test_the_cheapest_plan_is_its_first(found: Front) -> None:
    best = solve(parse_scenario(TEXT), alternatives=0)
    assert found.plans[0].cost_usd_per_month == pytest.approx(best.cost_usd_per_month)
    costs = [plan.cost_usd_per_month for plan in found.plans]
    assert costs == sorted(costs)
    assert found.axes == AXES
    assert len(found.plans) <= 8 <= found.dominating <= found.feasible <= found.candidates


def test_every_plan_holds_the_limits_and_none_beats_another(found: Front) -> None:
    points = []
    for plan in found.plans:
        mine = figures(plan)
        assert mine["ttft_p95_ms"] <= 4000
        assert mine["tpot_p95_ms"] <= 80
        assert mine["recovery"] >= 0.9
        points.append(
            (plan.cost_usd_per_month, mine["ttft_p95_ms"], mine["tpot_p95_ms"], -mine["recovery"], mine["power_w"])
        )
    for one in points:
        assert not any(all(a <= b for a, b in zip(other, one, strict=True)) for other in points if other is not one)


def test_axes_decide_what_is_told() -> None:
    found = front(parse_scenario(TEXT), axes=("cost", "tpot"))
    latencies = [figures(plan)["tpot_p95_ms"] for plan in found.plans]
    assert latencies == sorted(latencies, reverse=True)  # cheapest first: each dearer plan is faster


def test_it_says_why_there_is_none() -> None:
    with pytest.raises(Infeasible):
        front(parse_scenario(TEXT + "budget: {max: 1 USD/month}\n"))
    with pytest.raises(ScenarioError, match="about several fleets"):
        front(parse_scenario(TEXT + "limits: {types: 1}\n"))
