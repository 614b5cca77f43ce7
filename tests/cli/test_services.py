"""Scenarios of several services through the real entry point: every command answers, or says in a line why not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PLATFORM = """\
name: platform
services:
  - name: chat
    model: Qwen/Qwen3-8B
    workload: {input_tokens: 1000, output_tokens: 200, concurrency: 300}
    sla: {ttft_p95: 2s, tpot_p95: 50ms}
  - name: code
    model: Qwen/Qwen3-32B
    workload: {input_tokens: 1500, output_tokens: 300, request_rate: 4/s}
    sla: {ttft_p95: 3s, tpot_p95: 60ms}
search: {pricing: on-demand, providers: aws, accelerators: [l40s, h100-sxm], engines: vllm, weights: fp8-e4m3}
"""


@pytest.fixture
def platform(tmp_path):
    path = tmp_path / "platform.yaml"
    path.write_text(PLATFORM, encoding="utf-8")
    return path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "planner", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


@pytest.mark.parametrize(
    ("right", "wrong", "place", "meant"),
    [
        ("workload: {input_tokens: 1000", "wrkload: {input_tokens: 1000", "5:5: services[0].wrkload", "workload"),
        ("request_rate: 4/s", "request_rat: 4/s", "services[1].workload.request_rat", "request_rate"),
        ("sla: {ttft_p95: 3s", "sla: {ttft_95: 3s", "services[1].sla.ttft_95", "ttft_p95"),
        ("services:", "servces:", "2:1: servces", "services"),
    ],
)
def test_a_misspelt_key_of_a_service_is_told_where_it_stands(platform, right, wrong, place, meant) -> None:
    assert right in PLATFORM
    platform.write_text(PLATFORM.replace(right, wrong), encoding="utf-8")
    ran = run("solve", platform)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert place in ran.stderr
    assert f"did you mean '{meant}'?" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_plan_of_several_services_is_told_whole(planner, platform) -> None:
    told = json.loads(planner("solve", platform, "--format", "json").out)
    assert [item["service"] for item in told["plan"]["services"]] == ["chat", "code"]
    held = sum(item["cost_usd_per_month"] for item in told["plan"]["holdings"])
    assert held == pytest.approx(told["plan"]["cost_usd_per_month"])
    text = planner("solve", platform).out
    assert text.startswith("platform  2 services: chat, code\n")


def test_a_rule_is_explained_for_all_services(planner, platform) -> None:
    ran = planner("explain", platform, "--rule", "tp-inside-node")
    assert ran.code == 0
    plan = json.loads(planner("solve", platform, "--format", "json").out)["plan"]
    cost = plan["cost_usd_per_month"]
    held = " + ".join(f"{item['instances']} x {item['offer']}" for item in plan["holdings"])
    assert f"with     {held}, ${cost:,.0f}/month" in ran.out
    data = json.loads(planner("explain", platform, "--rule", "tp-inside-node", "--format", "json").out)
    assert data["with"]["cost_usd_per_month"] == pytest.approx(cost, abs=0.01)
    wrong = planner("explain", platform, "--rule", "tp-inside-nod")
    assert wrong.code == 2
    assert "did you mean 'tp-inside-node'?" in wrong.err


def test_a_candidate_is_judged_service_by_service(planner, platform) -> None:
    ran = planner("explain", platform, "--candidate", "accelerator=h100-sxm tp=16")
    assert ran.code == 0
    assert ran.out.startswith("chat: none of ")
    assert "\n\ncode: none of " in ran.out
    data = json.loads(planner("explain", platform, "--candidate", "tp=16", "--format", "json").out)
    assert list(data) == ["chat", "code"]
    assert "tp-inside-node" in {item["id"] for item in data["chat"]["rules"]}


@pytest.mark.parametrize("words", [(), ("--why-not", "l40s"), ("--why-not", "aws/p5.48xlarge/us-east-1")])
def test_explanations_name_every_service_or_offer(planner, platform, words) -> None:
    ran = planner("explain", platform, *words)
    assert (ran.code, ran.err) == (0, "")
    assert ("h100-sxm" in ran.out) if words else all(f"Left out of {name}" in ran.out for name in ("chat", "code"))


def test_candidates_are_listed_by_service(planner, platform) -> None:
    ran = planner("candidates", platform)
    assert ran.code == 0
    assert {line.split()[0] for line in ran.out.splitlines()[1:31] if line} <= {"chat", "code"}


@pytest.mark.parametrize("words", [(), ("--why-not", "h100-sxm"), ("--rule", "whole-nodes"), ("--candidate", "tp=2")])
def test_a_training_run_is_not_explained_and_says_so(planner, root, words) -> None:
    ran = planner("explain", root / "scenarios" / "training" / "7b-full.yaml", *words)
    assert ran.code == 2
    assert "workload.kind: is no load to serve" in ran.err


def test_money_to_compare_with_needs_a_rate(planner, platform) -> None:
    prices = "compare: [{name: api, input_per_million: 3 GBP, output_per_million: 5 USD}]\n"
    platform.write_text(PLATFORM + prices, encoding="utf-8")
    ran = planner("solve", platform)
    assert ran.code == 2
    assert "compare[0].input_per_million: no exchange rate is known for GBP" in ran.err


def test_a_service_reads_no_model_from_outside_its_directory(planner, platform) -> None:
    platform.write_text(PLATFORM.replace("Qwen/Qwen3-8B", "../config.json"), encoding="utf-8")
    ran = planner("solve", platform)
    assert ran.code == 2
    assert "services[0].model: '../config.json' lies outside the scenario's directory" in ran.err
