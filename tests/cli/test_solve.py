"""``planner solve``: every format says the same, the exit code says how it ended, overrides are honoured."""

from __future__ import annotations

import io
import json
import re
import sys

import pytest
import yaml

from planner.plan_io import plan_from_dict, plan_to_dict

IMPOSSIBLE = "budget.max=1 USD/month"


def test_the_plan_goes_to_stdout_and_nothing_else_does(planner, small):
    ran = planner("solve", small)
    assert ran.code == 0
    assert ran.err == ""
    assert re.search(r"Rent \d+ × ", ran.out)
    assert "\x1b[" not in ran.out


def test_colour_can_be_forced(planner, small, monkeypatch):
    plain = planner("solve", small).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = planner("solve", small).out
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_json_is_complete_and_reads_back_to_the_same_plan(planner, small):
    data = json.loads(planner("solve", small, "--format", "json").out)
    assert set(data) == {"status", "plan", "alternatives", "rejected", "inputs"}
    for estimate in data["plan"]["estimates"]:
        assert estimate["unit"]
        if estimate["terms"]:
            assert sum(term["value"] for term in estimate["terms"]) == pytest.approx(estimate["value"], rel=1e-4)
    assert {"scenario", "planner", "ortools"} < set(data["inputs"])
    assert plan_to_dict(plan_from_dict(data)) == data


def test_yaml_holds_what_json_holds(planner, small):
    as_json = json.loads(planner("solve", small, "--format", "json").out)
    assert yaml.safe_load(planner("solve", small, "--format", "yaml").out) == as_json


def test_a_report_is_written_to_a_file(planner, small, tmp_path):
    target = tmp_path / "plan.html"
    ran = planner("solve", small, "--format", "html", "-o", target, "--lang", "zh-CN")
    assert ran.code == 0
    assert ran.out == ""
    assert str(target) in ran.err
    page = target.read_text(encoding="utf-8")
    assert page.startswith('<!doctype html>\n<html lang="zh-CN">')
    assert page.count('class="chart scatter"') == 2


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("p.html", "<!doctype html>"),
        ("p.MD", "# Deployment plan"),
        ("p.json", "{"),
        ("p.yml", "status:"),
        ("p", "small  "),
    ],
)
def test_the_ending_of_the_file_says_the_format(planner, small, tmp_path, name, start):
    assert planner("solve", small, "-o", tmp_path / name).code == 0
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_a_named_format_is_stronger_than_the_ending(planner, small, tmp_path):
    planner("solve", small, "-o", tmp_path / "p.html", "--format", "json")
    assert json.loads((tmp_path / "p.html").read_text(encoding="utf-8"))["status"] == "optimal"


def test_markdown_shows_the_scenario_that_was_solved(planner, small):
    text = planner("solve", small, "--format", "md").out
    assert text.startswith("# Deployment plan: small\n")
    assert "1,000 tokens in, 200 out" in text


def test_set_changes_the_question(planner, small):
    cost = json.loads(planner("solve", small, "--format", "json").out)["plan"]["cost_usd_per_hour"]
    ran = planner("solve", small, "--format", "json", "--set", "workload.concurrency=2000")
    assert json.loads(ran.out)["plan"]["cost_usd_per_hour"] > cost


def test_a_changed_value_is_told_in_the_report(planner, small):
    text = planner("solve", small, "--format", "md", "--set", "workload.concurrency=20").out
    assert "20 requests at a time" in text
    assert "# --set workload.concurrency=20" in text


def test_a_wrong_setting_is_wrong_input(planner, small):
    ran = planner("solve", small, "--set", "sla.ttft_p95=soon")
    assert ran.code == 2
    assert ran.out == ""
    assert "--set sla.ttft_p95=soon: sla.ttft_p95: " in ran.err


def test_the_scenario_may_come_from_stdin(planner, small, monkeypatch):
    expected = planner("solve", small).out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(small.read_bytes())))
    assert planner("solve", "-").out == expected


@pytest.mark.parametrize("form", ["text", "md", "html", "json", "yaml"])
def test_no_plan_is_an_answer_with_its_own_code(planner, small, form):
    ran = planner("solve", small, "--format", form, "--set", IMPOSSIBLE)
    assert ran.code == 3
    assert ran.err == ""
    assert "no plan holds every requirement" in " ".join(ran.out.split())


def test_a_conflict_as_json_names_requirements_and_ways_out(planner, small):
    data = json.loads(planner("solve", small, "--format", "json", "--set", IMPOSSIBLE).out)
    assert data["status"] == "infeasible"
    assert "budget" in data["conflict"]["requirements"]
    assert any(item["requirement"] == "budget" for item in data["conflict"]["relaxations"])
    assert all(item["count"] > 0 for item in data["rejected"])


def test_a_way_out_of_a_conflict_leads_out(planner, small):
    data = json.loads(planner("solve", small, "--format", "json", "--set", IMPOSSIBLE).out)
    way = next(item for item in data["conflict"]["relaxations"] if item["requirement"] == "budget")
    assert planner("solve", small, "--set", f"budget.max={way['needed']}").code == 0


def test_a_broken_scenario_lists_every_problem(planner, tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("name: x\nmodel: Qwen/Qwen3-8B\nworkload: {input_tokens: -1}\nslo: {}\n", encoding="utf-8")
    ran = planner("solve", path)
    assert ran.code == 2
    assert ran.out == ""
    assert f"{path}:3:" in ran.err
    assert f"{path}:4:" in ran.err
    assert "did you mean" in ran.err
