"""Laws of training memory: more of anything that takes memory never takes less, and sharding never takes more."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.architecture import count_parameters, resolve_model
from planner.catalog import load_catalog
from planner.training.memory import training_memory
from planner.training.optimizers import OPTIMIZERS
from planner.training.parallel import SHARDINGS, Parallel
from planner.training.precision import PRECISIONS
from planner.training.setup import CHECKPOINTING, TrainingSetup
from planner.training.shares import stages
from planner.training.software import SOFTWARE

MODELS = (
    "meta-llama/Llama-3.2-1B-Instruct",
    "Qwen/Qwen3-30B-A3B",
    "deepseek-ai/DeepSeek-V2-Lite",
    "google/gemma-2-9b-it",
)


@pytest.fixture(scope="module")
def models():
    catalog = load_catalog()
    return [resolve_model(name, catalog=catalog) for name in MODELS]


setups = st.builds(
    TrainingSetup,
    sequence_length=st.sampled_from([256, 2048, 8192]),
    micro_batch=st.integers(1, 8),
    accumulation=st.integers(1, 8),
    precision=st.sampled_from(list(PRECISIONS.values())),
    optimizer=st.sampled_from(list(OPTIMIZERS.values())),
    parallel=st.builds(
        Parallel,
        dp=st.sampled_from([1, 2, 8]),
        tp=st.sampled_from([1, 2, 4]),
        pp=st.sampled_from([1, 2, 4]),
        cp=st.sampled_from([1, 2]),
        sharding=st.sampled_from([name for name in SHARDINGS if name != "hsdp"]),
        sequence_parallel=st.booleans(),
    ),
    software=st.sampled_from([SOFTWARE[name] for name in ("torch", "torchtitan", "megatron", "transformers")]),
    checkpointing=st.sampled_from(CHECKPOINTING),
    flash_attention=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(setup=setups, index=st.integers(0, len(MODELS) - 1))
def test_terms_are_positive_and_add_up(models, setup, index):
    memory = training_memory(models[index], setup)
    assert all(term.value >= 0 for term in memory.terms)
    assert sum(term.value for term in memory.terms) == pytest.approx(memory.device_bytes)
    assert memory.allocated_bytes <= memory.reserved_bytes <= memory.device_bytes
    assert memory.fullest.reserved_bytes == max(stage.reserved_bytes for stage in memory.stages)


@settings(max_examples=40, deadline=None)
@given(setup=setups, index=st.integers(0, len(MODELS) - 1))
def test_a_larger_micro_batch_never_takes_less(models, setup, index):
    larger = replace(setup, micro_batch=setup.micro_batch * 2)
    assert training_memory(models[index], larger).device_bytes >= training_memory(models[index], setup).device_bytes


@settings(max_examples=40, deadline=None)
@given(setup=setups, index=st.integers(0, len(MODELS) - 1))
def test_checkpointing_keeps_less_in_this_order(models, setup, index):
    def kept(name):
        memory = training_memory(models[index], replace(setup, checkpointing=name))
        loss = dict(memory.stages[0].phases)["loss"]
        return sum(term.value for term in loss if term.name.startswith("activations"))

    sizes = [kept(name) for name in ("none", "selective", "full", "offloaded")]
    assert sizes == sorted(sizes, reverse=True)


@settings(max_examples=40, deadline=None)
@given(setup=setups, index=st.integers(0, len(MODELS) - 1))
def test_what_lies_resident_shrinks_from_stage_to_stage_of_zero(models, setup, index):
    def resident(sharding):
        found = replace(setup, parallel=replace(setup.parallel, sharding=sharding, dp=8))
        return training_memory(models[index], found).stages[0].resident_bytes

    # A pipeline keeps the weights that it has gathered: full sharding saves it nothing of them.
    names = ("ddp", "zero1", "zero2", "zero3") if setup.parallel.pp == 1 else ("ddp", "zero1", "zero2")
    sizes = [resident(name) for name in names]
    assert all(later <= earlier * (1 + 1e-9) for earlier, later in itertools.pairwise(sizes))


@settings(max_examples=40, deadline=None)
@given(index=st.integers(0, len(MODELS) - 1), tp=st.sampled_from([1, 2, 4, 8]), pp=st.sampled_from([1, 2, 3, 8]))
def test_the_shares_of_all_gpus_hold_the_whole_model(models, index, tp, pp):
    model = models[index]
    total = sum(stage.elements() for stage in stages(model, Parallel(tp=tp, pp=pp).layout)) * tp
    assert total >= count_parameters(model).total
