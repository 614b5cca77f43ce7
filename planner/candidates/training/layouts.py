"""Layouts of a training run on so many GPUs: every degree, schedule, micro-batch and sharding worth trying."""

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
CONTEXT_PARALLEL = (1, 2, 4, 8, 16)
LEAST_CONTEXT_TOKENS = 8192
"""Tokens of a sequence that a rank keeps at least where any context parallelism is allowed: as Llama 3 405B had at
131,072 tokens (arXiv 2407.21783, table 4). Data parallelism divides shorter sequences for nothing."""

EXPERT_PARALLEL = (1, 8, 16, 32, 64)
"""Degrees tried where any is allowed: a node's GPUs, and several nodes'."""

MICRO_BATCH = (1, 2, 4, 8)
SCHEDULES = ("interleaved", "1f1b")
"""GPipe idles as long as 1F1B and keeps more: it is considered where it is asked for."""

VIRTUAL_STAGES = (4, 2)
"""Interleaving tried, most first: the first that deals out layers and micro-batches evenly is taken."""

SHARD_GROUP = (8,)
"""Ranks of a hybrid sharding group: those of the usual node."""

DEFAULT_RANK = 16

_ATTENTION = frozenset({"full", "sliding", "chunked", "mla"})


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
        flash_attention=work.flash_attention,
        adapters=None if full else Adapters(work.rank or DEFAULT_RANK),
        frozen=frozen,
    )


def layouts(
    scenario: TrainingScenario, architecture: ModelArchitecture, base: TrainingSetup, gpus: int
) -> Iterator[TrainingSetup]:
    """Yield every setup on ``gpus`` GPUs, in a fixed order, whose degrees divide the model and the global batch.

    GPUs that compute different layers, parts of them, experts or parts of a sequence run Megatron's way, those that
    share whole layers alone torch's. A pipeline gets at least as many micro-batches as it has stages: with fewer, half
    of it idles. What else saves memory (``planner.candidates.training.savings``) is not varied here.
    """
    for parallel, micro, accumulation in _spread(scenario, architecture, gpus):
        divided = parallel.tp * parallel.pp * parallel.cp * parallel.ep > 1
        yield replace(
            base,
            micro_batch=micro,
            accumulation=accumulation,
            parallel=parallel,
            software=SOFTWARE["megatron" if divided else "torch"],
            checkpointing="none",
        )


def _spread(
    scenario: TrainingScenario, architecture: ModelArchitecture, gpus: int
) -> Iterator[tuple[Parallel, int, int]]:
    """Yield (parallelism, micro-batch, micro-batches of a step on one rank)."""
    search, work = scenario.search, scenario.workload
    for tp in search.tensor_parallel or TENSOR_PARALLEL:
        for pp in search.pipeline_parallel or PIPELINE_PARALLEL:
            for cp in _context_degrees(scenario, architecture):
                dp = gpus // (tp * pp * cp)
                if gpus % (tp * pp * cp) or work.global_batch % dp or not _divides(architecture, tp, pp):
                    continue
                local = work.global_batch // dp
                for ep in _expert_degrees(scenario, architecture, dp * cp * tp):
                    for sharding, group in _shardings(scenario, pp, dp * cp):
                        for micro in search.micro_batch or MICRO_BATCH:
                            if local % micro or local // micro < pp:
                                continue
                            for schedule, virtual in _schedules(scenario, architecture.num_layers, pp, local // micro):
                                parallel = Parallel(
                                    dp, tp, pp, cp, ep, sharding, group,  # type: ignore[arg-type]
                                    sequence_parallel=work.sequence_parallel, virtual_stages=virtual,
                                    schedule=schedule,  # type: ignore[arg-type]
                                )  # fmt: skip
                                yield parallel, micro, local // micro


def _divides(architecture: ModelArchitecture, tp: int, pp: int) -> bool:
    heads = all(not group.mixer.heads % tp for group in architecture.layers)
    return heads and pp <= architecture.num_layers


def _context_degrees(scenario: TrainingScenario, architecture: ModelArchitecture) -> Iterator[int]:
    """Degrees that divide the sequence into two equal parts per rank, so that causal attention is shared evenly.

    Layers that carry a state from token to token cannot wait for the ranks before theirs.
    """
    length, asked = scenario.workload.sequence_length, scenario.search.context_parallel
    divisible = all(group.mixer.kind in _ATTENTION for group in architecture.layers)
    for cp in asked or CONTEXT_PARALLEL:
        if cp == 1 or (divisible and not length % (2 * cp) and (asked or length // cp >= LEAST_CONTEXT_TOKENS)):
            yield cp


def _expert_degrees(scenario: TrainingScenario, architecture: ModelArchitecture, ranks: int) -> Iterator[int]:
    for ep in scenario.search.expert_parallel or EXPERT_PARALLEL:
        if ep == 1 or (architecture.experts and not architecture.experts % ep and not ranks % ep):
            yield ep


def _shardings(scenario: TrainingScenario, pp: int, ranks: int) -> Iterator[tuple[str, int | None]]:
    """Yield what to try, with the ranks of a group: with one rank there is nothing to divide.

    A pipeline keeps gathered weights for the whole step, so that sharding them saves little: it shards states alone.
    """
    asked = scenario.search.sharding
    if ranks == 1:
        yield "ddp" if asked is None or asked[0] == "hsdp" else asked[0], None
        return
    default = ("zero1",) if pp > 1 else ("zero1", "fsdp", "hsdp")
    for name in SHARDINGS:
        if name not in (asked or default):
            continue
        if name != "hsdp":
            yield name, None
            continue
        for group in scenario.search.shard_group or SHARD_GROUP:
            if group < ranks and not ranks % group:
                yield name, group


def _schedules(scenario: TrainingScenario, layers: int, pp: int, accumulation: int) -> Iterator[tuple[str, int]]:
    """Yield (schedule, virtual stages); interleaving needs layers and micro-batches that divide evenly."""
    asked = scenario.search.pipeline_schedule or SCHEDULES
    if pp == 1:
        yield "1f1b", 1
        return
    for name in (*SCHEDULES, "gpipe"):
        if name in asked and name != "interleaved":
            yield name, 1
        elif name in asked and not accumulation % pp:
            virtual = next((v for v in VIRTUAL_STAGES if not layers % (pp * v)), 1)
            if virtual > 1:
                yield "1f1b", virtual
