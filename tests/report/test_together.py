"""Plans of several fleets in words, in every form of report."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.plan import Plan
from planner.report.document import plan_document
from planner.report.i18n import ENGLISH, translator
from planner.report.text import plan_text
from planner.report.together import SPARKS, held, services, sparkline
from planner.report.view import plan_view, proof_sentence
from planner.scenario import Scenario
from planner.solve import solve

OWN = {"inventory": [{"accelerator": "h100-sxm", "nodes": 1, "gpus_per_node": 1, "cost": "0.5 USD/h"}]}
DAY = {
    "search.providers": "gcp", "search.accelerators": ["h100-sxm"], "search.pricing": ["on-demand", "reserved-3y"],
    "workload.hourly": ["20%"] * 8 + ["60%"] * 4 + ["100%"] * 8 + ["60%"] * 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def platform(two, catalog) -> tuple[Scenario, Plan]:
    scenario = two(OWN, {"limits.quotas": [{"accelerator": "h100-sxm", "gpus": 2}], "budget.max": "20000 USD/month"})
    return scenario, solve(scenario, catalog)


@pytest.fixture(scope="module")
def day(asked, catalog) -> tuple[Scenario, Plan]:
    scenario = asked(DAY)
    return scenario, solve(scenario, catalog)


def test_what_is_held_is_listed_dearest_first(platform, day) -> None:
    for _, plan in (platform, day):
        found = held(plan, ENGLISH)
        assert [item.offer for item in found] == [item.offer for item in plan.holdings]
        costs = [item.cost_usd_per_month for item in plan.holdings]
        assert costs == sorted(costs, reverse=True)
        for line, item in zip(found, plan.holdings, strict=True):
            assert line.gpus == f"{item.instances * item.gpus_per_instance} × {item.accelerator}"
            assert line.utilisation.endswith("%")
            assert line.verb == {"owned": "Use", "on-demand": "Rent", "reserved-3y": "Rent"}[item.pricing]


def test_what_follows_the_hours_is_told_as_a_range(day) -> None:
    _, plan = day
    moving = next(item for item in held(plan, ENGLISH) if item.hourly)
    assert moving.instances == f"{min(moving.hourly)} to {max(moving.hourly)}"
    assert {item.instances for item in held(plan, ENGLISH) if not item.hourly} == {"2"}


def test_each_service_has_its_parts_and_requirements(platform) -> None:
    scenario, plan = platform
    found = services(plan, ENGLISH)
    assert [item.name for item in found] == [part.name for part in scenario.parts]
    for view in found:
        mine = [item for item in plan.deployments if item.service == view.name]
        assert [part.offer for part in view.parts] == [item.offer for item in mine]
        assert all(bool(part.share) == (item.load_share < 1) for part, item in zip(view.parts, mine, strict=True))
        assert [row.label for row in view.requirements][:2] == ["TTFT p95", "TPOT p95"]
        assert all(row.holds for row in view.requirements)
    chat, code = found
    assert chat.subject == "Qwen/Qwen3-8B · 1,000 requests at a time, 1,000 tokens in, 200 out"
    assert code.subject == "Qwen/Qwen3-32B · 4 requests per second, 1,500 tokens in, 300 out"


def test_a_part_says_which_requests_it_carries(asked, catalog) -> None:
    plan = solve(asked({"limits.quotas": [{"accelerator": "l40s", "gpus": 4}], "search.mix": 2}), catalog)
    (view,) = services(plan, ENGLISH)
    shares = [int(re.fullmatch(r"(\d+)% of the load", part.share)[1]) for part in view.parts]
    assert len(shares) == 2
    assert sum(shares) == pytest.approx(100, abs=1)
    made = replace(plan.deployments[0], requests="up to 400 tokens", load_share=1.0)
    (part,) = services(replace(plan, deployments=(made,)), ENGLISH)[0].parts
    assert part.share == "up to 400 tokens"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_every_report_names_all_that_is_held_and_every_service(platform, day, language: str, form: str) -> None:
    for scenario, plan in (platform, day):
        if form == "text":
            told = plan_text(plan, scenario, language=language)
        else:
            told = plan_document(plan, form, scenario=scenario, language=language)
        for item in plan.holdings:
            assert item.offer in told
        if len(plan.services) > 1:
            assert all(item.service in told for item in plan.services)
        assert f"{plan.cost_usd_per_month:,.0f}" in told
        if language == "en":
            assert "None" not in re.sub(r"<[^>]*>", "", told)


def test_a_sparkline_is_as_high_as_its_values() -> None:
    assert sparkline((0, 1, 2, 4, 8)) == " ▁▂▄█"
    assert sparkline((1.0,) * 24) == "█" * 24
    assert sparkline((0.5,) * 166 + (0.0, 1.0)) == "▄" * 83 + "█"  # of a week the larger of two hours


@given(st.lists(st.floats(0, 1), min_size=1, max_size=168).filter(any))
def test_a_sparkline_shows_something_wherever_there_is_something(values: list[float]) -> None:
    line = sparkline(tuple(values))
    assert "█" in line
    step = 1 if len(values) <= 84 else 2
    for index, mark in enumerate(line):
        assert mark in SPARKS
        assert (mark == " ") == (max(values[index * step : (index + 1) * step]) <= 0)


@pytest.mark.parametrize(
    ("goal", "least", "told"),
    [
        ("cost", 7_380_000, "Proven cheapest: no plan costs less than $7.38/h"),
        ("energy", 1_284_000, "Proven best: no plan needs less than 1,284 W"),
        # 1e8 ng/s x 730 h x 3600 s/h = 262.8e12 ng
        ("carbon", 100_000_000, "Proven best: no plan needs less than 263 kg of CO2 a month"),
    ],
)
def test_a_proof_is_told_in_the_unit_of_what_is_wanted_first(goal: str, least: int, told: str, plan: Plan) -> None:
    proof = replace(plan.proof, objective_micro_usd_per_hour=least, bound_micro_usd_per_hour=least, gap=0.0)
    assert proof_sentence(proof, ENGLISH, goal=goal).startswith(told)
    near = replace(proof, gap=0.02)
    assert "a gap of 2%" in proof_sentence(near, ENGLISH, goal=goal)
    assert "千克" in proof_sentence(proof, translator("zh-CN"), goal="carbon")


def test_requests_are_read_from_short_to_long(platform) -> None:
    _, plan = platform
    first = plan.deployments[0]
    parts = tuple(
        replace(first, requests=requests) for requests in ("24,600 tokens and more", "up to 550 tokens", "4,300 tokens")
    )
    (view, *_) = services(replace(plan, deployments=parts), ENGLISH)
    assert [part.share.partition(":")[0] for part in view.parts] == [
        "up to 550 tokens", "4,300 tokens", "24,600 tokens and more",
    ]  # fmt: skip


def test_a_fleet_that_has_part_of_its_instances_says_how_many_gpus(platform) -> None:
    _, plan = platform
    part = replace(plan.deployments[0], replicas=3, gpus_per_replica=2, gpus=8)
    (view, *_) = services(replace(plan, deployments=(part,)), ENGLISH)
    assert view.parts[0].fleet.gpus == f"6 of 8 × {part.accelerator}"


def test_services_are_named_beside_what_is_held_only_where_there_are_several(platform, day) -> None:
    assert all(item.services for item in held(platform[1], ENGLISH))
    assert not any(item.services for item in held(day[1], ENGLISH))


def test_the_gpus_of_a_day_are_a_range(day) -> None:
    figures = {it.label: it for it in plan_view(day[1], ENGLISH).figures}
    low, _, high = figures["GPUs"].value.partition("–")
    assert int(low) < int(high)
    assert figures["GPUs"].aside == "by the hour"
