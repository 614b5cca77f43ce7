"""From a training scenario to its candidates: which layouts fit which offers, how long they take, what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from planner.candidates.training.layouts import base_setup, layouts
from planner.candidates.training.offers import Rental, rentals
from planner.candidates.training.savings import Saving, savings
from planner.candidates.training.timing import timed_run
from planner.plan import Rejection
from planner.training.evidence import Efficiency, efficiencies, efficiency_of
from planner.training.flops import ModelShape
from planner.training.memory import TrainingMemory, training_memory
from planner.training.operation import Run
from planner.training.setup import TrainingSetup
from planner.training.time import StepTime, peak_flops
from planner.units import MICRO_USD_PER_USD, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.catalog import Catalog
    from planner.scenario.training import TrainingScenario

Family = tuple[tuple[Saving, TrainingSetup, TrainingMemory], ...]
"""A layout with its ways to save memory, least first."""

MAX_GPUS = 2048
"""Largest run tried where the scenario names no number of GPUs."""


_TOO_LARGE = ("memory", "layouts that no device of the offers holds")


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
        return timed_run(self, row.pool, row.setup, efficiency)

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
    _check_experts(scenario, architecture)
    offered, cut = rentals(scenario, catalog)
    table = TrainingTable(scenario, architecture, catalog, offered, (), cut)
    base = base_setup(scenario, catalog)
    rows: list[TrainingRow] = []
    counts: dict[tuple[str, str], int] = {}
    sizes = {index: set(_sizes(pool, scenario.search.gpus)) for index, pool in enumerate(offered)}
    timed: dict[tuple[Any, ...], tuple[StepTime, Run]] = {}
    for gpus in sorted(set().union(*sizes.values())):
        chosen = [index for index in sizes if gpus in sizes[index]]
        usable = [offered[index].accelerator.memory_bytes_usable for index in chosen]
        families = list(_families(table, base, gpus, min(usable), max(usable), counts))
        for index in chosen:
            rows.extend(_rows(table, index, gpus, families, timed, counts))
    found = tuple(Rejection(reason, message, count) for (reason, message), count in sorted(counts.items()))
    return replace(table, rows=tuple(rows), rejected=(*cut, *found))


def _families(
    table: TrainingTable, base: TrainingSetup, gpus: int, least: float, most: float, counts: dict[tuple[str, str], int]
) -> Iterable[Family]:
    """Yield each layout with the ways to save memory that some device between ``least`` and ``most`` may need.

    Once a setup fits the smallest device without the host, whatever is never faster needs no look.
    """
    for layout in layouts(table.scenario, table.architecture, base, gpus):
        family: list[tuple[Saving, TrainingSetup, TrainingMemory]] = []
        everywhere: list[Saving] = []
        hopeless: set[tuple[int, int]] = set()
        for saving, setup in savings(table.scenario, layout):
            if any(other.never_slower_than(saving) for other in everywhere):
                continue
            states = (saving.offload, saving.early)
            if states in hopeless:
                _count(counts, *_TOO_LARGE)
                continue
            memory = training_memory(table.architecture, setup)
            if not memory.fits(most):
                _count(counts, *_TOO_LARGE)
                if memory.fullest.allocated_bytes("step") + memory.context_bytes > most:
                    hopeless.add(states)  # there are no activations in it that anything could save
                continue
            family.append((saving, setup, memory))
            if memory.fits(least) and not memory.host_bytes:
                everywhere.append(saving)
        if family:
            yield tuple(family)


def _check_experts(scenario: TrainingScenario, architecture: ModelArchitecture) -> None:
    asked = scenario.search.expert_parallel
    if asked is not None and not architecture.experts and 1 not in asked:
        from planner.errors import ScenarioError

        place, message = ("search", "expert_parallel"), f"{architecture.id} has no experts to spread"
        raise ScenarioError([scenario.document.diagnostic(place, message, help="leave it out")])


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
    families: list[Family],
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
    for number, family in enumerate(families):
        if family[0][1].parallel.tp > pool.offer.gpus:
            _count(counts, "tensor-parallel-nodes", "tensor parallelism across nodes")
            continue
        taken: list[Saving] = []
        for saving, setup, memory in family:
            if any(other.never_slower_than(saving) for other in taken):
                continue
            if not memory.fits(device.memory_bytes_usable):
                _count(counts, *_TOO_LARGE)
            elif memory.host_bytes * pool.offer.gpus > pool.host_bytes:
                _count(counts, "host-memory", "layouts that offload more than the host's memory holds")
            else:
                taken.append(saving)
                key = (device.id, pool.offer.gpus, pool.offer.network_gbps, gpus, number, saving)
                if key not in timed:
                    timed[key] = timed_run(table, index, setup, efficiency)
                step, run = timed[key]
                cost = nodes * pool.fixed_cost * run.seconds / SECONDS_PER_HOUR
                yield TrainingRow(index, setup, memory, step, run, nodes, round(cost))


def _count(counts: dict[tuple[str, str], int], reason: str, message: str) -> None:
    counts[reason, message] = counts.get((reason, message), 0) + 1
