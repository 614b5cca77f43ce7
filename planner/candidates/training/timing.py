"""From a setup on an offer to the time of its step and of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.training.operation import Run, checkpoint_bytes, run_of
from planner.training.shares import adapter_elements, stages
from planner.training.time import Cluster, StepInput, StepTime, step_time

if TYPE_CHECKING:
    from planner.candidates.training.evaluation import TrainingTable
    from planner.training.setup import TrainingSetup


def timed_run(table: TrainingTable, pool: int, setup: TrainingSetup, efficiency: float) -> tuple[StepTime, Run]:
    """Return the step and the run of ``setup`` on a pool when compute runs at ``efficiency``."""
    rental = table.pools[pool]
    trained = _trained_parameters(table, setup)
    states = sum(state.bytes_per_parameter or setup.precision.states for state in setup.optimizer.states)
    step = step_time(
        StepInput(
            shape=table.shape,
            parallel=setup.parallel,
            precision=setup.precision,
            sequence_length=setup.sequence_length,
            micro_batch=setup.micro_batch,
            accumulation=setup.accumulation,
            recompute=recompute_of(setup),
            trains_all=setup.trains_all,
            adapter_parameters=0.0 if setup.trains_all else trained,
            flash_attention=setup.flash_attention,
            ring_attention=setup.software.ring_attention,
            offload=setup.offload,
            state_bytes=setup.precision.master + states,
        ),
        Cluster(rental.accelerator, rental.offer.gpus, rental.network_gbytes_per_s),
        efficiency,
    )
    run = run_of(
        table.scenario.workload.tokens,
        step.tokens,
        step.seconds,
        gpus=setup.parallel.gpus,
        nodes=setup.parallel.gpus // rental.offer.gpus,
        generation=rental.accelerator.generation,
        checkpoint_size=checkpoint_bytes(trained, setup.precision.weights + setup.precision.master + states),
    )
    return step, run


def recompute_of(setup: TrainingSetup) -> str:
    """Return what is recomputed: selective checkpointing means what the software makes of it."""
    if setup.checkpointing == "selective" and setup.software.selective == "alternate":
        return "alternate"
    return setup.checkpointing


def _trained_parameters(table: TrainingTable, setup: TrainingSetup) -> float:
    adapters = setup.adapters
    if adapters is None:
        return float(table.shape.total)
    found = (
        adapter_elements(stage.pieces, adapters.rank, adapters.targets)
        for stage in stages(table.architecture, setup.parallel.layout)
    )
    return float(sum(found) * setup.parallel.tp)
