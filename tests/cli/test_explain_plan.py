"""``planner explain`` without a rule: the derivation, and what somebody expected instead."""

from __future__ import annotations

import json


def test_the_derivation_of_a_plan(planner, small):
    ran = planner("explain", small)
    assert ran.code == 0
    assert ran.out.startswith("small\n\nAsked\n- ")
    assert "16 requests are in flight" in ran.out
    data = json.loads(planner("explain", small, "--format", "json").out)
    assert data["scenario"] == "small"
    assert data["steps"][0]["title"] == "Asked"


def test_a_scenario_without_a_plan_ends_as_solve_does(planner, small):
    ran = planner("explain", small, "--set", "budget.max=1 USD/month")
    assert ran.code == 3
    assert ran.out == planner("solve", small, "--set", "budget.max=1 USD/month").out
    ran = planner("explain", small, "--set", "budget.max=1 USD/month", "--format", "json")
    assert json.loads(ran.out)["status"] == "infeasible"


def test_why_not(planner, small):
    ran = planner("explain", small, "--why-not", "h100-sxm tp1 bf16")
    assert ran.code == 0
    assert ran.out.startswith("h100-sxm tp1 bf16  ")
    assert json.loads(planner("explain", small, "--why-not", "h100-sxm", "--format", "json").out)["verdict"] == "beaten"


def test_words_that_mean_nothing_are_wrong_input(planner, small):
    ran = planner("explain", small, "--why-not", "h100-sxn")
    assert ran.code == 2
    assert "did you mean 'h100-sxm'?" in ran.err


def test_one_question_at_a_time(planner, small):
    ran = planner("explain", small, "--why-not", "h100-sxm", "--rule", "tp-inside-node")
    assert ran.code == 2
    assert "give one of" in ran.err
