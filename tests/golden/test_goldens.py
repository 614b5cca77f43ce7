"""Every shipped scenario in every format, as files that a review reads as a diff."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from planner.candidates import evaluate
from planner.errors import Infeasible
from planner.plan import Conflict, Plan
from planner.plan_io import plan_to_dict
from planner.report.cloud import clouds_of
from planner.report.conflict import conflict_text
from planner.report.document import conflict_document, plan_document
from planner.report.i18n import translator_for
from planner.report.layout import COLUMNS, LINES, width
from planner.report.structured import conflict_to_dict, dump
from planner.report.text import plan_text
from planner.scenario import Scenario, load_scenario
from planner.solve import solve

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(path.stem for path in (ROOT / "scenarios").glob("*.yaml"))
AS_PAGE = ("70b-chat", "405b-impossible")
"""Pages are long: one plan and one conflict are kept whole, the others differ in figures that text and JSON show."""
FURTHER_SERVICE = 12
"""Lines: each service has a layout and limits of its own."""
IN_CHINESE = ("70b-chat", "405b-impossible")


@cache
def solved(name: str) -> tuple[Scenario, Plan | Conflict]:
    scenario = load_scenario(ROOT / "scenarios" / f"{name}.yaml")
    try:
        plan = solve(scenario)
    except Infeasible as ending:
        return scenario, ending.conflict
    # Digests change with every price; what they belong to is what matters here.
    return scenario, replace(plan, inputs=tuple((what, "-" * 8) for what, _ in plan.inputs))


def rounded(data: Any) -> Any:
    """Round to seven digits: the last bits of a logarithm are the processor's own."""
    if isinstance(data, float):
        return float(f"{data:.7g}")
    if isinstance(data, dict):
        return {key: rounded(value) for key, value in data.items()}
    return [rounded(value) for value in data] if isinstance(data, list) else data


def told(name: str, form: str, language: str = "en") -> str:
    scenario, result = solved(name)
    if isinstance(result, Conflict):
        if form == "txt":
            return conflict_text(result, scenario, language=language)
        if form == "json":
            return dump(rounded(conflict_to_dict(result)), "json")
        return conflict_document(result, form, scenario=scenario, language=language)
    if form == "txt":
        return plan_text(result, scenario, language=language)
    if form == "json":
        return dump(rounded(plan_to_dict(result)), "json")
    clouds = clouds_of(evaluate(scenario)) if form == "html" else ()
    return plan_document(result, form, scenario=scenario, clouds=clouds, language=language)


def test_there_are_scenarios_of_each_kind():
    assert len(SCENARIOS) >= 7
    assert any(isinstance(solved(name)[1], Conflict) for name in SCENARIOS)


@pytest.mark.parametrize("form", ["txt", "md", "json"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name, form, golden):
    golden(f"{name}/plan.{form}", told(name, form))


@pytest.mark.parametrize("name", AS_PAGE)
def test_page(name, golden):
    page = told(name, "html")
    assert len(page.encode()) < 500_000
    golden(f"{name}/plan.html", page)


@pytest.mark.parametrize("name", IN_CHINESE)
def test_chinese(name, golden):
    golden(f"{name}/plan.zh-CN.txt", told(name, "txt", "zh-CN"))
    golden(f"{name}/plan.zh-CN.md", told(name, "md", "zh-CN"))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_terminal_shows_it_on_one_screen(name, language):
    lines = told(name, "txt", language).splitlines()
    result = solved(name)[1]
    further = max(len(result.services) - 1, 0) if isinstance(result, Plan) else 0
    assert len(lines) <= LINES + further * FURTHER_SERVICE
    assert max(map(width, lines)) <= COLUMNS


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_sentence_of_a_result_has_a_translation(name):
    scenario, result = solved(name)
    if isinstance(result, Conflict):
        sentences = [result.summary, *result.because]
    else:
        sentences = [*result.reasons, *result.warnings, *(it.reason for it in result.alternatives)]
        sentences += [it.message for it in result.preferences]
        sentences += [it.message for it in result.rejected]
        services = tuple(f"{it.service}: " for it in result.services)
        sentences = [next((it.removeprefix(x) for x in services if it.startswith(x)), it) for it in sentences]
    say = translator_for(scenario, "zh-CN")
    assert [sentence for sentence in sentences if sentence and say.sentence(sentence) == sentence] == []


def test_no_golden_file_is_left_over():
    known = {f"{name}/plan.{form}" for name in SCENARIOS for form in ("txt", "md", "json")}
    known |= {f"{name}/plan.html" for name in AS_PAGE}
    known |= {f"{name}/plan.zh-CN.{form}" for name in IN_CHINESE for form in ("txt", "md")}
    here = Path(__file__).parent
    elsewhere = {"__pycache__", "deploy"}  # manifests have their own test
    found = {path.relative_to(here).as_posix() for path in here.glob("*/*") if not elsewhere & set(path.parts)}
    assert found == known


def test_two_processes_with_other_hash_seeds_print_the_same_bytes():
    code = (
        "import sys; sys.path.insert(0, 'tests/golden'); import test_goldens as it\n"
        "for form in ('txt', 'md', 'json', 'html'): sys.stdout.write(it.told('70b-chat', form))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
