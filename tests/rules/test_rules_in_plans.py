"""Rules in whole plans: they cut, warn, count against and bound, and plan and conflict name them by id."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from planner.candidates import evaluate
from planner.candidates.streams import streams_of
from planner.catalog import Catalog, load_catalog
from planner.errors import Infeasible, RuleError
from planner.plan import Plan
from planner.scenario import Scenario, load_scenario
from planner.solve import solve
from planner.solve.fleet import fleet_problem
from planner.solve.own_rules import effect_of

CHAT = """
name: chat
model: meta-llama/Llama-3.1-70B-Instruct
workload: {input_tokens: 2048, output_tokens: 512, concurrency: 200}
sla: {ttft_p95: 3s, tpot_p95: 60ms}
search:
  pricing: on-demand
  accelerators: [h100-sxm, l40s, a100-sxm-80]
  weights: [fp8-e4m3, int4-awq-g128]
  engines: vllm
rules: [company.yaml]
"""

RULE = "  - {{id: {0}, {1}, message: {2}, fix: less, source: us, as_of: 2026}}\n"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def scenario(tmp_path: Path):
    """Build a scenario with rules of its own: pairs of id and what the rule says, in flow style."""

    def build(*rules: tuple[str, str, str], more: str = "", text: str = CHAT) -> Scenario:
        lines = "".join(RULE.format(*rule) for rule in rules)
        (tmp_path / "company.yaml").write_text(f"pack: company\nrules:\n{lines}")
        path = tmp_path / "chat.yaml"
        path.write_text(text + more)
        return load_scenario(path)

    return build


@pytest.fixture(scope="module")
def plain(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    path = tmp_path_factory.mktemp("plain") / "chat.yaml"
    path.write_text(CHAT.replace("rules: [company.yaml]\n", ""))
    return solve(load_scenario(path), catalog)


def test_a_forbidden_accelerator_is_cut_and_the_plan_says_what_that_costs(scenario, catalog, plain) -> None:
    (was,) = plain.deployments
    rule = ("no-such-card", f'when: accelerator.id == "{was.accelerator}", effect: forbid', '"not {accelerator.id}"')
    plan = solve(scenario(rule), catalog)
    assert plan.deployments[0].accelerator != was.accelerator
    assert plan.cost_usd_per_month > plain.cost_usd_per_month
    (cut,) = [item for item in plan.rejected if item.reason == "no-such-card"]
    assert cut.message == f"not {was.accelerator}"
    assert cut.count > 0
    told = next(reason for reason in plan.reasons if "own rules (company)" in reason)
    assert f"{was.instances} x {was.offer}" in told
    assert told.endswith("less.")


def test_rules_that_change_nothing_are_said_to(scenario, catalog, plain) -> None:
    plan = solve(scenario(("no-b200", 'when: accelerator.id == "b200-sxm", effect: forbid', "no")), catalog)
    assert plan.cost_usd_per_month == plain.cost_usd_per_month
    assert "The scenario's own rules (company) do not change the plan." in plan.reasons


def test_a_forbidden_provider_does_not_take_the_hardware_with_it(scenario, catalog, plain) -> None:
    """Offers of the same hardware are compared only with those of which rules say the same."""
    (was,) = plain.deployments
    plan = solve(scenario(("no", f'when: offer.provider == "{was.provider}", effect: forbid', "no")), catalog)
    assert plan.deployments[0].provider != was.provider
    table = evaluate(scenario(("no", f'when: offer.provider == "{was.provider}", effect: forbid', "no")), catalog)
    assert was.accelerator in {table.pools[p].offer.accelerator for p in set(table.pool.tolist())}


def test_a_rule_over_provider_and_format_keeps_the_next_provider(scenario, catalog, plain) -> None:
    (was,) = plain.deployments
    when = f'offer.provider == "{was.provider}" && format.id == "{was.weights}"'
    plan = solve(scenario(("mixed", f"when: '{when}', effect: forbid", "no")), catalog)
    now = plan.deployments[0]
    assert (now.provider, now.weights) != (was.provider, was.weights)
    assert "mixed" in {item.reason for item in plan.rejected}


def test_a_preference_counts_in_the_objective_but_not_in_the_cost(scenario, catalog, plain) -> None:
    (was,) = plain.deployments

    def odd(price: str) -> Scenario:
        when = f'when: accelerator.id == "{was.accelerator}", effect: prefer, penalty: {price}'
        return scenario(("dear", when, '"{accelerator.id} is odd"'))

    plan = solve(odd("12 USD/month"), catalog)
    assert plan.deployments == plain.deployments
    (counted,) = plan.preferences
    assert (counted.rule, counted.message) == ("dear", f"{was.accelerator} is odd")
    assert counted.usd_per_month == pytest.approx(12, abs=0.01)
    assert plan.cost_usd_per_month == plain.cost_usd_per_month
    objective = plan.proof.objective_micro_usd_per_hour / 1e6
    assert objective == pytest.approx(plan.cost_usd_per_hour + 12 / 730, abs=2e-6)
    other = solve(odd("900000 USD/month"), catalog)
    assert other.deployments[0].accelerator != was.accelerator
    assert other.preferences == ()
    assert any("but rules that prefer something else count" in item.reason for item in other.alternatives)


def test_a_preference_per_instance_is_counted_per_instance(scenario, catalog) -> None:
    price = "effect: prefer, penalty: 10 USD/month, penalty_per: instance"
    rule = ("upkeep", f"when: estimates.instances > 0, {price}", "many")
    plan = solve(scenario(rule), catalog)
    assert plan.preferences[0].usd_per_month == pytest.approx(10 * plan.deployments[0].instances, abs=0.01)
    priced = solve(scenario(rule, more="rule_penalties: {upkeep: 20 USD/month}\n"), catalog)
    assert priced.preferences[0].usd_per_month == pytest.approx(20 * priced.deployments[0].instances, abs=0.01)


def test_a_bound_over_the_plan_becomes_a_constraint(scenario, catalog, plain) -> None:
    most = plain.deployments[0].instances - 1
    assert most >= 1
    asked = scenario(("small", f"require: plan.nodes <= {most}, effect: require", '"{plan.nodes} nodes"'))
    plan = solve(asked, catalog)
    assert plan.deployments[0].instances <= most
    (margin,) = [item for item in plan.margins if item.requirement == "rules.small"]
    assert (margin.limit, margin.actual, margin.holds) == (most, plan.deployments[0].instances, True)
    problem = fleet_problem(streams_of(asked, catalog)).problem
    (limit,) = [item for item in problem.limits if item.id == "rules.small"]
    assert limit.maximum == most
    assert set(limit.pool) == {1}


def test_power_and_cost_are_bounded_in_their_units(scenario, catalog) -> None:
    bounds = "plan.power_kw <= 20.0 && plan.usd_per_month <= 90000.0"
    asked = scenario(("cap", f"require: {bounds}, effect: require", "no"))
    streams = streams_of(asked, catalog)
    (table,) = streams.tables
    problem = fleet_problem(streams).problem
    power, cost = (item for item in problem.limits if item.id == "rules.cap")
    assert power.maximum == 20_000
    assert power.pool == tuple(round(pool.rated_watts) for pool in table.pools if pool.id in problem.pools.id)
    assert cost.maximum == pytest.approx(90_000 / 730 * 1e6, rel=1e-6)
    held = ~np.asarray(table.broken[[item.id for item in table.requirements].index("rules.cap")])
    fleets = table.fleets
    watts = np.array([pool.rated_watts for pool in table.pools])[table.pool] * fleets.instances
    assert (held == ((watts <= 20_000) & (fleets.cost * 730 <= 90_000e6))).all()


def test_a_rule_over_estimates_cuts_fleets(scenario, catalog) -> None:
    plan = solve(scenario(("many", "require: replicas >= 9, effect: require", '"{replicas}"')), catalog)
    assert plan.deployments[0].replicas >= 9


def test_a_conflict_names_the_rule_and_the_way_out(scenario, catalog) -> None:
    asked = scenario(("nobody", 'require: offer.provider == "nobody", effect: require', "no"))
    with pytest.raises(Infeasible) as caught:
        solve(asked, catalog)
    conflict = caught.value.conflict
    assert conflict.requirements == ("rules.nobody",)
    assert conflict.summary == "Because the rule nobody has to hold, so no plan holds every requirement."
    (way,) = conflict.relaxations
    assert (way.requirement, way.current, way.needed) == ("rules.nobody", "in force", "switched off")
    assert way.cost_usd_per_month is not None


def test_a_bound_that_cannot_hold_says_what_would(scenario, catalog) -> None:
    with pytest.raises(Infeasible) as caught:
        solve(scenario(("tiny", "require: plan.gpus <= 1, effect: require", "no")), catalog)
    assert "rules.tiny" in caught.value.conflict.requirements
    assert "the number of GPUs (rule tiny) has to be at most 1 GPUs" in caught.value.conflict.summary


def test_warnings_reach_the_plan_and_can_be_switched_off(scenario, catalog) -> None:
    warned = solve(scenario(("mind", "when: tp >= 1, effect: warn", '"TP {tp}"')), catalog)
    assert any(text.startswith("TP ") for text in warned.warnings)
    off = "disable_rules: [{id: mind, reason: we know}]\n"
    quiet = solve(scenario(("mind", "when: tp >= 1, effect: warn", '"TP {tp}"'), more=off), catalog)
    assert not any(text.startswith("TP ") for text in quiet.warnings)


def test_a_rule_that_fails_is_an_error_that_names_it(scenario, catalog) -> None:
    asked = scenario(("broken", "when: model.heads / (tp - 1) > 1, effect: forbid", "no"))
    with pytest.raises(RuleError, match="'broken' could not be evaluated: divide by zero") as caught:
        solve(asked, catalog)
    assert caught.value.exit_code == 2
    assert "tp = 1" in str(caught.value)


def test_what_dropping_a_rule_saves(scenario, catalog, plain) -> None:
    (was,) = plain.deployments
    asked = scenario(("gone", f'when: accelerator.id == "{was.accelerator}", effect: forbid', '"not {accelerator.id}"'))
    table = evaluate(asked, catalog)
    effect = effect_of(asked, "gone", table.ruling.rules, catalog)
    assert effect.touched > effect.touched_feasible > 0
    assert effect.message == f"not {was.accelerator}"
    assert effect.dropped.usd_per_month == pytest.approx(plain.cost_usd_per_month)
    saved = solve(asked, catalog).cost_usd_per_month - plain.cost_usd_per_month
    assert effect.saved_usd_per_month == pytest.approx(saved)


def test_the_company_example_changes_the_chat_plan(root: Path, catalog: Catalog) -> None:
    from planner.report.document import plan_document

    before = solve(load_scenario(root / "scenarios" / "70b-chat.yaml"), catalog)
    asked = load_scenario(root / "scenarios" / "70b-chat-company.yaml")
    plan = solve(asked, catalog)
    assert plan.deployments[0].offer != before.deployments[0].offer
    assert plan.deployments[0].provider in ("aws", "azure", "gcp")
    assert {"contracted-providers", "no-consumer-cards"} <= {item.reason for item in plan.rejected}
    text = " ".join(plan_document(plan, "md", scenario=asked).split())
    assert f"Without the scenario's own rules (company) the plan would be {before.deployments[0].instances} x" in text
    assert "The rule stale-price is switched off: procurement renews every quote" in text
