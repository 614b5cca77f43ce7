"""From a scenario to its candidate table: enumerate, cut, estimate once per configuration, then join prices.

Batches are tried on a coarse grid first, then between its points where that could change the answer (``refine``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.demand import Demand
from planner.candidates.estimates import Estimated, Estimator, Memory, joined, memory
from planner.candidates.hardware import Pool, pools
from planner.candidates.refine import batches_between
from planner.candidates.requirements import Rows, requirements
from planner.candidates.site import facility_of
from planner.candidates.sizing import size_rows
from planner.candidates.space import Layouts, enumerate_layouts
from planner.candidates.table import CandidateTable, Configurations
from planner.candidates.verdicts import static_verdicts
from planner.plan import Rejection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.architecture.model import ModelArchitecture
    from planner.catalog import Catalog
    from planner.scenario import Scenario

    Ints = NDArray[np.int64]


def evaluate(scenario: Scenario, catalog: Catalog | None = None, *, marked: bool = False) -> CandidateTable:
    """Evaluate every candidate of a scenario.

    ``marked`` keeps what ``search`` and ``quality`` would cut and marks it as broken requirements instead; slower, for
    explaining why nothing is left. Raises InputError when the model cannot be resolved.
    """
    if catalog is None:
        from planner.catalog import load_catalog

        catalog = load_catalog()
    architecture = _architecture(scenario, catalog)
    demand = Demand.of(scenario)
    facility = facility_of(scenario, catalog)
    offered, cut_offers = pools(scenario, catalog, facility, marked=marked)
    layouts = enumerate_layouts(scenario, architecture, catalog, offered, marked=marked)
    layouts = static_verdicts(layouts, scenario, architecture)
    found = memory(architecture, layouts, demand.tokens_per_sequence)
    count = int(np.count_nonzero(~found.fits))
    layouts = layouts.take(found.fits, Rejection("memory", "the weights leave no room for one sequence", count))
    found = found.take(found.fits)

    estimator = Estimator.of(architecture, layouts, found, demand)
    asked = requirements(scenario, marked=marked)

    def build(configurations: Configurations) -> CandidateTable:
        configuration, pool = _join(offered, layouts, configurations)
        fleets = size_rows(offered, layouts, configurations, configuration, pool, demand, scenario.sla.availability)
        rows = Rows(offered, layouts, configurations, configuration, pool, fleets, demand)
        broken = np.array([item.broken(rows) for item in asked], dtype=bool).reshape(len(asked), len(pool))
        return CandidateTable(
            scenario=scenario,
            architecture=architecture,
            catalog=catalog,
            demand=demand,
            facility=facility,
            pools=offered,
            layouts=layouts,
            configurations=configurations,
            configuration=configuration,
            pool=pool,
            fleets=fleets,
            requirements=asked,
            broken=broken,
            rejected=(*cut_offers, *layouts.rejected),
            estimator=estimator,
            marked=marked,
        )

    coarse = _coarse(demand, found)
    table = build(_configurations(demand, *coarse, estimator(*coarse)))
    finer = batches_between(table)
    if not finer[0].size:
        return table
    return build(_with(table.configurations, demand, *finer, estimator(*finer)))


def _architecture(scenario: Scenario, catalog: Catalog) -> ModelArchitecture:
    from planner.architecture import resolve_model

    return resolve_model(scenario.model, catalog=catalog, base_dir=scenario.base_dir)


def _coarse(demand: Demand, found: Memory) -> tuple[Ints, Ints]:
    """Return (layout, batch): the grid as far as the KV cache reaches, and the most that it holds."""
    grid = demand.grid()
    top = np.minimum(np.floor(found.max_sequences), grid[-1]).astype(np.int64)
    batches = np.minimum(grid[None, :], top[:, None])
    new = np.ones(batches.shape, dtype=bool)
    new[:, 1:] = batches[:, 1:] > batches[:, :-1]
    layout, column = np.nonzero(new)
    return layout, batches[layout, column]


def _configurations(demand: Demand, layout: Ints, batch: Ints, estimated: Estimated) -> Configurations:
    return Configurations(layout, batch, demand.capacity(batch, estimated.output_tok_s), estimated)


def _with(known: Configurations, demand: Demand, layout: Ints, batch: Ints, estimated: Estimated) -> Configurations:
    """Merge further configurations in, by layout, then batch."""
    layouts, batches = np.concatenate([known.layout, layout]), np.concatenate([known.batch, batch])
    order = np.lexsort((batches, layouts))
    merged = joined([known.estimated, estimated], order)
    return _configurations(demand, layouts[order], batches[order], merged)


def _join(offered: Sequence[Pool], layouts: Layouts, configurations: Configurations) -> tuple[Ints, Ints]:
    """Return (configuration, pool) of every row: each configuration on each pool that can hold it."""
    width = len(layouts.axes.parallelism)
    keys = layouts.hardware * width + layouts.parallelism
    multi_node = np.array([engine.parallelism.multi_node for engine in layouts.axes.engines], dtype=bool)
    gpus = np.array([x.gpus for x in layouts.axes.parallelism], dtype=np.int64)
    most = max(keys.tolist(), default=0) + 1
    start, held = np.zeros(most, dtype=np.int64), np.zeros(most, dtype=np.int64)
    flat: list[int] = []
    for (hardware, parallelism), members in layouts.pools.items():
        key = hardware * width + parallelism
        if key < most:
            start[key], held[key] = len(flat), len(members)
            flat.extend(members)
    repeats = held[keys[configurations.layout]]
    configuration = np.repeat(np.arange(len(configurations), dtype=np.int64), repeats)
    within = np.arange(configuration.size) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    layout = configurations.layout[configuration]
    pool = np.array(flat, dtype=np.int64)[start[keys[layout]] + within]
    spans = np.array([item.offer.gpus for item in offered], dtype=np.int64)[pool] < gpus[layouts.parallelism[layout]]
    keep = ~spans | multi_node[layouts.engine[layout]]
    return configuration[keep], pool[keep]
