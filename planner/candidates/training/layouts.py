"""Layouts of a training run on so many GPUs: every degree, micro-batch, sharding and checkpointing worth trying."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from planner.training.optimizers import OPTIMIZERS
from planner.training.parallel import SHARDINGS, Parallel
from planner.training.precision import PRECISIONS
from planner.training.setup import Adapters, TrainingSetup
from planner.training.software import SOFTWARE

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.catalog import Catalog
    from planner.scenario.training import TrainingScenario

TENSOR_PARALLEL = (1, 2, 4, 8)
"""Degrees tried where any is allowed: within a node, where layers can exchange their activations in time."""

PIPELINE_PARALLEL = (1, 2, 4, 8, 16)
MICRO_BATCH = (1, 2, 4, 8)
CHECKPOINTING = ("none", "full")
"""Selective recomputation of the attention core saves nothing where FlashAttention keeps no scores."""

EXPERT_PARALLEL = (1, 8)
VIRTUAL_STAGES = (4, 2, 1)
"""Interleaving tried, most first: the first that deals out layers and micro-batches evenly is taken."""

DEFAULT_RANK = 16


def base_setup(scenario: TrainingScenario, catalog: Catalog) -> TrainingSetup:
    """Return what the scenario says of a run, on one GPU with a micro-batch of one sequence."""
    work = scenario.workload
    full = work.method == "full"
    frozen = None if full else catalog.formats[work.frozen_weights or ("nf4" if work.method == "qlora" else "bf16")]
    return TrainingSetup(
        sequence_length=work.sequence_length,
        method=work.method,  # type: ignore[arg-type]  # the scenario admits the same words
        precision=PRECISIONS[work.precision or "mixed"],
        optimizer=OPTIMIZERS[work.optimizer],
        parallel=Parallel(sharding="ddp"),
        adapters=None if full else Adapters(work.rank or DEFAULT_RANK),
        frozen=frozen,
    )


def layouts(
    scenario: TrainingScenario, architecture: ModelArchitecture, base: TrainingSetup, gpus: int
) -> Iterator[TrainingSetup]:
    """Yield every setup on ``gpus`` GPUs, in a fixed order, whose degrees divide the model and the global batch.

    Several GPUs that compute different layers or parts of them run Megatron's way, sharded ones torch's. A pipeline
    gets at least as many micro-batches as it has stages: with fewer, half of it idles.
    """
    search = scenario.search
    for tp in search.tensor_parallel or TENSOR_PARALLEL:
        for pp in search.pipeline_parallel or PIPELINE_PARALLEL:
            if gpus % (tp * pp) or not _divides(architecture, tp, pp):
                continue
            dp = gpus // (tp * pp)
            if scenario.workload.global_batch % dp:
                continue
            local = scenario.workload.global_batch // dp
            for ep in _expert_degrees(architecture, dp * tp):
                for sharding in _shardings(scenario, pp, dp):
                    for micro in search.micro_batch or MICRO_BATCH:
                        if local % micro or local // micro < pp:
                            continue
                        virtual = _virtual(architecture.num_layers, pp, local // micro)
                        parallel = Parallel(dp, tp, pp, 1, ep, sharding, virtual_stages=virtual)  # type: ignore[arg-type]
                        for checkpointing in search.checkpointing or CHECKPOINTING:
                            yield replace(
                                base,
                                micro_batch=micro,
                                accumulation=local // micro,
                                parallel=parallel,
                                software=SOFTWARE["torch" if tp * pp == 1 else "megatron"],
                                checkpointing=checkpointing,  # type: ignore[arg-type]
                            )


def _divides(architecture: ModelArchitecture, tp: int, pp: int) -> bool:
    heads = all(not group.mixer.heads % tp for group in architecture.layers)
    return heads and pp <= architecture.num_layers


def _expert_degrees(architecture: ModelArchitecture, ranks: int) -> Iterator[int]:
    for ep in EXPERT_PARALLEL:
        if ep == 1 or (architecture.experts and not architecture.experts % ep and not ranks % ep):
            yield ep


def _shardings(scenario: TrainingScenario, pp: int, dp: int) -> tuple[str, ...]:
    """Return what to try: with one data-parallel rank there is nothing to divide.

    A pipeline keeps gathered weights for the whole step, so that sharding them saves little: it shards states alone.
    """
    asked = scenario.search.sharding
    if dp == 1:
        return ("ddp",) if asked is None else asked[:1]
    if asked is not None:
        return tuple(name for name in SHARDINGS if name in asked)
    return ("zero1",) if pp > 1 else ("zero1", "fsdp")


def _virtual(layers: int, pp: int, accumulation: int) -> int:
    if pp == 1 or accumulation % pp:
        return 1
    return next((v for v in VIRTUAL_STAGES if not layers % (pp * v)), 1)
