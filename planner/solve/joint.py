"""The way of a scenario with several fleets to its plan: one problem over all of its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.errors import Infeasible, PlannerError
from planner.solve.checker import violations
from planner.solve.fleet import FleetProblem, fleet_problem
from planner.solve.placement import Choice, choice_of
from planner.solve.prune import prune
from planner.solve.ties import tie_ppm
from planner.solve.verify import plan_violations, refuse

if TYPE_CHECKING:
    from planner.candidates.streams import Streams
    from planner.plan import Plan
    from planner.solve.problem import Outcome, Problem, Solver


def solved_together(streams: Streams, *, alternatives: int, solver: Solver) -> Plan:
    """Return the plan of ``streams``. Raises Infeasible with the conflict where there is none."""
    from planner.solve.joint_alternatives import rivals
    from planner.solve.joint_plan import assemble_joint

    near = tie_ppm(streams)
    fleet = fleet_problem(streams, near)
    choice, outcome = chosen_together(streams, fleet, solver)
    others = rivals(streams, fleet, choice, solver, alternatives)
    plan = assemble_joint(choice, outcome, others, _effects(choice))
    refuse(plan_violations(plan, least_cost=plan.goal == "cost" and not near))
    return plan


def _effects(choice: Choice) -> tuple[str, ...]:
    scenario = choice.streams.scenario
    if not (scenario.rule_paths or scenario.rule_packs):
        return ()
    from planner.solve.own_rules import Best, own_rules

    return own_rules(choice.streams, Best.of_choice(choice))


def chosen_together(
    streams: Streams, fleet: FleetProblem | None = None, solver: Solver | None = None
) -> tuple[Choice, Outcome]:
    """Return what serves ``streams`` best, and the proof. Raises Infeasible with the conflict where nothing does."""
    from planner.solve.choice import ChosenSolver

    fleet = fleet or fleet_problem(streams, tie_ppm(streams))
    found = solved_choice(streams, fleet, fleet.problem, solver or ChosenSolver())
    if found is None:
        from planner.solve.joint_conflict import joint_conflict

        raise Infeasible(joint_conflict(streams.scenario, streams.catalog))
    return found


def solved_choice(
    streams: Streams, fleet: FleetProblem, problem: Problem, solver: Solver
) -> tuple[Choice, Outcome] | None:
    """Solve ``problem``, which has the options of ``fleet``; the answer is checked unpruned. None: infeasible."""
    small = prune(problem)
    outcome = solver.solve(small.problem)
    if outcome.status == "infeasible":
        return None
    if outcome.solution is None:
        raise PlannerError(
            f"{outcome.solver} found no plan in its time, nor that there is none; narrow `search` or raise the limits"
        )
    solution = small.expand(outcome.solution)
    refuse(violations(problem, solution))
    return choice_of(streams, fleet, solution), outcome
