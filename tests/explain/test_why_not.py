"""What rejects or beats what somebody expected, and how the plan follows."""

from __future__ import annotations

import pytest

from planner.candidates import evaluate
from planner.catalog import load_catalog
from planner.errors import Infeasible
from planner.explain.derivation import derived
from planner.explain.wanted import parse_wanted
from planner.explain.why_not import why_not
from planner.report.explanation import derivation_text, why_not_text, why_not_to_dict
from planner.scenario import parse_scenario
from planner.solve import solve
from planner.units import format_usd

CHAT = """
name: chat
model: meta-llama/Llama-3.1-70B-Instruct
workload: {input_tokens: 2048, output_tokens: 512, concurrency: 200}
sla: {ttft_p95: 2s, tpot_p95: 50ms}
budget: {max: 60000 USD/month}
quality: {min_recovery: 98%}
search: {pricing: [on-demand, reserved-1y], accelerators: [h100-sxm, a100-sxm-80, l40s, h200-sxm]}
"""


@pytest.fixture(scope="module")
def chat():
    return parse_scenario(CHAT)


@pytest.fixture(scope="module")
def plan(chat):
    return solve(chat, load_catalog())


def ask(scenario, words):
    catalog = load_catalog()
    return why_not(scenario, parse_wanted(words, catalog), catalog)


def test_the_plan_itself(chat, plan):
    made = plan.deployments[0]
    found = ask(chat, f"{made.accelerator} {made.weights} tp{made.tensor_parallel} {made.engine}")
    assert found.verdict == "chosen"
    assert found.candidate.cost_usd_per_month == pytest.approx(plan.cost_usd_per_month)
    assert "That is the plan." in why_not_text(found)


def test_what_would_do_is_beaten_by_what_it_costs_more(chat, plan):
    other = next(it for it in ("h200-sxm", "h100-sxm", "a100-sxm-80") if it != plan.deployments[0].accelerator)
    found = ask(chat, f"{other} fp8-e4m3" if other.startswith("h") else other)
    assert found.verdict == "beaten"
    assert found.feasible > 0
    assert found.candidate.deployment.accelerator == other
    more = found.candidate.cost_usd_per_month - plan.cost_usd_per_month
    assert more > 0
    assert "/month (" in found.candidate.reason
    assert found.plan.deployment.offer == plan.deployments[0].offer


def test_the_best_match_is_as_cheap_as_a_scenario_that_asks_for_nothing_else(chat):
    found = ask(chat, "h200-sxm tp2")
    alone = parse_scenario(CHAT.replace("[h100-sxm, a100-sxm-80, l40s, h200-sxm]", "h200-sxm, tensor_parallel: 2"))
    assert found.candidate.cost_usd_per_month == pytest.approx(solve(alone, load_catalog()).cost_usd_per_month)


def test_a_requirement_that_breaks_is_told_with_both_numbers(chat):
    slow = parse_scenario(CHAT.replace("tpot_p95: 50ms", "tpot_p95: 12ms"))
    found = ask(slow, "l40s")
    assert found.verdict == "rejected"
    causes = {cause.code: cause.text for cause in found.causes}
    assert "sla.tpot_p95 asks for at most 12 ms" in causes["sla.tpot_p95"]
    table = evaluate(parse_scenario(CHAT.replace("tpot_p95: 50ms", "tpot_p95: 12ms")), load_catalog())
    assert not table.feasible[[table.pools[p].offer.accelerator == "l40s" for p in table.pool]].any()


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("mi300x", {"search.accelerators"}),
        ("h100-sxm spot", {"search.pricing"}),
        ("h100-sxm int2-g64", {"quality.min_recovery"}),
        ("h100-sxm mxfp4", {"quality.accept_unmeasured"}),
        ("a100-sxm-80 sglang kv-fp8", {"engine-caches-format"}),
        ("h100-sxm tp16", {"tp-inside-node"}),
        ("purchase", {"purchase-unasked"}),
    ],
)
def test_search_quality_and_rules_are_named(chat, words, codes):
    found = ask(chat, words)
    assert found.verdict in ("rejected", "impossible")
    assert codes <= {cause.code for cause in found.causes}
    text = why_not_text(found)
    for code in codes:
        assert f"- {code}: " in text


def test_what_cannot_hold_the_weights_is_impossible(chat):
    found = ask(chat, "l4 bf16 tp1 pp1")
    assert (found.verdict, found.candidate, found.matching) == ("impossible", None, 0)
    (cause,) = found.causes
    assert cause.code == "memory"
    assert "bf16 weights take 131." in cause.text
    assert "usable on L4" in cause.text
    assert "the plan: " in why_not_text(found)


def test_what_nobody_offers_is_impossible(chat):
    found = ask(chat, "provider=aws mi300x")
    assert found.causes[0].text == "the catalog has no such offer"


def test_a_scenario_without_a_plan_still_says_why_not(chat):
    poor = parse_scenario(CHAT.replace("60000 USD", "10 USD"))
    found = ask(poor, "h100-sxm")
    assert found.plan is None
    assert "budget" in {cause.code for cause in found.causes}
    assert "no plan at all" in why_not_text(found)


def test_json_has_the_verdict_and_both_candidates(chat):
    data = why_not_to_dict(ask(chat, "h200-sxm"))
    assert data["wanted"] == {"words": "h200-sxm", "accelerators": ["h200-sxm"]}
    assert data["candidate"]["deployment"]["accelerator"] == "h200-sxm"
    assert data["plan"]["cost_usd_per_month"] > 0


def test_the_derivation_ends_at_the_plan(chat, plan):
    steps = derived(chat, load_catalog())
    assert [step.title for step in steps] == [
        "Asked", "Left out", "Memory", "Batch", "Fleet", "Latency", "Cost", "Chosen",
    ]  # fmt: skip
    text = derivation_text("chat", steps)
    made = plan.deployments[0]
    assert f"= {made.instances} x" not in text  # the bill stands once, as a product
    assert format_usd(plan.cost_usd_per_month, "month") in next(step for step in steps if step.title == "Cost").lines[0]
    assert f"{made.instances:,} whole instances of {made.gpus_per_instance} GPUs" in text
    assert f"{plan.proof.feasible:,} of {plan.proof.candidates:,} candidates hold every requirement." in text
    assert tuple(plan.reasons) == next(step for step in steps if step.title == "Chosen").lines


def test_what_has_no_plan_has_no_derivation():
    with pytest.raises(Infeasible):
        derived(parse_scenario(CHAT.replace("60000 USD", "10 USD")), load_catalog())
