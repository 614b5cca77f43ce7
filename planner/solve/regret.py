"""What it costs to be wrong: a plan kept while the world differs, beside the best plan of that world.

A plan is kept when its layouts are: the same offers at the same prices, engine, formats and degrees of parallelism,
in whatever number is needed then. Budgets do not bind here, since the question is what the bill would be. The
**regret** is what the kept plan costs beyond the best (Savage 1951).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.streams import streams_of
from planner.cost import per_month, usd
from planner.plan import Regret
from planner.progress import note
from planner.solve.choice import ChosenSolver
from planner.solve.fleet import FleetProblem, fleet_problem
from planner.solve.prune import prune
from planner.solve.scaled import scaled
from planner.units import format_percent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates import CandidateTable
    from planner.candidates.streams import Streams
    from planner.catalog import Catalog
    from planner.plan import Deployment
    from planner.scenario import Scenario

Layout = tuple[str, str, str, str, str, int, int, int]
"""Offer, pricing, engine, weights, KV format, TP, PP, EP."""

Layouts = frozenset[Layout]
Change = Callable[["Streams", FleetProblem, Layouts], FleetProblem]


@dataclass(frozen=True, slots=True)
class World:
    """One way to be wrong: in words, as streams of its own, and as a change of what the kept plan's rows say."""

    what: str
    streams: Streams
    change: Change


def layouts_of(deployments: Sequence[Deployment]) -> Layouts:
    """Return what stays of a plan that is kept."""
    return frozenset(
        (
            it.offer,
            it.pricing,
            it.engine,
            it.weights,
            it.kv_cache,
            it.tensor_parallel,
            it.pipeline_parallel,
            it.expert_parallel,
        )
        for it in deployments
    )


def regrets(scenario: Scenario, catalog: Catalog, plans: Sequence[Layouts]) -> tuple[tuple[Regret, ...], ...]:
    """Return, for each plan, what it costs in every way to be wrong that ``scenario.uncertainty`` allows."""
    found: list[list[Regret]] = [[] for _ in plans]
    for world in _worlds(scenario, catalog):
        note(f"a plan is found; what if {world.what}")
        masks = [_holding(table) for table in world.streams.tables]
        whole = _unbudgeted(fleet_problem(world.streams, rows=masks))
        kept = [
            [mask & of_layouts(table, plan) for mask, table in zip(masks, world.streams.tables, strict=True)]
            for plan in plans
        ]
        for index, plan in enumerate(plans):
            mine = world.change(world.streams, _unbudgeted(fleet_problem(world.streams, rows=kept[index])), plan)
            cost = _cost(mine)
            best = _cost(world.change(world.streams, whole, plan))
            more = None if cost is None or best is None else max(cost - best, 0.0)
            found[index].append(Regret(world.what, cost, more))
    return tuple(map(tuple, found))


def _worlds(scenario: Scenario, catalog: Catalog) -> Iterator[World]:
    asked = scenario.uncertainty
    for share, sign, word in ((asked.load, 1, "higher"), (asked.load, -1, "lower")):
        if share:
            streams = streams_of(scaled(scenario, load=1.0 + sign * share), catalog)
            yield World(f"the load is {format_percent(share, 0)} {word}", streams, _same)
    for share, sign, word in ((asked.lengths, 1, "longer"), (asked.lengths, -1, "shorter")):
        if share:
            streams = streams_of(scaled(scenario, lengths=1.0 + sign * share), catalog)
            yield World(f"requests are {format_percent(share, 0)} {word}", streams, _same)
    if asked.prices or asked.efficiency:
        streams = streams_of(scenario, catalog)
        if asked.efficiency:
            yield World("its throughput is at the low end of the interval", streams, _slower)
        if asked.prices:
            yield World(f"its prices are {format_percent(asked.prices, 0)} higher", streams, _dearer(asked.prices))


def _same(streams: Streams, fleet: FleetProblem, plan: Layouts) -> FleetProblem:
    return fleet


def _slower(streams: Streams, fleet: FleetProblem, plan: Layouts) -> FleetProblem:
    """Return ``fleet`` with the plan's own rows carrying what they do at the low end of their throughput."""
    low = []
    for (stream, row), capacity in zip(fleet.rows, fleet.problem.options.capacity, strict=True):
        table = streams.tables[stream]
        if _layout(table, row) not in plan:
            low.append(capacity)
            continue
        found, at = table.configurations.estimated.serving, table.configuration[row]
        low.append(max(int(capacity * float(found.output_tok_s_low[at] / found.output_tok_s[at])), 1))
    options = replace(fleet.problem.options, capacity=tuple(low))
    return replace(fleet, problem=replace(fleet.problem, options=options))


def _dearer(share: float) -> Change:
    def change(streams: Streams, fleet: FleetProblem, plan: Layouts) -> FleetProblem:
        """Return ``fleet`` with the prices of what the plan takes raised."""
        taken = {layout[:2] for layout in plan}
        pools = fleet.problem.pools
        prices = tuple(
            round(price * (1.0 + share)) if (pool.offer.id, pool.price.kind) in taken else price
            for pool, price in zip(fleet.pools, pools.money or pools.cost, strict=True)
        )
        dearer = replace(pools, money=prices) if pools.money else replace(pools, cost=prices)
        return replace(fleet, problem=replace(fleet.problem, pools=dearer))

    return change


def _unbudgeted(fleet: FleetProblem) -> FleetProblem:
    limits = tuple(item for item in fleet.problem.limits if not item.id.startswith("budget"))
    # Where something else than money is least, money decides ties, so that a bill is that of one choice.
    ties = tuple(name for name in fleet.problem.ties if name == "money")
    return replace(fleet, problem=replace(fleet.problem, limits=limits, ties=ties, tie_ppm=0))


def _holding(table: CandidateTable) -> NDArray[np.bool_]:
    """[row]: everything that is asked of a fleet but a budget holds."""
    asked = np.array(
        [not item.id.startswith("budget") and not (table.joint and item.of_plan) for item in table.requirements],
        dtype=bool,
    )
    return ~np.asarray(table.broken[asked].any(axis=0))


def of_layouts(table: CandidateTable, plan: Layouts) -> NDArray[np.bool_]:
    """[row]: of one of the plan's layouts."""
    axes = table.layouts.axes
    found = np.zeros(len(table), dtype=bool)
    for offer, pricing, engine, weights, kv, *degrees in plan:
        pools = np.array([(it.offer.id, it.price.kind) == (offer, pricing) for it in table.pools], dtype=bool)
        rows = pools[table.pool]
        for name, wanted in (
            ("engine", [it.id == engine for it in axes.engines]),
            ("weights", [it.id == weights for it in axes.weights]),
            ("kv", [it.id == kv for it in axes.kv_formats]),
            ("parallelism", [[it.tp, it.pp, it.ep] == degrees for it in axes.parallelism]),
        ):
            rows = rows & np.array(wanted, dtype=bool)[table.column(name)]
        found |= rows
    return found


def _layout(table: CandidateTable, row: int) -> Layout:
    axes, pool, layout = table.layouts.axes, table.pools[int(table.pool[row])], int(table.layout[row])
    degrees = axes.parallelism[int(table.layouts.parallelism[layout])]
    return (
        pool.offer.id,
        pool.price.kind,
        axes.engines[int(table.layouts.engine[layout])].id,
        axes.weights[int(table.layouts.weights[layout])].id,
        axes.kv_formats[int(table.layouts.kv[layout])].id,
        degrees.tp,
        degrees.pp,
        degrees.ep,
    )


def _cost(fleet: FleetProblem) -> float | None:
    """Return dollars per month of the cheapest choice, preferences left out; None where there is none."""
    small = prune(fleet.problem)
    outcome = ChosenSolver().solve(small.problem)
    if outcome.solution is None:
        return None
    solution = small.expand(outcome.solution)
    paid = fleet.problem.bill(solution.replicas, solution.instances)
    return per_month(usd(1) * paid / fleet.problem.cycle_hours)
