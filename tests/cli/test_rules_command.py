"""``planner rules``: list, show, test, variables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from planner.cli.rules import rules
from planner.errors import RuleError

PACK = """\
pack: company
rules:
  - id: no-spot
    when: offer.pricing == "spot"
    effect: forbid
    message: no spot
    fix: reserve
    source: us
    as_of: 2026
    tests:
      passes: [{offer.pricing: on-demand}]
      fails: [{offer.pricing: %s}]
"""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(rules, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_list_shows_packs_with_their_rules() -> None:
    text = run("list")
    assert "hardware: What the silicon can compute" in text
    assert "fp8-compute-capability" in text
    assert "add with `rule_packs: [procurement]`" in text


def test_list_of_one_pack_in_chinese() -> None:
    text = run("list", "--pack", "operations", "--language", "zh-CN")
    assert "只有一个副本" in text
    assert "hardware" not in text


def test_list_as_json_has_everything() -> None:
    packs = json.loads(run("list", "--format", "json"))
    rule = packs[0]["rules"][0]
    assert {"id", "when", "require", "effect", "message", "fix", "source", "as_of", "reads", "stage"} <= set(rule)


def test_show_has_conditions_and_source() -> None:
    text = run("show", "heads-divisible")
    assert "heads % tp == 0" in text
    assert "vLLM ModelConfig" in text


def test_show_suggests() -> None:
    result = CliRunner().invoke(rules, ["show", "heads-divisable"])
    assert result.exit_code == 2
    assert "did you mean 'heads-divisible'?" in result.output


def test_tests_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "company.yaml"
    path.write_text(PACK % "spot")
    assert run("test", str(path)) == "no-spot  1 pass, 1 fail  ok\n1 rules, 2 cases, 0 problems\n"


def test_a_failing_test_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "company.yaml"
    path.write_text(PACK % "reserved-1y")
    result = CliRunner().invoke(rules, ["test", str(path)])
    assert "no-spot  1 pass, 1 fail  WRONG" in result.output
    assert isinstance(result.exception, RuleError)
    assert result.exception.exit_code == 2
    assert f"{path}:12: no-spot: the case: the rule does not speak of it" in str(result.exception)


def test_shipped_rules_pass_their_tests() -> None:
    assert run("test").splitlines()[-1].endswith(" 0 problems")


@pytest.mark.parametrize("form", ["text", "json"])
def test_variables_of_a_subject(form: str) -> None:
    text = run("variables", "kv_format", "--format", form)
    assert "kv_format.bits" in text
    assert "engine.id" not in text
