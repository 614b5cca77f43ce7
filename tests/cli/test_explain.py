"""``planner explain``: a rule, or what is against a candidate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from planner.cli.explain import explain
from planner.errors import InputError

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


def candidate(scenario: str, keys: str, *more: str) -> str:
    result = CliRunner().invoke(explain, [scenario, "--candidate", keys, *more], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_every_rule_against_a_candidate_is_named(scenario: str) -> None:
    text = candidate(scenario, "accelerator=h100-sxm engine=sglang weights=nvfp4 tp=1 pp=1")
    assert text.startswith("none of ")
    for rule in ("nvfp4-compute-capability", "engine-runs-format", "sglang-nvfp4-blackwell"):
        assert f"  {rule}: " in text
    assert "vLLM with its Marlin kernel" in text


def test_a_candidate_may_be_allowed(scenario: str) -> None:
    keys = "offer=aws/p5.48xlarge/us-east-1 engine=vllm weights=fp8-e4m3 kv_cache=fp8 tp=8 pp=1"
    assert candidate(scenario, keys).startswith("allowed: no rule is against it")


def test_own_rules_count_against_a_candidate(scenario: str) -> None:
    data = json.loads(
        candidate(scenario, "accelerator=l4 engine=vllm weights=bf16 kv_cache=bf16 tp=1 pp=1", "--format", "json")
    )
    assert 0 < data["allowed"] < data["combinations"]
    (rule,) = data["rules"]
    assert (rule["id"], rule["always"]) == ("no-gcp", False)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("acc=l4", "did you mean 'accelerator'?"),
        ("weights=fp9", "the catalog has no weights 'fp9'"),
        ("tp=x", "tp must be a whole number of at least 1"),
        ("offer=aws/p5.48xlarge/us-east-1 accelerator=l4", "nothing on offer has l4"),
    ],
)
def test_what_does_not_exist_is_said(scenario: str, keys: str, message: str) -> None:
    result = CliRunner().invoke(explain, [scenario, "--candidate", keys])
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)


@pytest.mark.parametrize("arguments", [["--rule", "no-gcp", "--candidate", "tp=8"], ["--candidate", "h100"]])
def test_usage(scenario: str, arguments: list[str]) -> None:
    assert CliRunner().invoke(explain, [scenario, *arguments]).exit_code == 2
