"""What is asked about the future: a price by the token, growth, and the cost of being wrong."""

from __future__ import annotations

from math import log
from pathlib import Path

import pytest

from planner.plan import Plan
from planner.plan_io import plan_from_dict, plan_to_dict
from planner.report.document import plan_document
from planner.report.i18n import translator_for
from planner.report.outlook import outlook, wrong_table
from planner.report.text import plan_text
from planner.scenario import Scenario, load_scenario, parse_scenario
from planner.solve import solve
from planner.solve.scaled import scaled

TEXT = """
name: future
model: meta-llama/Llama-3.1-8B-Instruct
workload: {input_tokens: 1000, output_tokens: 200, request_rate: 20/s, growth: 30%/year}
sla: {ttft_p95: 2s, tpot_p95: 50ms}
budget: {max: 4000 USD/month}
quality: {min_recovery: 97%}
search: {pricing: on-demand, accelerators: [l4, l40s, a100-sxm-80, h100-sxm]}
compare: [{name: an API, input_per_million: 0.20 USD, output_per_million: 0.60 USD}]
uncertainty: {load: 25%, lengths: 25%, prices: 10%, efficiency: true}
"""


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return parse_scenario(TEXT)


@pytest.fixture(scope="module")
def plan(scenario: Scenario) -> Plan:
    return solve(scenario)


def test_an_api_is_paid_by_the_token(plan: Plan) -> None:
    (found,) = plan.comparisons
    million_a_month = 20 * 730 * 3600 / 1e6
    assert found.cost_usd_per_month == pytest.approx(million_a_month * (1000 * 0.20 + 200 * 0.60))
    assert found.break_even == pytest.approx(plan.cost_usd_per_month / found.cost_usd_per_month)


def test_cached_prompts_have_a_price_of_their_own() -> None:
    text = TEXT.replace("growth: 30%/year", "prefix_hit_share: 50%").replace(
        "0.20 USD,", "0.20 USD, cached_per_million: 0.02 USD,"
    )
    (found,) = solve(parse_scenario(text.split("uncertainty")[0]), alternatives=0).comparisons
    assert found.usd_per_million_input_tokens == pytest.approx(0.11)


def test_growth_uses_up_what_is_there(plan: Plan, scenario: Scenario) -> None:
    assert plan.growth is not None
    room = plan.growth.headroom
    assert room >= 0
    assert plan.growth.months == pytest.approx(12 * log(1 + room) / log(1.3))
    later = solve(
        parse_scenario(TEXT.replace("20/s", "26/s").replace("max: 4000 USD/month", "horizon: 3y")), alternatives=0
    )
    assert plan.growth.cost_usd_per_month == pytest.approx(later.cost_usd_per_month)
    # The room is real: with nearly as much more load the same instances do, with a little more than it they do not.
    held = plan.deployments[0]
    for load, same in ((1 + 0.97 * room, True), (1.02 * (1 + room), False)):
        world = scaled(parse_scenario(TEXT.split("compare")[0].replace("4000", "40000")), load=load)
        again = solve(world, alternatives=0)
        fits = (again.deployments[0].offer, again.deployments[0].instances) == (held.offer, held.instances)
        assert fits is same or again.cost_usd_per_month < plan.cost_usd_per_month * load


def test_one_replica_may_have_room_beyond_all_of_the_load(root: Path) -> None:
    scenario = load_scenario(root / "scenarios" / "8b-assistant.yaml")
    plan = solve(scenario)
    assert [item.replicas for item in plan.deployments] == [1]
    assert plan.growth is not None
    room = plan.growth.headroom
    grown = next(item for item in plan.regrets if item.what == "the load is 25% higher")
    assert (room >= 0.25) is (grown.cost_usd_per_month == pytest.approx(plan.cost_usd_per_month))
    assert 0 < room < 1, "larger batches are looked at, and fail where the replica does"


def test_being_wrong_never_beats_being_right(plan: Plan, scenario: Scenario) -> None:
    worlds = [item.what for item in plan.regrets]
    assert worlds == [
        "the load is 25% higher", "the load is 25% lower", "requests are 25% longer", "requests are 25% shorter",
        "its throughput is at the low end of the interval", "its prices are 10% higher",
    ]  # fmt: skip
    for column in (plan.regrets, *(item.regrets for item in plan.alternatives)):
        assert [item.what for item in column] == worlds
        for item in column:
            assert item.cost_usd_per_month is not None
            assert item.more_usd_per_month is not None
            assert 0 <= item.more_usd_per_month <= item.cost_usd_per_month
    best = solve(scaled(parse_scenario(TEXT.split("compare")[0].replace("4000", "40000")), load=1.25), alternatives=0)
    first = plan.regrets[0]
    assert first.cost_usd_per_month - first.more_usd_per_month == pytest.approx(best.cost_usd_per_month)
    dearer = plan.regrets[-1].cost_usd_per_month
    assert dearer == pytest.approx(1.1 * plan.cost_usd_per_month, rel=1e-6)


def test_it_survives_a_file(plan: Plan) -> None:
    assert plan_from_dict(plan_to_dict(plan)) == plan


def test_reports_tell_it(plan: Plan, scenario: Scenario) -> None:
    chinese = translator_for(scenario, "zh-CN")
    assert outlook(plan, chinese) != outlook(plan, translator_for(scenario, "en"))
    table = wrong_table(plan, chinese)
    assert table is not None
    assert len(table.rows) == 6
    assert all(len(row.cells) == len(table.plans) == 1 + len(plan.alternatives) for row in table.rows)
    assert not any("higher" in row.what or "longer" in row.what for row in table.rows)
    for told in (plan_text(plan, scenario), plan_document(plan, "md", scenario=scenario), plan_document(plan, "html")):
        assert "an API would cost" in told


def test_a_scenario_that_asks_nothing_hears_nothing(scenario: Scenario) -> None:
    plain = solve(parse_scenario(TEXT.split("compare")[0].replace(", growth: 30%/year", "")))
    assert (plain.comparisons, plain.growth, plain.regrets) == ((), None, ())
    assert "Outlook" not in plan_text(plain)


@pytest.mark.parametrize("goal", ["cost", "energy", "carbon"])
def test_being_wrong_costs_money_whatever_is_wanted_first(goal: str, asked, catalog) -> None:
    scenario = asked({"objective.first": goal, "limits.nodes": 99, "uncertainty": {"prices": "10%", "load": "50%"}})
    plan = solve(scenario, catalog)
    costs = {item.what: item.cost_usd_per_month for item in plan.regrets}
    assert costs["its prices are 10% higher"] == pytest.approx(1.1 * plan.cost_usd_per_month)
    assert costs["the load is 50% lower"] < plan.cost_usd_per_month < costs["the load is 50% higher"]
    assert costs["the load is 50% higher"] <= 2 * plan.cost_usd_per_month
