"""Everything that a scenario limits decides something: with the limit the plan is another, and keeps to it."""

from __future__ import annotations

from typing import Any

import pytest

from planner.candidates.streams import streams_of
from planner.errors import InputError
from planner.plan import Plan
from planner.scenario import load_scenario
from planner.solve import solve
from planner.solve.fleet import fleet_problem
from planner.solve.limits import most_kinds

OWN = {"accelerator": "h100-sxm", "nodes": 1, "gpus_per_node": 8, "cost": "0.5 USD/h"}
OWN_ALONE = {"inventory": [{"accelerator": "h100-sxm", "nodes": 9, "gpus_per_node": 1}], "site.region": "us"}
BOUGHT = {
    "search.providers": None, "search.pricing": ["purchase"], "site.region": "us", "budget.horizon": "36 months",
}  # fmt: skip
CHEAP_L4 = {
    "search.providers": "gcp", "search.accelerators": ["l4"], "search.pricing": ["on-demand", "spot"],
    "workload.concurrency": 100,
}  # fmt: skip
BY_DAY = {
    "search.providers": "gcp", "search.accelerators": ["h100-sxm"], "search.pricing": ["on-demand", "reserved-3y"],
    "workload.hourly": ["20%"] * 8 + ["60%"] * 4 + ["100%"] * 8 + ["60%"] * 4,
}  # fmt: skip
MIX: dict[str, Any] = {"search.mix": 2}

DEARER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "types": (
        {**MIX, "limits.quotas": [{"accelerator": "l40s", "gpus": 4}]},
        {"limits.types": 1},
    ),
    "nodes": (MIX, {"limits.nodes": 3}),
    "power": ({"inventory": [OWN]}, {"limits.power": "5 kW"}),
    "power of a rack": ({"inventory": [OWN]}, {"limits.power_per_rack": "10 kW"}),
    "spot_share": ({**CHEAP_L4, **MIX}, {"limits.spot_share": "50%"}),
    "spot_interruption": (CHEAP_L4, {"limits.spot_interruption": "30%"}),
    "spare_nodes": ({}, {"sla.spare_nodes": 1}),
    "quota of an accelerator": (MIX, {"limits.quotas": [{"accelerator": "l40s", "gpus": 2}]}),
    "quota of an offer": (MIX, {"limits.quotas": [{"offer": "aws/g6e.xlarge/us-east-1", "nodes": 2}]}),
    "quota of a provider": ({**MIX, "search.providers": None}, {"limits.quotas": [{"provider": "nebius", "gpus": 0}]}),
    "quota of a region": ({**CHEAP_L4, **MIX}, {"limits.quotas": [{"region": "us-east4", "nodes": 3}]}),
    "quota of a country": ({**CHEAP_L4, **MIX}, {"limits.quotas": [{"region": "us", "nodes": 3}]}),
    "quota of a way to pay": ({**CHEAP_L4, **MIX}, {"limits.quotas": [{"pricing": "spot", "nodes": 3}]}),
    "peak": (BY_DAY, {"budget.peak": "23 USD/h"}),
    "vendors": (
        {"search.providers": "runpod", "search.accelerators": ["l40s", "mi300x"], "search.tensor_parallel": None},
        {"search.vendors": "nvidia"},
    ),
    "electricity": (OWN_ALONE, {"site.electricity": "0.60 USD"}),
    "pue": (OWN_ALONE, {"site.pue": 1.9}),
    "colocation": (OWN_ALONE, {"site.colocation": "250 USD/month"}),
    "maintenance": (BOUGHT, {"site.maintenance": "5%"}),
}
"""What is asked before -> what is limited beside it, or costs more."""


def margin(plan: Plan, name: str) -> tuple[float, float]:
    found = next(item for item in plan.margins if item.requirement == name)
    return found.limit, found.actual


@pytest.mark.parametrize("case", DEARER)
def test_each_limit_changes_the_plan_and_makes_it_no_cheaper(case: str, asked, catalog) -> None:
    before, more = DEARER[case]
    free, held = (solve(asked(before, extra), catalog, alternatives=0) for extra in ({}, more))
    assert held.cost_usd_per_month > free.cost_usd_per_month
    assert all(item.holds for item in held.margins)


def test_salvage_makes_what_is_bought_cheaper(asked, catalog) -> None:
    none, some = (solve(asked(BOUGHT, {"site.salvage": it}), catalog).cost_usd_per_month for it in ("0%", "30%"))
    (held,) = solve(asked(BOUGHT, {"limits.nodes": 9}), catalog).holdings
    assert none - some == pytest.approx(0.3 * held.capex_usd / 36, rel=1e-6)


def test_maintenance_is_a_share_of_the_price_each_year(asked, catalog) -> None:
    none, some = (solve(asked(BOUGHT, {"site.maintenance": it}), catalog).cost_usd_per_month for it in ("0%", "6%"))
    (held,) = solve(asked(BOUGHT, {"limits.nodes": 9}), catalog).holdings
    assert some - none == pytest.approx(0.06 * held.capex_usd / 12, rel=1e-6)


def test_power_of_ones_own_costs_what_its_site_says(asked, catalog) -> None:
    plain, dear, hot = (
        solve(asked(OWN_ALONE, {"site.electricity": price, "site.pue": pue}), catalog)
        for price, pue in (("0.10 USD", 1.2), ("0.20 USD", 1.2), ("0.10 USD", 1.8))
    )
    assert dear.cost_usd_per_month == pytest.approx(2 * plain.cost_usd_per_month, rel=1e-4)
    assert hot.cost_usd_per_month == pytest.approx(1.5 * plain.cost_usd_per_month, rel=1e-4)
    power = next(item.value for item in plain.estimates if item.name == "power_w")
    assert plain.cost_usd_per_month == pytest.approx(power / 1000 * 730 * 1.2 * 0.10, rel=1e-3)
    # A hosted site takes a fee for rated power and charges no energy.
    hosted = solve(asked(OWN_ALONE, {"site.colocation": "200 USD/month", "site.electricity": "9 USD"}), catalog)
    (held,) = hosted.holdings
    rated = catalog.accelerators["h100-sxm"].tdp_w * held.instances
    assert hosted.cost_usd_per_month == pytest.approx(rated / 1000 * 200, rel=1e-4)


def test_quotas_count_what_fits_all_their_words_and_are_kept(asked, catalog) -> None:
    quotas = [
        {"accelerator": "l40s", "gpus": 4},
        {"provider": "aws", "accelerator": "h100-sxm", "nodes": 2},
        {"pricing": "spot", "gpus": 0},
    ]
    made = solve(asked(MIX, {"limits.quotas": quotas}), catalog)
    gpus = {item.accelerator: item.instances * item.gpus_per_instance for item in made.holdings}
    assert margin(made, "quota: l40s") == (4, gpus.get("l40s", 0))
    nodes = sum(item.instances for item in made.holdings if item.accelerator == "h100-sxm")
    assert margin(made, "quota: h100-sxm aws") == (2, nodes)
    assert gpus, "some of them are used"
    assert margin(made, "quota: spot") == (0, 0)


def test_a_quota_of_nothing_that_is_used_is_in_nobodys_way(asked, catalog) -> None:
    free = solve(asked(MIX), catalog)
    same = solve(asked(MIX, {"limits.quotas": [{"provider": "gcp", "gpus": 0}]}), catalog)
    assert same.holdings == free.holdings


def test_nodes_and_types_are_counted_over_all_services(two, catalog) -> None:
    made = solve(two({"limits.nodes": 5, "limits.types": 1}), catalog)
    assert margin(made, "limits.nodes") == (5, sum(item.instances for item in made.holdings))
    assert margin(made, "limits.types") == (1, len({item.accelerator for item in made.holdings}))


def test_power_is_that_of_servers_of_ones_own(asked, catalog) -> None:
    made = solve(asked({"inventory": [OWN], "limits.power": "12 kW"}), catalog)
    (own,) = (item for item in made.holdings if item.pricing == "owned")
    like = catalog.offers["purchase/8x-h100-sxm-hgx/us"]
    rated = own.instances * (like.host_power_w + 8 * catalog.accelerators["h100-sxm"].tdp_w)
    assert margin(made, "limits.power") == (12_000, pytest.approx(rated))
    rented = solve(asked({"limits.power": "1 W"}), catalog)
    assert margin(rented, "limits.power") == (1, 0)


def test_spot_carries_no_more_than_its_share_in_any_hour(asked, catalog) -> None:
    hourly = ["50%"] * 12 + ["100%"] * 12
    made = solve(asked(CHEAP_L4, {"limits.spot_share": "40%", "workload.hourly": hourly}), catalog)
    (stream,) = streams_of(asked(CHEAP_L4, {"limits.spot_share": "40%", "workload.hourly": hourly}), catalog).streams
    firm = [item for item in made.deployments if item.pricing != "spot"]
    assert {item.pricing for item in made.deployments} == {"spot", "on-demand"}
    for hour, demand in enumerate(stream.demand):
        replicas = sum((item.replicas_by_hour or (item.replicas,) * 24)[hour] for item in firm)
        assert replicas * max(stream.table.fleets.capacity) >= 0.6 * demand


def test_instances_that_may_go_are_held_beyond_the_need(asked, catalog) -> None:
    steady = solve(asked(CHEAP_L4, {"limits.nodes": 99, "search.pricing": ["spot"]}), catalog)
    shaky = solve(
        asked(CHEAP_L4, {"limits.nodes": 99, "search.pricing": ["spot"], "limits.spot_interruption": "30%"}), catalog
    )
    few, many = (sum(item.instances for item in made.holdings) for made in (steady, shaky))
    assert many * 0.7 >= few - 1
    assert many > few


def test_spares_are_held_on_each_offer_that_is_used(asked, catalog) -> None:
    quota = {"limits.quotas": [{"accelerator": "l40s", "gpus": 5}]}
    made = solve(asked(quota, {"sla.spare_nodes": 1}), catalog)
    assert [item.spare_instances for item in made.holdings] == [1] * len(made.holdings)
    for held in made.holdings:
        replicas = sum(item.replicas for item in made.deployments if item.offer == held.offer)
        assert replicas <= (held.instances - 1) * held.gpus_per_instance


def test_the_dearest_hour_is_told_beside_its_limit(asked, catalog) -> None:
    made = solve(asked(BY_DAY, {"budget.peak": "25 USD/h"}), catalog)
    dearest = max(
        sum(
            (item.instances_by_hour or (item.instances,) * 24)[hour]
            * catalog.offers[item.offer].price(item.pricing).usd_per_hour
            for item in made.holdings
        )
        for hour in range(24)
    )
    assert margin(made, "budget.peak") == (25, pytest.approx(dearest))


RULE = """
pack: company
rules: [{{id: cap, effect: require, require: '{0}', message: too much, fix: less, source: us, as_of: 2026}}]
"""
TEXT = """
name: ruled
model: Qwen/Qwen3-8B
workload: {input_tokens: 1000, output_tokens: 200, concurrency: 1000}
sla: {ttft_p95: 2s, tpot_p95: 50ms}
search: {providers: aws, accelerators: [l40s, h100-sxm], engines: vllm, weights: fp8-e4m3, tensor_parallel: 1, mix: 2,
  pricing: on-demand}
rules: [own.yaml]
"""


@pytest.mark.parametrize(
    ("rule", "most"),
    [("plan.nodes <= 3", 3), ("plan.gpus <= 4", 4), ("plan.types <= 1", 1)],
)
def test_a_rule_over_the_plan_holds_for_all_fleets_together(rule: str, most: int, tmp_path, catalog) -> None:
    (tmp_path / "own.yaml").write_text(RULE.format(rule))
    path = tmp_path / "asked.yaml"
    path.write_text(TEXT)
    scenario = load_scenario(path)
    made = solve(scenario, catalog)
    assert margin(made, "rules.cap") == (most, most)
    if "types" in rule:
        assert most_kinds(streams_of(scenario, catalog)) == 1
        assert len({item.accelerator for item in made.holdings}) == 1
    else:
        assert "rules.cap" in {limit.id for limit in fleet_problem(streams_of(scenario, catalog)).problem.limits}


def test_a_rule_that_several_fleets_cannot_be_held_to_is_refused(tmp_path, catalog) -> None:
    (tmp_path / "own.yaml").write_text(RULE.format("plan.gpus <= 3 || plan.nodes <= 2"))
    path = tmp_path / "asked.yaml"
    path.write_text(TEXT)
    with pytest.raises(InputError, match="cannot hold this condition over the plan"):
        solve(load_scenario(path), catalog)
