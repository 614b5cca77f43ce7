"""Cuts that provably keep an optimum with least types, nodes and watts, so that the solver sees dozens of options.

**Dominance.** Within one service and pool, option ``a`` dominates ``b`` when it carries at least as much per replica
and takes no more GPUs, money, watts, spares, preferences and no more of any limit. Replacing b's replicas by as many
of a keeps every constraint and worsens neither cost nor ties; of equal options the earlier one stays.

**Bound.** With one service and a uniform fleet the cost of an option is known in closed form, since its replicas and
instances are. An option dearer than another that fits every limit is in no optimum.
"""

from __future__ import annotations

from dataclasses import fields

from planner.solve.problem import Limit, Options, Problem, Solution, dot


def prune(problem: Problem) -> tuple[Problem, tuple[int, ...]]:
    """Return the smaller problem and, for each of its options, the index it had; pools without options stay."""
    kept = _undominated(problem)
    if len(problem.services) == 1 and problem.services[0].max_options == 1:
        kept = _within_bound(problem, kept)
    return _restrict(problem, kept), tuple(kept)


def standalone_cost(problem: Problem, option: int) -> int | None:
    """Cost of serving ``option``'s service with it alone; None where a quota or a limit forbids it."""
    replicas = [0] * len(problem.options)
    replicas[option] = problem.needed(option)
    instances = problem.instances(replicas)
    if any(n > most for n, most in zip(instances, problem.pools.max_instances, strict=True)):
        return None
    if any(dot(limit.pool, instances) + dot(limit.option, replicas) > limit.maximum for limit in problem.limits):
        return None
    return problem.cost(replicas, instances)


def expand(solution: Solution, kept: tuple[int, ...], options: int) -> Solution:
    """Give a solution of the pruned problem the shape of the full one."""
    replicas = [0] * options
    for count, index in zip(solution.replicas, kept, strict=True):
        replicas[index] = count
    return Solution(tuple(replicas), solution.instances)


def _undominated(problem: Problem) -> list[int]:
    options = problem.options
    groups: dict[tuple[int, int], list[int]] = {}
    for o in range(len(options)):
        groups.setdefault((options.service[o], options.pool[o]), []).append(o)
    burden = [
        (
            -options.capacity[o],
            options.gpus[o],
            options.cost[o],
            options.watts[o],
            options.spare[o],
            options.preference_of(o),
            *(limit.option[o] for limit in problem.limits),
        )
        for o in range(len(options))
    ]
    kept: list[int] = []
    for members in groups.values():
        front: list[int] = []
        # Sorted by burden, then order: whatever dominates an option comes before it.
        for o in sorted(members, key=lambda o: (burden[o], o)):
            if not any(
                all(a <= b for a, b in zip(burden[f], burden[o], strict=True)) and (f < o or burden[f] != burden[o])
                for f in front
            ):
                front.append(o)
        kept.extend(front)
    return sorted(kept)


def _within_bound(problem: Problem, kept: list[int]) -> list[int]:
    costs = {o: standalone_cost(problem, o) for o in kept}
    reached = [cost for cost in costs.values() if cost is not None]
    if not reached:
        return kept
    best = min(reached)
    return [o for o in kept if costs[o] is not None and costs[o] == best]


def _restrict(problem: Problem, kept: list[int]) -> Problem:
    columns = {f.name: getattr(problem.options, f.name) for f in fields(Options)}
    options = Options(**{name: tuple(column[o] for o in kept) if column else () for name, column in columns.items()})
    limits = tuple(Limit(x.id, x.maximum, x.pool, tuple(x.option[o] for o in kept)) for x in problem.limits)
    return Problem(problem.services, problem.pools, options, limits)
