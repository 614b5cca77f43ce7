"""Training scenarios from file to plan: the cheapest run, its proof, its conflicts, its reports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from planner.candidates import evaluate
from planner.candidates.training import evaluate_training
from planner.cli.solve import solve as solve_command
from planner.errors import Infeasible, ScenarioError
from planner.plan import RunProof, TrainingDeployment, TrainingPlan
from planner.plan_diff import diff_plans
from planner.plan_io import plan_from_dict, plan_to_dict
from planner.report.difference import diff_text as difference_text
from planner.report.figures import label
from planner.report.i18n import translator_for
from planner.scenario import load_scenario, scenario_from_data
from planner.solve import solve
from planner.solve.exhaustive import ExhaustiveSolver
from planner.solve.solver import CpSatSolver
from planner.solve.training import choose, feasible_rows, plan_violations, run_problem
from planner.training.evidence import load_runs

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "scenarios" / "training").glob("*.yaml"))

SEARCH = {"accelerators": ["h100-sxm", "a100-sxm-80"], "providers": ["aws", "lambda", "azure"]}


def scenario(search=None, budget=None, **work):
    load = {
        "kind": "training",
        "method": "full",
        "tokens": "1B",
        "sequence_length": "4Ki",
        "global_batch": 64,
        **work,
    }
    return scenario_from_data(
        {
            "name": "run",
            "model": "meta-llama/Llama-3.2-3B-Instruct",
            "workload": load,
            "budget": budget or {},
            "search": {
                "accelerators": ["h100-sxm", "a100-sxm-80"],
                "providers": ["aws", "lambda", "azure"],
                **(search or {}),
            },
        }
    )


@pytest.fixture(scope="module")
def table():
    return evaluate_training(scenario(deadline="3d"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_training_scenario_has_a_checked_plan(path):
    asked = load_scenario(path)
    assert asked.name == path.stem
    plan = solve(asked)
    assert isinstance(plan, TrainingPlan)
    assert plan.proof.status == "optimal"
    assert plan_violations(plan) == []
    assert all(item.holds for item in plan.margins)
    assert len(path.read_text("utf-8").split("\nname:")[0]) > 80, "says who has it"


def test_there_are_the_four_that_people_ask_about():
    assert [path.stem for path in SHIPPED] == ["70b-pretraining", "70b-qlora", "7b-full", "8x7b-full"]


@pytest.mark.parametrize(
    ("budget", "work"),
    [
        ({}, {}),
        ({}, {"deadline": "20h"}),
        ({}, {"deadline": "90min"}),
        ({"run": "400 USD"}, {"deadline": "12h"}),
        ({"max": "40 USD/h"}, {"deadline": "12h"}),
        ({"max": "25 USD/h", "run": "300 USD"}, {"method": "lora"}),
        ({}, {"method": "qlora", "deadline": "6h"}),
    ],
)
def test_the_solver_the_oracle_and_brute_force_agree(budget, work):
    found = evaluate_training(scenario(budget=budget, **work))
    rows = feasible_rows(found)
    assert rows
    least = min(row.cost_micro for row in rows)
    problem, chosen = run_problem(found, rows)
    oracle = ExhaustiveSolver().solve(problem)
    row, outcome = choose(found, rows, CpSatSolver())
    assert outcome.objective == oracle.objective == least == row.cost_micro
    by_oracle = chosen[next(i for i, count in enumerate(oracle.solution.replicas[0]) if count)]
    assert by_oracle == row
    for item in found.rows:
        if item.cost_micro < least:
            assert item not in rows


def test_every_candidate_trains_the_whole_batch_and_fits_its_device(table):
    assert len(table.rows) > 200
    for row in table.rows:
        parallel, setup = row.setup.parallel, row.setup
        assert parallel.dp * setup.accumulation * setup.micro_batch == 64
        assert row.nodes * table.pools[row.pool].offer.gpus == row.gpus == parallel.gpus
        assert parallel.tp <= table.pools[row.pool].offer.gpus
        assert row.memory.fits(table.pools[row.pool].accelerator.memory_bytes_usable)
        assert row.step.tokens == 64 * 4096
        assert row.cost_micro == round(row.nodes * table.pools[row.pool].fixed_cost * row.run.seconds / 3600)


@pytest.mark.parametrize(
    ("search", "of"),
    [
        ({"sharding": "zero1"}, lambda row: row.setup.parallel.sharding in ("zero1",)),
        ({"checkpointing": "full"}, lambda row: row.setup.checkpointing == "full"),
        ({"micro_batch": [2]}, lambda row: row.setup.micro_batch == 2),
        ({"gpus": [16]}, lambda row: row.gpus == 16),
        ({"tensor_parallel": 4}, lambda row: row.setup.parallel.tp == 4),
        ({"pipeline_parallel": 2}, lambda row: row.setup.parallel.pp == 2),
    ],
    ids=lambda item: next(iter(item)) if isinstance(item, dict) else "",
)
def test_what_the_search_allows_is_all_that_is_tried(search, of):
    rows = evaluate_training(scenario(search=search)).rows
    assert rows
    assert all(of(row) for row in rows)


def test_the_plan_says_what_it_rests_on():
    plan = solve(scenario(deadline="3d", budget={"run": "2000 USD"}))
    estimates = {item.name: item for item in plan.estimates}
    time = estimates["time_to_train"]
    assert time.low < time.value < time.high
    assert sum(term.value for term in time.terms) == pytest.approx(time.value)
    assert estimates["memory_per_gpu_bytes"].terms
    assert estimates["cost_of_the_run"].value == plan.run_usd == pytest.approx(plan.cost_usd_per_hour * plan.run_hours)
    assert {"mfu", "tokens_per_second", "checkpoint_bytes", "expected_failures", "energy"} <= set(estimates)
    assert [item.requirement for item in plan.margins] == ["workload.deadline", "budget.run", "memory_per_gpu"]
    assert isinstance(plan.proof, RunProof)
    assert plan.proof.objective_micro_usd == plan.proof.bound_micro_usd == round(plan.run_usd * 1e6)
    assert all(item.cost_usd_per_month > 0 for item in plan.alternatives)


def test_a_plan_with_context_parallelism_says_whose_it_is_timed_as():
    asked = scenario(search={"accelerators": "h100-sxm", "gpus": 8, "context_parallel": 4})
    (warning,) = (text for text in solve(asked).warnings if text.startswith("Context parallelism"))
    assert "as Megatron-LM runs it; PyTorch's attention in parts takes 1.4 times as long" in warning
    assert "上下文并行" in translator_for(asked, "zh-CN").sentence(warning)
    halved = scenario(search={"accelerators": "h100-sxm", "gpus": 8, "context_parallel": 2})
    assert not any(text.startswith("Context parallelism") for text in solve(halved).warnings)


def test_a_plan_says_how_many_of_its_runs_are_not_certain():
    uncertain = sum(run.confidence != "high" for run in load_runs() if run.accelerator.startswith("h"))
    reasons = solve(scenario(search={"accelerators": "h100-sxm"})).reasons
    assert any(reason.startswith(f"{uncertain} of these runs have a figure") for reason in reasons)


def test_a_plan_survives_json():
    plan = solve(scenario(deadline="3d"))
    again = plan_from_dict(json.loads(json.dumps(plan_to_dict(plan))))
    assert again == plan
    assert isinstance(again.deployments[0], TrainingDeployment)


def test_a_plan_laid_out_otherwise_on_the_same_offer_differs():
    asked = {"gpus": [8], "accelerators": ["h100-sxm"], "providers": ["azure"], "tensor_parallel": 1}
    plans = [solve(scenario(search={**asked, "checkpointing": name})) for name in ("none", "full")]
    (change,) = diff_plans(*plans).changed
    fields = {item.name: (item.old, item.new) for item in change.fields}
    assert fields["checkpointing"] == ("none", "full")
    text = difference_text(diff_plans(*plans))
    assert "checkpointing" in text.lower()
    assert diff_plans(plans[0], plans[0]).different is False


def test_the_same_question_has_the_same_answer():
    assert solve(scenario(deadline="1d")) == solve(scenario(deadline="1d"))


def test_a_tighter_deadline_never_costs_less():
    costs = [solve(scenario(deadline=limit)).run_usd for limit in ("10d", "1d", "6h", "1h")]
    assert costs == sorted(costs)


def test_a_deadline_and_a_budget_that_exclude_each_other_are_named_with_ways_out():
    with pytest.raises(Infeasible) as raised:
        solve(scenario(deadline="30min", budget={"run": "60 USD"}))
    conflict = raised.value.conflict
    assert conflict.requirements == ("workload.deadline", "budget.run")
    assert "the run has to take at most 0.5 h but" in conflict.summary
    assert "the run has to cost at most $60" in conflict.summary
    ways = {item.requirement: item.needed for item in conflict.relaxations}
    assert set(ways) == {"workload.deadline", "budget.run"}
    hours = float(ways["workload.deadline"].split(" h")[0])
    assert solve(scenario(deadline=f"{hours:.4f}h", budget={"run": "60 USD"})).run_usd <= 60


def test_what_does_not_suffice_alone_is_a_way_out_together_with_what_has_to_give_way():
    """No deadline helps 1 USD, and no run of 1 h costs it: the way out names both."""
    with pytest.raises(Infeasible) as raised:
        solve(scenario(deadline="2s", budget={"run": "1 USD"}))
    conflict = raised.value.conflict
    assert len(conflict.requirements) == 1
    (way,) = conflict.relaxations
    other = ({"workload.deadline", "budget.run"} - set(conflict.requirements)).pop()
    assert way.needed.endswith(f"(together with {other})")
    cost = float(way.needed.split("$")[-1].split(" ")[0].replace(",", ""))
    hours = way.needed.split(" h")[0] if way.requirement == "workload.deadline" else "1000"
    assert solve(scenario(deadline=f"{hours}h", budget={"run": f"{cost + 0.01} USD"})).run_usd <= cost + 0.01


@pytest.mark.parametrize(
    "changes",
    [
        {"deadline": "30min", "budget": {"run": "60 USD"}},
        {"deadline": "2s", "budget": {"run": "1 USD"}},
        {"deadline": "3d", "budget": {"run": "1 USD"}},
        {"deadline": "2s", "budget": {"max": "1 USD/h"}},
        {"search": {"accelerators": ["t4"], "gpus": 1, "offload": "none"}},
    ],
    ids=str,
)
def test_every_sentence_about_a_conflict_has_a_translation(changes):
    asked = scenario(**changes)
    with pytest.raises(Infeasible) as raised:
        solve(asked)
    conflict, say = raised.value.conflict, translator_for(asked, "zh-CN")
    sentences = [*conflict.because, *(item.needed for item in conflict.relaxations)]
    for text in map(say.sentence, sentences):
        assert not re.search(r"\b(the|has|holds|least|together|for) ", text), text


def test_a_single_requirement_that_nothing_holds_is_the_conflict():
    with pytest.raises(Infeasible) as raised:
        solve(scenario(deadline="3d", budget={"run": "1 USD"}))
    assert raised.value.conflict.requirements == ("budget.run",)


def test_a_model_that_no_layout_holds_says_so():
    with pytest.raises(Infeasible) as raised:
        solve(scenario(search={"accelerators": ["t4"], "gpus": 1, "offload": "none"}))
    assert "nothing that may be rented holds" in raised.value.conflict.summary


def test_an_unknown_format_of_frozen_weights_is_named_with_its_line():
    with pytest.raises(ScenarioError, match="did you mean 'nf4'"):
        solve(scenario(method="qlora", frozen_weights="nf5"))


def test_serving_candidates_of_a_training_run_are_refused():
    with pytest.raises(ScenarioError, match="is no load to serve"):
        evaluate(scenario())


@pytest.fixture
def small(tmp_path):
    """A scenario whose search is quick: it is solved for every form of report."""
    path = tmp_path / "small.yaml"
    path.write_text(
        "name: small\nmodel: meta-llama/Llama-3.2-1B-Instruct\n"
        "workload: {kind: training, method: full, tokens: 1B, sequence_length: 2Ki, global_batch: 64, deadline: 2d}\n"
        "search: {accelerators: [l40s, h100-sxm], gpus: [1, 8]}\n",
        encoding="utf-8",
    )
    return str(path)


@pytest.mark.parametrize("form", ["text", "json", "yaml", "md", "html"])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_form_of_report_tells_the_run(small, form, language):
    found = CliRunner().invoke(solve_command, [small, "--format", form, "--lang", language])
    assert found.exit_code == 0, found.output
    assert "small" in found.output
    if form in ("text", "md", "html"):
        assert "TTFT" not in found.output
        assert ("Time to train" if language == "en" else "训练时长") in found.output


def test_every_sentence_about_a_run_has_a_translation():
    asked = scenario(
        search={
            "accelerators": ["l40s", "b200-sxm", "h100-sxm"],
            "providers": ["aws", "runpod", "purchase"],
            "gpus": [1, 8],
            "offload": ["optimizer", "all"],
            "optimizer_in_backward": True,
        }
    )
    say = translator_for(asked, "zh-CN")
    for item in (asked, scenario(method="qlora"), scenario(search={"pricing": "spot", "providers": "any"})):
        plan = solve(item)
        sentences = [*plan.reasons, *plan.warnings, *(it.reason for it in plan.alternatives)]
        sentences += [it.message for it in plan.rejected]
        assert [text for text in sentences if say.sentence(text) == text] == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"method": "qlora", "global_batch": 8},
        {"optimizer": "adafactor"},
        {"search": {"gpus": 64, "pipeline_parallel": 4, "tensor_parallel": 2, "context_parallel": 2}},
        {"search": {"gpus": 8, "sharding": "fsdp", "loss": "chunked", "checkpointing": "full"}},
        {"search": {"gpus": 1, "offload": "optimizer"}},
    ],
    ids=str,
)
def test_every_term_and_formula_of_a_run_is_in_chinese(changes):
    """Words that stay are names of techniques and units."""
    asked = scenario(**changes)
    say = translator_for(asked, "zh-CN")
    names = {
        "token",
        "logits",
        "cuda",
        "moe",
        "dense",
        "flops",
        "flashattention",
        "gather",
        "reduce",
        "scatter",
        "full",
    }
    names |= {"compiled", "eager", "chunked", "fused", "linear", "month", "hour"}
    for estimate in solve(asked).estimates:
        for term in estimate.terms:
            for text in (label(term.name, say), say.sentence(term.formula)):
                left = {word.lower() for word in re.findall(r"[A-Za-z]{4,}", text)} - names
                assert not left, (term.name, term.formula, text)


def test_the_command_says_infeasible_with_its_exit_code(small):
    arguments = [small, "--set", "budget.run=1 USD"]
    found = CliRunner().invoke(solve_command, arguments, standalone_mode=False)
    assert found.return_value == 3
    assert "the run has to cost at most $1" in found.output
