"""From a scenario to its candidate table: enumerate, cut, estimate once per configuration, then join prices.

Batches are tried on a coarse grid first, then between its points where that could change the answer (``refine``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.demand import MAX_BATCH, Demand
from planner.candidates.estimates import Estimator
from planner.candidates.fitting import Memory, fitted
from planner.candidates.hardware import pools
from planner.candidates.merging import merged
from planner.candidates.mixing import refuse_training
from planner.candidates.parallelism import degrees_to_try
from planner.candidates.parts import WHOLE, Part
from planner.candidates.refine import FIELD, batches_between, batches_carrying_more
from planner.candidates.requirements import requirements
from planner.candidates.rule_requirements import rule_requirements
from planner.candidates.ruling import Ruling, rejections
from planner.candidates.site import facility_of
from planner.candidates.sizing import Fleets, Held, size_fleets
from planner.candidates.space import enumerate_layouts
from planner.candidates.table import CandidateTable, configured
from planner.catalog.references import check_scenario
from planner.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.architecture.model import ModelArchitecture
    from planner.catalog import Catalog
    from planner.rules.rule import RuleSet
    from planner.scenario import Scenario

    Ints = NDArray[np.int64]

MAX_ROUNDS = 16
"""Rounds of refinement; each narrows the open intervals to an eighth or doubles the replicas tried."""


def evaluate(
    scenario: Scenario,
    catalog: Catalog | None = None,
    *,
    marked: bool = False,
    rules: RuleSet | None = None,
    field: int = FIELD,
    together: bool = False,
    part: Part = WHOLE,
) -> CandidateTable:
    """Evaluate every candidate of a scenario, under its rules or under ``rules`` instead.

    ``marked`` keeps what ``search`` and ``quality`` would cut and marks it as broken requirements instead; slower, for
    explaining why nothing is left. ``together`` says that fleets are chosen together, of this scenario and others:
    every pool is then refined to what a replica on it carries. Otherwise the cheapest plans of ``field`` accelerators
    have their exact cost; those of others may be told a little dearer than they are. ``part`` says which part of a
    service ``scenario`` is. Raises InputError
    when the model cannot be resolved or the catalog lacks an id that the scenario names, or a rule is wrong or cannot
    be evaluated.
    """
    refuse_training(scenario)
    if len(scenario.parts) > 1:
        help = "solve, candidates, explain, sweep and diff take several services"
        raise ScenarioError(
            [scenario.document.diagnostic(("services",), "are several, and one is asked for", help=help)]
        )
    if catalog is None:
        from planner.catalog import load_catalog

        catalog = load_catalog()
    check_scenario(scenario, catalog)
    architecture = _architecture(scenario, catalog)
    demand = Demand.of(scenario, shared=together, in_turn=part.stage == "prefill")
    facility = facility_of(scenario, catalog)
    ruling = Ruling.of(scenario, architecture, catalog, marked=marked, rules=rules)
    degrees = degrees_to_try(scenario, architecture, marked=marked)
    offered, cut_offers = pools(scenario, catalog, facility, ruling, degrees, marked=marked)
    layouts = enumerate_layouts(
        scenario, architecture, catalog, offered, ruling, degrees, marked=marked, stage=part.stage
    )
    layouts, found, least_gpus = fitted(architecture, layouts, offered, demand.tokens_per_sequence)
    estimator = Estimator.of(architecture, layouts, found, demand, part.stage)
    layout, batch = _coarse(demand, found, fine=marked)
    no_rows: Ints = np.zeros(0, dtype=np.int64)
    table = _priced(
        CandidateTable(
            scenario=scenario,
            architecture=architecture,
            catalog=catalog,
            demand=demand,
            facility=facility,
            pools=offered,
            layouts=layouts,
            least_gpus=least_gpus,
            estimator=estimator,
            ruling=ruling,
            requirements=(*requirements(scenario, marked=marked, stage=part.stage), *rule_requirements(ruling)),
            rejected=(*cut_offers, *layouts.rejected),
            configurations=configured(demand, layout, batch, estimator(layout, batch)),
            configuration=no_rows,
            pool=no_rows,
            fleets=Fleets.none(),
            preference=no_rows,
            broken=np.zeros((0, 0), dtype=bool),
            joint=together,
            part=part,
        )
    )
    if together:
        return refined(table, batches_carrying_more)
    return refined(table, lambda now: batches_between(now, field, whatever_the_budget=marked))


def refined(
    table: CandidateTable, missing: Callable[[CandidateTable], tuple[Ints, Ints]], rounds: int = MAX_ROUNDS
) -> CandidateTable:
    """Return ``table`` with the batches that ``missing`` names, round after round, until it names none."""
    for _ in range(rounds):
        layout, batch = missing(table)
        if not layout.size:
            break
        table = extended(table, layout, batch)
    return table


def extended(table: CandidateTable, layout: Ints, batch: Ints) -> CandidateTable:
    """Return ``table`` with further (layout, batch) pairs estimated and priced; those that it has stay as they are.

    Pools, rules, sizes, prices and verdicts of a row follow from its own layout, batch and pool. So the new rows are
    priced as a table of their own and merged, which gives the same as pricing all of them again.
    """
    known = table.configurations
    width = MAX_BATCH + 1
    key, keys = layout * width + batch, known.layout * width + known.batch  # configurations are sorted by theirs
    place = np.minimum(np.searchsorted(keys, key), max(keys.size - 1, 0))
    new = keys[place] != key if keys.size else np.ones(key.size, dtype=bool)
    layout, batch = layout[new], batch[new]
    order = np.lexsort((batch, layout))
    layout, batch = layout[order], batch[order]
    added = configured(table.demand, layout, batch, table.estimator(layout, batch))
    return merged(table, _priced(replace(table, configurations=added, ruled_out=())))


def resized(table: CandidateTable, held: Held) -> CandidateTable:
    """Return ``table`` with its fleets sized with other spares and all requirements judged anew."""
    table = replace(table, fleets=_fleets(table, held))
    return judged(replace(table, preference=table.ruling.preference(table)))


def _priced(table: CandidateTable) -> CandidateTable:
    """Return ``table`` with the rows of its configurations: joined with pools, sized, priced and judged."""
    configuration, pool = _join(table)
    table = replace(table, configuration=configuration, pool=pool, fleets=Fleets.none())
    verdicts = table.ruling.of_rows(table)
    if verdicts.violations:
        keep = ~verdicts.cut()
        table = replace(table, configuration=configuration[keep], pool=pool[keep], ruled_out=rejections(verdicts))
    return resized(table, Held.of(table.scenario, table.part.of))


def judged(table: CandidateTable) -> CandidateTable:
    """Return ``table`` with each of its requirements asked of every row."""
    broken = np.array([item.broken(table) for item in table.requirements], dtype=bool)
    return replace(table, broken=broken.reshape(len(table.requirements), len(table)))


def _fleets(table: CandidateTable, held: Held) -> Fleets:
    gpus = np.array([degrees.gpus for degrees in table.layouts.axes.parallelism], dtype=np.int64)
    return size_fleets(
        table.pools,
        table.pool,
        table.configurations.capacity[table.configuration],
        gpus[table.column("parallelism")],
        table.configurations.estimated.power_share[table.configuration],
        table.demand.amount,
        held,
    )


def _architecture(scenario: Scenario, catalog: Catalog) -> ModelArchitecture:
    from planner.architecture import resolve_model

    return resolve_model(scenario.model, catalog=catalog, base_dir=scenario.base_dir)


def _coarse(demand: Demand, found: Memory, *, fine: bool) -> tuple[Ints, Ints]:
    """Return (layout, batch): the grid as far as the KV cache reaches, and the most that it holds."""
    grid = demand.grid(fine=fine)
    top = np.minimum(np.floor(found.max_sequences), grid[-1]).astype(np.int64)
    batches = np.minimum(grid[None, :], top[:, None])
    new = np.ones(batches.shape, dtype=bool)
    new[:, 1:] = batches[:, 1:] > batches[:, :-1]
    layout, column = np.nonzero(new)
    return layout, batches[layout, column]


def _join(table: CandidateTable) -> tuple[Ints, Ints]:
    """Return (configuration, pool) of every row: each configuration on each pool that can hold it."""
    layouts, pools, configurations = table.layouts, table.pools, table.configurations
    width = len(layouts.axes.parallelism)
    start = np.zeros(len(layouts.axes.hardware) * width, dtype=np.int64)
    held = np.zeros_like(start)
    flat: list[int] = []
    for (hardware, parallelism), members in layouts.pools.items():
        key = hardware * width + parallelism
        start[key], held[key] = len(flat), len(members)
        flat.extend(members)
    keys = (layouts.hardware * width + layouts.parallelism)[configurations.layout]
    repeats = held[keys]
    configuration = np.repeat(np.arange(len(configurations), dtype=np.int64), repeats)
    within = np.arange(configuration.size) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    pool = np.array(flat, dtype=np.int64)[start[keys[configuration]] + within]
    layout = configurations.layout[configuration]
    size = np.array([item.offer.gpus for item in pools], dtype=np.int64)[pool]
    gpus = np.array([x.gpus for x in layouts.axes.parallelism], dtype=np.int64)[layouts.parallelism[layout]]
    keep = (gpus <= size) | (table.least_gpus[layout] > size)
    return configuration[keep], pool[keep]
