"""``planner pareto``: the same plans in every form, through the real entry point."""

from __future__ import annotations

import csv
import io
import json


def test_every_form_tells_the_same_plans(planner, small, tmp_path) -> None:
    data = json.loads(planner("pareto", small, "--format", "json").out)
    rows = list(csv.DictReader(io.StringIO(planner("pareto", small, "--format", "csv").out)))
    costs = [plan["cost_usd_per_month"] for plan in data["plans"]]
    assert [float(row["cost_usd_per_month"]) for row in rows] == costs == sorted(costs)
    text = planner("pareto", small).out
    assert text.count(" × TP ") + text.count(" × PP ") == len(costs)
    assert "plans that nothing beats" in text
    page = tmp_path / "front.html"
    assert planner("pareto", small, "--lang", "zh-CN", "-o", str(page)).code == 0
    assert page.read_text("utf-8").count("<tr>") == len(costs) + 1


def test_axes_are_those_asked_for(planner, small) -> None:
    data = json.loads(planner("pareto", small, "--axis", "tpot", "--axis", "cost", "--format", "json").out)
    assert data["axes"] == ["cost", "tpot"]


def test_a_conflict_has_its_exit_code(planner, small) -> None:
    assert planner("pareto", small, "--set", "budget.max=1 USD/month").code == 3
