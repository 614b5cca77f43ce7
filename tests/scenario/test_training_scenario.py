"""Scenarios about training: what is read, and what is refused."""

from __future__ import annotations

from typing import get_args

import pytest

from planner.candidates.training import savings
from planner.errors import ScenarioError
from planner.scenario import Scenario, parse_scenario, scenario_from_data
from planner.scenario.schema import training_json_schema
from planner.scenario.training import (
    CHECKPOINTING,
    LOSS_KINDS,
    METHODS,
    OFFLOADS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    SHARDINGS,
    TrainingScenario,
)
from planner.source import load_yaml
from planner.training import optimizers, parallel, precision, setup, software

TEXT = """\
name: run
model: meta-llama/Llama-3.1-8B-Instruct
workload: {kind: training, method: full, tokens: 1B, sequence_length: 8Ki, global_batch: 128, deadline: 3d}
budget: {run: 20k USD, max: 100 USD/h}
search: {accelerators: [h100-sxm], sharding: fsdp, checkpointing: any, micro_batch: [1, 2], gpus: 16}
"""


def refusals(text):
    with pytest.raises(ScenarioError) as raised:
        parse_scenario(text, name="run.yaml")
    return [str(item) for item in raised.value.diagnostics]


def test_a_training_workload_makes_a_training_scenario():
    scenario = parse_scenario(TEXT)
    assert isinstance(scenario, TrainingScenario)
    work = scenario.workload
    assert (work.method, work.tokens, work.sequence_length, work.global_batch) == ("full", 10**9, 8192, 128)
    assert (work.deadline_hours, work.optimizer, work.precision, work.rank) == (72.0, "adamw", None, None)
    assert (scenario.budget.run_usd, scenario.budget.usd_per_hour) == (20_000, 100)
    search = scenario.search
    assert (search.sharding, search.checkpointing, search.micro_batch, search.gpus) == (("fsdp",), None, (1, 2), (16,))
    assert len(scenario.digest) == 64


def test_a_serving_workload_does_not():
    data = {"name": "x", "model": "m", "workload": {"input_tokens": 1, "output_tokens": 1, "concurrency": 1}}
    assert type(scenario_from_data(data)) is Scenario


def test_the_words_are_those_of_the_tables():
    assert METHODS == setup.METHODS
    assert tuple(optimizers.OPTIMIZERS) == OPTIMIZERS
    assert tuple(precision.PRECISIONS) == PRECISIONS
    assert SHARDINGS == parallel.SHARDINGS
    assert CHECKPOINTING == setup.CHECKPOINTING == savings.CHECKPOINTING
    assert OFFLOADS == get_args(setup.Offload) == savings.OFFLOADS
    assert LOSS_KINDS == savings.LOSS_KINDS
    assert set(LOSS_KINDS) - {"standard"} <= set(software.LOSSES)
    assert {name for name in SCHEDULES if name != "interleaved"} == set(get_args(parallel.Schedule))


@pytest.mark.parametrize(
    ("extra", "key"),
    [
        ("sla: {ttft_p95: 2s}", "sla"),
        ("quality: {min_recovery: 98%}", "quality"),
        ("site: {region: de}", "site"),
        ("rules: [a.yaml]", "rules"),
        ("as_of: 2026-10-01", "as_of"),
        ("rule_packs: [x]", "rule_packs"),
        ("disable_rules: [{id: x, reason: y}]", "disable_rules"),
    ],
)
def test_what_is_about_serving_is_refused(extra, key):
    (found,) = refusals(TEXT + extra + "\n")
    assert f"{key}: is about serving" in found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("method: full", "method: half", "is not a method"),
        ("method: full", "method: full, rank: 8", "workload.rank: has no meaning for method full"),
        ("method: full", "method: full, frozen_weights: nf4", "frozen_weights: has no meaning"),
        ("method: full", "method: lora, precision: bf16", "precision: has no meaning for method lora"),
        ("tokens: 1B", "tokens: 1k", "less than one step of 1,048,576 tokens"),
        ("deadline: 3d", "deadline: 3", "lacks a unit"),
        ("deadline: 3d", "optimizer: adamm", "is not an optimizer"),
        ("gpus: 16", "pricing: purchase", "purchase is not considered"),
        ("gpus: 16", "weights: bf16", "search.weights: is about serving"),
        ("max: 100 USD/h", "horizon: 3 years", "budget.horizon: is about serving"),
        ("run: 20k USD", "run: 20k EUR", "no exchange rate is known for EUR"),
        ("global_batch: 128, ", "", "global_batch is missing"),
        ("micro_batch: [1, 2]", "micro_batches: 2", "did you mean 'micro_batch'"),
        ("micro_batch: [1, 2]", "offload: disk", "is not what is offloaded"),
        ("micro_batch: [1, 2]", "loss: fused", "is not a kind of loss"),
        ("micro_batch: [1, 2]", "pipeline_schedule: zb-h1", "is not a pipeline schedule"),
        ("micro_batch: [1, 2]", "optimizer_in_backward: maybe", "must be true or false"),
        ("micro_batch: [1, 2]", "shard_group: 8", "search.shard_group: has no effect: search.sharding leaves hsdp out"),
        ("method: full", "method: full, flash_attention: 1", "must be true or false"),
    ],
)
def test_each_mistake_is_named_with_its_key(old, new, message):
    assert old in TEXT
    found = refusals(TEXT.replace(old, new))
    assert any(message in item for item in found), found


@pytest.mark.parametrize("key", ["offload: [none, all]", "optimizer_in_backward: true"])
def test_savings_of_full_training_are_refused_for_adapters(key):
    text = TEXT.replace("method: full", "method: qlora").replace("micro_batch: [1, 2]", key)
    (found,) = refusals(text)
    assert f"search.{key.split(':')[0]}: has no meaning for method qlora" in found


def test_every_new_key_is_read():
    text = TEXT.replace("sharding: fsdp", "sharding: [fsdp, hsdp], shard_group: [4, 8], context_parallel: 2")
    text = text.replace("micro_batch: [1, 2]", "expert_parallel: [1, 8], pipeline_schedule: gpipe, loss: chunked")
    text = text.replace("gpus: 16", "offload: [none, all], optimizer_in_backward: true")
    scenario = parse_scenario(text.replace("deadline: 3d", "flash_attention: false, sequence_parallel: false"))
    search = scenario.search
    assert (search.sharding, search.shard_group, search.context_parallel) == (("fsdp", "hsdp"), (4, 8), (2,))
    assert (search.expert_parallel, search.pipeline_schedule, search.loss) == ((1, 8), ("gpipe",), ("chunked",))
    assert (search.offload, search.optimizer_in_backward) == (("none", "all"), True)
    assert (scenario.workload.flash_attention, scenario.workload.sequence_parallel) == (False, False)


@pytest.fixture(scope="module")
def schema():
    return training_json_schema()


def test_the_schema_accepts_what_is_shipped(schema, root):
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    paths = sorted((root / "scenarios" / "training").glob("*.yaml"))
    assert len(paths) >= 4
    for path in paths:
        assert list(validator.iter_errors(load_yaml(path).data)) == []
    assert list(validator.iter_errors(load_yaml(TEXT).data)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("method: full", "method: half"),
        ("kind: training, ", ""),
        ("tokens: 1B, ", ""),
        ("gpus: 16", "weights: bf16"),
        ("max: 100 USD/h", "capex: 3 USD"),
        ("deadline: 3d", "deadline: 3"),
        ("micro_batch: [1, 2]", "micro_batch: []"),
        ("budget:", "sla: {ttft_p95: 2s}\nbudget:"),
    ],
)
def test_the_schema_refuses_what_the_planner_refuses(schema, old, new):
    from jsonschema import Draft202012Validator

    text = TEXT.replace(old, new)
    assert text != TEXT
    with pytest.raises(ScenarioError):
        parse_scenario(text)
    assert list(Draft202012Validator(schema).iter_errors(load_yaml(text).data)) != []
