"""Conflicts are minimal, and what they offer as a way out is one."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from planner.candidates import evaluate
from planner.errors import Infeasible
from planner.solve import solve
from planner.solve.conflict import View, conflict_of, minimal_conflict

ALL = "[h100-sxm, a100-sxm-80, l40s, h200-sxm]"
CASES = {
    "budget": (("60000 USD/month", "2000 USD/month"),),
    "budget and latency": (("60000 USD/month", "20000 USD/month"), ("2s", "150ms")),
    "latency alone": (("2s", "5ms"),),
    "quality": (("98%", "99.99%"), ("60000 USD/month", "9000 USD/month")),
    "search": ((ALL, "[l40s], weights: [bf16], engines: [vllm]"), ("60000 USD/month", "8000 USD/month")),
    "availability": (("50ms}", "50ms, availability: 99.999%}"), ("60000 USD/month", "9000 USD/month")),
    "rate": (("concurrency: 200", "request_rate: 30/s"), ("60000 USD/month", "9000 USD/month")),
}


@pytest.mark.parametrize("case", CASES)
def test_the_conflict_is_one_and_is_minimal(case: str, chat, catalog) -> None:
    scenario = chat(*CASES[case])
    conflict = conflict_of(scenario, catalog)
    view = View.of(evaluate(scenario, catalog, marked=True))
    assert conflict.requirements
    assert not view.holding(conflict.requirements).any()
    for left_out in conflict.requirements:
        assert view.holding([name for name in conflict.requirements if name != left_out]).any(), left_out
    assert len(conflict.because) == len(conflict.requirements)
    assert conflict.summary == f"Because {', and because '.join(conflict.because)}, so no plan holds every requirement."


def test_each_way_out_leads_to_a_plan_at_its_price(chat, catalog) -> None:
    """Put what a relaxation needs into the scenario: there is a plan, and it costs no more than was said."""
    least = solve(chat(), catalog).cost_usd_per_month
    tight = ("60000 USD/month", f"{0.9 * least:.0f} USD/month")
    changes = {
        "budget": lambda needed: (("60000 USD/month", needed.replace("$", "").replace(",", "").replace("/", " USD/")),),
        "sla.ttft_p95": lambda needed: (tight, ("2s", needed.replace(" ", ""))),
        "sla.tpot_p95": lambda needed: (tight, ("50ms", needed.replace(" ", ""))),
        "quality.min_recovery": lambda needed: (tight, ("98%", needed)),
        "workload.concurrency": lambda needed: (tight, ("concurrency: 200", f"concurrency: {needed}")),
    }
    with pytest.raises(Infeasible) as caught:
        solve(chat(tight), catalog)
    relaxations = [item for item in caught.value.conflict.relaxations if "together" not in item.needed]
    assert {"budget", "sla.tpot_p95", "workload.concurrency"} <= {item.requirement for item in relaxations}
    for item in relaxations:
        if item.requirement not in changes:
            continue
        plan = solve(chat(*changes[item.requirement](item.needed)), catalog)
        assert plan.cost_usd_per_month <= item.cost_usd_per_month * (1 + 1e-9), item


def test_the_budget_that_is_offered_is_the_cheapest_plan(chat, catalog) -> None:
    open_ended = solve(chat(("budget: {max: 60000 USD/month}\n", "")), catalog)
    conflict = conflict_of(chat(("60000 USD/month", "2000 USD/month")), catalog)
    offered = next(item for item in conflict.relaxations if item.requirement == "budget")
    assert offered.cost_usd_per_month == pytest.approx(open_ended.cost_usd_per_month)


def test_a_model_that_nothing_holds(chat, catalog) -> None:
    scenario = chat((f"accelerators: {ALL}", "accelerators: [t4]"), ("concurrency: 200", "concurrency: 1"))
    with pytest.raises(Infeasible) as caught:
        solve(scenario, catalog)
    assert "search.accelerators" in caught.value.conflict.requirements


@pytest.mark.parametrize("seed", range(40))
def test_the_deletion_filter_against_all_subsets(seed: int) -> None:
    """On random monotone families its result is infeasible and no proper subset of it is."""
    rng = random.Random(seed)
    names = [f"r{i}" for i in range(rng.randint(2, 7))]
    cores = [frozenset(rng.sample(names, rng.randint(1, min(3, len(names))))) for _ in range(rng.randint(1, 4))]

    def feasible(active: frozenset[str]) -> bool:
        return not any(core <= active for core in cores)

    found = minimal_conflict(names, feasible)
    assert not feasible(frozenset(found))
    for size in range(len(found)):
        assert all(feasible(frozenset(subset)) for subset in combinations(found, size))
