"""The terminal view: one screen, every figure of the plan, colour that only adds."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from planner.cli.output import _painted
from planner.report.conflict import conflict_text
from planner.report.i18n import LANGUAGES
from planner.report.layout import LINES, width
from planner.report.text import plan_text

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plan_fits_one_screen(plan, language):
    text = plan_text(plan, language=language)
    assert text.endswith("\n")
    assert len(text.splitlines()) <= 40
    assert max(map(width, text.splitlines())) <= 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_conflict_fits_one_screen(conflict, language):
    text = conflict_text(conflict, language=language)
    assert len(text.splitlines()) <= 40
    assert max(map(width, text.splitlines())) <= 100


def test_it_says_what_to_rent_how_it_is_laid_out_and_what_it_costs(plan):
    text = plan_text(plan)
    assert "Rent 2 × lambda-gpu-8x-h100-sxm5" in text
    assert "16 × h100-sxm-80gb: 4 replicas on 4 GPUs each (TP 4), 50 sequences at a time" in text
    assert "vllm, weights fp8-e4m3, KV cache fp8" in text
    assert "$36,791/month  $50.40/h  $3.11 per million output tokens" in text


def test_hardware_that_is_bought_is_not_said_to_be_rented(plan):
    bought = replace(plan, deployments=(replace(plan.deployments[0], pricing="purchase"),))
    assert "Buy 2 ×" in plan_text(bought)


def test_every_requirement_stands_beside_its_limit_interval_and_margin(plan):
    lines = plan_text(plan).splitlines()
    (ttft,) = [line for line in lines if line.startswith("TTFT p95")]
    assert re.search(r"≤ 2 s +1\.31 s +1\.05–1\.96 s +█+▒+ *│ +34%", ttft)
    (quality,) = [line for line in lines if line.startswith("Quality recovery")]
    assert re.search(r"≥ 98% +99\.7%", quality)


def test_memory_is_a_sum_of_its_terms_and_a_bar_of_their_shares(plan):
    text = plan_text(plan)
    for part in ("weights 16.9 GiB", "KV cache 54.4 GiB", "non-torch 2.2 GiB", "= 78.2 GiB of 79.2 GiB"):
        assert part in " ".join(text.split())
    (bar,) = [line for line in text.splitlines() if line.startswith("██████████") and "▓" in line]
    assert bar.count("▓") == round(54.4 / 79.18 * 99)


def test_alternatives_say_why_they_lost(plan):
    text = plan_text(plan)
    assert "+$1,753" in text
    assert "-$5,791" in text
    assert "TTFT p95 2.35 s exceeds 2 s" in text


def test_the_proof_names_status_bound_and_what_was_searched(plan):
    text = " ".join(plan_text(plan).split())
    assert "no plan costs less than $50.40/h with its preferences counted (CP-SAT)" in text
    assert "2,113 of 18,402 candidates hold every requirement" in text
    assert "checked again without the solver" in text


def test_what_a_rule_prefers_is_told_with_its_penalty(plan):
    text = " ".join(plan_text(plan).split())
    assert (
        "$250.00/month counted against it: a second type of accelerator is one more to keep (one-accelerator)" in text
    )
    free = " ".join(plan_text(replace(plan, preferences=())).split())
    assert "Proven cheapest: no plan costs less than $50.40/h (CP-SAT)" in free


def test_an_answer_with_a_gap_is_not_called_proven(plan):
    open_ended = replace(plan, proof=replace(plan.proof, status="feasible", gap=0.04, checked=False))
    text = " ".join(plan_text(open_ended).split())
    assert "Proven" not in text
    assert "a gap of 4%" in text
    assert "not checked" in text


def test_a_plan_with_much_to_say_is_told_shorter_but_keeps_its_figures(plan):
    long = tuple(f"Warning number {n}, which takes {'very ' * 20}long to read to its end." for n in range(9))
    text = plan_text(replace(plan, warnings=long))
    assert len(text.splitlines()) <= LINES
    assert "Warning number 0" in text
    assert "more; --format md tells all" in text
    for figure in ("1.31 s", "1.05–1.96 s", "$36,791/month", "78.2 GiB", "+$1,753", "$50.40/h"):
        assert figure in text


def test_colour_adds_nothing_but_colour(plan, conflict):
    assert ANSI.sub("", plan_text(plan, paint=_painted)) == plan_text(plan)
    assert ANSI.sub("", conflict_text(conflict, paint=_painted)) == conflict_text(conflict)
    assert "\x1b[" not in plan_text(plan)


def test_a_margin_inside_its_interval_is_painted_as_a_warning(plan):
    def paint(role: str, text: str) -> str:
        return f"<{role}>{text}</{role}>"

    rows = {line.split("  ")[0]: line for line in plan_text(plan, paint=paint).splitlines() if "│" in line}
    assert "<good>" in rows["TTFT p95"]
    assert "<warn>" in rows["TPOT p95"]


def test_a_broken_margin_is_painted_as_broken(plan):
    broken = replace(plan.margins[0], actual=2500.0, slack=-0.25, holds=False)
    text = plan_text(replace(plan, margins=(broken,)), paint=lambda role, text: f"<{role}>{text}")
    assert "<bad>" in text
    assert "-25%" in text


def test_a_conflict_reads_as_an_argument_with_ways_out(conflict):
    text = " ".join(conflict_text(conflict).split())
    assert "Because TPOT p95 of at most 8 ms needs" in text
    assert ", and because the budget is $9,000/month, so no plan holds every requirement." in text
    assert re.search(r"Budget \$9,000/month \$14,600/month \$14,600/month", text)
    assert "Quality recovery 99.9% 99.4% –" in text
