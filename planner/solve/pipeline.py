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
from planner.solve.prune import prune
from planner.solve.verify import plan_violations, refuse

if TYPE_CHECKING:
    from planner.candidates.streams import Streams
    from planner.catalog import Catalog
    from planner.plan import Plan
    from planner.scenario import Scenario
    from planner.solve.problem import Outcome, Solver


def solved(scenario: Scenario, catalog: Catalog | None, *, alternatives: int, solver: Solver | None) -> Plan:
    """See ``planner.solve.solve``."""
    if scenario.workload.kind == "training":
        from planner.solve.training import solved_training

        return solved_training(scenario, catalog, alternatives=alternatives, solver=solver)  # type: ignore[arg-type]
    from planner.candidates.streams import streams_of

    streams = streams_of(scenario, catalog, field=max(alternatives, FIELD - 1) + 1)
    plan = _solved(streams, alternatives, solver or ChosenSolver())
    if scenario.asks_about_the_future:
        from planner.solve.outlook import with_outlook

        return with_outlook(plan, streams)
    return plan


def _solved(streams: Streams, alternatives: int, solver: Solver) -> Plan:
    if streams.joint:
        from planner.solve.joint import solved_together

        return solved_together(streams, alternatives=alternatives, solver=solver)
    table = streams.tables[0]
    if not table.feasible.any():
        from planner.solve.conflict import conflict_of

        raise Infeasible(conflict_of(streams.scenario, table.catalog))
    row, outcome = choose(streams, solver)
    rivals = rival_rows(table, row, alternatives)
    winner, *others = details(table, [row, *rivals])
    plan = assemble(table, winner, tuple(others), outcome, _effects(streams, row))
    refuse(plan_violations(plan))
    return plan


def _effects(streams: Streams, row: int) -> tuple[str, ...]:
    """Return what the scenario's own rules changed, which takes another evaluation to know."""
    if not (streams.scenario.rule_paths or streams.scenario.rule_packs):
        return ()
    from planner.solve.own_rules import Best, own_rules

    return own_rules(streams, Best.of_row(streams.tables[0], row))


def choose(streams: Streams, solver: Solver) -> tuple[int, Outcome]:
    """Return the row of the cheapest fleet and the solver's proof, checked against the unpruned problem.

    The only stream is carried by one uniform fleet.
    """
    table = streams.tables[0]
    fleet = fleet_problem(streams)
    small = prune(fleet.problem)
    outcome = solver.solve(small.problem)
    if outcome.solution is None:
        raise PlannerError(
            f"{outcome.solver} calls {outcome.status} what {int(np.count_nonzero(table.feasible))} candidates solve"
        )
    solution = small.expand(outcome.solution)
    refuse(violations(fleet.problem, solution))
    option = next(index for index, count in enumerate(solution.replicas[0]) if count)
    _, row = fleet.rows[option]
    if int(table.objective[row]) != outcome.objective:
        refuse([f"the fleet costs {int(table.objective[row])}, the solver says {outcome.objective}"])
    return widest(table, row), outcome
