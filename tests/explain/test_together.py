"""How plans of several fleets follow, why they are not other ones, and what a rule does to them."""

from __future__ import annotations

from typing import Any

import pytest

from planner.errors import Infeasible
from planner.explain.derivation import derived
from planner.explain.wanted import parse_wanted
from planner.explain.why_not import WhyNot, why_not
from planner.report.explanation import derivation_text, why_not_text, why_not_to_dict
from planner.rules.loader import scenario_rules
from planner.solve import solve
from planner.solve.own_rules import effect_of

OWN = {"inventory": [{"accelerator": "h100-sxm", "nodes": 1, "gpus_per_node": 1, "cost": "0.5 USD/h"}]}
DAY = {
    "search.providers": "gcp", "search.accelerators": ["h100-sxm"], "search.pricing": ["on-demand", "reserved-3y"],
    "workload.hourly": ["20%"] * 8 + ["100%"] * 16,
}  # fmt: skip
QUESTIONS = ("services", "inventory", "day")


@pytest.fixture(scope="module")
def question(asked, two):
    def build(name: str, *changes: dict[str, Any]) -> Any:
        return {
            "services": lambda: two(OWN, *changes),
            "inventory": lambda: asked(OWN, *changes),
            "day": lambda: asked(DAY, *changes),
        }[name]()

    return build


def ask(scenario: Any, words: str, catalog: Any) -> WhyNot:
    return why_not(scenario, parse_wanted(words, catalog), catalog)


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_derivation_ends_at_the_plan(name: str, question, catalog) -> None:
    scenario = question(name)
    plan = solve(scenario, catalog)
    steps = {step.title: step.lines for step in derived(scenario, catalog)}
    assert steps["Chosen"] == plan.reasons
    assert len(steps["Asked"]) == len(scenario.parts)
    for item in plan.deployments:
        title = f"{item.service} on {item.offer}"
        assert any(f"{item.load_share:.0%} of the busiest hour" in line for line in steps[title])
        assert [line.partition(":")[0] for line in steps[title][1:]] == ["On the fullest GPU", "TTFT p95", "TPOT p95"]
    *bills, whole = steps["Cost"]
    assert len(bills) == len(plan.holdings)
    assert whole == f"All of it: ${plan.cost_usd_per_month:,.0f}/month."
    text = derivation_text(scenario.name, derived(scenario, catalog))
    assert text.count("Left out of ") == len(scenario.parts)


def test_replicas_that_follow_the_hours_are_told_as_a_range(question, catalog) -> None:
    plan = solve(question("day"), catalog)
    moving = next(item for item in plan.deployments if item.replicas_by_hour)
    steps = {step.title: step.lines for step in derived(question("day"), catalog)}
    few, many = min(moving.replicas_by_hour), max(moving.replicas_by_hour)
    assert few < many
    assert steps[f"small on {moving.offer}"][0].startswith(f"{few} to {many} replicas on 1 GPUs")


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_has_no_plan_has_no_derivation(name: str, question, catalog, monkeypatch) -> None:
    # What stands in its way is another test's matter, and slow to tell of a whole catalog.
    monkeypatch.setattr("planner.solve.joint_conflict.joint_conflict", lambda scenario, catalog: _NONE)
    with pytest.raises(Infeasible):
        derived(question(name, {"budget.max": "1 USD/month"}), catalog)


class _Nothing:
    summary, requirements, because, relaxations, rejected = "nothing holds", (), ("nothing holds",), (), ()


_NONE = _Nothing()


def test_what_is_beaten_is_as_cheap_as_a_scenario_that_allows_nothing_else(question, catalog) -> None:
    found = ask(question("services"), "l40s", catalog)
    alone = solve(question("services", {"search.accelerators": ["l40s"], "search.mix": 2}), catalog)
    best = solve(question("services"), catalog)
    assert found.verdict == "beaten"
    assert found.candidate is not None
    assert found.candidate.cost_usd_per_month == pytest.approx(alone.cost_usd_per_month)
    assert found.candidate.holdings == alone.holdings
    more = alone.cost_usd_per_month - best.cost_usd_per_month
    assert found.candidate.reason.startswith(f"costs ${more:,.0f}/month")
    assert found.plan is not None
    assert found.plan.holdings == best.holdings
    text = why_not_text(found)
    assert "the plan costs less" in text
    assert all(item.offer in text for item in (*alone.holdings, *best.holdings))


def test_what_is_the_plan_is_said_to_be(question, catalog) -> None:
    found = ask(question("inventory"), "fp8-e4m3 tp1", catalog)
    assert found.verdict == "chosen"
    assert found.matching >= found.feasible > 0
    assert why_not_to_dict(found)["plan"]["holdings"]


def test_an_offer_that_is_wanted_is_the_only_one_used(question, catalog) -> None:
    wanted = "aws/g6e.2xlarge/us-east-1"  # the same hardware is cheaper in g6e.xlarge
    found = ask(question("inventory"), wanted, catalog)
    assert found.verdict == "beaten"
    assert found.candidate is not None
    (held,) = found.candidate.holdings
    price = catalog.offers[wanted].price("on-demand").usd_per_hour
    assert held.offer == wanted
    assert found.candidate.cost_usd_per_month == pytest.approx(730 * price * held.instances)


def test_an_offer_that_cannot_carry_everything_is_rejected(question, catalog) -> None:
    limited = {"limits.quotas": [{"accelerator": "l40s", "gpus": 1}]}
    found = ask(question("inventory", limited), "aws/g6e.xlarge/us-east-1", catalog)
    assert (found.verdict, [cause.code for cause in found.causes]) == ("rejected", ["offer"])


def test_what_the_search_of_any_service_forbids_is_impossible(question, catalog) -> None:
    found = ask(question("services"), "mi300x", catalog)
    assert (found.verdict, [cause.code for cause in found.causes]) == ("impossible", ["search"])
    assert "the scenario's search allows nothing of that" in why_not_text(found)


def test_what_stands_against_it_is_its_conflict(two, tiny) -> None:
    found = ask(two({"limits.nodes": 3, "budget.max": "30000 USD/month"}), "l40s", tiny)
    assert found.verdict == "rejected"
    assert {cause.code for cause in found.causes} == {"conflict"}
    assert any("instances" in cause.text for cause in found.causes)


def test_another_goal_than_money_is_told_as_such(asked, catalog) -> None:
    """The plan of least energy is dearer than what is wanted, which is then not said to cost more."""
    scenario = asked({"objective.first": "energy"})
    found = ask(scenario, "l40s", catalog)
    assert found.verdict == "beaten"
    assert found.candidate is not None
    assert found.plan is not None
    assert found.candidate.cost_usd_per_month < found.plan.cost_usd_per_month
    text = why_not_text(found)
    assert "the plan costs less" not in text
    assert "less, and the plan needs no more energy" in " ".join(text.split())


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_rule_is_told_with_the_plan_of_all_fleets(name: str, question, catalog) -> None:
    scenario = question(name)
    plan = solve(scenario, catalog)
    effect = effect_of(scenario, "pipeline-network", scenario_rules(scenario), catalog)
    assert effect.kept.usd_per_month == pytest.approx(plan.cost_usd_per_month)
    assert effect.kept.words == " + ".join(f"{item.instances} x {item.offer}" for item in plan.holdings)
    assert effect.saved_usd_per_month == pytest.approx(0)


def test_what_a_rule_takes_from_several_services_is_what_dropping_it_saves(two, catalog, tmp_path) -> None:
    from dataclasses import replace

    (tmp_path / "own.yaml").write_text(
        "pack: company\nrules:\n  - {id: no-l40s, when: 'accelerator.id == \"l40s\"', effect: forbid, "
        "message: no L40S, fix: others, source: us, as_of: 2026}\n"
    )
    plain = two()
    document = replace(plain.document, path=str(tmp_path / "asked.yaml"))
    ruled = replace(plain, rule_paths=("own.yaml",), document=document)
    effect = effect_of(ruled, "no-l40s", scenario_rules(ruled), catalog)
    saved = solve(ruled, catalog).cost_usd_per_month - solve(plain, catalog).cost_usd_per_month
    assert saved > 0
    assert effect.saved_usd_per_month == pytest.approx(saved)
    assert effect.touched >= effect.touched_feasible > 0
    assert effect.message == "no L40S"
