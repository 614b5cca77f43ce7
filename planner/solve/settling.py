"""Whether a problem has a solution, by arithmetic where that is enough: a solver is asked only about the rest.

**No**, when the least that a limit can come to exceeds it. What a limit counts is at least the sum over the services
that have to be carried, and over the cheapest way of each choice, of the least of any of a service's options. A replica
counts its own part and its share of the instance: instances hold at least the accelerators of their replicas. For a
service that may use several options, the demand is cut into slices, each asked in all periods of at least so much: a
unit of it on an option costs its hours, or the whole cycle where the pool is committed, so that the sum of the cheapest
unit of each slice is the optimum of the relaxation in real numbers (slices are nested: whatever covers the demand
covers them one by one). Totals are integers over a common denominator; nothing is rounded.

**Yes**, when a fleet is found that the checker accepts: each service on the option that is cheapest for it alone, of
each choice the way that is cheapest so, by cost or by what a limit counts. One service on at most two layouts is
decided by ``pairs``.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from planner.solve.checker import violations
from planner.solve.pairs import countable, least_total
from planner.solve.problem import Limit, Problem, Solution
from planner.solve.solver import can_be_carried


def settled(problem: Problem) -> bool | None:
    """Say whether ``problem`` has a solution; None where that takes a solver."""
    if not can_be_carried(problem) or any(least_of(problem, limit) > limit.maximum for limit in problem.limits):
        return False
    if not countable(problem):
        return True if _uniform_fleets(problem) else None
    means = [limit for limit in problem.limits if limit.mean]
    for limit in means:
        least = least_total(problem, limit.pool, limit.option)
        if least.bound > limit.maximum * problem.cycle_hours:
            return False
        if least.solution is not None:
            return True
    if not means and least_total(problem, problem.pools.cost, problem.options.cost).solution is not None:
        return True
    return None


def least_of(problem: Problem, limit: Limit) -> Fraction:
    """Return a lower bound of what ``limit`` counts: on average, or in the period in which that is most."""
    periods = range(len(problem.hours))
    if limit.mean:
        return _total(problem, limit, periods) / problem.cycle_hours
    return max(_total(problem, limit, (t,)) / problem.hours[t] for t in periods)


def _total(problem: Problem, limit: Limit, periods: Sequence[int]) -> Fraction:
    """Return a lower bound of the sum over ``periods`` of what ``limit`` counts in each, times its hours."""
    share, of = lcm(*problem.pools.gpus), problem.options_by_service()
    least = {index: _least(problem, limit, mine, periods, share) for index, mine in of.items()}
    optional = problem.optional()
    total = sum((value for index, value in least.items() if index not in optional), Fraction(0))
    for ways in problem.choices:
        total += min(sum((least[index] for index in way), Fraction(0)) for way in ways if set(way) <= set(of))
    return total / share


def _least(problem: Problem, limit: Limit, mine: Sequence[int], periods: Sequence[int], share: int) -> Fraction:
    """Return ``share`` times the least that one service's options ``mine`` make of ``limit`` over ``periods``."""
    options, pools = problem.options, problem.pools
    service = problem.services[options.service[mine[0]]]
    total = sum(problem.hours[t] for t in periods)
    held = {o: limit.pool[options.pool[o]] * options.gpus[o] * (share // pools.gpus[options.pool[o]]) for o in mine}
    if service.max_options == 1:
        found = []
        for o in mine:
            needed = [problem.needed(o, t) for t in periods]
            running = sum(problem.hours[t] * count for t, count in zip(periods, needed, strict=True))
            paid = max(needed) * total if pools.is_committed(options.pool[o]) else running
            spare = share * limit.pool[options.pool[o]] * options.spare[o] * total
            found.append(held[o] * paid + share * limit.option[o] * running + spare)
        return Fraction(min(found))
    least, reached = Fraction(0), 0
    for level in sorted({service.demand[t] for t in periods}):
        # The slice between the level before and this one is asked in all periods of at least this level.
        hours = sum(problem.hours[t] for t in periods if service.demand[t] >= level)
        unit = min(
            Fraction(
                held[o] * (total if pools.is_committed(options.pool[o]) else hours) + share * limit.option[o] * hours,
                options.capacity[o],
            )
            for o in mine
        )
        least += (level - reached) * unit
        reached = level
    return least


def _uniform_fleets(problem: Problem) -> Solution | None:
    """Return fleets that hold every constraint, each of one option chosen by itself; None where none of them do."""
    weights = [(problem.pools.cost, problem.options.cost), *((limit.pool, limit.option) for limit in problem.limits)]
    for pool, option in dict.fromkeys(weights):
        cheapest = {
            service: min((_alone(problem, o, pool, option), o) for o in mine)
            for service, mine in problem.options_by_service().items()
        }
        taken = [cheapest[service][1] for service in cheapest if service not in problem.optional()]
        for ways in problem.choices:
            possible = [way for way in ways if set(way) <= cheapest.keys()]
            taken += min((sum(cheapest[s][0] for s in way), [cheapest[s][1] for s in way]) for way in possible)[1]
        solution = _solution(problem, taken)
        if not violations(problem, solution):
            return solution
    return None


def _alone(problem: Problem, o: int, pool: Sequence[int], option: Sequence[int]) -> int:
    """Return what serving its service with ``o`` alone comes to over the cycle, in whole instances."""
    options, p = problem.options, problem.options.pool[o]
    needed = [problem.needed(o, t) for t in range(len(problem.hours))]
    held = [-(-count * options.gpus[o] // problem.pools.gpus[p]) + options.spare[o] for count in needed]
    if problem.pools.is_committed(p):
        held = [max(held)] * len(held)
    return sum(
        hours * (pool[p] * bought + option[o] * count)
        for hours, bought, count in zip(problem.hours, held, needed, strict=True)
    )


def _solution(problem: Problem, taken: Sequence[int]) -> Solution:
    """Return the fleets that carry their services on the options ``taken`` alone."""
    rows = []
    for t in range(len(problem.hours)):
        row = [0] * len(problem.options)
        for o in taken:
            row[o] = problem.needed(o, t)
        rows.append(tuple(row))
    return Solution(tuple(rows), tuple(map(tuple, problem.instances(rows))))
