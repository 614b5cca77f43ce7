"""From a training scenario to its candidates: which layouts fit which offers, how long they take, what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from planner.candidates.training.layouts import base_setup, layouts
from planner.candidates.training.offers import Rental, rentals
from planner.plan import Rejection
from planner.training.evidence import Efficiency, efficiencies, efficiency_of
from planner.training.flops import ModelShape
from planner.training.memory import TrainingMemory, training_memory
from planner.training.operation import Run, checkpoint_bytes, run_of
from planner.training.setup import TrainingSetup
from planner.training.shares import adapter_elements, stages
from planner.training.time import Cluster, StepInput, StepTime, peak_flops, step_time
from planner.units import MICRO_USD_PER_USD, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.catalog import Catalog
    from planner.scenario.training import TrainingScenario

MAX_GPUS = 2048
"""Largest run tried where the scenario names no number of GPUs."""


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A setup on a pool. ``cost_micro`` is that of the whole run, in micro-dollars."""

    pool: int
    setup: TrainingSetup
    memory: TrainingMemory
    step: StepTime
    run: Run
    nodes: int
    cost_micro: int

    @property
    def gpus(self) -> int:
        """GPUs of the run."""
        return self.setup.parallel.gpus

    @property
    def hours(self) -> float:
        """Expected wall-clock time."""
        return self.run.seconds / SECONDS_PER_HOUR


@dataclass(frozen=True)
class TrainingTable:
    """Every candidate of a training scenario, in a fixed order."""

    scenario: TrainingScenario
    architecture: ModelArchitecture
    catalog: Catalog
    pools: tuple[Rental, ...]
    rows: tuple[TrainingRow, ...]
    rejected: tuple[Rejection, ...]

    @cached_property
    def shape(self) -> ModelShape:
        """What time follows from."""
        return ModelShape.of(self.architecture, self.scenario.workload.sequence_length)

    @cached_property
    def known(self) -> dict[str, Efficiency]:
        """Efficiency of compute by generation."""
        return efficiencies(self.catalog.accelerators)

    def efficiency(self, pool: int) -> Efficiency:
        """Return the efficiency of a pool's devices."""
        return efficiency_of(self.pools[pool].accelerator.generation, self.known)

    def timed(self, row: TrainingRow, efficiency: float) -> tuple[StepTime, Run]:
        """Return the step and the run of a row at another efficiency."""
        return _timed(self, row.pool, row.setup, efficiency)

    def usd_per_hour(self, row: TrainingRow) -> float:
        """Return the rent of a row's instances."""
        return row.nodes * self.pools[row.pool].fixed_cost / MICRO_USD_PER_USD


def evaluate_training(scenario: TrainingScenario, catalog: Catalog | None = None) -> TrainingTable:
    """Return every candidate of a training scenario.

    Raises InputError when the model cannot be resolved or the catalog lacks an id that the scenario names.
    """
    from planner.architecture import resolve_model
    from planner.catalog.references import check_scenario

    if catalog is None:
        from planner.catalog import load_catalog

        catalog = load_catalog()
    check_scenario(scenario, catalog)
    _check_frozen(scenario, catalog)
    architecture = resolve_model(scenario.model, catalog=catalog, base_dir=scenario.base_dir)
    offered, cut = rentals(scenario, catalog)
    table = TrainingTable(scenario, architecture, catalog, offered, (), cut)
    base = base_setup(scenario, catalog)
    rows: list[TrainingRow] = []
    counts: dict[tuple[str, str], int] = {}
    sizes = sorted({gpus for pool in offered for gpus in _sizes(pool, scenario.search.gpus)})
    largest = max((pool.accelerator.memory_bytes_usable for pool in offered), default=0)
    timed: dict[tuple[Any, ...], tuple[StepTime, Run]] = {}
    for gpus in sizes:
        fitting: list[tuple[TrainingSetup, TrainingMemory]] = []
        for setup in layouts(scenario, architecture, base, gpus):
            memory = training_memory(architecture, setup)
            if memory.fits(largest):
                fitting.append((setup, memory))
            else:
                _count(counts, "memory", "layouts that no device of the offers holds")
        for index, pool in enumerate(offered):
            if gpus not in _sizes(pool, scenario.search.gpus):
                continue
            rows.extend(_rows(table, index, gpus, fitting, timed, counts))
    found = tuple(Rejection(reason, message, count) for (reason, message), count in sorted(counts.items()))
    return replace(table, rows=tuple(rows), rejected=(*cut, *found))


def _check_frozen(scenario: TrainingScenario, catalog: Catalog) -> None:
    name = scenario.workload.frozen_weights
    if name is not None and name not in catalog.formats:
        from planner.errors import ScenarioError
        from planner.source import closest

        best = closest(name, catalog.formats)
        place = ("workload", "frozen_weights")
        help = f"did you mean {best!r}?" if best else "`planner catalog list formats` shows them"
        raise ScenarioError([scenario.document.diagnostic(place, f"{name!r} is not in the catalog", help=help)])


def _sizes(pool: Rental, asked: tuple[int, ...] | None) -> Iterable[int]:
    """GPUs that whole instances of a pool make up: those asked for, or doubling from one instance."""
    each = pool.offer.gpus
    if asked is not None:
        return [gpus for gpus in asked if not gpus % each and (gpus == each or pool.spans_nodes)]
    if not pool.spans_nodes:
        return [each]
    return [each << power for power in range((MAX_GPUS // each).bit_length()) if each << power <= MAX_GPUS]


def _rows(
    table: TrainingTable,
    index: int,
    gpus: int,
    fitting: list[tuple[TrainingSetup, TrainingMemory]],
    timed: dict[tuple[Any, ...], tuple[StepTime, Run]],
    counts: dict[tuple[str, str], int],
) -> Iterable[TrainingRow]:
    pool = table.pools[index]
    device = pool.accelerator
    if not peak_flops(device):
        _count(counts, "no-rate", "devices without a 16-bit rate in the catalog")
        return
    nodes = gpus // pool.offer.gpus
    efficiency = table.efficiency(index).value
    for number, (setup, memory) in enumerate(fitting):
        if setup.parallel.tp > pool.offer.gpus:
            _count(counts, "tensor-parallel-nodes", "tensor parallelism across nodes")
        elif not memory.fits(device.memory_bytes_usable):
            _count(counts, "memory", "layouts that no device of the offers holds")
        else:
            key = (device.id, pool.offer.gpus, pool.offer.network_gbps, gpus, number)
            if key not in timed:
                timed[key] = _timed(table, index, setup, efficiency)
            step, run = timed[key]
            cost = nodes * pool.fixed_cost * run.seconds / SECONDS_PER_HOUR
            yield TrainingRow(index, setup, memory, step, run, nodes, round(cost))


def _timed(table: TrainingTable, index: int, setup: TrainingSetup, efficiency: float) -> tuple[StepTime, Run]:
    pool = table.pools[index]
    adapters = setup.adapters
    trained = float(
        sum(
            adapter_elements(s.pieces, adapters.rank, adapters.targets)
            for s in stages(table.architecture, setup.parallel.layout)
        )
        * setup.parallel.tp
        if adapters
        else table.shape.total
    )
    step = step_time(
        StepInput(
            table.shape,
            setup.parallel,
            setup.precision,
            setup.sequence_length,
            setup.micro_batch,
            setup.accumulation,
            setup.checkpointing,
            setup.trains_all,
            0.0 if setup.trains_all else trained,
        ),
        Cluster(pool.accelerator, pool.offer.gpus, pool.network_gbytes_per_s),
        efficiency,
    )
    states = sum(state.bytes_per_parameter or setup.precision.states for state in setup.optimizer.states)
    run = run_of(
        table.scenario.workload.tokens,
        step.tokens,
        step.seconds,
        gpus=setup.parallel.gpus,
        nodes=setup.parallel.gpus // pool.offer.gpus,
        generation=pool.accelerator.generation,
        checkpoint_size=checkpoint_bytes(trained, setup.precision.weights + setup.precision.master + states),
    )
    return step, run


def _count(counts: dict[tuple[str, str], int], reason: str, message: str) -> None:
    counts[reason, message] = counts.get((reason, message), 0) + 1
