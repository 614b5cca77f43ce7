"""The problem as a mixed-integer program for SCIP, aggregated: counts of replicas and instances, few Booleans.

Variables
    replicas[o]   replicas of option o; for a service with a uniform fleet needed[o] x a Boolean, since one replica more
                  than needed never helps when costs and limits are nonnegative
    used[o]       option o is used (Boolean); only where spares, preferences or a limit on layouts ask for it
    instances[p]  instances of pool p

Constraints are numbered as in ``model``. Capacities are clipped to the demand and counts to what could be needed, which
tightens the relaxation and cuts off no optimum.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
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
        self._status = pywraplp.Solver
        self._solver: Any = pywraplp.Solver.CreateSolver("SCIP")
        self._infinity: float = self._solver.infinity()
        self._among = range(len(problem.options)) if among is None else among
        self._scale: dict[int, int] = {}
        self._replicas: dict[int, Any] = {}
        self._used: dict[int, Any] = {}
        self._instances: dict[int, Any] = {}
        self._variables(limited)
        self._services(limited)
        self._pools()
        self._limits()
        self._objective()

    def _variables(self, limited: Collection[int]) -> None:
        problem, options, pools = self._problem, self._problem.options, self._problem.pools
        most = [0] * len(pools)
        for o in self._among:
            service, needed = options.service[o], problem.needed(o)
            uniform = problem.services[service].max_options == 1
            self._scale[o] = needed if uniform else 1
            self._replicas[o] = self._solver.IntVar(0, 1 if uniform else needed, "")
            if uniform:
                self._used[o] = self._replicas[o]
            elif service in limited or options.spare[o] or options.preference_of(o):
                self._used[o] = self._solver.IntVar(0, 1, "")
                self._row(-self._infinity, 0, [(self._replicas[o], 1), (self._used[o], -needed)])
            pool = options.pool[o]
            most[pool] += -(-needed * options.gpus[o] // pools.gpus[pool]) + options.spare[o]
        for p, count in enumerate(most):
            # C4 No more instances than the quota, nor than all options on the pool together could need.
            if count:
                self._instances[p] = self._solver.IntVar(0, min(pools.max_instances[p], count), "")

    def _services(self, limited: Collection[int]) -> None:
        options = self._problem.options
        members: list[list[int]] = [[] for _ in self._problem.services]
        for o in self._among:
            members[options.service[o]].append(o)
        for index, service in enumerate(self._problem.services):
            mine = members[index]
            if service.max_options > 1:
                # C1 The replicas of a service carry its demand; in a uniform fleet any option used does.
                carried = [(self._replicas[o], min(options.capacity[o], service.demand)) for o in mine]
                self._row(service.demand, self._infinity, carried)
            if service.max_options == 1 or index in limited:
                # C2 At most max_options layouts share the traffic.
                self._row(1, service.max_options, [(self._used[o], 1) for o in mine])

    def _pools(self) -> None:
        problem, options, gpus = self._problem, self._problem.options, self._problem.pools.gpus
        terms: dict[int, list[tuple[Any, int]]] = {p: [(count, gpus[p])] for p, count in self._instances.items()}
        for o in self._among:
            pool = options.pool[o]
            if self._scale[o] > 1 or problem.services[options.service[o]].max_options == 1:
                # A uniform fleet's Boolean stands for replicas and spares at once.
                taken = options.gpus[o] * self._scale[o] + options.spare[o] * gpus[pool]
                terms[pool].append((self._replicas[o], -taken))
                continue
            terms[pool].append((self._replicas[o], -options.gpus[o]))
            if options.spare[o]:
                terms[pool].append((self._used[o], -options.spare[o] * gpus[pool]))
        for row in terms.values():
            # C3 The instances of a pool hold the replicas placed on it, and the spares of the options used.
            self._row(0, self._infinity, row)

    def _limits(self) -> None:
        for limit in self._problem.limits:
            # C5 What is bought and run stays within each limit.
            terms = [(count, limit.pool[p]) for p, count in self._instances.items() if limit.pool[p]]
            terms += [(self._replicas[o], limit.option[o] * self._scale[o]) for o in self._among if limit.option[o]]
            self._row(-self._infinity, limit.maximum, terms)

    def _objective(self) -> None:
        options, objective = self._problem.options, self._solver.Objective()
        for p, count in self._instances.items():
            objective.SetCoefficient(count, self._problem.pools.cost[p])
        for o in self._among:
            price = options.cost[o] * self._scale[o]
            preferred = options.preference_of(o)
            if self._used.get(o) is self._replicas[o]:
                price, preferred = price + preferred, 0
            if price:
                objective.SetCoefficient(self._replicas[o], price)
            if preferred:
                objective.SetCoefficient(self._used[o], preferred)
        objective.SetMinimization()

    def _row(self, low: float, high: float, terms: Sequence[tuple[Any, int]]) -> None:
        row = self._solver.Constraint(low, high)
        for variable, coefficient in terms:
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
        pairs = [(variable, start.replicas[o] // self._scale[o]) for o, variable in self._replicas.items()]
        pairs += [(used, int(start.replicas[o] > 0)) for o, used in self._used.items() if used is not self._replicas[o]]
        pairs += [(variable, start.instances[p]) for p, variable in self._instances.items()]
        self._solver.SetHint([variable for variable, _ in pairs], [float(value) for _, value in pairs])

    def _read(self) -> Solution:
        replicas = [0] * len(self._problem.options)
        for o, variable in self._replicas.items():
            replicas[o] = round(variable.solution_value()) * self._scale[o]
        return Solution(tuple(replicas), tuple(self._problem.instances(replicas)))
