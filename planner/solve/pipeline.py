"""The way of a scenario to its plan: evaluate, choose, check, tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.refine import FIELD
from planner.errors import Infeasible, PlannerError
from planner.solve.alternatives import rival_rows
from planner.solve.assemble import assemble
from planner.solve.checker import violations
from planner.solve.choice import ChosenSolver
from planner.solve.details import details
from planner.solve.fleet import fleet_problem, widest
from planner.solve.prune import expand, prune
from planner.solve.verify import plan_violations

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.catalog import Catalog
    from planner.plan import Plan
    from planner.scenario import Scenario
    from planner.solve.problem import Outcome, Solver


def solved(scenario: Scenario, catalog: Catalog | None, *, alternatives: int, solver: Solver | None) -> Plan:
    """See ``planner.solve.solve``."""
    if scenario.workload.kind == "training":
        from planner.solve.training import solved_training

        return solved_training(scenario, catalog, alternatives=alternatives, solver=solver)  # type: ignore[arg-type]
    from planner.candidates import evaluate

    table = evaluate(scenario, catalog, field=max(alternatives, FIELD - 1) + 1)
    if not table.feasible.any():
        from planner.solve.conflict import conflict_of

        raise Infeasible(conflict_of(scenario, table.catalog))
    row, outcome = choose(table, solver or ChosenSolver())
    rivals = rival_rows(table, row, alternatives)
    winner, *others = details(table, [row, *rivals])
    plan = assemble(table, winner, tuple(others), outcome, _effects(table, row))
    _refuse(plan_violations(plan))
    return plan


def _effects(table: CandidateTable, row: int) -> tuple[str, ...]:
    """Return what the scenario's own rules changed, which takes another evaluation to know."""
    if not (table.scenario.rule_paths or table.scenario.rule_packs):
        return ()
    from planner.solve.own_rules import own_rules

    return own_rules(table, row)


def choose(table: CandidateTable, solver: Solver) -> tuple[int, Outcome]:
    """Return the row of the cheapest fleet and the solver's proof, checked against the unpruned problem."""
    fleet = fleet_problem(table)
    small, kept = prune(fleet.problem)
    outcome = solver.solve(small)
    if outcome.solution is None:
        raise PlannerError(
            f"{outcome.solver} calls {outcome.status} what {int(np.count_nonzero(table.feasible))} candidates solve"
        )
    solution = expand(outcome.solution, kept, len(fleet.rows))
    _refuse(violations(fleet.problem, solution))
    option = next(index for index, count in enumerate(solution.replicas) if count)
    row = fleet.rows[option]
    if int(table.objective[row]) != outcome.objective:
        _refuse([f"the fleet costs {int(table.objective[row])}, the solver says {outcome.objective}"])
    return widest(table, row), outcome


def _refuse(broken: list[str]) -> None:
    if broken:
        raise PlannerError("the answer does not pass its check, which is a defect of the planner: " + "; ".join(broken))
