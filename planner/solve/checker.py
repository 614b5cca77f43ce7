"""Re-verification of a solution in plain integers, sharing no code with the model that found it."""

from __future__ import annotations

from planner.solve.problem import Problem, Solution


def violations(problem: Problem, solution: Solution) -> list[str]:
    """Return every constraint that ``solution`` breaks, as sentences; empty when it holds them all.

    Besides the linear constraints this packs the replicas into instances for real: a replica lies inside one
    instance, or takes whole instances when it is larger than one.
    """
    pools, options = problem.pools, problem.options
    broken: list[str] = []
    if len(solution.replicas) != len(options) or len(solution.instances) != len(pools):
        return ["the solution does not have the problem's shape"]
    if min((*solution.replicas, *solution.instances), default=0) < 0:
        broken.append("a count is negative")

    for index, service in enumerate(problem.services):
        chosen = [o for o in range(len(options)) if options.service[o] == index and solution.replicas[o] > 0]
        carried = sum(options.capacity[o] * solution.replicas[o] for o in chosen)
        if carried < service.demand:
            broken.append(f"service {service.id}: {carried} carried of {service.demand}")
        if len(chosen) > service.max_options:
            broken.append(f"service {service.id}: {len(chosen)} layouts, at most {service.max_options} allowed")

    for pool in range(len(pools)):
        bought = solution.instances[pool]
        if bought > pools.max_instances[pool]:
            broken.append(f"pool {pools.id[pool]}: {bought} instances, quota {pools.max_instances[pool]}")
        used = [o for o in range(len(options)) if options.pool[o] == pool and solution.replicas[o] > 0]
        spare = sum(options.spare[o] for o in used)
        sizes = [options.gpus[o] for o in used for _ in range(solution.replicas[o])]
        if (packed := _pack(sizes, pools.gpus[pool]) + spare) > bought:
            broken.append(f"pool {pools.id[pool]}: replicas and spares need {packed} instances, {bought} bought")

    for limit in problem.limits:
        total = sum(c * n for c, n in zip(limit.pool, solution.instances, strict=True))
        total += sum(c * n for c, n in zip(limit.option, solution.replicas, strict=True))
        if total > limit.maximum:
            broken.append(f"limit {limit.id}: {total} of {limit.maximum}")
    return broken


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
