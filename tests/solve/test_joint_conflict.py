"""Conflicts of fleets that are chosen together: minimal as scenarios, and every way out is one, at the price told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from planner.errors import Infeasible
from planner.plan import Conflict
from planner.scenario import Scenario
from planner.solve import solve

QUOTAS = [{"accelerator": "l40s", "gpus": 4}, {"accelerator": "h100-sxm", "gpus": 2}]
CASES: dict[str, dict[str, Any]] = {
    "budget": {"budget.max": "1000 USD/month"},
    "budget and nodes": {"limits.nodes": 2, "budget.max": "20000 USD/month"},
    "quotas and types": {"limits.types": 1, "limits.quotas": QUOTAS},
    "peak": {"workload.hourly": ["50%"] * 12 + ["100%"] * 12, "budget.peak": "9 USD/h"},
    "peak within a month's budget": {
        "workload.hourly": ["10%"] * 20 + ["100%"] * 4,
        "budget.peak": "9 USD/h",
        "budget.max": "8000 USD/month",
    },
    "energy first": {"objective.first": "energy", "budget.max": "1000 USD/month"},
}
# What the search leaves of the small catalog stays, so that each conflict is told with few words. ``mix`` is stated:
# without limits the default would be another.
KEPT = {"search.mix": 2, "search.tensor_parallel": None, "search.pipeline_parallel": None, "search.kv_cache": None}
IDS = {"budget": "budget.max"}


def conflict_of(scenario: Scenario, catalog: Any) -> Conflict:
    with pytest.raises(Infeasible) as caught:
        solve(scenario, catalog)
    return caught.value.conflict


def changed(data: dict[str, Any], requirement: str, value: Any) -> dict[str, Any]:
    """Return the changes of a case with one requirement asked at ``value``, or not at all where that is None."""
    quota = re.fullmatch(r"limits\.quotas\[(\d)\]", requirement)
    if quota is None:
        return {**data, IDS.get(requirement, requirement): value}
    quotas = [dict(item) for item in data["limits.quotas"]]
    quotas[int(quota[1])]["gpus"] = 10_000 if value is None else value
    return {**data, "limits.quotas": quotas}


def written(needed: str) -> Any:
    """Return the figure of a relaxation as a scenario has it."""
    if needed == "anything":
        return None
    if needed.startswith("$"):
        return needed.replace("$", "").replace(",", "").replace("/", " USD/")
    number, _, unit = needed.partition(" ")
    return needed if unit in ("ms", "s") or needed.endswith("%") else int(number.replace(",", ""))


@pytest.fixture(scope="module", params=CASES)
def case(request, asked, tiny) -> tuple[dict[str, Any], Conflict]:
    data = {**KEPT, **CASES[request.param]}
    return data, conflict_of(asked(data), tiny)


def test_without_any_one_requirement_of_a_conflict_there_is_a_plan(case, asked, tiny) -> None:
    data, conflict = case
    assert len(conflict.because) == len(conflict.requirements) > 0
    # All else that the scenario asks is given up: the conflict alone has no plan.
    search = ("accelerators", "weights", "providers", "pricing", "engines")
    others = ("sla.ttft_p95", "sla.tpot_p95", "budget.max", "budget.peak", "limits.nodes", "limits.types")
    ids = {IDS.get(name, name) for name in conflict.requirements}
    alone = {**data, **{name: None for name in (*others, *(f"search.{key}" for key in search)) if name not in ids}}
    assert conflict_of(asked(alone), tiny).requirements
    for name in conflict.requirements:
        assert solve(asked(changed(alone, name, None)), tiny, alternatives=0).holdings, name


def test_every_way_out_gives_a_plan_of_the_cost_told(case, asked, tiny) -> None:
    data, conflict = case
    alone = [item for item in conflict.relaxations if "together" not in item.needed]
    assert alone
    for item in alone:
        plan = solve(asked(changed(data, item.requirement, written(item.needed))), tiny, alternatives=0)
        assert item.cost_usd_per_month is not None
        if data.get("objective.first") == "energy":
            # A limit that is rounded up may leave room for a little less energy at a little more money.
            assert plan.cost_usd_per_month == pytest.approx(item.cost_usd_per_month, rel=0.01), item
        elif re.fullmatch(r"[\d,]+ \w+s", item.needed) or item.needed == "anything":
            assert plan.cost_usd_per_month == pytest.approx(item.cost_usd_per_month, rel=1e-9), item
        else:
            assert plan.cost_usd_per_month <= item.cost_usd_per_month * (1 + 1e-9), item


def test_a_budget_on_average_says_nothing_of_the_dearest_hour(case) -> None:
    data, conflict = case
    if "budget.peak" in data:
        assert "budget.peak" in {item.requirement for item in conflict.relaxations}


def test_less_than_what_a_count_needs_is_no_way_out(asked, tiny) -> None:
    """The figure of a limit is the least: with one less there is still no plan."""
    data = {**KEPT, **CASES["quotas and types"]}
    counted = [item for item in conflict_of(asked(data), tiny).relaxations if re.fullmatch(r"\d+ \w+", item.needed)]
    assert len(counted) >= 2
    for item in counted:
        with pytest.raises(Infeasible):
            solve(asked(changed(data, item.requirement, written(item.needed) - 1)), tiny, alternatives=0)


def test_requirements_of_several_services_are_told_by_their_names(two, tiny) -> None:
    data = {"search.mix": 1, "budget.max": "17000 USD/month"}
    conflict = conflict_of(two(data), tiny)
    assert {name.partition(": ")[0] for name in conflict.requirements} == {"budget", "chat"}
    assert any(text.endswith("(chat)") for text in conflict.because)
    offered = {item.requirement: item for item in conflict.relaxations}
    raised = solve(two(data, {"budget.max": written(offered["budget"].needed)}), tiny)
    assert raised.cost_usd_per_month == pytest.approx(offered["budget"].cost_usd_per_month)
    assert raised.cost_usd_per_month == solve(two({"search.mix": 1}), tiny).cost_usd_per_month
