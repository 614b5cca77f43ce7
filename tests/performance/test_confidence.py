"""SLA held at a confidence: the figure moves from the estimate to the interval's bound, and plans get dearer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from planner.performance.confidence import at_confidence
from planner.scenario import load_scenario
from planner.solve import solve


def test_half_is_the_estimate_and_95_percent_the_bound() -> None:
    estimate, bound = np.array([10.0, 20.0]), np.array([15.0, 10.0])
    assert at_confidence(estimate, bound, 0.5) == pytest.approx(estimate)
    assert at_confidence(estimate, bound, 0.95) == pytest.approx(bound)
    assert at_confidence(estimate, bound, 0.9) == pytest.approx(estimate * (bound / estimate) ** 0.7791, rel=1e-4)


def test_more_confidence_never_costs_less(root: Path) -> None:
    path = root / "scenarios" / "70b-chat.yaml"
    plans = [
        solve(load_scenario(path, settings=settings))
        for settings in ((), *((f"sla.confidence={c}%",) for c in (50, 80, 95)))
    ]
    costs = [plan.cost_usd_per_month for plan in plans]
    assert costs[0] == costs[1], "half is the best estimate"
    assert costs == sorted(costs)
    sure = {margin.requirement: margin for margin in plans[-1].margins}["sla.tpot_p95"]
    bound = next(item.high for item in plans[-1].estimates if item.name == "tpot_p95_ms")
    assert sure.confidence == 0.95
    assert sure.actual == pytest.approx(bound)
    assert sure.actual <= sure.limit


def test_a_plan_that_holds_by_the_best_estimate_only_says_what_certainty_costs(root: Path) -> None:
    path = root / "scenarios" / "70b-chat.yaml"
    plan = solve(load_scenario(path))
    high = {item.name: item.high for item in plan.estimates}
    shaky = (high["tpot_p95_ms"] or 0.0) > 50.0
    warned = any(text.startswith("Held by the best estimate only") for text in plan.warnings)
    if shaky:
        assert warned
    surer = solve(load_scenario(path, settings=("sla.confidence=90%",)))
    assert not any(text.startswith("Held by the best estimate only") for text in surer.warnings)
