"""The candidate table as an optimisation problem: its feasible rows become options, their pools what is bought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.rule_requirements import PREFIX, coefficient, scale
from planner.solve.problem import UNLIMITED, Limit, Options, Pools, Problem, Service
from planner.units import MICRO_USD_PER_USD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates import CandidateTable
    from planner.candidates.requirements import Requirement
    from planner.catalog.schema.formats import KvFormat, WeightFormat


REFERENCE_BITS = 16


@dataclass(frozen=True, slots=True)
class FleetProblem:
    """A problem with the table row behind each option."""

    problem: Problem
    rows: tuple[int, ...]


def fleet_problem(table: CandidateTable) -> FleetProblem:
    """Return the problem of serving the scenario at least cost from the feasible rows of ``table``.

    Rows that another of the same pool and replica size dominates are left out, unless they cost as little as the
    cheapest row: those are the ties that the solver breaks. Power in ties is the rated power of what is rented or
    bought; the cost of power that is drawn is part of the cost.
    """
    rows = by_preference(table, _options(table))
    fleets = table.fleets
    used = sorted(set(table.pool[rows].tolist()))
    number = {pool: index for index, pool in enumerate(used)}
    pools = Pools(
        id=tuple(table.pools[p].id for p in used),
        gpus=tuple(table.pools[p].offer.gpus for p in used),
        cost=tuple(table.pools[p].fixed_cost for p in used),
        max_instances=(UNLIMITED,) * len(used),
        watts=tuple(round(table.pools[p].rated_watts) for p in used),
    )
    options = Options(
        service=(0,) * len(rows),
        pool=tuple(number[p] for p in table.pool[rows].tolist()),
        gpus=tuple(fleets.reserved_gpus[rows].tolist()),
        capacity=tuple(table.configurations.capacity[table.configuration[rows]].tolist()),
        cost=tuple(fleets.replica_cost[rows].tolist()),
        watts=(0,) * len(rows),
        spare=tuple(fleets.spare_instances[rows].tolist()),
        preference=tuple(table.preference[rows].tolist()),
    )
    limits = tuple(_limit(table, item, used, options, pools) for item in table.requirements if _is_budget(item))
    limits += plan_limits(table, used, options)
    service = Service(table.scenario.name, table.demand.amount)
    return FleetProblem(Problem((service,), pools, options, limits), tuple(rows.tolist()))


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
    axes = table.layouts.axes
    native = table.architecture.native_format or "bf16"
    bits = np.array([[precision(weights, kv, native) for kv in axes.kv_formats] for weights in axes.weights])
    kept = bits[table.column("weights")[rows], table.column("kv")[rows]]
    latency = table.configurations.estimated.e2e_p95_ms[table.configuration[rows]]
    return np.asarray(rows[np.lexsort((rows, latency, -kept[:, 1], -kept[:, 0]))])


def widest(table: CandidateTable, row: int) -> int:
    """Return the feasible row of the same layout, pool and cost whose replicas may hold most."""
    same = (table.layout == table.layout[row]) & (table.pool == table.pool[row]) & table.feasible
    rows = np.flatnonzero(same & (table.objective == table.objective[row]))
    return int(rows[np.argmax(table.configurations.batch[table.configuration[rows]])])


def _options(table: CandidateTable) -> NDArray[np.int64]:
    """Return the feasible rows worth handing to the solver, in table order."""
    rows = np.flatnonzero(table.feasible)
    if not rows.size:
        return rows
    fleets = table.fleets
    capacity = table.configurations.capacity[table.configuration[rows]]
    pool, gpus = table.pool[rows], fleets.reserved_gpus[rows]
    burden = (fleets.spare_instances[rows], fleets.replica_cost[rows], table.preference[rows])
    order = np.lexsort((rows, *burden, -capacity, gpus, pool))
    group = np.cumsum(np.r_[True, (pool[order][1:] != pool[order][:-1]) | (gpus[order][1:] != gpus[order][:-1])])
    keep = np.r_[True, group[1:] != group[:-1]]
    for column in burden:
        # Capacity falls along a group; a row that is in some way lighter than all before it may still be wanted.
        values = column[order]
        lightest = np.minimum.accumulate(values - group * (int(values.max(initial=0)) + 1))
        keep[1:] |= (lightest[1:] < lightest[:-1]) & (group[1:] == group[:-1])
    cheapest = table.objective[rows] == table.objective[rows].min()
    chosen = cheapest.copy()
    chosen[order[keep]] = True
    return np.asarray(rows[chosen], dtype=np.int64)


def plan_limits(table: CandidateTable, used: Sequence[int], options: Options) -> tuple[Limit, ...]:
    """Return the rules that bound sums over the plan, as linear limits over instances (and replicas, for cost).

    The number of distinct accelerators is no such sum; one service on a uniform fleet has one, so that such a rule
    is decided before, as the requirement that every rule over the plan is as well.
    """
    found = []
    for rule in table.ruling.of_fleets:
        for limit in rule.limits:
            if limit.variable == "plan.types":
                continue
            of_pools = tuple(coefficient(limit.variable, table.pools[p]) for p in used)
            of_options = options.cost if limit.variable == "plan.usd_per_month" else (0,) * len(options)
            most = floor(limit.bound * scale(limit.variable) * (1 + 1e-9))
            found.append(Limit(PREFIX + rule.id, most, of_pools, of_options))
    return tuple(found)


def _is_budget(requirement: Requirement) -> bool:
    return requirement.id.partition(".")[0] == "budget"


def _limit(table: CandidateTable, requirement: Requirement, used: list[int], options: Options, pools: Pools) -> Limit:
    """Return a budget as a linear limit in micro-dollars (per hour, or of capital)."""
    if requirement.id == "budget.capex":
        capex = tuple(round(table.pools[p].capex_usd * MICRO_USD_PER_USD) for p in used)
        return Limit(requirement.id, floor(requirement.ceiling * MICRO_USD_PER_USD), capex, (0,) * len(options))
    hourly = requirement.most_micro_usd_per_hour
    if hourly is None:
        raise ValueError(f"{requirement.id} is no budget")
    return Limit(requirement.id, hourly, pools.cost, options.cost)
