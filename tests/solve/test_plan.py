"""From a scenario to its plan: what every plan must be."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from planner.candidates.streams import streams_of
from planner.errors import Infeasible, PlannerError
from planner.plan_io import plan_from_dict, plan_to_dict
from planner.scenario import load_scenario
from planner.solve import solve
from planner.solve.exhaustive import ExhaustiveSolver
from planner.solve.fleet import fleet_problem
from planner.solve.pipeline import choose
from planner.solve.problem import Outcome
from planner.solve.solver import CpSatSolver
from planner.solve.verify import plan_violations

SHIPPED = (
    "32b-on-premises",
    "70b-chat",
    "72b-china",
    "8b-assistant",
    "deepseek-r1-reasoning",
    "long-context-rag",
    "mixtral-summaries",
    "qwen3-235b-agents",
)


@pytest.fixture(scope="module")
def plan(chat, catalog):
    return solve(chat(), catalog)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_scenario_has_a_sound_plan(name: str, root, catalog) -> None:
    scenario = load_scenario(root / "scenarios" / f"{name}.yaml")
    plan = solve(scenario, catalog)
    assert plan_violations(plan) == []
    assert (plan.proof.status, plan.proof.gap, plan.proof.checked) == ("optimal", 0.0, True)
    assert all(item.holds for item in plan.margins)
    assert plan.reasons
    assert plan.rejected


def test_the_solver_finds_what_the_table_says_is_least(chat, catalog) -> None:
    streams = streams_of(chat(), catalog)
    table = streams.tables[0]
    row, outcome = choose(streams, CpSatSolver())
    assert outcome.objective == table.fleets.cost[table.feasible].min() == table.fleets.cost[row]


def test_the_oracle_chooses_the_same_plan(chat, catalog, plan) -> None:
    assert solve(chat(), catalog, solver=ExhaustiveSolver()).deployments == plan.deployments


def test_no_option_worth_having_is_left_out_of_the_problem(chat, catalog) -> None:
    """Whatever the demand, the options handed to the solver hold the cheapest uniform fleet of all feasible rows."""
    streams = streams_of(chat(), catalog)
    table = streams.tables[0]
    given = {row for _, row in fleet_problem(streams).rows}
    rows = np.flatnonzero(table.feasible)
    capacity = table.configurations.capacity[table.configuration]
    for demand in (1, 7, 40, 200, 1000):
        cost = {}
        for row in rows.tolist():
            pool, size = table.pools[table.pool[row]], int(table.fleets.reserved_gpus[row])
            replicas = -(-demand // int(capacity[row]))
            cost[row] = -(-replicas * size // pool.offer.gpus) * pool.fixed_cost
        best = min(cost.values())
        assert any(cost[row] == best for row in given), demand


def test_alternatives_differ_and_cost_no_less(plan) -> None:
    seen = {_signature(plan.deployments[0])}
    for item in plan.alternatives:
        assert item.cost_usd_per_month >= plan.cost_usd_per_month
        assert _signature(item.deployment) not in seen
        seen.add(_signature(item.deployment))
        assert item.reason
    costs = [item.cost_usd_per_month for item in plan.alternatives]
    assert costs == sorted(costs)
    assert len({item.deployment.accelerator for item in plan.alternatives} | {plan.deployments[0].accelerator}) >= 3


def _signature(item) -> tuple[object, ...]:
    return item.accelerator, item.weights, item.tensor_parallel, item.pricing


def test_as_many_alternatives_as_asked(chat, catalog) -> None:
    assert len(solve(chat(), catalog, alternatives=6).alternatives) == 6
    assert solve(chat(), catalog, alternatives=0).alternatives == ()


def test_every_estimate_has_its_terms_and_unit(plan) -> None:
    found = {item.name: item for item in plan.estimates}
    for name in ("ttft_p95_ms", "tpot_p95_ms", "memory_per_gpu_bytes", "cost_usd_per_month", "power_w"):
        assert found[name].terms, name
        assert sum(term.value for term in found[name].terms) == pytest.approx(found[name].value)
        assert all(term.unit == found[name].unit for term in found[name].terms)
    for name in ("ttft_p95_ms", "tpot_p95_ms", "output_tokens_per_second"):
        assert found[name].low < found[name].value < found[name].high
    assert found["recovery"].source


def test_the_bill_is_whole_instances_at_their_price(plan, catalog) -> None:
    (made,) = plan.deployments
    price = catalog.offers[made.offer].price(made.pricing)
    assert plan.cost_usd_per_hour == pytest.approx(made.instances * price.usd_per_hour)
    assert plan.cost_usd_per_month == pytest.approx(730 * plan.cost_usd_per_hour)
    assert made.gpus == made.instances * catalog.offers[made.offer].gpus


def test_the_total_over_the_horizon_is_what_is_paid_by_its_end(root, catalog) -> None:
    plan = solve(load_scenario(root / "scenarios" / "32b-on-premises.yaml"), catalog)
    total = next(item for item in plan.estimates if item.name == "tco_usd")
    assert total.value == pytest.approx(36 * plan.cost_usd_per_month, rel=1e-6)
    capex = next(item.actual for item in plan.margins if item.requirement == "budget.capex")
    assert next(term.value for term in total.terms if term.name == "purchase") == pytest.approx(capex)


def test_json_keeps_everything_and_reads_back(plan) -> None:
    text = json.dumps(plan_to_dict(plan), allow_nan=False)
    data = json.loads(text)
    assert {"plan", "alternatives", "rejected", "inputs"} <= set(data)
    assert data["plan"]["cost_usd_per_month"] == plan.cost_usd_per_month
    assert plan_from_dict(data) == plan
    assert list(data["inputs"]) == [name for name, _ in plan.inputs]


def test_the_same_scenario_gives_the_same_bytes(chat, catalog, plan) -> None:
    again = solve(chat(), catalog)
    assert json.dumps(plan_to_dict(again)) == json.dumps(plan_to_dict(plan))


def test_availability_buys_spares(chat, catalog) -> None:
    only = ("[h100-sxm, a100-sxm-80, l40s, h200-sxm]", "[h100-sxm]")
    plain = solve(chat(only), catalog)
    held = solve(chat(only, ("50ms}", "50ms, availability: 99.99%}")), catalog)
    assert held.cost_usd_per_month > plain.cost_usd_per_month
    margin = next(item for item in held.margins if item.requirement == "sla.availability")
    assert 0.9999 <= margin.actual <= 1.0


def test_a_wrong_answer_of_a_solver_is_refused(chat, catalog) -> None:
    class Careless:
        name = "careless"

        def solve(self, problem) -> Outcome:
            good = CpSatSolver().solve(problem)
            fewer = tuple(tuple(max(count - 1, 0) for count in counts) for counts in good.solution.replicas)
            return replace(good, solution=replace(good.solution, replicas=fewer))

    with pytest.raises(PlannerError, match="carried of"):
        solve(chat(), catalog, solver=Careless())


def test_a_wrong_bill_is_refused(chat, catalog) -> None:
    class Flattering:
        name = "flattering"

        def solve(self, problem) -> Outcome:
            good = CpSatSolver().solve(problem)
            return replace(good, objective=good.objective - 1)

    with pytest.raises(PlannerError, match="the solver says"):
        solve(chat(), catalog, solver=Flattering())


def test_a_broken_plan_is_found(plan) -> None:
    made = replace(plan.deployments[0], gpus=plan.deployments[0].gpus + 1)
    assert "whole instances" in "; ".join(plan_violations(replace(plan, deployments=(made,))))
    late = replace(plan.margins[0], holds=False)
    assert plan_violations(replace(plan, margins=(late, *plan.margins[1:])))
    wrong = replace(plan.estimates[1], value=1.0)
    assert "add up" in "; ".join(plan_violations(replace(plan, estimates=(wrong,))))


def test_what_cannot_be_is_told_as_a_conflict(root, catalog) -> None:
    with pytest.raises(Infeasible) as caught:
        solve(load_scenario(root / "scenarios" / "405b-impossible.yaml"), catalog)
    assert caught.value.exit_code == 3
    assert caught.value.conflict.summary.startswith("Because ")
