"""The oracle: every combination tried, nothing clever. For small problems, tests and confirming INFEASIBLE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import comb, prod

from planner.solve.problem import Outcome, Problem, Solution, dot


class ExhaustiveSolver:
    """Tries every way of every choice and every minimal cover of every demand.

    Costs, limits and GPUs grow with each replica, so a choice with a replica that could be left out is never better
    than the same without it: minimal covers are enough.
    """

    name = "exhaustive"

    def solve(self, problem: Problem) -> Outcome:
        """Return the optimum with all ties broken, or ``infeasible``."""
        found = [(problem.cost(it.replicas, it.instances), it) for it in _solutions(problem)]
        if not found:
            return Outcome("infeasible", self.name)
        least = min(cost for cost, _ in found)
        ties = [item for cost, item in found if cost <= problem.ceiling(least)]
        best = min(ties, key=lambda item: problem.tie_keys(item.replicas, item.instances))
        return Outcome("optimal", self.name, best, least, least)


def _solutions(problem: Problem) -> Iterator[Solution]:
    """Yield everything that holds every constraint, with no replica too many."""
    always = set(range(len(problem.services))) - problem.optional()
    for ways in product(*problem.choices):
        carried = sorted(always.union(*ways))
        for parts in product(*(list(_covers(problem, index)) for index in carried)):
            replicas = [[0] * len(problem.options) for _ in problem.hours]
            for part in parts:
                for period, counts in enumerate(part):
                    for option, count in counts:
                        replicas[period][option] = count
            instances = problem.instances(replicas)
            if _holds(problem, replicas, instances):
                yield Solution(tuple(map(tuple, replicas)), tuple(map(tuple, instances)))


def _holds(problem: Problem, replicas: Sequence[Sequence[int]], instances: Sequence[Sequence[int]]) -> bool:
    for bought in instances:
        if any(n > most for n, most in zip(bought, problem.pools.max_instances, strict=True)):
            return False
    for limit in problem.limits:
        totals = [
            dot(limit.pool, bought) + dot(limit.option, counts)
            for bought, counts in zip(instances, replicas, strict=True)
        ]
        if limit.mean and dot(problem.hours, totals) > limit.maximum * problem.cycle_hours:
            return False
        if not limit.mean and max(totals) > limit.maximum:
            return False
    kinds = {problem.pools.kind_of(p) for bought in instances for p, count in enumerate(bought) if count}
    return problem.max_kinds is None or len(kinds) <= problem.max_kinds


def combinations_to_try(problem: Problem) -> int:
    """Upper bound of the choices that the oracle would walk through."""
    sizes = []
    for index, service in enumerate(problem.services):
        mine = [o for o in range(len(problem.options)) if problem.options.service[o] == index]
        most = max((problem.needed(o) for o in mine), default=0)
        periods = len(problem.hours)
        sizes.append(
            sum(
                comb(len(mine), k) * (most + 1) ** (k * periods if periods > 1 or service.firm else k - 1)
                for k in range(1, min(service.max_options, len(mine)) + 1)
            )
        )
    return int(prod(sizes)) * prod(len(ways) for ways in problem.choices)


Cover = tuple[tuple[tuple[int, int], ...], ...]
"""[period]: (option, replicas) of the options that are used at all."""


def _covers(problem: Problem, service: int) -> Iterator[Cover]:
    """Yield how a service's demand can be covered, every option of a cover used in some period.

    From the period of least demand on, each has at least the replicas of the one before it, and beyond those none that
    could be left out: one too many in a period is none the better for later ones, which may have it anyway.
    """
    asked = problem.services[service]
    mine = [o for o in range(len(problem.options)) if problem.options.service[o] == service]
    for size in range(1, asked.max_options + 1):
        for chosen in combinations(mine, size):
            for rows in _chains(problem, service, chosen, asked.ascending, (0,) * size):
                if all(rows[-1]):
                    by_period = dict(zip(asked.ascending, rows, strict=True))
                    yield tuple(tuple(zip(chosen, by_period[t], strict=True)) for t in range(len(problem.hours)))


def _chains(
    problem: Problem, service: int, chosen: tuple[int, ...], periods: tuple[int, ...], least: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], ...]]:
    if not periods:
        yield ()
        return
    for row in _counts(problem, service, chosen, periods[0], least):
        for rest in _chains(problem, service, chosen, periods[1:], row):
            yield (row, *rest)


def _counts(
    problem: Problem, service: int, chosen: tuple[int, ...], period: int, least: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    """Yield the replicas of ``chosen``, at least ``least``, that carry a period's demand, no more than that takes."""
    demand, firm = problem.services[service].asked(period)

    def enough(row: Sequence[int]) -> bool:
        carried = [n * problem.options.capacity[o] for n, o in zip(row, chosen, strict=True)]
        sure = [load for load, o in zip(carried, chosen, strict=True) if problem.options.is_firm(o)]
        return sum(carried) >= demand and sum(sure) >= firm

    most = [max(problem.needed(o, period), low) for o, low in zip(chosen, least, strict=True)]
    for row in product(*(range(low, high + 1) for low, high in zip(least, most, strict=True))):
        fewer = (tuple(n - (i == j) for j, n in enumerate(row)) for i in range(len(row)) if row[i] > least[i])
        if enough(row) and not any(map(enough, fewer)):
            yield row
