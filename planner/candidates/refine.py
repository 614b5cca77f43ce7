"""Which batches between the points of the coarse grid are worth an estimate.

A layout whose true limit lies between two points of the grid can only do better than its coarse figure says. If even
the best that it could do is dearer than the cheapest plans already known, or than the budget, it is left as it is: the
optimum cannot be there. That rests on estimates that worsen with the batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.demand import MAX_BATCH
from planner.candidates.stages import family_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.table import CandidateTable

    Ints = NDArray[np.int64]

FIELD = 4
"""Accelerators whose cheapest plans are refined to their true cost: the winner's and those of three alternatives."""

_SPARSE = 16
"""How many times more numbers than things numbered are still cheaper to leave than to close up by sorting."""

_NEVER = int(np.iinfo(np.int64).max)


def batches_between(
    table: CandidateTable, field: int = FIELD, *, whatever_the_budget: bool = False
) -> tuple[Ints, Ints]:
    """Return (layout, batch), sorted, that could be among the cheapest plans of ``field`` accelerators.

    Rows are grouped by layout and pool. Within a group, batches hold up to some point of the grid and fail from the
    next on; between the two, or below the first, lies the limit. Asked again with those batches estimated, it returns
    what is still open, and in the end nothing. ``whatever_the_budget`` looks for the cheapest that hold everything but
    budgets and rules over the fleet, which is what a conflict wants to know.
    """
    if not len(table):
        nothing: Ints = np.zeros(0, dtype=np.int64)
        return nothing, nothing
    counted = np.array([not item.id.startswith(("budget", "rules.")) for item in table.requirements], dtype=bool)
    order = _by_layout_and_pool(table)
    layout, batch = table.layout[order], table.configurations.batch[table.configuration[order]]
    pool, cost = table.pool[order], table.objective[order]
    held = ~np.asarray(table.broken[counted].any(axis=0))[order]
    first = np.flatnonzero(np.r_[True, (layout[1:] != layout[:-1]) | (pool[1:] != pool[:-1])])
    end = np.r_[first[1:], batch.size]
    failing = np.where(held, batch.size, np.arange(batch.size))
    stop = np.minimum(np.minimum.reduceat(failing, first), end)
    some, all_ = stop > first, stop == end
    best = np.where(some, cost[np.maximum(stop - 1, first)], _NEVER)
    at = np.minimum(stop, end - 1)
    bound = _least_cost(table, order[at])
    if whatever_the_budget:
        worth = _field_cost(table, pool[first], best, field)
    else:
        # What is already a plan: rows that hold budgets and rules over the fleet as well.
        plans = np.minimum.reduceat(np.where(table.feasible[order], cost, _NEVER), first)
        worth = min(_field_cost(table, pool[first], plans, field), _budget(table))
    wanted = ~all_ & (bound < best) & (bound <= worth)
    low, high = np.where(some, batch[np.maximum(stop - 1, first)], 0), batch[at]
    return _chosen(table, layout[first[wanted]], low[wanted], high[wanted])


def batches_carrying_more(table: CandidateTable, held: NDArray[np.bool_] | None = None) -> tuple[Ints, Ints]:
    """Return (layout, batch), sorted, with which a replica could carry more than any known one that is like it.

    ``held`` says of each row whether it is one to be had; by default the feasible ones are.

    Replicas are alike that take as many accelerators of the same pool: of those the solver needs the one that carries
    most. Where fleets are chosen together any of them may be wanted, whatever it costs alone.
    """
    if not len(table):
        nothing: Ints = np.zeros(0, dtype=np.int64)
        return nothing, nothing
    group, rows = _groups(table), np.arange(len(table), dtype=np.int64)
    batch, carried = table.configurations.batch, table.configurations.capacity
    held = table.feasible if held is None else held
    # Of several values for one place the last one stays: the first row of a group when written backwards.
    first, end = np.empty((2, int(group.max()) + 1), dtype=np.int64)
    first[group[::-1]], end[group] = rows[::-1], rows
    failed = np.flatnonzero(~held)[::-1]
    failing = np.full(first.size, len(table), dtype=np.int64)
    failing[group[failed]] = failed
    before = np.flatnonzero(rows < failing[group])
    last = np.full(first.size, -1, dtype=np.int64)
    last[group[before]] = before
    some, all_ = last >= 0, failing == len(table)
    best = np.where(some, carried[table.configuration[last]], 0)
    at = np.where(all_, end, failing)
    # A batch below the first that fails carries less than that one: throughput grows with the batch.
    most = np.where(all_, best, carried[table.configuration[at]])
    gpus = table.fleets.reserved_gpus[first]
    like = table.pool[first] * (int(gpus.max()) + 1) + gpus
    layout = table.configurations.layout[table.configuration[first]]
    if table.part.stage:  # what hands a cache over has to be of the same family, so that each has its own best
        family = family_numbers(table)[layout]
        like = like * (int(family.max()) + 1) + family
    if int(like.max()) > like.size * _SPARSE:
        like = np.unique(like, return_inverse=True)[1].reshape(-1)
    known = np.zeros(int(like.max()) + 1, dtype=np.int64)
    np.maximum.at(known, like, best)
    wanted = ~all_ & (most > known[like])
    low, high = np.where(some, batch[table.configuration[last]], 0), batch[table.configuration[at]]
    return _chosen(table, layout[wanted], low[wanted], high[wanted])


def _groups(table: CandidateTable) -> Ints:
    """[row]: a number that the rows of one layout on one pool share, whatever their batch.

    All batches of a layout are joined with the same pools in the same order, and rules that cut rows read no batch: the
    place of a row among those of its configuration says which pool it is on.
    """
    layout, rows = table.layout, np.arange(len(table), dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, table.configuration[1:] != table.configuration[:-1]])
    place = rows - np.repeat(starts, np.diff(np.r_[starts, rows.size]))
    size = np.zeros(len(table.layouts.engine), dtype=np.int64)
    size[layout] = place + 1  # the last row of a layout is the last of a configuration
    group: Ints = (np.cumsum(size) - size)[layout] + place
    return group


def _by_layout_and_pool(table: CandidateTable) -> Ints:
    """Return the rows by layout, pool, then batch: a table is in the order of layouts and batches as it is."""
    return np.argsort(table.layout * len(table.pools) + table.pool, kind="stable")


def _chosen(table: CandidateTable, layout: Ints, low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """Return (layout, batch), sorted, between the batches that hold and those that fail."""
    width = MAX_BATCH + 1
    intervals, which = np.unique(low * width + high, return_inverse=True)
    tried = [
        table.demand.between(under, over) if under else table.demand.below(over)
        for under, over in zip((intervals // width).tolist(), (intervals % width).tolist(), strict=True)
    ]
    sizes = np.array([values.size for values in tried], dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    which = which.reshape(-1)
    repeats = sizes[which]
    within = np.arange(int(repeats.sum())) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    every = np.concatenate(tried) if tried else np.zeros(0, dtype=np.int64)
    batch = every[np.repeat(starts[which], repeats) + within]
    chosen = np.unique(np.repeat(layout, repeats) * width + batch)
    return chosen // width, chosen % width


def _least_cost(table: CandidateTable, rows: Ints) -> Ints:
    """Return a lower bound of a fleet's cost for a batch just below that of ``rows``, spares and power left out."""
    demand = table.demand
    configuration = table.configuration[rows]
    if demand.concurrency is not None:
        capacity = np.maximum(table.configurations.batch[configuration] - 1, 1)
    else:
        capacity = np.maximum(table.configurations.capacity[configuration], 1)
    needed = -(-demand.amount // capacity)
    gpus = np.array([pool.offer.gpus for pool in table.pools], dtype=np.int64)[table.pool[rows]]
    fixed = np.array([pool.fixed_cost for pool in table.pools], dtype=np.int64)[table.pool[rows]]
    bound: Ints = -(-needed * table.fleets.reserved_gpus[rows] // gpus) * fixed
    return bound


def _field_cost(table: CandidateTable, pool: Ints, plans: Ints, field: int) -> int:
    """Return the cost of the ``field``-th cheapest accelerator with a plan, each at its best."""
    names = sorted({item.offer.accelerator for item in table.pools})
    accelerator = np.array([names.index(item.offer.accelerator) for item in table.pools], dtype=np.int64)[pool]
    cheapest = np.full(len(names), _NEVER, dtype=np.int64)
    np.minimum.at(cheapest, accelerator, plans)
    return int(np.sort(cheapest)[min(field, len(names)) - 1])


def _budget(table: CandidateTable) -> int:
    """Return what a plan may cost, in micro-dollars per hour."""
    asked = [item.most_micro_usd_per_hour for item in table.requirements]
    return min((most for most in asked if most is not None), default=_NEVER)


def batches_within(table: CandidateTable, relaxed: int) -> tuple[Ints, Ints]:
    """Return (layout, batch), sorted, that could hold every requirement but one with a better figure for that one.

    ``relaxed`` is the place of a requirement that worsens with the batch, such as a latency. A larger batch needs
    fewer replicas, so the best figure within the other requirements, the budget among them, lies at the smallest batch
    that is cheap enough: between that row and the one before it.
    """
    requirement = table.requirements[relaxed]
    others = np.array([index != relaxed for index in range(len(table.requirements))], dtype=bool)
    budgets = np.array([item.id.startswith("budget") for item in table.requirements], dtype=bool)
    sign = 1.0 if requirement.sense == "max" else -1.0
    actual = sign * requirement.actual(table)
    batch = table.configurations.batch[table.configuration]
    order = np.lexsort((batch, table.pool, table.layout))
    layout, pool, batch, actual = table.layout[order], table.pool[order], batch[order], actual[order]
    holds = ~np.asarray(table.broken[others].any(axis=0))[order]
    dear = np.asarray(table.broken[others & budgets].any(axis=0))[order]
    if not holds.any():
        return layout[:0], batch[:0]
    best = float(actual[holds].min())
    # A row that is too dear, before one of the same layout and pool that holds all, with a figure that would be better.
    same = (layout[1:] == layout[:-1]) & (pool[1:] == pool[:-1])
    wanted = np.flatnonzero(same & dear[:-1] & holds[1:] & (actual[:-1] < best))
    chosen = {
        (int(layout[place]), value)
        for place in wanted.tolist()
        for value in table.demand.between(int(batch[place]), int(batch[place + 1])).tolist()
    }
    columns = np.array(sorted(chosen), dtype=np.int64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]
