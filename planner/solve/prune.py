"""Cuts that provably keep an optimum with least ties, so that the solver sees dozens of options.

**Dominance.** Within one service and pool, option ``a`` dominates ``b`` when it carries at least as much per replica
and takes no more GPUs, money, watts, spares, preferences and no more of any limit. Replacing b's replicas by as many
of a keeps every constraint and worsens neither cost nor ties; of equal options the earlier one stays.

**Bound.** With one service, one period and a uniform fleet the cost of an option is known in closed form, since its
replicas and instances are. An option dearer than another that fits every limit is in no optimum.

Between pools and group sizes ``dominance`` cuts further, where fleets are chosen together.

**Periods** in which every service has the same demand are one longer period.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from planner.solve.dominance import undominated
from planner.solve.problem import Limit, Options, Problem, Solution, dot


@dataclass(frozen=True, slots=True)
class Pruned:
    """A smaller problem, and where its options and periods are in the whole one."""

    problem: Problem
    kept: tuple[int, ...]
    """[option of the small one]: option of the whole one."""
    period: tuple[int, ...]
    """[period of the whole one]: period of the small one."""
    options: int
    """Options of the whole one."""

    def expand(self, solution: Solution) -> Solution:
        """Give a solution of the small problem the shape of the whole one."""
        replicas = []
        for counts in solution.replicas:
            row = [0] * self.options
            for count, index in zip(counts, self.kept, strict=True):
                row[index] = count
            replicas.append(tuple(row))
        return Solution(
            tuple(replicas[t] for t in self.period), tuple(tuple(solution.instances[t]) for t in self.period)
        )


def prune(problem: Problem) -> Pruned:
    """Return the smaller problem; pools without options stay."""
    kept = _undominated(problem)
    closed = len(problem.services) == 1 and problem.services[0].max_options == 1 and not problem.choices
    if closed and len(problem.hours) == 1 and problem.max_kinds is None and not problem.services[0].firm:
        kept = _within_bound(problem, kept)
    else:
        kept = undominated(problem, kept)
    small, period = _merged_periods(restrict(problem, kept))
    return Pruned(small, tuple(kept), period, len(problem.options))


def standalone_cost(problem: Problem, option: int) -> int | None:
    """Cost of serving ``option``'s service with it alone, in one period; None where a quota or limit forbids it."""
    counts = [0] * len(problem.options)
    counts[option] = problem.needed(option)
    replicas = [counts]
    instances = problem.instances(replicas)
    if any(n > most for n, most in zip(instances[0], problem.pools.max_instances, strict=True)):
        return None
    if any(dot(limit.pool, instances[0]) + dot(limit.option, counts) > limit.maximum for limit in problem.limits):
        return None
    return problem.cost(replicas, instances)


def _undominated(problem: Problem) -> list[int]:
    options = problem.options
    groups: dict[tuple[int, int], list[int]] = {}
    for o in range(len(options)):
        groups.setdefault((options.service[o], options.pool[o]), []).append(o)
    columns = [options.cost, options.watts, options.spare, *(limit.option for limit in problem.limits)]
    columns += [column for column in (options.preference, options.money) if column]
    kept: list[int] = []
    for members in groups.values():
        front: list[tuple[tuple[int, ...], int]] = []
        # Sorted by burden, then order: whatever dominates an option comes before it. Pools are firm or not as a whole.
        burden = {o: (-options.capacity[o], options.gpus[o], *(column[o] for column in columns)) for o in members}
        for o in sorted(members, key=lambda o: (burden[o], o)):
            mine = burden[o]
            if not any(
                all(a <= b for a, b in zip(theirs, mine, strict=True)) and (f < o or theirs != mine)
                for theirs, f in front
            ):
                front.append((mine, o))
        kept.extend(o for _, o in front)
    return sorted(kept)


def _within_bound(problem: Problem, kept: list[int]) -> list[int]:
    costs = {o: standalone_cost(problem, o) for o in kept}
    reached = [cost for cost in costs.values() if cost is not None]
    if not reached:
        return kept
    most = problem.ceiling(min(reached))
    return [o for o in kept if (cost := costs[o]) is not None and cost <= most]


def restrict(problem: Problem, kept: list[int]) -> Problem:
    """Return ``problem`` with some of its options."""
    columns = {f.name: getattr(problem.options, f.name) for f in fields(Options)}
    options = Options(**{name: tuple(column[o] for o in kept) if column else () for name, column in columns.items()})
    limits = tuple(Limit(x.id, x.maximum, x.pool, tuple(x.option[o] for o in kept), x.mean) for x in problem.limits)
    return replace(problem, options=options, limits=limits)


def _merged_periods(problem: Problem) -> tuple[Problem, tuple[int, ...]]:
    """Return ``problem`` with equal periods merged, and the merged period of each."""
    if len(problem.hours) == 1:
        return problem, (0,)
    columns = [
        tuple((item.demand[t], item.firm[t] if item.firm else 0) for item in problem.services)
        for t in range(len(problem.hours))
    ]
    first = {column: columns.index(column) for column in dict.fromkeys(columns)}
    number = {column: index for index, column in enumerate(first)}
    hours = [0] * len(first)
    for column, length in zip(columns, problem.hours, strict=True):
        hours[number[column]] += length
    services = tuple(
        replace(
            item,
            demand=tuple(item.demand[t] for t in first.values()),
            firm=tuple(item.firm[t] for t in first.values()) if item.firm else (),
        )
        for item in problem.services
    )
    return replace(problem, services=services, hours=tuple(hours)), tuple(number[column] for column in columns)
