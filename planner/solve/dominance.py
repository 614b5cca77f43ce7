"""Dominance between different group sizes and between pools: what many services leave of thousands of options.

``prune`` compares single replicas within one service and pool. With many services the same instances are offered at
several prices and sizes, and the same model runs in groups of 1, 2, 4 or 8. Both cuts below keep an optimum, and one
with least types, nodes and watts; capacities count up to the demand only, since more serves nobody.

**Groups.** Within one service and pool, ``m`` replicas of ``a`` stand where one of ``b`` stood: ``a`` dominates ``b``
when they fit its accelerators and carry, cost, draw, hold in spare and count against limits no worse than it.

**Pools.** Pool ``p`` dominates ``q`` when ``m`` of its instances cost no more than one of ``q``, it has no quota, may
come and go if ``q`` may, and whatever runs on ``q`` runs on ``p`` as well: for each option on ``q`` there is one on
``p`` that carries as much, is as firm, and takes no more of an instance. Halves, quarters and eighths of an instance
pack in whatever mixture, so that this compares different accelerators too. Where only one service runs on ``q``, it is
enough that an instance of ``p`` full of one option carries more than one of ``q`` can. More instances than before
(``m > 1``) have to cost less, since of equal costs fewer nodes win.
"""

from __future__ import annotations

from planner.solve.problem import UNLIMITED, Problem


def undominated(problem: Problem, kept: list[int]) -> list[int]:
    """Return which options of ``kept`` remain, in order."""
    by_pool = _by_pool(problem, _undominated_groups(problem, kept))
    left = _undominated_pools(problem, by_pool)
    return sorted(o for pool in left for members in by_pool[pool].values() for o in members)


def _undominated_groups(problem: Problem, among: list[int]) -> list[int]:
    options = problem.options
    groups: dict[tuple[int, int], list[int]] = {}
    for o in among:
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
    options, demand = problem.options, problem.services[problem.options.service[b]].peak
    if times < 1 or times * options.capacity[a] < min(options.capacity[b], demand):
        return False
    if options.spare[a] > options.spare[b] or options.preference_of(a) > options.preference_of(b):
        return False
    if options.is_firm(b) and not options.is_firm(a):
        return False
    burdens = (options.cost, options.watts, options.money, *(limit.option for limit in problem.limits))
    return all(times * column[a] <= column[b] for column in burdens if column)


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
    if pools.max_instances[p] < UNLIMITED or (pools.is_committed(p) and not pools.is_committed(q)):
        return False
    if problem.max_kinds is not None and pools.kind_of(p) != pools.kind_of(q):
        return False
    if _stands_for(problem, p, q, 1) and all(
        any(_no_larger_part(problem, a, o) and _covers(problem, a, o, 1) for a in by_pool[p].get(service, ()))
        for service, members in by_pool[q].items()
        for o in members
    ):
        return True
    if len(by_pool[q]) == 1:
        ((service, members),) = by_pool[q].items()
        if any(_carries_more(problem, a, q, members) for a in by_pool[p].get(service, ())):
            return True
    times, rest = divmod(pools.gpus[q], pools.gpus[p])
    if problem.tie_ppm:
        return False  # the dearer instance may still win a tie, with fewer nodes
    if rest or times < 2 or not _stands_for(problem, p, q, times):
        return False
    for service, members in by_pool[q].items():
        mine = by_pool[p].get(service, ())
        for o in members:
            # Groups that divide the smaller instance pack into several of them as they did into the larger one.
            if pools.gpus[p] % options.gpus[o] or options.spare[o]:
                return False
            if not any(options.gpus[a] <= options.gpus[o] and _covers(problem, a, o, 1) for a in mine):
                return False
    return True


def _carries_more(problem: Problem, a: int, q: int, members: list[int]) -> bool:
    """Say whether an instance full of ``a`` carries more than one of ``q`` ever does, and costs and counts no more.

    ``members`` are all options on ``q``, of one service: whatever stands on as many of its instances can go.
    """
    pools, options = problem.pools, problem.options
    p = options.pool[a]
    full = pools.gpus[p] // options.gpus[a]
    # However replicas are packed, an instance carries no more than all of its GPUs at the best load per GPU.
    if full < 1 or any(
        full * options.capacity[a] * options.gpus[o] < options.capacity[o] * pools.gpus[q] for o in members
    ):
        return False
    if any(options.gpus[o] > pools.gpus[q] for o in members):
        return False
    if any(
        options.spare[a] > options.spare[o]
        or options.preference_of(a) > options.preference_of(o)
        or (options.is_firm(o) and not options.is_firm(a))
        for o in members
    ):
        return False
    columns = [(pools.cost, options.cost), (pools.watts, options.watts)]
    columns += [(pools.money, options.money)] if pools.money else []
    columns += [(limit.pool, limit.option) for limit in problem.limits]
    return all(of_pool[p] + full * of_option[a] <= of_pool[q] for of_pool, of_option in columns)


def _stands_for(problem: Problem, p: int, q: int, times: int) -> bool:
    """Say whether ``times`` instances of ``p`` cost and count no more than one of ``q``."""
    pools = problem.pools
    if times * pools.cost[p] > pools.cost[q] - (times > 1):
        return False
    if times == 1 and (pools.watts[p] > pools.watts[q] or (pools.money and pools.money[p] > pools.money[q])):
        return False
    return all(times * limit.pool[p] <= limit.pool[q] for limit in problem.limits)


def _no_larger_part(problem: Problem, a: int, b: int) -> bool:
    """Say whether a replica of ``a`` takes no more of its instance, or no more instances, than one of ``b`` does.

    Parts are compared where both are halves, quarters and so on, which pack into an instance in any mixture.
    """
    pools, options = problem.pools, problem.options
    room_a, room_b = pools.gpus[options.pool[a]], pools.gpus[options.pool[b]]
    if options.gpus[b] >= room_b:
        return -(-options.gpus[a] // room_a) <= options.gpus[b] // room_b
    each_a, each_b = room_a // options.gpus[a], room_b // options.gpus[b]
    return each_a >= each_b and _power_of_two(each_a) and _power_of_two(each_b)


def _power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0
