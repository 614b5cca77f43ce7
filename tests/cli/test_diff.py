"""``planner diff``: plans and scenarios in, exit codes out."""

from __future__ import annotations

import io
import json
import sys

import pytest


@pytest.fixture
def stored(planner, small, tmp_path):
    """The plan of the small scenario as a file."""
    path = tmp_path / "plan.json"
    assert planner("solve", small, "--format", "json", "-o", path).code == 0
    return path


@pytest.fixture
def larger(small, tmp_path):
    path = tmp_path / "larger.yaml"
    path.write_text(small.read_text(encoding="utf-8").replace("concurrency: 16", "concurrency: 2000"), encoding="utf-8")
    return path


def test_a_plan_and_its_scenario_are_the_same(planner, small, stored):
    ran = planner("diff", stored, small, "--exit-code")
    assert ran.code == 0
    assert ran.out.startswith("No changes; $")
    assert ran.err == ""


def test_a_larger_load_is_a_change_with_its_own_exit_code(planner, stored, larger):
    ran = planner("diff", stored, larger)
    assert ran.code == 0
    assert ran.out.splitlines()[-1].startswith("Plan: ")
    assert "Inputs that differ: scenario" in ran.out
    assert planner("diff", stored, larger, "--exit-code").code == 4
    assert planner("diff", larger, stored, "--exit-code").code == 4


def test_json_says_what_costs_how_much(planner, stored, larger):
    data = json.loads(planner("diff", stored, larger, "--format", "json").out)
    assert data["different"]
    assert data["cost_usd_per_month"]["to"] > data["cost_usd_per_month"]["from"]


def test_one_of_them_may_come_from_stdin(planner, stored, small, monkeypatch):
    for source in (stored, small):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(source.read_bytes())))
        assert planner("diff", stored, "-", "--exit-code").code == 0
    ran = planner("diff", "-", "-")
    assert ran.code == 2
    assert "only one of A and B" in ran.err


def test_a_scenario_without_a_plan_ends_as_solve_does(planner, stored, small):
    impossible = small.with_name("impossible.yaml")
    impossible.write_text(small.read_text(encoding="utf-8").replace("20000 USD", "1 USD"), encoding="utf-8")
    ran = planner("diff", stored, impossible)
    assert ran.code == 3
    assert "no plan holds every requirement" in ran.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"plan": {}}', "is not a plan of this version: KeyError"),
        ('{"plan": 5, "alternatives": [], "rejected": []}', "is not a plan of this version: TypeError"),
        ('{"status": "infeasible", "conflict": {}}', "is a conflict, not a plan"),
        ("{" * 500, "a list or mapping cannot be a key"),
        ("name: x", "model"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_what_is_no_plan_is_wrong_input(planner, stored, tmp_path, content, said):
    path = tmp_path / "other"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    ran = planner("diff", stored, path)
    assert ran.code == 2, ran.err
    assert said in ran.err
    assert ran.out == ""


def test_figures_that_are_no_numbers_are_refused(planner, stored, tmp_path):
    data = json.loads(stored.read_text(encoding="utf-8"))
    data["plan"]["cost_usd_per_month"] = "a lot"
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert "a figure is no number" in planner("diff", path, stored).err


def test_a_file_that_is_not_there(planner, stored):
    ran = planner("diff", stored, "missing.json")
    assert ran.code == 2
    assert "missing.json" in ran.err
