"""``planner explain --rule``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from planner.cli.explain import explain

SCENARIO = """
name: s
model: meta-llama/Llama-3.1-8B-Instruct
workload: {input_tokens: 1024, output_tokens: 256, concurrency: 8}
search: {pricing: on-demand, accelerators: [l4, l40s], weights: bf16, engines: vllm}
rules: [company.yaml]
disable_rules: [{id: stale-price, reason: quotes are renewed}]
"""

RULES = """
pack: company
rules:
  - {id: no-gcp, when: offer.provider == "gcp", effect: forbid, message: not gcp, fix: x, source: us, as_of: 2026}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    (tmp_path / "company.yaml").write_text(RULES)
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    return str(path)


def test_says_what_was_cut_and_what_it_costs(scenario: str) -> None:
    result = CliRunner().invoke(explain, [scenario, "--rule", "no-gcp"], catch_exceptions=False)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "no-gcp  company, forbid"
    assert lines[1] == "  says     not gcp"
    assert "candidates that every other rule allows" in lines[2]
    assert lines[3].startswith("  with     ")
    assert lines[4].startswith("  without  ")


def test_json_has_both_plans(scenario: str) -> None:
    result = CliRunner().invoke(explain, [scenario, "--rule", "no-gcp", "--format", "json"], catch_exceptions=False)
    data = json.loads(result.output)
    assert data["candidates"] > 0
    assert data["with"]["cost_usd_per_month"] >= data["without"]["cost_usd_per_month"]
    saved = data["with"]["cost_usd_per_month"] - data["without"]["cost_usd_per_month"]
    assert data["saved_usd_per_month"] == pytest.approx(saved, abs=0.01)


def test_a_fact_is_marked_as_one(scenario: str) -> None:
    result = CliRunner().invoke(explain, [scenario, "--rule", "tp-inside-node"], catch_exceptions=False)
    assert "it states what hardware or engines can do" in result.output


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ("no-gpc", "did you mean 'no-gcp'?"),
        ("stale-price", "the scenario switches it off: quotes are renewed"),
        ("node-upkeep", "it is in the pack procurement"),
    ],
)
def test_a_rule_that_does_not_apply(scenario: str, rule: str, hint: str) -> None:
    result = CliRunner().invoke(explain, [scenario, "--rule", rule])
    assert result.exit_code == 2
    assert hint in " ".join(result.output.split())
