"""What is wanted first is least, and what decides ties decides them in the order given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planner.candidates.streams import streams_of
from planner.plan import Plan
from planner.scenario.supply import Objective
from planner.solve import solve
from planner.solve.fleet import fleet_problem
from planner.solve.goal import weight
from planner.solve.joint import solved_choice
from planner.solve.solver import CpSatSolver
from planner.solve.ties import prediction_error, tie_ppm

EU = {
    "search.providers": ["azure", "gcp"], "search.accelerators": ["h100-sxm", "a100-sxm-80"],
    "search.pricing": ["on-demand"],
}  # fmt: skip
QUESTIONS: dict[str, dict[str, Any]] = {
    "one fleet": {},
    "two fleets": {"search.mix": 2},
    "several countries": EU,
    "inventory": {
        "inventory": [{"accelerator": "h100-sxm", "nodes": 2, "gpus_per_node": 1}], "site.region": "us",
    },
    "day": {"workload.hourly": ["30%"] * 12 + ["100%"] * 12},
}  # fmt: skip


def first(plan: Plan) -> int:
    """What the plan's proof says is least, in the unit of its goal."""
    return plan.proof.objective_micro_usd_per_hour


def measured(plan: Plan, scenario: Any, catalog: Any, goal: str) -> float:
    """The energy or carbon of a plan, in the solver's units: its problem's objective at what it takes."""
    changed = replace(scenario, objective=Objective(first=goal), limits=replace(scenario.limits, nodes=10_000))
    streams = streams_of(changed, catalog)
    fleet = fleet_problem(streams)
    held = {(item.offer, item.pricing): item for item in plan.holdings}
    pools = replace(
        fleet.problem.pools,
        max_instances=tuple(
            held[pool.offer.id, pool.price.kind].instances if (pool.offer.id, pool.price.kind) in held else 0
            for pool in fleet.pools
        ),
    )
    found = solved_choice(streams, fleet, replace(fleet.problem, pools=pools), CpSatSolver())
    assert found is not None
    return found[1].objective / len(fleet.problem.hours)


@pytest.mark.parametrize("goal", ["energy", "carbon"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_what_comes_first_is_no_more_and_costs_no_less(question: str, goal: str, asked, catalog) -> None:
    cheap_scenario = asked(QUESTIONS[question], {"limits.nodes": 10_000})
    cheapest = solve(cheap_scenario, catalog, alternatives=0)
    best = solve(asked(QUESTIONS[question], {"objective.first": goal}), catalog, alternatives=0)
    assert best.goal == goal
    assert best.cost_usd_per_month >= cheapest.cost_usd_per_month - 1e-6
    assert first(best) <= measured(cheapest, cheap_scenario, catalog, goal) * (1 + 1e-9) + 1


def test_energy_and_money_are_not_the_same_question(asked, catalog) -> None:
    cheapest = solve(asked({"limits.nodes": 99}), catalog)
    frugal = solve(asked({"objective.first": "energy"}), catalog)
    power = [next(it.value for it in plan.estimates if it.name == "power_w") for plan in (cheapest, frugal)]
    assert power[1] < power[0]
    assert frugal.cost_usd_per_month > cheapest.cost_usd_per_month


def test_carbon_goes_where_the_grid_is_clean(asked, catalog) -> None:
    dirty = solve(asked(EU, {"limits.nodes": 99}), catalog)
    clean = solve(asked(EU, {"objective.first": "carbon"}), catalog)
    country = {plan.goal: catalog.offers[plan.holdings[0].offer].country for plan in (dirty, clean)}
    grams = {goal: catalog.regions[name].carbon_g_per_kwh.value for goal, name in country.items()}
    assert grams["carbon"] < grams["cost"]


def test_carbon_is_energy_times_the_grid(asked, catalog) -> None:
    scenario = asked(QUESTIONS["inventory"], {"objective.first": "carbon"})
    energy = asked(QUESTIONS["inventory"], {"objective.first": "energy"})
    pools = fleet_problem(streams_of(scenario, catalog)).pools
    for pool in pools:
        # nanograms per second of a milliwatt: g/kWh x 1e9 ng/g / 3.6e9 mWs/kWh
        assert weight(scenario, catalog, pool) / weight(energy, catalog, pool) == pytest.approx(
            catalog.regions["us"].carbon_g_per_kwh.value / 3.6
        )


def test_an_offer_of_an_unknown_country_counts_with_the_dirtiest_grid(asked, catalog) -> None:
    scenario = asked({"search.providers": "runpod", "objective.first": "carbon"})
    regions = catalog.regions.values()
    worst = max(it.carbon_g_per_kwh.value for it in regions) * max(it.pue.value for it in regions)
    (pool, *_) = fleet_problem(streams_of(scenario, catalog)).pools
    assert pool.offer.country == "any"
    assert weight(scenario, catalog, pool) == pytest.approx(worst / 3.6 * 1000)


def test_a_sites_own_pue_decides_whether_what_is_owned_is_used(asked, catalog) -> None:
    own = {
        "inventory": [{"accelerator": "h100-sxm", "nodes": 9, "gpus_per_node": 1}], "site.region": "us",
        "search.accelerators": ["h100-sxm"], "objective.first": "energy",
    }  # fmt: skip
    kinds = {
        pue: {item.pricing for item in solve(asked(own, {"site.pue": pue}), catalog).holdings} for pue in (1.05, 1.9)
    }
    assert kinds == {1.05: {"owned"}, 1.9: {"on-demand"}}
    rented = catalog.regions["us"].pue.value
    assert 1.05 < rented < 1.9


def totals(plan: Plan, catalog: Any) -> dict[str, float]:
    watts = sum(
        item.instances
        * (
            (catalog.offers[item.offer].host_power_w or 0)
            + item.gpus_per_instance * catalog.accelerators[item.accelerator].tdp_w
        )
        for item in plan.holdings
    )
    return {
        "types": len({item.accelerator for item in plan.holdings}),
        "nodes": sum(item.instances for item in plan.holdings),
        "energy": watts,
        "cost": plan.cost_usd_per_month,
    }


@pytest.mark.parametrize("name", ["types", "nodes", "energy", "cost"])
def test_the_first_tie_breaker_is_least_among_equals(name: str, asked, catalog) -> None:
    """With plans within 40 % counted as equal, each breaker put first is at its least of all orders."""
    orders = [["types", "nodes"], ["nodes", "energy"], ["energy", "types"], ["cost"]]
    plans = {
        order[0]: solve(asked({"search.mix": 2, "objective": {"within": "40%", "ties": order}}), catalog)
        for order in orders
    }
    found = {key: totals(plan, catalog) for key, plan in plans.items()}
    assert found[name][name] == pytest.approx(min(item[name] for item in found.values()))


def test_within_gives_up_no_more_than_it_says(asked, catalog) -> None:
    best = solve(asked({"search.mix": 2}), catalog)
    costs, nodes = [], []
    for within in ("0%", "5%", "15%", "40%"):
        plan = solve(asked({"search.mix": 2, "objective": {"within": within, "ties": ["nodes"]}}), catalog)
        assert plan.cost_usd_per_month <= best.cost_usd_per_month * (1 + float(within.rstrip("%")) / 100) + 1e-6
        costs.append(plan.cost_usd_per_month)
        nodes.append(totals(plan, catalog)["nodes"])
    assert nodes == sorted(nodes, reverse=True)
    assert nodes[-1] < nodes[0]


def test_predictions_as_a_difference_are_what_they_are_off_by(asked, catalog) -> None:
    scenario = asked({"objective.within": "predictions"})
    assert tie_ppm(streams_of(scenario, catalog)) == round(prediction_error() * 1e6)
    assert 0.01 < prediction_error() < 0.5


def test_money_decides_between_plans_of_as_much_energy(asked, catalog) -> None:
    """The same accelerator in the same size at several prices draws the same: the cheapest of them is taken."""
    made = solve(asked({"search.accelerators": ["h100-sxm"], "objective.first": "energy"}), catalog)
    dearer = solve(
        asked({"search.accelerators": ["h100-sxm"], "objective.first": "energy", "search.providers": ["aws", "gcp"]}),
        catalog,
    )
    assert dearer.cost_usd_per_month <= made.cost_usd_per_month
    assert first(dearer) <= first(made)
