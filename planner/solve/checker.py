"""Re-verification of a solution in plain integers, sharing no code with the models that find it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from planner.solve.problem import Problem, Solution


def violations(problem: Problem, solution: Solution) -> list[str]:
    """Return every constraint that ``solution`` breaks, as sentences; empty when it holds them all.

    Besides the linear constraints this packs the replicas of every period into instances for real: a replica lies
    inside one instance, or takes whole instances when it is larger than one.
    """
    periods = len(problem.hours)
    shapes = [(solution.replicas, len(problem.options)), (solution.instances, len(problem.pools))]
    if any(len(rows) != periods or any(len(row) != width for row in rows) for rows, width in shapes):
        return ["the solution does not have the problem's shape"]
    broken = []
    if any(count < 0 for rows, _ in shapes for row in rows for count in row):
        broken.append("a count is negative")
    used = {o for row in solution.replicas for o, count in enumerate(row) if count > 0}
    broken += _services(problem, solution, used)
    for period in range(periods):
        where = f" in period {period}" if periods > 1 else ""
        broken += [text + where for text in _pools(problem, solution, used, period)]
        broken += [text + where for text in _limits(problem, solution, period)]
    broken += _means(problem, solution)
    for pool in range(len(problem.pools)):
        counts = {row[pool] for row in solution.instances}
        if problem.pools.is_committed(pool) and len(counts) > 1:
            broken.append(f"pool {problem.pools.id[pool]}: committed, but its instances change")
    kinds = {problem.pools.kind_of(p) for row in solution.instances for p, count in enumerate(row) if count > 0}
    if problem.max_kinds is not None and len(kinds) > problem.max_kinds:
        broken.append(f"{len(kinds)} kinds of pools, at most {problem.max_kinds} allowed")
    return broken


def _services(problem: Problem, solution: Solution, used: set[int]) -> Iterator[str]:
    """Check that of each choice one way is carried, and every service of it in every period."""
    options = problem.options
    busy = {options.service[o] for o in used}
    carried = set(range(len(problem.services)))
    for number, ways in enumerate(problem.choices):
        among = {service for way in ways for service in way}
        carried -= among
        taken = [set(way) for way in ways if set(way) == busy & among]
        if not taken:
            yield f"choice {number}: services {sorted(busy & among)} are no way of it"
        else:
            carried |= taken[0]
    for index in sorted(carried):
        service = problem.services[index]
        mine = [o for o in used if options.service[o] == index]
        if len(mine) > service.max_options:
            yield f"service {service.id}: {len(mine)} layouts, at most {service.max_options} allowed"
        for period, demand in enumerate(service.demand):
            loads = {o: options.capacity[o] * solution.replicas[period][o] for o in mine}
            if (total := sum(loads.values())) < demand:
                yield f"service {service.id}: {total} carried of {demand}"
            firm = service.firm[period] if service.firm else 0
            if (sure := sum(load for o, load in loads.items() if options.is_firm(o))) < firm:
                yield f"service {service.id}: {sure} carried by firm capacity of {firm}"
        for before, after in pairwise(service.ascending):
            fewer = [o for o in mine if solution.replicas[after][o] < solution.replicas[before][o]]
            if fewer:
                yield f"service {service.id}: fewer replicas of option {fewer[0]} where demand is higher"


def _pools(problem: Problem, solution: Solution, used: set[int], period: int) -> Iterator[str]:
    pools, options = problem.pools, problem.options
    for pool in range(len(pools)):
        bought = solution.instances[period][pool]
        if bought > pools.max_instances[pool]:
            yield f"pool {pools.id[pool]}: {bought} instances, quota {pools.max_instances[pool]}"
        mine = [o for o in used if options.pool[o] == pool]
        spare = sum(options.spare[o] for o in mine)
        sizes = [options.gpus[o] for o in mine for _ in range(solution.replicas[period][o])]
        if (packed := _pack(sizes, pools.gpus[pool]) + spare) > bought:
            yield f"pool {pools.id[pool]}: replicas and spares need {packed} instances, {bought} bought"


def _total(pool: Sequence[int], option: Sequence[int], solution: Solution, period: int) -> int:
    total = sum(c * n for c, n in zip(pool, solution.instances[period], strict=True))
    return total + sum(c * n for c, n in zip(option, solution.replicas[period], strict=True))


def _limits(problem: Problem, solution: Solution, period: int) -> Iterator[str]:
    for limit in problem.limits:
        total = _total(limit.pool, limit.option, solution, period)
        if not limit.mean and total > limit.maximum:
            yield f"limit {limit.id}: {total} of {limit.maximum}"


def _means(problem: Problem, solution: Solution) -> Iterator[str]:
    for limit in problem.limits:
        if limit.mean:
            totals = [_total(limit.pool, limit.option, solution, t) for t in range(len(problem.hours))]
            total = sum(hours * each for hours, each in zip(problem.hours, totals, strict=True))
            if total > limit.maximum * sum(problem.hours):
                yield f"limit {limit.id}: {total / sum(problem.hours):.0f} on average, of {limit.maximum}"


def _pack(sizes: list[int], room: int) -> int:
    """Instances with ``room`` GPUs that first-fit decreasing needs (exact for sizes that divide each other)."""
    free: list[int] = []
    whole = 0
    for size in sorted(sizes, reverse=True):
        if size >= room:
            whole += -(-size // room)
            continue
        for index, left in enumerate(free):
            if left >= size:
                free[index] = left - size
                break
        else:
            free.append(room - size)
    return whole + len(free)
