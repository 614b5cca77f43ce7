"""What the five founding notes work out for training memory: right as arithmetic, and what the exact terms say."""

from __future__ import annotations

import pytest

from planner.architecture import count_parameters, resolve_model
from planner.catalog import load_catalog
from planner.training.memory import training_memory
from planner.training.optimizers import OPTIMIZERS
from planner.training.parallel import Parallel
from planner.training.precision import PRECISIONS
from planner.training.rule_of_thumb import (
    BUFFER_SHARE,
    comparisons,
    inference_activation_bytes,
    multiplier_bytes,
    safety_bytes,
)
from planner.training.setup import TrainingSetup
from planner.units import GB, GIB, MIB

SEVEN = 7e9


@pytest.fixture(scope="module")
def llama():
    return resolve_model("meta-llama/Llama-2-7b-hf", catalog=load_catalog())


def memory_of(model, **given):
    setup = TrainingSetup(**{"sequence_length": 2048, "parallel": Parallel(sharding="ddp"), **given})
    return setup, training_memory(model, setup)


@pytest.mark.parametrize(("optimizer", "multiplier"), [("sgd", 2), ("momentum", 3), ("adam", 4), ("adamw", 4)])
def test_sgd_takes_2n_momentum_3n_adam_4n(llama, optimizer, multiplier):
    """True where everything is kept at one precision; mixed precision adds a master copy and FP32 states."""
    item = OPTIMIZERS[optimizer]
    assert item.multiplier == multiplier
    for precision in ("fp32", "bf16"):
        policy = PRECISIONS[precision]
        _, memory = memory_of(llama, optimizer=item, precision=policy)
        step = sum(term.value for term in dict(memory.fullest.phases)["step"])
        assert step == multiplier_bytes(count_parameters(llama).total, policy.weights, multiplier)


def test_adam_in_fp16_takes_14_and_14_and_28_gb_which_is_56():
    weights, states = 2 * SEVEN, 4 * SEVEN
    assert (weights / GB, states / GB) == (14, 28)
    assert multiplier_bytes(SEVEN, 2, 4) / GB == 56


def test_in_fp32_the_same_is_28_and_28_and_56_gb_which_is_112():
    assert (4 * SEVEN / GB, 8 * SEVEN / GB, multiplier_bytes(SEVEN, 4, 4) / GB) == (28, 56, 112)


def test_mixed_precision_with_a_safety_factor_is_84_gb(llama):
    """7e9 x (2 + 8) x 1.2. It leaves out gradients (2 B) and the master copy (4 B), which 20 % do not cover."""
    assert safety_bytes(SEVEN, 2) / GB == pytest.approx(84)
    setup, memory = memory_of(llama)
    rule = next(item for item in comparisons(llama, setup, memory) if "safety" in item.name)
    steps = {step.name: step.value for step in rule.steps}
    total = count_parameters(llama).total
    assert steps["gradients"] == 2 * total
    assert steps["master weights"] == 4 * total
    assert memory.device_bytes > rule.rule


def test_activations_of_7b_at_2048_tokens_are_512_mib_of_which_three_make_the_sum_57_5_gb(llama):
    """The notes add 1.5 GB to 56 and give 57.5. They take FP16 states, which nobody trains with, and no logits."""
    assert inference_activation_bytes(llama, 2048) == 512 * MIB
    assert (multiplier_bytes(SEVEN, 2, 4) + 3 * 512e6) / GB == pytest.approx(57.5, abs=0.05)
    setup, memory = memory_of(llama, precision=PRECISIONS["bf16"])
    rule = next(item for item in comparisons(llama, setup, memory) if "activations" in item.name)
    assert rule.rule == (4 + BUFFER_SHARE) * 2 * count_parameters(llama).total + 3 * 512 * MIB
    assert rule.exact == pytest.approx(memory.device_bytes)


def test_without_checkpointing_activations_are_twenty_times_the_notes_estimate(llama):
    """One hidden vector per layer and token is what full checkpointing keeps; autograd saves 24d + 8f of a layer."""
    _, full = memory_of(llama, checkpointing="full")
    _, none = memory_of(llama, checkpointing="none", fused=False)

    def kept(memory):
        return sum(t.value for t in dict(memory.fullest.phases)["loss"] if t.name.startswith("activations"))

    assert kept(full) == inference_activation_bytes(llama, 2048)
    assert kept(none) / kept(full) == pytest.approx(22.75, abs=0.01)  # (24 x 4096 + 8 x 11008) / (2 x 4096)


def test_checkpointing_saves_far_more_than_sixty_percent_of_activations(llama):
    _, full = memory_of(llama, checkpointing="full", micro_batch=4)
    _, none = memory_of(llama, checkpointing="none", micro_batch=4)

    def kept(memory):
        return sum(t.value for t in dict(memory.fullest.phases)["loss"] if t.name.startswith("activations"))

    assert 1 - kept(full) / kept(none) > 0.9
    assert full.device_bytes < 0.8 * none.device_bytes


def test_sixteen_to_eighteen_bytes_per_parameter_are_mixed_precision_with_adam():
    found = {name: PRECISIONS[name].bytes_per_parameter_adam for name in ("mixed", "mixed-fp32-gradients")}
    assert found == {"mixed": 16, "mixed-fp32-gradients": 18}


@pytest.mark.parametrize(("sharding", "ranks", "low", "high"), [("zero1", 4, 0.4, 0.6), ("zero2", 4, 0.3, 0.5)])
def test_sharded_states_take_0_3_to_0_6_of_the_dense_model(llama, sharding, ranks, low, high):
    """Right for ZeRO-1 and 2 over four GPUs; it falls with their number, to 1/N under ZeRO-3."""
    _, one = memory_of(llama)
    _, shared = memory_of(llama, parallel=Parallel(dp=ranks, sharding=sharding))

    def states(memory):
        names = ("weights", "master weights", "first moment", "second moment", "gradients")
        return sum(t.value for t in dict(memory.fullest.phases)["step"] if t.name in names)

    assert low <= states(shared) / states(one) <= high


def test_a_mixture_trains_all_its_experts_not_the_active_ones():
    """The notes count 12.9e9 active parameters; gradients and states exist for all 46.7e9."""
    mixtral = resolve_model("mistralai/Mixtral-8x7B-v0.1", catalog=load_catalog())
    _, memory = memory_of(mixtral)
    total = count_parameters(mixtral).total
    assert total == 46_702_792_704
    step = sum(term.value for term in dict(memory.fullest.phases)["step"])
    assert step == 16 * total
    assert step / GIB > 695


def test_every_comparison_adds_up(llama):
    setup, memory = memory_of(llama, checkpointing="none", parallel=Parallel(dp=8))
    for item in comparisons(llama, setup, memory):
        assert item.rule + sum(step.value for step in item.steps) == pytest.approx(item.exact)
        assert item.exact == pytest.approx(memory.device_bytes)
