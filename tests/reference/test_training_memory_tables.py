"""Published tables of training memory that fix single formulas: what one flag changes, what one token adds.

Figures: pytorch/torchtune README, "Optimization flags" (Llama-3.2-3B, A100, 2 x 4096 tokens, 2025-02);
unslothai/unsloth README, context lengths by memory (2025-02); pytorch/torchtitan benchmarks/llama3_h100_202412.
"""

from __future__ import annotations

import pytest

from planner.architecture import resolve_model
from planner.catalog import load_catalog
from planner.training.memory import training_memory
from planner.training.parallel import Parallel
from planner.training.precision import PRECISIONS
from planner.training.setup import Adapters, TrainingSetup
from planner.training.software import LOSSES, SOFTWARE
from planner.units import GIB


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


FLAGS = [
    (60.0, {"checkpointing": "none", "loss": LOSSES["eager"], "fused": False}),
    (51.0, {"checkpointing": "none", "loss": LOSSES["compiled-fp32"], "fused": True}),
    (42.9, {"checkpointing": "none", "fused": True}),
    (24.9, {"checkpointing": "full", "fused": True}),
    (23.1, {"checkpointing": "full", "fused": True, "optimizer_in_backward": True}),
    (21.8, {"checkpointing": "offloaded", "fused": True, "optimizer_in_backward": True}),
]


@pytest.mark.parametrize(("measured_gib", "flags"), FLAGS, ids=[str(figure) for figure, _ in FLAGS])
def test_each_flag_of_torchtune_changes_memory_as_measured(catalog, measured_gib, flags):
    model = resolve_model("meta-llama/Llama-3.2-3B-Instruct", catalog=catalog)
    memory = training_memory(
        model,
        TrainingSetup(
            sequence_length=4096,
            micro_batch=2,
            precision=PRECISIONS["bf16"],
            software=SOFTWARE["torchtune"],
            parallel=Parallel(sharding="ddp"),
            **flags,
        ),
    )
    assert memory.allocated_bytes / GIB == pytest.approx(measured_gib, rel=0.05)


@pytest.mark.parametrize(
    ("model", "contexts_and_gb", "rel"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", ((21848, 12), (342733, 80)), 0.01),
        ("meta-llama/Llama-3.1-70B-Instruct", ((12106, 48), (89389, 80)), 0.05),
    ],
)
def test_a_token_adds_one_layer_of_eager_activations_when_the_rest_is_offloaded(catalog, model, contexts_and_gb, rel):
    """unsloth offloads the layers' inputs and fuses the loss, so the slope of its table is one layer: 24d + 8f."""
    (short, less), (long, more) = contexts_and_gb
    architecture = resolve_model(model, catalog=catalog)

    def allocated(tokens):
        setup = TrainingSetup(
            sequence_length=tokens,
            method="qlora",
            adapters=Adapters(32),
            frozen=catalog.formats["nf4"],
            software=SOFTWARE["unsloth"],
            checkpointing="offloaded",
        )
        return training_memory(architecture, setup).allocated_bytes

    measured = (more - less) * 1e9 / (long - short)
    assert (allocated(long) - allocated(short)) / (long - short) == pytest.approx(measured, rel=rel)


def test_eight_context_parallel_ranks_train_eight_times_the_length_in_the_same_memory(catalog):
    """torchtitan: 32k tokens on FSDP 8 take 83.9 GiB, 262k on CP 8 take 84.5 GiB."""
    model = resolve_model("meta-llama/Llama-3.1-8B-Instruct", catalog=catalog)

    def reserved(tokens, **degrees):
        return training_memory(
            model,
            TrainingSetup(
                sequence_length=tokens,
                precision=PRECISIONS["mixed-fp32-weights"],
                software=SOFTWARE["torchtitan-2024"],
                parallel=Parallel(**degrees),
                checkpointing="full",
            ),
        ).reserved_bytes

    assert reserved(262144, cp=8) == reserved(32768, dp=8)
    assert reserved(32768, dp=8) / GIB == pytest.approx(83.9, rel=0.08)
