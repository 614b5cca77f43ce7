"""The problem as a CP-SAT model. Constraints are numbered C1 to C9; nothing else is in it.

Variables
    way[c][w]        way w of choice c is taken (Boolean)
    used[o]          option o serves its service (Boolean)
    replicas[o][t]   its replicas in period t; with a uniform fleet (max_options 1) that is needed[o][t] x used[o], no
                     variable at all, since one replica more than needed never helps when costs and limits are
                     nonnegative
    instances[p][t]  instances of pool p; one variable for all periods where the pool is committed
    kind[k]          something of kind k is held (Boolean)

Coefficients are clipped to the demand and counts to what could be needed, which tightens the relaxation and cuts off
no best solution.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from planner.solve.problem import Problem, Solution

INFINITY = 2**62

Terms = list[tuple[int, int]]
"""(variable, coefficient)."""


@dataclass(slots=True)
class Model:
    """A CP-SAT model with what reads its solution back. A replica count is ``scale`` x its variable."""

    problem: Problem
    proto: Any
    used: list[int] = field(default_factory=list)
    replicas: list[list[int]] = field(default_factory=list)
    """[option][period]: variable."""
    scale: list[list[int]] = field(default_factory=list)
    instances: list[list[int]] = field(default_factory=list)
    """[pool][period]: variable."""
    most: list[int] = field(default_factory=list)
    """[pool]: instances that could be needed."""
    active: list[Terms] = field(default_factory=list)
    """[service]: Booleans whose sum says whether it is carried; empty for always."""

    def read(self, values: list[int]) -> Solution:
        """Counts out of the solver's values, with no instance more than the replicas need."""
        replicas = tuple(
            tuple(values[self.replicas[o][t]] * self.scale[o][t] for o in range(len(self.problem.options)))
            for t in range(len(self.problem.hours))
        )
        return Solution(replicas, tuple(map(tuple, self.problem.instances(replicas))))

    def variable(self, low: int, high: int) -> int:
        """Add an integer variable."""
        self.proto.variables.add().domain.extend([low, high])
        return len(self.proto.variables) - 1

    def row(self, terms: Terms, low: int, high: int) -> None:
        """Add low <= sum of terms <= high."""
        expression = self.proto.constraints.add().linear
        terms = merged(terms)
        expression.vars.extend([v for v, _ in terms])
        expression.coeffs.extend([c for _, c in terms])
        expression.domain.extend([low, high])

    def minimise(self, terms: Terms) -> None:
        """Set the objective."""
        terms = merged(terms)
        self.proto.clear_objective()
        self.proto.objective.vars.extend([v for v, _ in terms])
        self.proto.objective.coeffs.extend([c for _, c in terms])

    def hourly(self, pool: Any, option: Any) -> Terms:
        """Return the terms of a sum over pools and options, weighted by the hours of each period."""
        problem = self.problem
        return [
            *(
                (self.instances[p][t], hours * pool[p])
                for t, hours in enumerate(problem.hours)
                for p in range(len(problem.pools))
                if pool[p]
            ),
            *(
                (self.replicas[o][t], hours * option[o] * self.scale[o][t])
                for t, hours in enumerate(problem.hours)
                for o in range(len(problem.options))
                if option[o]
            ),
        ]

    def cost(self) -> Terms:
        """Return the terms of ``Problem.cost``."""
        problem = self.problem
        preferred = [
            (self.used[o], problem.cycle_hours * problem.options.preference_of(o))
            for o in range(len(problem.options))
            if problem.options.preference_of(o)
        ]
        return self.hourly(problem.pools.cost, problem.options.cost) + preferred


def build(problem: Problem) -> Model:
    """Build the constraints of ``problem``; the objective is for the caller to set."""
    from ortools.sat.python import cp_model_helper as cp

    model = Model(problem, cp.CpModelProto())
    _variables(model)
    _choices(model)
    mine = problem.options_by_service()
    for index in range(len(problem.services)):
        _service(model, index, mine.get(index, []))
    _pools(model)
    _limits(model)
    return model


def _variables(model: Model) -> None:
    problem, options, pools = model.problem, model.problem.options, model.problem.pools
    periods = range(len(problem.hours))
    for o in range(len(options)):
        needed = [problem.needed(o, t) for t in periods]
        used = model.variable(0, 1)
        model.used.append(used)
        if problem.services[options.service[o]].max_options == 1:
            model.replicas.append([used] * len(needed))
            model.scale.append(needed)
        else:
            model.replicas.append([model.variable(0, most) for most in needed])
            model.scale.append([1] * len(needed))
    # C4 No more instances than the quota, nor than could be needed.
    model.most.extend(problem.most_instances())
    for p in range(len(pools)):
        if pools.is_committed(p):
            model.instances.append([model.variable(0, model.most[p])] * len(periods))
        else:
            model.instances.append([model.variable(0, model.most[p]) for _ in periods])


def _choices(model: Model) -> None:
    problem = model.problem
    model.active = [[] for _ in problem.services]
    for ways in problem.choices:
        taken = [model.variable(0, 1) for _ in ways]
        # C6 Of each choice exactly one way is taken.
        model.row([(way, 1) for way in taken], 1, 1)
        for way, services in zip(taken, ways, strict=True):
            for service in services:
                model.active[service].append((way, 1))


def _service(model: Model, index: int, mine: list[int]) -> None:
    problem, options = model.problem, model.problem.options
    service = problem.services[index]
    active = model.active[index]

    def at_least(terms: Terms, amount: int) -> None:
        """``terms`` reach ``amount`` where the service is carried."""
        if active:
            model.row(terms + [(way, -amount * c) for way, c in active], 0, INFINITY)
        else:
            model.row(terms, amount, INFINITY)

    for t, demand in enumerate(service.demand):
        if service.max_options > 1 and demand:
            # C1 The replicas of a service carry its demand; in a uniform fleet any option used does.
            at_least([(model.replicas[o][t], min(options.capacity[o], demand)) for o in mine], demand)
        firm = service.firm[t] if service.firm else 0
        if firm:
            # C7 What has to be firm is carried by options that are.
            carried = [
                (model.replicas[o][t], min(options.capacity[o] * model.scale[o][t], firm))
                for o in mine
                if options.is_firm(o)
            ]
            at_least(carried, firm)
    # C2 At most max_options layouts share the traffic, and only those used have replicas.
    every = [(model.used[o], 1) for o in mine]
    at_least(every, 1)
    if active:
        model.row(every + [(way, -service.max_options * c) for way, c in active], -INFINITY, 0)
    else:
        model.row(every, -INFINITY, service.max_options)
    if service.max_options > 1:
        for o in mine:
            for t in range(len(problem.hours)):
                model.row([(model.replicas[o][t], 1), (model.used[o], -problem.needed(o, t))], -INFINITY, 0)
            some = [(model.replicas[o][t], 1) for t in range(len(problem.hours))]
            model.row([*some, (model.used[o], -1)], 0, INFINITY)
            for before, after in pairwise(service.ascending):
                # C9 Replicas do not fall when the demand rises, and are the same where it is.
                same = service.asked(before) == service.asked(after)
                model.row([(model.replicas[o][after], 1), (model.replicas[o][before], -1)], 0, 0 if same else INFINITY)


def _pools(model: Model) -> None:
    problem, options, pools = model.problem, model.problem.options, model.problem.pools
    on: list[list[int]] = [[] for _ in range(len(pools))]
    for o in range(len(options)):
        on[options.pool[o]].append(o)
    for p in range(len(pools)):
        for t in range(len(problem.hours)):
            # C3 The instances of a pool hold the replicas placed on it, and the spares of the options used.
            terms = [(model.instances[p][t], pools.gpus[p])]
            for o in on[p]:
                terms.append((model.replicas[o][t], -options.gpus[o] * model.scale[o][t]))
                if options.spare[o]:
                    terms.append((model.used[o], -options.spare[o] * pools.gpus[p]))
            model.row(terms, 0, INFINITY)
    if problem.max_kinds is None:
        return
    kinds = {problem.pools.kind_of(p): model.variable(0, 1) for p in range(len(pools))}
    for p in range(len(pools)):
        for variable in dict.fromkeys(model.instances[p]):
            # C8 At most max_kinds kinds of pools are held.
            model.row([(variable, 1), (kinds[pools.kind_of(p)], -model.most[p])], -INFINITY, 0)
    model.row([(kind, 1) for kind in kinds.values()], 0, problem.max_kinds)


def _limits(model: Model) -> None:
    problem = model.problem
    for limit in problem.limits:
        # C5 What is bought and run stays within each limit, in every period or on average.
        if limit.mean:
            terms = model.hourly(limit.pool, limit.option)
            model.row(terms, -INFINITY, limit.maximum * problem.cycle_hours)
            continue
        for t in range(len(problem.hours)):
            terms = [(model.instances[p][t], c) for p, c in enumerate(limit.pool) if c]
            terms += [(model.replicas[o][t], c * model.scale[o][t]) for o, c in enumerate(limit.option) if c]
            model.row(terms, -INFINITY, limit.maximum)


def tie_criteria(model: Model) -> list[Terms]:
    """Return what decides between choices of equal cost, most important first; adds what it needs to the model."""
    problem = model.problem
    found: list[Terms] = []
    for name in problem.ties:
        if name == "types":
            held = [model.variable(0, 1) for _ in range(len(problem.pools))]
            for p, flag in enumerate(held):
                for variable in dict.fromkeys(model.instances[p]):
                    # What can be held at most is the least valid coefficient.
                    model.row([(variable, 1), (flag, -model.most[p])], -INFINITY, 0)
            found.append([(flag, 1) for flag in held])
        else:
            found.append(model.hourly(*problem.weights(name)))
    if problem.tie_ppm:
        found.append(model.cost())
    found.append([(model.used[o], o) for o in range(len(problem.options))])
    return [merged(terms) for terms in found]


def merged(terms: Terms) -> Terms:
    """Sum the coefficients of repeated variables; zeros left out."""
    total: dict[int, int] = {}
    for index, coefficient in terms:
        total[index] = total.get(index, 0) + coefficient
    return [(index, coefficient) for index, coefficient in total.items() if coefficient]
