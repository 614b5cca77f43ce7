"""One service on at most two layouts: its cheapest fleet by counting, without a solver.

For each option ``a`` and each number ``k`` of its replicas, ``b`` carries what is left: ``ceil((demand - k x capacity
of a) / capacity of b)``. Instances are whole, and shared where both are on one pool. In every period the cheapest ``k``
is taken; on a committed pool ``k`` is at most some ``n`` whose instances are paid in all periods, and every ``n`` is
tried. That covers every solution of two layouts:

- a replica of ``b`` more than what is left never costs less, since costs are nonnegative;
- instances of a committed pool are those of the busiest period, in which, as replicas rise with the demand, ``a`` has
  the ``n`` that it has at most; ``b`` carries at least what is left then.

Quotas, limits, firm demand, kinds and the order of replicas between periods are left out, and of two committed pools
that a replica less of ``a`` at night may take one more of ``b`` than is paid for. So the least total is a lower bound
of every solution's. Where the fleet that comes with it costs as much and holds all of those, which the checker says, it
is a cheapest one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.solve.checker import violations
from planner.solve.problem import Outcome, Problem, Solution

MOST_COUNTS = 2_000_000
"""Replicas times periods times options up to which one option's pairs are counted: tens of megabytes."""

_NEVER = int(np.iinfo(np.int64).max) // 4

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Least:
    """What no total over the cycle is below, and the fleet that comes with it if it holds every constraint."""

    bound: int
    solution: Solution | None


def countable(problem: Problem) -> bool:
    """Say whether ``problem`` is one service on at most two layouts, and small enough to be counted."""
    if len(problem.services) != 1 or problem.choices or problem.services[0].max_options > 2 or not problem.options.gpus:
        return False
    options, peak = problem.options, problem.services[0].peak
    most = -(-peak // min(options.capacity)) + 1
    dearest = max(problem.pools.cost) * max(options.gpus) + max(options.cost) + max(problem.pools.cost)
    weights = [*(max(limit.pool) * max(options.gpus) + max(limit.option) for limit in problem.limits), dearest]
    largest = max(weights) * most * problem.cycle_hours * 4
    return peak > 0 and most * len(problem.hours) * len(options) <= MOST_COUNTS and largest < _NEVER


def least_total(problem: Problem, pool: Sequence[int], option: Sequence[int]) -> Least:
    """Return the least sum over the cycle of ``pool`` x instances and ``option`` x replicas; see the module."""
    found = min(
        (_Counts(problem, pool, option, a).best() for a in range(len(problem.options))),
        key=lambda it: it[0],
    )
    bound, replicas = found
    solution = Solution(replicas, tuple(map(tuple, problem.instances(replicas))))
    return Least(bound, None if violations(problem, solution) else solution)


def cheapest(problem: Problem) -> Outcome | None:
    """Return the cheapest solution where counting finds one, proven by its bound; ties are not broken."""
    if not countable(problem) or any(problem.options.preference):
        return None
    least = least_total(problem, problem.pools.cost, problem.options.cost)
    found = least.solution
    if found is None or problem.cost(found.replicas, found.instances) != least.bound:
        return None
    return Outcome("optimal", "counting", found, least.bound, least.bound, not problem.ties)


class _Counts:
    """Option ``a`` with every other one: arrays are [replicas of a, period, other option]."""

    def __init__(self, problem: Problem, pool: Sequence[int], option: Sequence[int], a: int) -> None:
        options, self.problem, self.a = problem.options, problem, a
        self.room = np.array([problem.pools.gpus[p] for p in options.pool], dtype=np.int64)
        self.each = np.array([pool[p] for p in options.pool], dtype=np.int64)
        self.running = np.array(option, dtype=np.int64)
        self.gpus = np.array(options.gpus, dtype=np.int64)
        self.spare = np.array(options.spare, dtype=np.int64)
        self.committed = np.array([problem.pools.is_committed(p) for p in options.pool], dtype=bool)
        self.same = np.array([p == options.pool[a] for p in options.pool], dtype=bool)
        self.hours = np.array(problem.hours, dtype=np.int64)
        demand = np.array(problem.services[0].demand, dtype=np.int64)
        self.count = np.arange(-(-int(demand.max()) // options.capacity[a]) + 1, dtype=np.int64)
        left = np.maximum(demand[None, :] - self.count[:, None] * options.capacity[a], 0)
        self.other: Ints = -(-left[:, :, None] // np.array(options.capacity, dtype=np.int64))
        self.peak = int(demand.argmax())

    def best(self) -> tuple[int, tuple[tuple[int, ...], ...]]:
        """Return the least total with ``a``, and its replicas [period][option]."""
        alone = self._alone()
        if self.problem.services[0].max_options == 1:
            return alone
        count = self.count[:, None, None]
        mine = self.each[self.a] * -(-count * self.gpus[self.a] // self.room[self.a])
        theirs = self.each * -(-self.other * self.gpus // self.room)
        both = self.each * -(-(count * self.gpus[self.a] + self.other * self.gpus) // self.room)
        running = self.running[self.a] * count + self.running * self.other
        hours = self.hours[None, :, None]
        if self.committed[self.a]:
            # [n, other]: what is paid for n replicas of a, and with it for b where that is committed as well.
            paid = np.where(self.same, both, mine + np.where(self.committed, theirs, 0))[:, self.peak]
            varying = running + np.where(self.committed, 0, theirs)
            total = (np.minimum.accumulate(varying, axis=0) * hours).sum(axis=1) + paid * self.hours.sum()
        else:
            varying = running + np.where(self.same, both, mine + theirs)
            total = (varying.min(axis=0)[None] * hours).sum(axis=1)
        spare = self.each[self.a] * self.spare[self.a] + self.each * self.spare
        total = total + spare * self.hours.sum()
        # A committed b with an a that comes and goes is told when b has its turn as a; a with itself is a alone.
        total[:, self.committed & ~self.committed[self.a]] = _NEVER
        total[:, self.a] = _NEVER
        n, b = np.unravel_index(int(total.argmin()), total.shape)
        if int(total[n, b]) >= alone[0]:
            return alone
        most = int(n) + 1 if self.committed[self.a] else None
        return int(total[n, b]), self._replicas(varying[:most, :, b], int(b))

    def _alone(self) -> tuple[int, tuple[tuple[int, ...], ...]]:
        needed = [self.problem.needed(self.a, t) for t in range(self.hours.size)]
        rows = []
        for count in needed:
            row = [0] * len(self.problem.options)
            row[self.a] = count
            rows.append(tuple(row))
        instances = -(-np.array(needed, dtype=np.int64) * self.gpus[self.a] // self.room[self.a]) + self.spare[self.a]
        if self.committed[self.a]:
            instances = np.full_like(instances, instances.max())
        each = self.each[self.a] * instances + self.running[self.a] * np.array(needed, dtype=np.int64)
        return int((each * self.hours).sum()), tuple(rows)

    def _replicas(self, varying: Ints, b: int) -> tuple[tuple[int, ...], ...]:
        """Return the cheapest replicas of every period; of equal ones the most of ``a``, which rise with the demand."""
        last = varying.shape[0] - 1
        chosen = last - varying[::-1].argmin(axis=0)
        rows = []
        for t, k in enumerate(chosen.tolist()):
            row = [0] * len(self.problem.options)
            row[self.a], row[b] = k, int(self.other[k, t, b])
            rows.append(tuple(row))
        return tuple(rows)
