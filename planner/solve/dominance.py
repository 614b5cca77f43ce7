"""Dominance between different group sizes and between pools: what many services leave of thousands of options.

``prune`` compares single replicas within one service and pool. With many services the same instances are offered at
several prices and sizes, and the same model runs in groups of 1, 2, 4 or 8. Both cuts below keep an optimum, and one
with least types, nodes and watts; capacities count up to the demand only, since more serves nobody.

**Groups.** Within one service and pool, ``m`` replicas of ``a`` stand where one of ``b`` stood: ``a`` dominates ``b``
when they fit its accelerators and carry, cost, draw, hold in spare and count against limits no worse than it.

**Pools.** Pool ``p`` dominates ``q`` when ``m`` of its instances have the accelerators of one of ``q`` and cost no
more, it has no quota, and whatever runs on ``q`` runs on ``p`` within one instance as well. More instances than before
(``m > 1``) have to cost less, since of equal costs fewer nodes win.
"""

from __future__ import annotations

from dataclasses import fields

from planner.solve.problem import UNLIMITED, Limit, Options, Problem


def prune_fleet(problem: Problem) -> tuple[Problem, tuple[int, ...]]:
    """Return the smaller problem and, for each of its options, the index it had; pools without options stay."""
    by_pool = _by_pool(problem, _undominated_groups(problem))
    left = _undominated_pools(problem, by_pool)
    kept = sorted(o for pool in left for members in by_pool[pool].values() for o in members)
    columns = {f.name: getattr(problem.options, f.name) for f in fields(Options)}
    options = Options(**{name: tuple(column[o] for o in kept) if column else () for name, column in columns.items()})
    limits = tuple(Limit(x.id, x.maximum, x.pool, tuple(x.option[o] for o in kept)) for x in problem.limits)
    return Problem(problem.services, problem.pools, options, limits), tuple(kept)


def _undominated_groups(problem: Problem) -> list[int]:
    options = problem.options
    groups: dict[tuple[int, int], list[int]] = {}
    for o in range(len(options)):
        groups.setdefault((options.service[o], options.pool[o]), []).append(o)
    kept: list[int] = []
    for members in groups.values():
        # Smaller groups first, since only they can stand several times where a larger one stood. Of options that cover
        # each other the first stays.
        front: list[int] = []
        for o in sorted(members, key=lambda o: (options.gpus[o], -options.capacity[o], o)):
            if not any(_covers(problem, a, o, _fitting(problem, a, o)) for a in front):
                front.append(o)
        kept.extend(front)
    return sorted(kept)


def _fitting(problem: Problem, a: int, b: int) -> int:
    """Return how many replicas of ``a`` find room where one of ``b`` stood on the same pool."""
    room, small, large = problem.pools.gpus[problem.options.pool[b]], problem.options.gpus[a], problem.options.gpus[b]
    if large <= room or small > room:
        return large // small
    return min(large // room * (room // small), large // small)


def _covers(problem: Problem, a: int, b: int, times: int) -> bool:
    """Say whether ``times`` replicas of ``a`` do all that one of ``b`` does and ask no more."""
    options, demand = problem.options, problem.services[problem.options.service[b]].demand
    if times < 1 or times * options.capacity[a] < min(options.capacity[b], demand):
        return False
    if options.spare[a] > options.spare[b] or options.preference_of(a) > options.preference_of(b):
        return False
    burdens = (options.cost, options.watts, *(limit.option for limit in problem.limits))
    return all(times * column[a] <= column[b] for column in burdens)


def _by_pool(problem: Problem, kept: list[int]) -> dict[int, dict[int, list[int]]]:
    """Return pool -> service -> options."""
    found: dict[int, dict[int, list[int]]] = {}
    for o in kept:
        found.setdefault(problem.options.pool[o], {}).setdefault(problem.options.service[o], []).append(o)
    return found


def _undominated_pools(problem: Problem, by_pool: dict[int, dict[int, list[int]]]) -> list[int]:
    pools = problem.pools
    front: list[int] = []
    # Whatever dominates a pool comes before it: smaller instances, then cheaper ones.
    for q in sorted(by_pool, key=lambda q: (pools.gpus[q], pools.cost[q], pools.watts[q], q)):
        if not any(_replaces(problem, p, q, by_pool) for p in front):
            front.append(q)
    return front


def _replaces(problem: Problem, p: int, q: int, by_pool: dict[int, dict[int, list[int]]]) -> bool:
    pools, options = problem.pools, problem.options
    times, rest = divmod(pools.gpus[q], pools.gpus[p])
    if rest or times < 1 or pools.max_instances[p] < UNLIMITED:
        return False
    if times * pools.cost[p] > pools.cost[q] - (times > 1):
        return False
    if any(times * limit.pool[p] > limit.pool[q] for limit in problem.limits):
        return False
    if times == 1 and pools.watts[p] > pools.watts[q]:
        return False
    for service, members in by_pool[q].items():
        mine = by_pool[p].get(service, ())
        for o in members:
            # Groups that divide the smaller instance pack into several of them as they did into the larger one.
            if times > 1 and (pools.gpus[p] % options.gpus[o] or options.spare[o]):
                return False
            if not any(options.gpus[a] <= options.gpus[o] and _covers(problem, a, o, 1) for a in mine):
                return False
    return True
