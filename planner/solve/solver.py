"""CP-SAT behind the Solver protocol: cost first, ties second, INFEASIBLE confirmed.

``cp_model`` is never imported: it pulls in pandas, ten times the time of the solver itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planner.errors import PlannerError
from planner.solve.exhaustive import ExhaustiveSolver, combinations_to_try
from planner.solve.model import INFINITY, Model, Terms, build, merged, tie_criteria
from planner.solve.problem import Outcome, Problem, Solution

DETERMINISTIC_LIMIT = 60.0
"""CP-SAT's own count of work, about seconds on a desktop core, so that a limit cuts at the same place everywhere."""

_LARGEST = 2**60
"""What sums in a model stay below: a quarter of what the solver's integers hold."""

_CONFIRM_BY_EXHAUSTION = 200_000
"""Combinations times options that the oracle walks in about a tenth of a second."""


class CpSatSolver:
    """CP-SAT with one worker, a fixed seed and a deterministic limit: the same answer on every machine.

    OR-Tools 9.15 has reported INFEASIBLE for feasible models (google/or-tools #5274), so that answer is confirmed by
    exhaustion where the problem is small and by a second solve without presolve elsewhere.
    """

    name = "cp-sat"

    def __init__(self, deterministic_limit: float = DETERMINISTIC_LIMIT) -> None:
        self.deterministic_limit = deterministic_limit

    def solve(self, problem: Problem) -> Outcome:
        """Return the cheapest solution with all ties broken, or a confirmed ``infeasible``."""
        if not can_be_carried(problem):
            return Outcome("infeasible", self.name)
        model = build(problem)
        model.minimise(model.cost())
        answer = self._run(model)
        if answer.status == _status("INFEASIBLE"):
            return self._confirm_infeasible(problem)
        if answer.status not in (_status("OPTIMAL"), _status("FEASIBLE")):
            return Outcome("unknown", self.name)
        objective = round(answer.objective_value)
        bound = _ceil(answer.best_objective_bound)
        solution = model.read(list(answer.solution))
        if answer.status == _status("OPTIMAL"):
            if problem.ties:
                solution = self.break_ties(problem, objective, solution)
            return Outcome("optimal", self.name, solution, objective, objective)
        return Outcome("feasible", self.name, solution, objective, min(bound, objective))

    def feasible(self, problem: Problem, *, confirm: bool = True) -> bool:
        """Say whether ``problem`` has a solution, whatever it costs. Raises PlannerError if that cannot be told.

        Without an objective the first solution ends the search. A no is confirmed, unless ``confirm`` is false: where
        one of many questions is asked to close in on a figure. With several periods the busiest one is asked first:
        without limits on average it decides, and with them held in every period a yes is enough.
        """
        if not can_be_carried(problem):
            return False
        busiest = at_peak(problem)
        if busiest is not None and len(problem.hours) > 1:
            always = tuple(limit for limit in busiest.limits if not limit.mean)
            if not self._feasible(replace(busiest, limits=always), confirm=confirm):
                return False
            if self._feasible(replace(busiest, limits=tuple(replace(it, mean=False) for it in busiest.limits))):
                return True
        return self._feasible(problem, confirm=confirm)

    def _feasible(self, problem: Problem, *, confirm: bool = False) -> bool:
        answer = self._run(build(problem))
        if answer.status in (_status("OPTIMAL"), _status("FEASIBLE")):
            return True
        if answer.status == _status("INFEASIBLE"):
            return confirm and self._confirm_infeasible(problem).status != "infeasible"
        raise PlannerError(f"{self.name} could not tell within its limit whether a smaller set of requirements holds")

    def break_ties(self, problem: Problem, objective: int, found: Solution) -> Solution:
        """Among solutions of the optimal cost, the one with the least tie keys; ``found`` if the limit cuts it off.

        The criteria are minimised one after the other, several at once where their weighted sum fits the solver's
        integers: each weight exceeds the largest total of everything after it, so that the sum orders as a tuple does.
        """
        model = build(problem)
        model.row(model.cost(), -INFINITY, problem.ceiling(objective))
        criteria = tie_criteria(model)
        while criteria:
            together, weighted = _weighted(model, criteria)
            criteria = criteria[together:]
            model.minimise(weighted)
            answer = self._run(model)
            if answer.status not in (_status("OPTIMAL"), _status("FEASIBLE")):
                return found
            found = model.read(list(answer.solution))
            if criteria:
                model.row(weighted, -INFINITY, round(answer.objective_value))
        return found

    def _confirm_infeasible(self, problem: Problem) -> Outcome:
        if combinations_to_try(problem) * len(problem.options) <= _CONFIRM_BY_EXHAUSTION:
            return ExhaustiveSolver().solve(problem)
        model = build(problem)
        model.minimise(model.cost())
        answer = self._run(model, presolve=False)
        if answer.status == _status("INFEASIBLE"):
            return Outcome("infeasible", self.name)
        if answer.status == _status("OPTIMAL"):
            objective = round(answer.objective_value)
            return Outcome("optimal", self.name, model.read(list(answer.solution)), objective, objective)
        return Outcome("unknown", self.name)

    def _run(self, model: Model, *, presolve: bool = True) -> Any:
        from ortools.sat.python import cp_model_helper as cp

        parameters = cp.SatParameters()
        parameters.num_workers = 1
        parameters.random_seed = 0
        parameters.max_deterministic_time = self.deterministic_limit
        parameters.cp_model_presolve = presolve
        wrapper: Any = cp.SolveWrapper()
        wrapper.set_parameters(parameters)
        return wrapper.solve(model.proto)


def at_peak(problem: Problem) -> Problem | None:
    """Return the problem of the period in which every service asks most; None where there is no such period.

    What holds then holds with the same replicas in every other period, as limits are on what is bought and run, unless
    one is on average over all of them.
    """
    periods = range(len(problem.hours))
    most = [(it.peak, max(it.firm, default=0)) for it in problem.services]
    peak = next((t for t in periods if [it.asked(t) for it in problem.services] == most), None)
    if peak is None:
        return None
    services = (replace(it, demand=(it.demand[peak],), firm=it.firm[peak : peak + 1]) for it in problem.services)
    return replace(problem, services=tuple(services), hours=(1,))


def can_be_carried(problem: Problem) -> bool:
    """Say whether every service that has to be carried, or some way of each choice, has an option at all."""
    served, optional = set(problem.options.service), problem.optional()
    ways = all(any(set(way) <= served for way in ways) for ways in problem.choices)
    return ways and all(index in served or index in optional for index in range(len(problem.services)))


def _weighted(model: Model, criteria: list[Terms]) -> tuple[int, Terms]:
    """Return how many of the first ``criteria`` fit one weighted sum, and that sum; at least one does."""

    def most(terms: Terms) -> int:
        return sum(c * list(model.proto.variables[v].domain)[-1] for v, c in terms)

    count, total = 1, most(criteria[0])
    while count < len(criteria) and (total + 1) * (most(criteria[count]) + 1) < _LARGEST:
        total = (total + 1) * (most(criteria[count]) + 1)
        count += 1
    weight, terms = 1, []
    for criterion in reversed(criteria[:count]):
        terms += [(v, weight * c) for v, c in criterion]
        weight *= most(criterion) + 1
    return count, merged(terms)


def _status(name: str) -> Any:
    from ortools.sat.python import cp_model_helper as cp

    return getattr(cp.CpSolverStatus, name)


def _ceil(bound: float) -> int:
    """Return the least integer that a proven bound on an integer objective allows, with room for rounding."""
    from math import ceil

    return max(ceil(bound - 1e-6), 0)
