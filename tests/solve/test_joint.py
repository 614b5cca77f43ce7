"""Plans of fleets that are chosen together: their figures add up, follow the hours, and stay within what there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planner.candidates.streams import streams_of
from planner.errors import PlannerError
from planner.plan import Plan
from planner.plan_io import plan_from_dict, plan_to_dict
from planner.scenario import load_scenario
from planner.solve import solve
from planner.solve.exhaustive import ExhaustiveSolver
from planner.solve.fleet import fleet_problem
from planner.solve.joint import solved_together
from planner.solve.solver import CpSatSolver
from planner.solve.verify import plan_violations

OWN = {"accelerator": "h100-sxm", "nodes": 2, "gpus_per_node": 1, "cost": "0.5 USD/h"}
DAY = ["20%"] * 8 + ["60%"] * 4 + ["100%"] * 8 + ["60%"] * 4
BY_DAY = {
    "search.providers": "gcp", "search.accelerators": ["h100-sxm"], "search.pricing": ["on-demand", "reserved-3y"],
    "workload.hourly": DAY,
}  # fmt: skip
CASES: dict[str, dict[str, Any]] = {
    "inventory": {"inventory": [OWN]},
    "quota": {"limits.quotas": [{"accelerator": "l40s", "gpus": 4}], "search.mix": 2},
    "day": BY_DAY,
    "sizes": {
        "workload": {
            "concurrency": 600,
            "sizes": [
                {"input_tokens": 300, "output_tokens": 100, "share": "70%"},
                {"input_tokens": 12000, "output_tokens": 400, "share": "30%"},
            ],
        }
    },
    "bought": {
        "search.providers": None, "search.pricing": ["purchase", "on-demand"], "site.region": "us", "limits.nodes": 40,
        "site.salvage": "20%", "site.maintenance": "5%", "budget.horizon": "48 months", "budget.tco": "2M USD",
        "workload.concurrency": 3000,
    },
    "apart": {"workload.concurrency": None, "workload.request_rate": "30/s", "search.disaggregated": True},
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def plan(request, asked, catalog) -> Plan:
    return solve(asked(CASES[request.param]), catalog)


@pytest.fixture(scope="module")
def platform(two, catalog) -> Plan:
    return solve(two({"inventory": [OWN], "budget.max": "20000 USD/month"}), catalog)


def every_estimate(plan: Plan) -> dict[str, Any]:
    return {item.name: item for item in (*plan.estimates, *(it for s in plan.services for it in s.estimates))}


def test_what_is_held_is_what_is_paid(plan, platform) -> None:
    for made in (plan, platform):
        assert sum(item.cost_usd_per_month for item in made.holdings) == pytest.approx(made.cost_usd_per_month)
        assert made.cost_usd_per_hour * 730 == pytest.approx(made.cost_usd_per_month)
        assert made.proof.objective_micro_usd_per_hour == pytest.approx(1e6 * made.cost_usd_per_hour, abs=2)
        assert made.proof.bound_micro_usd_per_hour <= made.proof.objective_micro_usd_per_hour
        cost = every_estimate(made)["cost_usd_per_month"]
        assert sum(term.value for term in cost.terms) == pytest.approx(cost.value) == made.cost_usd_per_month


def test_every_margin_holds_and_every_estimate_is_the_sum_of_its_terms(plan, platform) -> None:
    for made in (plan, platform):
        assert plan_violations(made) == []
        margins = [*made.margins, *(item for service in made.services for item in service.margins)]
        assert {"sla.ttft_p95", "sla.tpot_p95", "memory_per_gpu"} <= {item.requirement for item in margins}
        assert all(item.holds and item.slack >= -1e-9 for item in margins)


def test_a_rented_bill_is_instances_at_their_price(asked, catalog) -> None:
    made = solve(asked(CASES["quota"]), catalog)
    assert len(made.holdings) == 2
    for item in made.holdings:
        price = catalog.offers[item.offer].price(item.pricing).usd_per_hour
        assert item.cost_usd_per_month == pytest.approx(730 * item.instances * price)


def test_the_fleets_of_each_stream_carry_all_of_it(plan, platform) -> None:
    for made in (plan, platform):
        for service in made.services:
            mine = [item for item in made.deployments if item.service == service.service]
            for requests in {item.requests for item in mine}:
                assert sum(item.load_share for item in mine if item.requests == requests) == pytest.approx(1)


def test_replicas_fit_what_is_held(plan, platform) -> None:
    for made in (plan, platform):
        for held in made.holdings:
            on_it = [item for item in made.deployments if (item.offer, item.pricing) == (held.offer, held.pricing)]
            used = sum(item.replicas * item.gpus_per_replica for item in on_it)
            assert 0 < used <= (held.instances - held.spare_instances) * held.gpus_per_instance
            assert set(held.services) == {item.service for item in on_it}
            assert 0 < held.utilisation <= 1


def test_each_way_to_plan_is_read_back_whole(plan) -> None:
    assert plan_from_dict(plan_to_dict(plan)) == plan


def test_instances_of_every_hour_carry_its_load(asked, catalog) -> None:
    scenario = asked(BY_DAY)
    made = solve(scenario, catalog)
    (stream,) = streams_of(scenario, catalog).streams
    peak = max(stream.demand)
    assert [amount / peak for amount in stream.demand] == pytest.approx([float(x.rstrip("%")) / 100 for x in DAY])
    carried = [0.0] * 24
    held = [0] * 24
    for item in made.deployments:
        for hour, count in enumerate(item.replicas_by_hour or (item.replicas,) * 24):
            carried[hour] += count * item.batch_per_replica
            held[hour] -= count * item.gpus_per_replica
    for item in made.holdings:
        for hour, count in enumerate(item.instances_by_hour or (item.instances,) * 24):
            held[hour] += count * item.gpus_per_instance
    # The batch told is that of the busiest hour; in others a replica may run up to its capacity (test_placement).
    assert carried[12] >= 1000
    by_load = sorted(zip(stream.demand, carried, strict=True))
    assert [have for _, have in by_load] == sorted(carried), "more load, no fewer replicas"
    assert min(held) >= 0


def test_what_is_committed_is_held_in_every_hour_and_the_rest_comes_and_goes(asked, catalog) -> None:
    made = solve(asked(BY_DAY), catalog)
    by_kind = {item.pricing: item for item in made.holdings}
    assert set(by_kind) == {"reserved-3y", "on-demand"}
    assert by_kind["reserved-3y"].instances_by_hour == ()
    hours = by_kind["on-demand"].instances_by_hour
    assert len(hours) == 24
    assert len(set(hours)) > 1
    assert max(hours) == by_kind["on-demand"].instances
    price = catalog.offers[by_kind["on-demand"].offer].price("on-demand").usd_per_hour
    assert by_kind["on-demand"].cost_usd_per_month == pytest.approx(730 * price * sum(hours) / 24)


def test_a_day_costs_no_more_than_its_busiest_hour_all_day_long(asked, catalog) -> None:
    flat = solve(asked(BY_DAY, {"workload.hourly": None, "search.mix": 2}), catalog)
    assert solve(asked(BY_DAY), catalog).cost_usd_per_month < flat.cost_usd_per_month
    level = solve(asked(BY_DAY, {"workload.hourly": ["100%"] * 24}), catalog)
    assert level.cost_usd_per_month == pytest.approx(flat.cost_usd_per_month)


@pytest.mark.parametrize("nodes", [0, 1, 3, 50])
def test_an_inventory_is_used_first_and_never_exceeded(asked, catalog, nodes: int) -> None:
    made = solve(asked({"inventory": [{**OWN, "nodes": nodes}]}), catalog)
    taken = sum(item.instances for item in made.holdings if item.pricing == "owned")
    assert taken == min(nodes, 4)  # four of them carry everything
    margin = next(item for item in made.margins if item.requirement == "inventory: h100-sxm")
    assert (margin.limit, margin.actual) == (nodes, taken)


def test_services_share_the_nodes_of_an_offer(two, catalog) -> None:
    own = {**OWN, "nodes": 1, "gpus_per_node": 8}
    made = solve(two({"inventory": [own]}), catalog)
    (held,) = made.holdings
    assert (held.pricing, held.instances, set(held.services)) == ("owned", 1, {"chat", "code"})
    assert held.cost_usd_per_month == pytest.approx(0.5 * 730)
    apart = [solve(two({"inventory": [own]}).parts[index], catalog).cost_usd_per_month for index in (0, 1)]
    assert made.cost_usd_per_month < sum(apart)


def test_a_bought_fleet_costs_over_its_horizon_what_its_total_says(asked, catalog) -> None:
    made = solve(asked(CASES["bought"]), catalog)
    capex = sum(item.capex_usd for item in made.holdings)
    assert capex > 0
    total = every_estimate(made)["tco_usd"]
    terms = {term.name: term.value for term in total.terms}
    assert terms["purchase"] == pytest.approx(capex)
    assert terms["salvage"] == pytest.approx(-0.2 * capex)
    assert total.value == pytest.approx(48 * made.cost_usd_per_month, rel=1e-6)
    asked_of = next(item for item in made.margins if item.requirement == "budget.tco")
    assert asked_of.actual == pytest.approx(total.value, rel=1e-6)


def test_the_oracle_chooses_as_cheap_a_plan(asked, tiny) -> None:
    scenario = asked({"limits.quotas": [{"accelerator": "l40s", "gpus": 4}], "workload.concurrency": 500})
    streams = streams_of(scenario, tiny)
    found = ExhaustiveSolver().solve(fleet_problem(streams).problem)
    made = solve(scenario, tiny)
    assert found.objective == made.proof.objective_micro_usd_per_hour


def test_a_plan_whose_bill_is_not_what_was_proven_is_refused(asked, catalog) -> None:
    class Flattering:
        name = "flattering"

        def solve(self, problem):
            good = CpSatSolver().solve(problem)
            return replace(good, objective=good.objective // 2, bound=good.bound // 2)

    with pytest.raises(PlannerError, match="does not cost what was proven"):
        solved_together(streams_of(asked(CASES["inventory"]), catalog), alternatives=0, solver=Flattering())


def test_a_broken_plan_is_found(platform) -> None:
    fewer = replace(platform, holdings=platform.holdings[1:])
    assert "what is held costs" in "; ".join(plan_violations(fewer))
    first, *rest = platform.services
    late = replace(first, margins=(replace(first.margins[0], holds=False), *first.margins[1:]))
    assert "sla.ttft_p95" in "; ".join(plan_violations(replace(platform, services=(late, *rest))))
    wrong = replace(first, estimates=(replace(first.estimates[1], value=1.0),))
    assert "add up" in "; ".join(plan_violations(replace(platform, services=(wrong, *rest))))


def test_a_preference_is_told_apart_from_the_cost(tmp_path, catalog) -> None:
    (tmp_path / "own.yaml").write_text(
        "pack: company\nrules:\n  - {id: few-kinds, when: 'accelerator.id == \"l40s\"', effect: prefer, "
        "penalty: 12 USD/month, message: no L40S, fix: others, source: us, as_of: 2026}\n"
    )
    text = """
name: preferring
model: Qwen/Qwen3-8B
workload: {input_tokens: 1000, output_tokens: 200, concurrency: 1000}
sla: {ttft_p95: 2s, tpot_p95: 50ms}
search: {providers: aws, accelerators: [l40s], engines: vllm, weights: fp8-e4m3, tensor_parallel: 1, pricing: on-demand}
limits: {nodes: 40}
"""
    (tmp_path / "plain.yaml").write_text(text)
    (tmp_path / "asked.yaml").write_text(f"{text}rules: [own.yaml]\n")
    plain, made = (solve(load_scenario(tmp_path / name), catalog) for name in ("plain.yaml", "asked.yaml"))
    assert made.holdings == plain.holdings
    (counted,) = made.preferences
    assert (counted.rule, counted.message) == ("few-kinds", "no L40S")
    assert counted.usd_per_month == pytest.approx(12, abs=0.01)
    assert made.cost_usd_per_month == plain.cost_usd_per_month
    more = made.proof.objective_micro_usd_per_hour - plain.proof.objective_micro_usd_per_hour
    assert more / 1e6 * 730 == pytest.approx(12, abs=0.01)
