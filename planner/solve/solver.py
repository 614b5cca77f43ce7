"""CP-SAT behind the Solver protocol: cost first, ties second, INFEASIBLE confirmed.

``cp_model`` is never imported: it pulls in pandas, ten times the time of the solver itself.
"""

from __future__ import annotations

from typing import Any

from planner.solve.exhaustive import ExhaustiveSolver, combinations_to_try
from planner.solve.model import Model, build
from planner.solve.problem import Outcome, Problem, Solution

DETERMINISTIC_LIMIT = 60.0
"""CP-SAT's own count of work, about seconds on a desktop core, so that a limit cuts at the same place everywhere."""

_CONFIRM_BY_EXHAUSTION = 20_000
"""Combinations that the oracle walks in well under a second."""


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
        if not _every_service_has_an_option(problem):
            return Outcome("infeasible", self.name)
        model = build(problem)
        answer = self._run(model)
        if answer.status == _status("INFEASIBLE"):
            return self._confirm_infeasible(problem)
        if answer.status not in (_status("OPTIMAL"), _status("FEASIBLE")):
            return Outcome("unknown", self.name)
        objective = round(answer.objective_value)
        bound = _ceil(answer.best_objective_bound)
        solution = model.read(list(answer.solution))
        if answer.status == _status("OPTIMAL"):
            solution = self.break_ties(problem, objective, solution)
            return Outcome("optimal", self.name, solution, objective, objective)
        return Outcome("feasible", self.name, solution, objective, min(bound, objective))

    def break_ties(self, problem: Problem, objective: int, found: Solution) -> Solution:
        """Among solutions of the optimal cost, the one with the least tie keys; ``found`` if the limit cuts it off."""
        try:
            model = build(problem, cost_is=objective)
        except OverflowError:  # many services: their tie order does not fit the solver's integers
            return found
        answer = self._run(model)
        if answer.status not in (_status("OPTIMAL"), _status("FEASIBLE")):
            return found
        return model.read(list(answer.solution))

    def _confirm_infeasible(self, problem: Problem) -> Outcome:
        if combinations_to_try(problem) <= _CONFIRM_BY_EXHAUSTION:
            return ExhaustiveSolver().solve(problem)
        model = build(problem)
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


def _every_service_has_an_option(problem: Problem) -> bool:
    return set(range(len(problem.services))) <= set(problem.options.service)


def _status(name: str) -> Any:
    from ortools.sat.python import cp_model_helper as cp

    return getattr(cp.CpSolverStatus, name)


def _ceil(bound: float) -> int:
    """Return the least integer that a proven bound on an integer objective allows, with room for rounding."""
    from math import ceil

    return max(ceil(bound - 1e-6), 0)
