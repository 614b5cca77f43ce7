"""``planner candidates``: the same rows in every form, the plan's own row among the cheapest feasible ones."""

from __future__ import annotations

import csv
import io
import json

import pytest

COLUMNS = (
    *("accelerator", "offer", "weights", "kv_cache", "tp", "pp", "engine", "replicas", "gpus"),
    *("cost_usd_per_month", "ttft_p95_ms", "tpot_p95_ms", "feasible", "reasons"),
)


@pytest.fixture
def rows(planner, small):
    return json.loads(planner("candidates", small, "--format", "json").out)


def test_every_row_has_every_column(rows):
    assert len(rows) > 20
    for row in rows:
        assert set(COLUMNS) <= set(row)
        assert row["feasible"] == (not row["reasons"])


def test_feasible_ones_come_first_and_each_part_is_sorted_by_cost(rows):
    keys = [(not row["feasible"], row["cost_usd_per_month"]) for row in rows]
    assert keys == sorted(keys)
    assert {row["feasible"] for row in rows} == {True, False}


def test_the_plan_costs_what_the_cheapest_feasible_candidate_costs(planner, small, rows):
    plan = json.loads(planner("solve", small, "--format", "json").out)["plan"]
    assert plan["cost_usd_per_month"] == pytest.approx(rows[0]["cost_usd_per_month"], abs=0.01)
    (deployment,) = plan["deployments"]
    same = [
        row
        for row in rows
        if (row["offer"], row["weights"], row["kv_cache"], row["tp"], row["engine"], row["replicas"])
        == (
            deployment["offer"],
            deployment["weights"],
            deployment["kv_cache"],
            deployment["tensor_parallel"],
            deployment["engine"],
            deployment["replicas"],
        )
    ]
    assert any(row["feasible"] and row["cost_usd_per_month"] == rows[0]["cost_usd_per_month"] for row in same)


def test_requirements_that_a_row_breaks_are_really_broken(rows):
    for row in rows:
        if row["ttft_p95_ms"] is not None:
            assert ("sla.ttft_p95" in row["reasons"]) == (row["ttft_p95_ms"] > 2000)
            assert ("sla.tpot_p95" in row["reasons"]) == (row["tpot_p95_ms"] > 60)
        assert ("budget" in row["reasons"]) == (row["cost_usd_per_month"] > 20000)


def test_csv_holds_what_json_holds(planner, small, rows):
    table = list(csv.DictReader(io.StringIO(planner("candidates", small, "--format", "csv").out)))
    assert len(table) == len(rows)
    assert list(table[0]) == list(rows[0])
    assert [float(row["cost_usd_per_month"]) for row in table] == [row["cost_usd_per_month"] for row in rows]
    assert [row["reasons"] for row in table] == ["; ".join(row["reasons"]) for row in rows]


def test_feasible_and_top_narrow_the_list(planner, small, rows):
    ran = planner("candidates", small, "--format", "json", "--feasible", "--top", 3)
    assert json.loads(ran.out) == rows[:3]
    assert "more of" in ran.err


def test_text_is_a_screen_with_a_note_on_what_is_left(planner, small, rows):
    ran = planner("candidates", small)
    assert len(ran.out.splitlines()) == 31
    assert f"{len(rows) - 30:,} more of {len(rows):,}" in ran.err


def test_nothing_feasible_is_an_empty_list_in_every_form(planner, small):
    impossible = ("--feasible", "--set", "budget.max=1 USD/month")
    assert json.loads(planner("candidates", small, "--format", "json", *impossible).out) == []
    assert planner("candidates", small, "--format", "csv", *impossible).out.strip() == ""
    assert "no candidates" in planner("candidates", small, *impossible).out
