"""The candidate tables as an optimisation problem: feasible rows become options, their pools what is bought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.mixing import fleets_of
from planner.candidates.stages import by_family
from planner.solve.goal import goal_of
from planner.solve.limits import Terms, limits_of, most_kinds
from planner.solve.problem import UNLIMITED, Options, Pools, Problem, Service

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates import CandidateTable
    from planner.candidates.hardware import Pool
    from planner.candidates.stages import Family
    from planner.candidates.streams import Stream, Streams
    from planner.catalog.schema.formats import KvFormat, WeightFormat


REFERENCE_BITS = 16


@dataclass(frozen=True, slots=True)
class FleetProblem:
    """A problem with the stream and the table row behind each option, and the pools behind its pools."""

    problem: Problem
    rows: tuple[tuple[int, int], ...]
    pools: tuple[Pool, ...]


def fleet_problem(streams: Streams, tie_ppm: int = 0, rows: Sequence[NDArray[np.bool_]] | None = None) -> FleetProblem:
    """Return the problem of serving a scenario best from the feasible rows of its tables, or from ``rows`` of each.

    Rows that another of the same pool and replica size dominates are left out, unless they cost as little as the
    cheapest row: those are the ties that the solver breaks. Power in ties is the rated power of what is rented or
    bought; the cost of power that is drawn is part of the cost. Plans within ``tie_ppm`` of the best count as its ties.
    """
    scenario, tables = streams.scenario, streams.tables
    if rows is None:
        feasible = {id(table): table.feasible for table in streams.evaluated}
        rows = [feasible[id(table)] for table in tables]
    chosen = [
        by_preference(stream.table, _options(stream.table, mine))
        for stream, mine in zip(streams.streams, _of_streams(streams, rows), strict=True)
    ]
    pools = _pools(streams, chosen)
    number = {pool.id: index for index, pool in enumerate(pools)}
    listed = tuple((s, row) for s, mine in enumerate(chosen) for row in mine.tolist())

    def column(read: str) -> list[int]:
        return [value for s, mine in enumerate(chosen) for value in _column(tables[s], mine, read)]

    of_pool = tuple(number[tables[s].pools[int(tables[s].pool[row])].id] for s, row in listed)
    costs, replica_cost = tuple(pool.fixed_cost for pool in pools), tuple(column("replica_cost"))
    goal = goal_of(scenario, streams.catalog, pools, costs, replica_cost, column("replica_watts"), of_pool)
    kinds = sorted({pool.offer.accelerator for pool in pools})
    own_money = not goal.counts_preferences
    terms = Terms(pools, costs, replica_cost)
    share = scenario.limits.spot_share
    problem = Problem(
        services=tuple(
            _service(item, demand, share) for item, demand in zip(streams.streams, streams.demands, strict=True)
        ),
        pools=Pools(
            id=tuple(pool.id for pool in pools),
            gpus=tuple(pool.offer.gpus for pool in pools),
            cost=goal.pool,
            max_instances=tuple(UNLIMITED if pool.nodes is None else pool.nodes for pool in pools),
            watts=tuple(round(pool.rated_watts) for pool in pools),
            committed=tuple(pool.committed for pool in pools) if streams.cycle > 1 else (),
            kind=tuple(kinds.index(pool.offer.accelerator) for pool in pools),
            money=costs if own_money else (),
        ),
        options=Options(
            service=tuple(s for s, _ in listed),
            pool=of_pool,
            gpus=tuple(column("reserved_gpus")),
            capacity=tuple(column("capacity")),
            cost=goal.option,
            watts=(0,) * len(listed),
            spare=tuple(column("spare_instances")),
            preference=tuple(column("preference")) if goal.counts_preferences else (),
            firm=tuple(pools[p].price.kind != "spot" for p in of_pool) if share is not None else (),
            money=replica_cost if own_money else (),
        ),
        limits=limits_of(streams, terms),
        hours=(1,) * streams.cycle,
        choices=streams.choices,
        max_kinds=most_kinds(streams) if streams.joint else None,
        ties=goal.ties,
        tie_ppm=tie_ppm,
    )
    return FleetProblem(problem, listed, pools)


def _of_streams(streams: Streams, masks: Sequence[NDArray[np.bool_]]) -> list[NDArray[np.int64]]:
    """[stream]: the rows of its mask that are its own; a mask that the families of a table share is divided once."""
    divided: dict[tuple[int, int], dict[Family, NDArray[np.int64]]] = {}
    found = []
    for stream, mask in zip(streams.streams, masks, strict=True):
        if stream.family is None:
            found.append(np.flatnonzero(mask))
            continue
        key = id(stream.table), id(mask)
        if key not in divided:
            divided[key] = by_family(stream.table, np.flatnonzero(mask))
        found.append(divided[key].get(stream.family, np.zeros(0, dtype=np.int64)))
    return found


def _service(stream: Stream, demand: tuple[int, ...], spot_share: float | None) -> Service:
    firm = () if spot_share is None else tuple(ceil(amount * (1.0 - spot_share) - 1e-6) for amount in demand)
    return Service(stream.id, demand, fleets_of(stream.table.scenario), firm)


def _pools(streams: Streams, chosen: list[NDArray[np.int64]]) -> tuple[Pool, ...]:
    """Return the pools of the chosen rows, those of several streams once, by id."""
    found: dict[str, Pool] = {}
    for table, rows in zip(streams.tables, chosen, strict=True):
        for p in np.unique(table.pool[rows]).tolist():
            found.setdefault(table.pools[p].id, table.pools[p])
    return tuple(found[name] for name in sorted(found))


def _column(table: CandidateTable, rows: NDArray[np.int64], name: str) -> list[int]:
    values = table.preference if name == "preference" else getattr(table.fleets, name)
    column: list[int] = values[rows].tolist()
    return column


def precision(weights: WeightFormat, kv: KvFormat, native: str) -> tuple[int, int]:
    """Return whole bits per weight and per cached element; what the model was published in counts as 16.

    Bits, not measured recoveries: those of two formats on the same hardware differ by less than their evidence tells.
    """
    bits = REFERENCE_BITS if weights.id == native else min(round(weights.bytes_per_weight * 8), REFERENCE_BITS)
    return bits, min(round(kv.bytes_per_element * 8), REFERENCE_BITS)


def by_preference(table: CandidateTable, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ``rows`` in the order that breaks what ties of cost, types, nodes and rated power leave.

    The least quantized first, weights before KV cache; then the shorter time from request to last token, at the batch
    of the row. The table's own order has the last word.
    """
    if rows.size < 2:
        return rows
    axes = table.layouts.axes
    native = table.architecture.native_format or "bf16"
    layout = table.configurations.layout[table.configuration[rows]]
    pairs = np.stack([table.layouts.weights[layout], table.layouts.kv[layout]], axis=1)
    distinct, which = np.unique(pairs, axis=0, return_inverse=True)
    bits = np.array([precision(axes.weights[w], axes.kv_formats[k], native) for w, k in distinct.tolist()])
    kept = bits[which.reshape(-1)]
    latency = table.configurations.estimated.e2e_p95_ms[table.configuration[rows]]
    return np.asarray(rows[np.lexsort((rows, latency, -kept[:, 1], -kept[:, 0]))])


def widest(table: CandidateTable, row: int) -> int:
    """Return the feasible row of the same layout, pool and cost whose replicas may hold most."""
    same = (table.layout == table.layout[row]) & (table.pool == table.pool[row]) & table.feasible
    rows = np.flatnonzero(same & (table.objective == table.objective[row]))
    return int(rows[np.argmax(table.configurations.batch[table.configuration[rows]])])


def _options(table: CandidateTable, among: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of the rows ``among`` that are worth handing to the solver, in table order."""
    rows = among[table.fleets.capacity[among] > 0]
    if not rows.size:
        return rows
    fleets = table.fleets
    capacity = fleets.capacity[rows]
    pool, gpus = table.pool[rows], fleets.reserved_gpus[rows]
    watts = np.rint(fleets.replica_watts[rows]).astype(np.int64)
    burden = [fleets.spare_instances[rows], fleets.replica_cost[rows], table.preference[rows]]
    if table.scenario.objective.first != "cost":
        burden.append(watts)
    # Burdens that are the same for all decide nothing, and a stable sort leaves equal rows in table order.
    burden = [column for column in burden if (column != column[0]).any()]
    alike = pool * (int(gpus.max()) + 1) + gpus
    order = np.lexsort((*burden, -capacity, alike))
    group = np.cumsum(np.r_[True, alike[order][1:] != alike[order][:-1]])
    keep = np.r_[True, group[1:] != group[:-1]]
    for column in burden:
        # Capacity falls along a group; a row that is in some way lighter than all before it may still be wanted.
        values = column[order]
        lightest = np.minimum.accumulate(values - group * (int(values.max(initial=0)) + 1))
        keep[1:] |= (lightest[1:] < lightest[:-1]) & (group[1:] == group[:-1])
    chosen = np.zeros(rows.size, dtype=bool)
    if not table.joint:
        cost = table.objective[rows]
        chosen = cost == cost.min()
    chosen[order[keep]] = True
    return np.asarray(rows[chosen], dtype=np.int64)
