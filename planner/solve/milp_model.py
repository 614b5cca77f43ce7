"""The problem as a mixed-integer program for SCIP, aggregated: counts of replicas and instances, few Booleans.

Variables
    way[c][w]        way w of choice c is taken (Boolean)
    replicas[o][t]   replicas of option o in period t; for a service with a uniform fleet needed[o][t] x a Boolean:
                     one replica more than needed never helps when costs and limits are nonnegative
    used[o]          option o is used (Boolean); only where spares, preferences or a limit on layouts ask for it
    instances[p][t]  instances of pool p; one variable for all periods where the pool is committed
    kind[k]          something of kind k is held (Boolean)

Constraints are numbered as in ``model``. Capacities are clipped to the demand and counts to what could be needed, which
tightens the relaxation and cuts off no optimum.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from planner.solve.problem import Problem, Solution


@dataclass(frozen=True, slots=True)
class Found:
    """SCIP's answer, exact where it can be: counts rounded, instances counted again. ``bound`` is a double."""

    infeasible: bool
    solution: Solution | None
    bound: float


class MilpModel:
    """One model. ``limited`` are the services whose number of layouts is limited; ``among`` the options it may use.

    Services with a uniform fleet are always limited: they need no further variable for it.
    """

    def __init__(self, problem: Problem, limited: Collection[int], among: Sequence[int] | None = None) -> None:
        from ortools.linear_solver import pywraplp

        self._problem = problem
        self._periods = range(len(problem.hours))
        self._status = pywraplp.Solver
        self._solver: Any = pywraplp.Solver.CreateSolver("SCIP")
        self._infinity: float = self._solver.infinity()
        self._among = range(len(problem.options)) if among is None else among
        self._limited = limited
        self._scale: dict[int, list[int]] = {}
        self._replicas: dict[int, list[Any]] = {}
        self._used: dict[int, Any] = {}
        self._instances: dict[int, list[Any]] = {}
        self._most: dict[int, int] = {}
        self._active: list[list[Any]] = [[] for _ in problem.services]
        self._variables()
        self._choices()
        for index in range(len(problem.services)):
            self._service(index)
        self._pools()
        self._limits()
        self._objective()

    def _uniform(self, option: int) -> bool:
        return self._problem.services[self._problem.options.service[option]].max_options == 1

    def _variables(self) -> None:
        problem, options, pools = self._problem, self._problem.options, self._problem.pools
        for o in self._among:
            needed = [problem.needed(o, t) for t in self._periods]
            if self._uniform(o):
                self._scale[o] = needed
                self._replicas[o] = [self._solver.IntVar(0, 1, "")] * len(needed)
                self._used[o] = self._replicas[o][0]
            else:
                self._scale[o] = [1] * len(needed)
                self._replicas[o] = [self._solver.IntVar(0, most, "") for most in needed]
                if options.service[o] in self._limited or options.spare[o] or options.preference_of(o):
                    self._used[o] = self._solver.IntVar(0, 1, "")
                    for replicas, most in zip(self._replicas[o], needed, strict=True):
                        self._row(-self._infinity, 0, [(replicas, 1), (self._used[o], -most)])
        # C4 No more instances than the quota, nor than could be needed.
        bounds = problem.most_instances()
        for p in sorted({options.pool[o] for o in self._among}):
            most = bounds[p]
            self._most[p] = most
            if pools.is_committed(p):
                self._instances[p] = [self._solver.IntVar(0, most, "")] * len(self._periods)
            else:
                self._instances[p] = [self._solver.IntVar(0, most, "") for _ in self._periods]

    def _choices(self) -> None:
        for ways in self._problem.choices:
            taken = [self._solver.IntVar(0, 1, "") for _ in ways]
            # C6 Of each choice exactly one way is taken.
            self._row(1, 1, [(way, 1) for way in taken])
            for way, services in zip(taken, ways, strict=True):
                for service in services:
                    self._active[service].append(way)

    def _service(self, index: int) -> None:
        options, service = self._problem.options, self._problem.services[index]
        mine = [o for o in self._among if options.service[o] == index]
        active = self._active[index]

        def at_least(terms: list[tuple[Any, int]], amount: int) -> None:
            if active:
                self._row(0, self._infinity, terms + [(way, -amount) for way in active])
            else:
                self._row(amount, self._infinity, terms)

        for t, demand in enumerate(service.demand):
            if service.max_options > 1 and demand:
                # C1 The replicas of a service carry its demand; in a uniform fleet any option used does.
                at_least([(self._replicas[o][t], min(options.capacity[o], demand)) for o in mine], demand)
            firm = service.firm[t] if service.firm else 0
            if firm:
                # C7 What has to be firm is carried by options that are.
                sure = [o for o in mine if options.is_firm(o)]
                at_least(
                    [(self._replicas[o][t], min(options.capacity[o] * self._scale[o][t], firm)) for o in sure], firm
                )
        if service.max_options == 1 or index in self._limited:
            # C2 At most max_options layouts share the traffic.
            every = [(self._used[o], 1) for o in mine]
            at_least(every, 1)
            if active:
                self._row(-self._infinity, 0, every + [(way, -service.max_options) for way in active])
            else:
                self._row(-self._infinity, service.max_options, every)
        if service.max_options > 1:
            for o in mine:
                for before, after in pairwise(service.ascending):
                    # C9 Replicas do not fall when the demand rises, and are the same where it is.
                    high = 0 if service.asked(before) == service.asked(after) else self._infinity
                    self._row(0, high, [(self._replicas[o][after], 1), (self._replicas[o][before], -1)])
        if active and service.max_options > 1 and index not in self._limited:
            for o in mine:
                for t in self._periods:
                    # C2 What is not carried has no replicas.
                    most = self._problem.needed(o, t)
                    self._row(-self._infinity, 0, [(self._replicas[o][t], 1), *((way, -most) for way in active)])

    def _pools(self) -> None:
        problem, options, gpus = self._problem, self._problem.options, self._problem.pools.gpus
        on: dict[int, list[int]] = {p: [] for p in self._instances}
        for o in self._among:
            on[options.pool[o]].append(o)
        for p, members in on.items():
            for t in self._periods:
                # C3 The instances of a pool hold the replicas placed on it, and the spares of the options used.
                terms = [(self._instances[p][t], gpus[p])]
                for o in members:
                    taken = options.gpus[o] * self._scale[o][t]
                    spare = options.spare[o] * gpus[p]
                    if self._uniform(o):
                        terms.append((self._replicas[o][t], -(taken + spare)))
                        continue
                    terms.append((self._replicas[o][t], -taken))
                    if spare:
                        terms.append((self._used[o], -spare))
                self._row(0, self._infinity, terms)
        if problem.max_kinds is None:
            return
        kinds = {problem.pools.kind_of(p): self._solver.IntVar(0, 1, "") for p in self._instances}
        for p, counts in self._instances.items():
            for count in counts[:1] if problem.pools.is_committed(p) else counts:
                # C8 At most max_kinds kinds of pools are held.
                self._row(-self._infinity, 0, [(count, 1), (kinds[problem.pools.kind_of(p)], -self._most[p])])
        self._row(0, problem.max_kinds, [(kind, 1) for kind in kinds.values()])

    def _hourly(self, pool: Sequence[int], option: Sequence[int]) -> list[tuple[Any, int]]:
        """Return the terms of a sum over pools and options, weighted by the hours of each period."""
        terms = []
        for t, hours in enumerate(self._problem.hours):
            terms += [(counts[t], hours * pool[p]) for p, counts in self._instances.items() if pool[p]]
            terms += [(self._replicas[o][t], hours * option[o] * self._scale[o][t]) for o in self._among if option[o]]
        return terms

    def _limits(self) -> None:
        for limit in self._problem.limits:
            # C5 What is bought and run stays within each limit, in every period or on average.
            if limit.mean:
                most = limit.maximum * self._problem.cycle_hours
                self._row(-self._infinity, most, self._hourly(limit.pool, limit.option))
                continue
            for t in self._periods:
                terms = [(counts[t], limit.pool[p]) for p, counts in self._instances.items() if limit.pool[p]]
                terms += [
                    (self._replicas[o][t], limit.option[o] * self._scale[o][t]) for o in self._among if limit.option[o]
                ]
                self._row(-self._infinity, limit.maximum, terms)

    def _objective(self) -> None:
        problem, objective = self._problem, self._solver.Objective()
        terms = self._hourly(problem.pools.cost, problem.options.cost)
        for o in self._among:
            if preferred := problem.options.preference_of(o):
                terms.append((self._used[o], problem.cycle_hours * preferred))
        for variable, coefficient in _merged(terms):
            objective.SetCoefficient(variable, coefficient)
        objective.SetMinimization()

    def _row(self, low: float, high: float, terms: Sequence[tuple[Any, int]]) -> None:
        row = self._solver.Constraint(low, high)
        for variable, coefficient in _merged(terms):
            row.SetCoefficient(variable, coefficient)

    def solve(self, gap: float, time_s: float, start: Solution | None = None) -> Found:
        """Minimise until ``gap`` or ``time_s`` is reached; ``start`` is a solution to begin from."""
        from ortools.linear_solver.pywraplp import MPSolverParameters

        if start is not None:
            self._hint(start)
        self._solver.SetTimeLimit(max(int(time_s * 1000), 1))
        parameters = MPSolverParameters()
        parameters.SetDoubleParam(MPSolverParameters.RELATIVE_MIP_GAP, gap)
        status = self._solver.Solve(parameters)
        if status == self._status.INFEASIBLE:
            return Found(True, None, 0.0)
        if status not in (self._status.OPTIMAL, self._status.FEASIBLE):
            return Found(False, None, 0.0)
        return Found(False, self._read(), self._solver.Objective().BestBound())

    def _hint(self, start: Solution) -> None:
        values: dict[int, tuple[Any, int]] = {}
        for o in self._among:
            counts = [row[o] for row in start.replicas]
            for t, variable in enumerate(self._replicas[o]):
                value = int(any(counts)) if self._uniform(o) else counts[t]
                values[variable.index()] = variable, value
            if o in self._used:
                values[self._used[o].index()] = self._used[o], int(any(counts))
        for p, variables in self._instances.items():
            for t, variable in enumerate(variables):
                values[variable.index()] = variable, start.instances[t][p]
        self._solver.SetHint([variable for variable, _ in values.values()], [float(v) for _, v in values.values()])

    def _read(self) -> Solution:
        replicas = [[0] * len(self._problem.options) for _ in self._periods]
        for o, variables in self._replicas.items():
            for t, variable in enumerate(variables):
                replicas[t][o] = round(variable.solution_value()) * self._scale[o][t]
        instances = self._problem.instances(replicas)
        return Solution(tuple(map(tuple, replicas)), tuple(map(tuple, instances)))


def _merged(terms: Sequence[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """Sum the coefficients of repeated variables."""
    total: dict[int, tuple[Any, int]] = {}
    for variable, coefficient in terms:
        index = variable.index()
        known = total.get(index)
        total[index] = (variable, coefficient + (known[1] if known else 0))
    return list(total.values())
