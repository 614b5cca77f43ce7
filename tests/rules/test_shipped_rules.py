"""Every shipped rule has its tests, its source and both languages, and agrees with the catalog's support matrix."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from planner.catalog import load_catalog
from planner.rules.engine import evaluate_rules
from planner.rules.reference import variables_reference
from planner.rules.rule import Rule
from planner.rules.schema import rule_schema
from planner.rules.shipped import load_packs
from planner.rules.table import CandidateColumns
from planner.rules.testing import load_cases, run_cases
from planner.source import load_yaml

RULES = [rule for pack in load_packs() for rule in pack.rules]
HERE = Path(__file__).parent


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_cases_come_out_as_they_say(rule: Rule) -> None:
    path = HERE / f"{rule.id}.yaml"
    assert path.is_file(), f"{rule.id} has no tests"
    report = run_cases(rule, load_cases(path, name=path.name), load_catalog(), path=path.name)
    assert not report.problems, "\n".join(problem.render() for problem in report.problems)
    assert report.passes >= 1
    assert report.fails >= 1


def test_no_tests_without_a_rule() -> None:
    assert {path.stem for path in HERE.glob("*.yaml")} == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_source_and_languages(rule: Rule) -> None:
    assert len(rule.source) > 20
    assert rule.as_of >= "2000"
    for texts in (rule.message, rule.fix):
        assert set(texts) == {"en", "zh-CN"}
        assert any("\u4e00" <= letter <= "\u9fff" for letter in texts["zh-CN"])


def test_a_rule_without_tests_is_reported() -> None:
    from planner.rules.reading import TestCases

    report = run_cases(RULES[0], TestCases(), load_catalog())
    assert "no case under passes and fails" in report.problems[0].message


def test_wrong_cases_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "passes: [{why: eight, tp: 8, model.head_counts: [28]}]\nfails: [{tp: 4, model.head_counts: [64]}, {tp: 8}]\n"
    )
    rule = next(rule for rule in RULES if rule.id == "heads-divisible")
    report = run_cases(rule, load_cases(path), load_catalog(), path="x.yaml")
    messages = [problem.message for problem in report.problems]
    assert messages[0] == "heads-divisible: eight: the rule speaks of it (model.head_counts = [28], tp = 8)"
    assert "does not speak of it" in messages[1]
    assert "gives no value for model.head_counts" in messages[2]
    assert report.problems[0].line == 1


def test_engine_rules_agree_with_the_support_matrix() -> None:
    """What a hardware or engine rule cuts by format, the matrix calls unsupported: two truths that never differ."""
    catalog = load_catalog()
    devices = list(catalog.accelerators.values())
    engines = [engine for engine in catalog.engines.values() if engine.serving]
    formats = [item for item in catalog.formats.values() if not item.compute_only]
    shape = (len(devices), len(engines), len(formats))
    device, engine, fmt = np.ogrid[: shape[0], : shape[1], : shape[2]]
    columns = CandidateColumns(
        {"accelerator": (device, devices), "engine": (engine, engines), "format": (fmt, formats)}
    )
    rules = [rule for rule in RULES if rule.pack in ("hardware", "engines") and rule.cuts and columns.knows(rule.reads)]
    assert len(rules) >= 12
    verdicts = evaluate_rules(rules, columns, shape)
    supported = ~verdicts.mask("engine-runs-format")
    # A rule of policy rather than of support: GGUF outside llama.cpp would start, and is not planned.
    for name in verdicts.violations.keys() - {"gguf-in-llamacpp"}:
        both = np.argwhere(verdicts.mask(name) & supported)
        wrong = [f"{engines[e].id} {formats[f].id} on {devices[d].id}" for d, e, f in both]
        assert not wrong, f"{name} cuts {wrong[0]}, which the matrix supports"


def test_schema_and_reference_are_fresh(root: Path) -> None:
    text = (root / "schemas" / "rule.schema.json").read_text("utf-8")
    assert json.loads(text) == rule_schema(), "run `planner schema --write schemas`"
    page = (root / "docs" / "rules-variables.md").read_text("utf-8")
    assert page == variables_reference(), "run `python -m planner.rules.reference > docs/rules-variables.md`"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_schema_accepts_every_shipped_rule(rule: Rule, root: Path) -> None:
    path = root / "catalogs" / "rules" / rule.pack / f"{rule.id}.yaml"
    jsonschema.validate(load_yaml(path).data, rule_schema())


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    data = {"id": "A", "when": "tp > 1", "effect": "deny", "message": "m", "fix": "f", "source": "s", "as_of": "soon"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, rule_schema())


def test_the_page_teaches_what_works(root: Path, tmp_path: Path) -> None:
    """The example of docs/rules.md is read, and its tests pass."""
    from planner.rules.testing import collect, test_rules

    page = (root / "docs" / "rules.md").read_text("utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "company.yaml"
    path.write_text(example)
    (report,) = test_rules(collect([path], None))
    assert not report.problems
    assert f"{report.rule.id}  {report.passes} pass, {report.fails} fail  ok" in page
