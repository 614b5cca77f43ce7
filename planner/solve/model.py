"""The problem as a CP-SAT model. Constraints are numbered C1 to C5; nothing else is in it.

Variables
    used[o]       option o serves its service (Boolean)
    replicas[o]   its replicas; with a uniform fleet (max_options 1) that is needed[o] x used[o], no variable at all,
                  since one replica more than needed never helps when costs and limits are nonnegative
    instances[p]  instances of pool p

Coefficients are clipped to the demand, which tightens the relaxation and cuts off no solution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.solve.problem import Problem, Solution

_INFINITY = 2**62


@dataclass(frozen=True, slots=True)
class Model:
    """A CP-SAT model with what reads its solution back. A replica count is ``scale`` x its variable."""

    proto: Any
    replica_variable: tuple[int, ...]
    replica_scale: tuple[int, ...]
    instance_variable: tuple[int, ...]

    def read(self, values: list[int]) -> Solution:
        """Counts out of the solver's values."""
        return Solution(
            replicas=tuple(
                values[v] * scale for v, scale in zip(self.replica_variable, self.replica_scale, strict=True)
            ),
            instances=tuple(values[v] for v in self.instance_variable),
        )


def build(problem: Problem, *, cost_is: int | None = None) -> Model:
    """Build the model that minimises cost or, with ``cost_is`` given, the tie order among solutions of that cost."""
    from ortools.sat.python import cp_model_helper as cp

    proto = cp.CpModelProto()
    options, pools = problem.options, problem.pools

    def variable(low: int, high: int) -> int:
        proto.variables.add().domain.extend([low, high])
        return len(proto.variables) - 1

    def linear(terms: list[tuple[int, int]], low: int, high: int) -> None:
        expression = proto.constraints.add().linear
        expression.vars.extend([v for v, _ in terms])
        expression.coeffs.extend([c for _, c in terms])
        expression.domain.extend([low, high])

    used = [variable(0, 1) for _ in range(len(options))]
    replicas: list[int] = []
    scale: list[int] = []
    for o in range(len(options)):
        if problem.services[options.service[o]].max_options == 1:
            replicas.append(used[o])
            scale.append(problem.needed(o))
        else:
            replicas.append(variable(0, problem.needed(o)))
            scale.append(1)
    instances = [variable(0, pools.max_instances[p]) for p in range(len(pools))]

    for index, service in enumerate(problem.services):
        mine = [o for o in range(len(options)) if options.service[o] == index]
        # C1 The replicas of a service carry its demand.
        linear(
            [(replicas[o], min(options.capacity[o] * scale[o], service.demand)) for o in mine],
            service.demand,
            _INFINITY,
        )
        # C2 At most max_options layouts share the traffic, and only those used have replicas.
        linear([(used[o], 1) for o in mine], 1, service.max_options)
        for o in mine:
            if replicas[o] != used[o]:
                linear([(replicas[o], 1), (used[o], -problem.needed(o))], -_INFINITY, 0)
                linear([(replicas[o], 1), (used[o], -1)], 0, _INFINITY)

    for p in range(len(pools)):
        # C3 The instances of a pool hold the replicas placed on it, and the spares of the options used.
        terms = [(instances[p], pools.gpus[p])]
        for o in range(len(options)):
            if options.pool[o] == p:
                terms.append((replicas[o], -options.gpus[o] * scale[o]))
                if options.spare[o]:
                    terms.append((used[o], -options.spare[o] * pools.gpus[p]))
        linear(_merged(terms), 0, _INFINITY)
        # C4 No more instances than the quota: the domain of instances[p].

    for limit in problem.limits:
        # C5 What is bought and run stays within each limit.
        terms = [(instances[p], c) for p, c in enumerate(limit.pool)]
        terms += [(replicas[o], c * scale[o]) for o, c in enumerate(limit.option)]
        linear(_merged(terms), -_INFINITY, limit.maximum)

    price = [(instances[p], pools.cost[p]) for p in range(len(pools))]
    price += [(replicas[o], options.cost[o] * scale[o]) for o in range(len(options))]
    price += [(used[o], options.preference_of(o)) for o in range(len(options))]
    if cost_is is None:
        _minimise(proto, _merged(price))
    else:
        linear(_merged(price), -_INFINITY, cost_is)
        types = [variable(0, 1) for _ in range(len(pools))]
        for p in range(len(pools)):
            # A pool with instances is a type; its quota is the least valid coefficient.
            linear([(instances[p], 1), (types[p], -pools.max_instances[p])], -_INFINITY, 0)
        _minimise(proto, _tie_objective(problem, used, replicas, scale, instances, types))
    return Model(proto, tuple(replicas), tuple(scale), tuple(instances))


def _tie_objective(
    problem: Problem, used: list[int], replicas: list[int], scale: list[int], instances: list[int], types: list[int]
) -> list[tuple[int, int]]:
    """Return types, then nodes, then watts, then the order of options, as one weighted sum.

    Each weight exceeds the largest total of everything after it, so the sum orders as the tuple does. The bounds come
    from serving every service with its most wasteful single option, which no optimum exceeds in nodes or watts by
    more than the factor of the layouts that may share it.
    """
    options, pools = problem.options, problem.pools
    layouts = sum(service.max_options for service in problem.services)
    order_weight = 1
    watt_weight = len(options) * layouts + 1
    most_nodes = layouts * max(
        (
            -(-problem.needed(o) * options.gpus[o] // pools.gpus[options.pool[o]]) + options.spare[o]
            for o in range(len(options))
        ),
        default=0,
    )
    most_watts = most_nodes * max(pools.watts, default=0) + layouts * max(
        (problem.needed(o) * options.watts[o] for o in range(len(options))), default=0
    )
    node_weight = watt_weight * (most_watts + 1)
    type_weight = node_weight * (most_nodes + 1)
    terms = [(types[p], type_weight) for p in range(len(pools))]
    terms += [(instances[p], node_weight + watt_weight * pools.watts[p]) for p in range(len(pools))]
    terms += [(replicas[o], watt_weight * options.watts[o] * scale[o]) for o in range(len(options))]
    terms += [(used[o], order_weight * o) for o in range(len(options))]
    if type_weight * (len(pools) + 1) >= _INFINITY:
        raise OverflowError("the tie order does not fit 64 bits; lower the watts' resolution")
    return _merged(terms)


def _merged(terms: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sum the coefficients of repeated variables; zeros left out."""
    total: dict[int, int] = {}
    for index, coefficient in terms:
        total[index] = total.get(index, 0) + coefficient
    return [(index, coefficient) for index, coefficient in total.items() if coefficient]


def _minimise(proto: Any, terms: list[tuple[int, int]]) -> None:
    proto.objective.vars.extend([v for v, _ in terms])
    proto.objective.coeffs.extend([c for _, c in terms])
