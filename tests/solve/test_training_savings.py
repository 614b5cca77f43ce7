"""What saves memory in a training run: tried where needed, as the scenario allows, without losing a cheaper run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.architecture import resolve_model
from planner.candidates.training import evaluate_training
from planner.candidates.training.layouts import base_setup, layouts
from planner.candidates.training.savings import CHECKPOINTING, OFFLOADS, Saving, savings
from planner.catalog import load_catalog
from planner.errors import ScenarioError
from planner.scenario import scenario_from_data
from planner.solve import solve
from planner.training.parallel import Parallel
from planner.training.setup import TrainingSetup
from planner.training.software import SOFTWARE

CATALOG = load_catalog()


def scenario(search=None, model="meta-llama/Llama-3.2-3B-Instruct", **work):
    load = {"kind": "training", "method": "full", "tokens": "1B", "sequence_length": "4Ki", "global_batch": 64, **work}
    found = {"accelerators": ["h100-sxm", "l40s"], "providers": ["aws", "lambda", "runpod"], "gpus": [1, 8]}
    return scenario_from_data({"name": "run", "model": model, "workload": load, "search": {**found, **(search or {})}})


def rows_of(asked):
    return evaluate_training(asked, CATALOG).rows


@pytest.mark.parametrize("work", [{}, {"sequence_length": "16Ki", "global_batch": 8}])
def test_leaving_out_what_is_never_faster_loses_no_cheapest_run(monkeypatch, work):
    asked = scenario({"optimizer_in_backward": True}, **work)

    def least(rows):
        found: dict[tuple[int, int], int] = {}
        for row in rows:
            found[row.pool, row.gpus] = min(found.get((row.pool, row.gpus), row.cost_micro), row.cost_micro)
        return found

    few = rows_of(asked)
    monkeypatch.setattr(Saving, "never_slower_than", lambda self, other: False)
    every = rows_of(asked)
    assert len(every) > 2 * len(few)
    assert least(few) == least(every)


def test_what_is_never_slower_is_so_component_by_component():
    plain, full = Saving(0, 0, 0, 0), Saving(2, 0, 0, 0)
    assert plain.never_slower_than(full)
    assert not full.never_slower_than(plain)
    assert not Saving(0, 1, 0, 0).never_slower_than(full)  # the chunked loss was tried because the other did not fit
    optimizer, everything = (Saving(0, 0, OFFLOADS.index(name), 0) for name in ("optimizer", "all"))
    assert plain.never_slower_than(everything)
    assert not optimizer.never_slower_than(everything)


@pytest.mark.parametrize(
    ("search", "of"),
    [
        (
            {"sharding": "hsdp", "shard_group": 4},
            lambda s: s.parallel.dp == 1 or (s.parallel.sharding, s.parallel.shard_group) == ("hsdp", 4),
        ),
        ({"context_parallel": 2}, lambda s: s.parallel.cp == 2),
        ({"checkpointing": "selective"}, lambda s: s.checkpointing == "selective"),
        ({"checkpointing": "offloaded"}, lambda s: s.checkpointing == "offloaded"),
        ({"loss": "chunked"}, lambda s: s.loss is not None and s.loss.id == "chunked"),
        ({"loss": "fused-linear"}, lambda s: s.loss is not None and s.loss.id == "fused-linear"),
        ({"offload": "optimizer"}, lambda s: s.offload == "optimizer"),
        ({"offload": "all"}, lambda s: s.offload == "all"),
        ({"pipeline_schedule": "1f1b", "pipeline_parallel": 2}, lambda s: s.parallel.pipeline == "1f1b"),
        ({"pipeline_schedule": "gpipe", "pipeline_parallel": 2}, lambda s: s.parallel.pipeline == "gpipe"),
        ({"pipeline_schedule": "interleaved", "pipeline_parallel": 2}, lambda s: s.parallel.pipeline == "interleaved"),
    ],
    ids=lambda item: next(iter(item)) if isinstance(item, dict) else "",
)
def test_what_the_search_asks_for_is_all_that_is_tried(search, of):
    rows = rows_of(scenario({**search, "gpus": [8]}))
    assert rows
    assert all(of(row.setup) for row in rows)


def test_experts_are_spread_as_asked_and_only_where_there_are_some():
    moe = "allenai/OLMoE-1B-7B-0924"
    rows = rows_of(scenario({"expert_parallel": 4, "gpus": [8]}, moe))
    assert {row.setup.parallel.ep for row in rows} == {4}
    assert {row.setup.parallel.ep for row in rows_of(scenario({"gpus": [8]}, moe))} == {1, 8}
    with pytest.raises(ScenarioError, match="has no experts to spread"):
        rows_of(scenario({"expert_parallel": 8}))


def test_an_early_optimizer_is_tried_where_allowed_and_nothing_accumulates():
    asked = {"accelerators": ["l40s"], "gpus": [8], "sharding": "fsdp", "micro_batch": [4, 8], "checkpointing": "none"}
    assert not any(row.setup.optimizer_in_backward for row in rows_of(scenario(asked)))
    early = [r for r in rows_of(scenario({**asked, "optimizer_in_backward": True})) if r.setup.optimizer_in_backward]
    assert all(row.setup.accumulation == 1 for row in early)
    allowed = [Saving(0, 0, 0, 1)]
    setup = TrainingSetup(sequence_length=4096, parallel=Parallel(dp=8, sharding="fsdp"), checkpointing="none")
    found = [saving for saving, _ in savings(scenario({"optimizer_in_backward": True}), setup)]
    assert set(allowed) <= set(found)
    several = replace(setup, accumulation=2)
    assert not any(saving.early for saving, _ in savings(scenario({"optimizer_in_backward": True}), several))
    zero = replace(setup, parallel=Parallel(dp=8, sharding="zero1"))
    assert not any(saving.early for saving, _ in savings(scenario({"optimizer_in_backward": True}), zero))


@pytest.mark.parametrize(
    ("sharding", "dp", "offloads"),
    [
        ("ddp", 1, {"none", "optimizer", "all"}),
        ("ddp", 8, {"none"}),
        ("zero1", 8, {"none", "optimizer"}),
        ("zero2", 8, {"none", "optimizer"}),
        ("zero3", 8, {"none", "optimizer", "all"}),
        ("fsdp", 8, {"none", "all"}),
    ],
)
def test_each_way_to_shard_offloads_what_its_software_can(sharding, dp, offloads):
    setup = TrainingSetup(sequence_length=4096, parallel=Parallel(dp=dp, sharding=sharding))
    assert {made.offload for _, made in savings(scenario(), setup)} == offloads


def test_megatron_has_neither_chunks_nor_checkpoints_on_the_host():
    setup = TrainingSetup(sequence_length=4096, parallel=Parallel(dp=4, tp=2, sharding="zero1"))
    found = [made for _, made in savings(scenario(), replace(setup, software=SOFTWARE["megatron"]))]
    assert {made.checkpointing for made in found} == set(CHECKPOINTING) - {"offloaded"}
    assert {made.loss for made in found} == {None}
    assert {made.offload for made in found} == {"none", "optimizer"}


def test_long_sequences_are_split_and_short_ones_are_not():
    def degrees(length, model="meta-llama/Llama-3.2-3B-Instruct"):
        asked = scenario(sequence_length=length, global_batch=16)
        architecture = resolve_model(model, catalog=CATALOG)
        return {setup.parallel.cp for setup in layouts(asked, architecture, base_setup(asked, CATALOG), 16)}

    assert degrees("4Ki") == {1}
    assert degrees("64Ki") == {1, 2, 4, 8}
    assert degrees("64Ki", "ai21labs/AI21-Jamba-1.5-Mini") == {1}, "a state cannot wait for the ranks before it"


def test_hybrid_sharding_is_tried_beyond_a_group():
    asked = scenario()
    architecture = resolve_model("meta-llama/Llama-3.2-3B-Instruct", catalog=CATALOG)

    def shardings(gpus):
        return {s.parallel.sharding for s in layouts(asked, architecture, base_setup(asked, CATALOG), gpus)}

    assert "hsdp" not in shardings(8)
    assert "hsdp" in shardings(16)


def test_host_memory_limits_what_is_offloaded():
    """70B: 16 bytes per parameter but the weights are 980 GB, which no host with 8 L40S is taken to have."""
    asked = scenario({"offload": "all", "gpus": [8], "accelerators": ["l40s"]}, "meta-llama/Llama-3.1-70B-Instruct")
    table = evaluate_training(asked, CATALOG)
    assert any(item.reason == "host-memory" for item in table.rejected)
    for row in table.rows:
        pool = table.pools[row.pool]
        assert row.memory.host_bytes * pool.offer.gpus <= pool.host_bytes


def test_a_plan_says_how_it_saves():
    asked = scenario({"accelerators": ["l40s"], "gpus": [1], "offload": "optimizer", "loss": "chunked"})
    plan = solve(asked, CATALOG)
    made = plan.deployments[0]
    assert (made.offload, made.loss) == ("optimizer", "chunked")
    terms = {term.name for item in plan.estimates if item.name == "time_to_train" for term in item.terms}
    assert "host memory" in terms
    assert any("host's optimizer step is an assumption" in text for text in plan.warnings)


def test_a_layout_in_context_parallel_is_a_whole_plan():
    asked = scenario({"context_parallel": 2, "gpus": [8], "accelerators": ["h100-sxm"]}, sequence_length="64Ki")
    made = solve(asked, CATALOG).deployments[0]
    assert made.context_parallel == 2
    assert made.replicas * made.gpus_per_replica == made.gpus == 8
