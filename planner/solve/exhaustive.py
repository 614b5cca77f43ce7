"""The oracle: every combination tried, nothing clever. For small problems, tests and confirming INFEASIBLE."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from math import comb, prod

from planner.solve.problem import Outcome, Problem, Solution, dot


class ExhaustiveSolver:
    """Tries every minimal cover of every service's demand.

    Costs, limits and GPUs grow with each replica, so a choice with a replica that could be left out is never better
    than the same without it: minimal covers are enough.
    """

    name = "exhaustive"

    def solve(self, problem: Problem) -> Outcome:
        """Return the optimum with all ties broken, or ``infeasible``."""
        best: tuple[tuple[int, ...], Solution] | None = None
        for parts in product(*(list(_covers(problem, index)) for index in range(len(problem.services)))):
            replicas = [0] * len(problem.options)
            for part in parts:
                for option, count in part:
                    replicas[option] = count
            instances = problem.instances(replicas)
            if any(n > most for n, most in zip(instances, problem.pools.max_instances, strict=True)):
                continue
            if any(dot(lim.pool, instances) + dot(lim.option, replicas) > lim.maximum for lim in problem.limits):
                continue
            key = (problem.cost(replicas, instances), *problem.tie_keys(replicas, instances))
            if best is None or key < best[0]:
                best = key, Solution(tuple(replicas), tuple(instances))
        if best is None:
            return Outcome("infeasible", self.name)
        return Outcome("optimal", self.name, best[1], best[0][0], best[0][0])


def combinations_to_try(problem: Problem) -> int:
    """Upper bound of the choices that the oracle would walk through."""
    sizes = []
    for index, service in enumerate(problem.services):
        mine = [o for o in range(len(problem.options)) if problem.options.service[o] == index]
        most = max((problem.needed(o) for o in mine), default=0)
        sizes.append(
            sum(comb(len(mine), k) * most ** (k - 1) for k in range(1, min(service.max_options, len(mine)) + 1))
        )
    return prod(sizes)


def _covers(problem: Problem, service: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield the minimal covers of a service's demand as ((option, replicas), ...), each replica count positive."""
    demand = problem.services[service].demand
    mine = [o for o in range(len(problem.options)) if problem.options.service[o] == service]
    for size in range(1, problem.services[service].max_options + 1):
        for chosen in combinations(mine, size):
            yield from _fill(problem, chosen, demand)


def _fill(problem: Problem, chosen: tuple[int, ...], demand: int) -> Iterator[tuple[tuple[int, int], ...]]:
    first, *rest = chosen
    capacity = problem.options.capacity[first]
    most = -(-demand // capacity)
    if not rest:
        if most > 0:
            yield ((first, most),)
        return
    for count in range(1, most):  # at `most` the others would be superfluous
        for tail in _fill(problem, tuple(rest), demand - count * capacity):
            yield ((first, count), *tail)
