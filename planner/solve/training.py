"""The way of a training scenario to its plan: evaluate, choose, check, tell.

The problem is the same as for serving: one service, options over pools. A run is one replica that takes all its GPUs;
what differs is that an hour's rent is paid for as long as the run takes, so that the money is in the options.
"""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING

from planner.candidates.training import evaluate_training
from planner.errors import Infeasible, PlannerError
from planner.plan import RunProof, TrainingPlan
from planner.solve.checker import violations
from planner.solve.problem import UNLIMITED, Limit, Options, Outcome, Pools, Problem, Service
from planner.solve.prune import prune
from planner.solve.solver import CpSatSolver
from planner.solve.training_conflict import conflict_of
from planner.solve.training_requirements import requirements
from planner.solve.training_words import alternative, deployment, estimates, margins, reasons, warnings
from planner.units import HOURS_PER_MONTH, MICRO_USD_PER_USD

if TYPE_CHECKING:
    from planner.candidates.training.evaluation import TrainingRow, TrainingTable
    from planner.catalog import Catalog
    from planner.scenario.training import TrainingScenario
    from planner.solve.problem import Solver


def solved_training(
    scenario: TrainingScenario, catalog: Catalog | None, *, alternatives: int, solver: Solver | None
) -> TrainingPlan:
    """Return the cheapest run that holds every requirement, proven and checked. Raises as ``planner.solve.solve``."""
    table = evaluate_training(scenario, catalog)
    feasible = feasible_rows(table)
    if not feasible:
        raise Infeasible(conflict_of(table))
    row, outcome = choose(table, feasible, solver or CpSatSolver())
    others = rivals(table, feasible, row, alternatives)
    plan = _plan(table, row, others, outcome, len(feasible))
    _refuse(plan_violations(plan))
    return plan


def feasible_rows(table: TrainingTable) -> list[TrainingRow]:
    """Return the rows that hold every requirement, in table order."""
    asked = requirements(table)
    return [row for row in table.rows if all(item.holds(item.actual(row)) for item in asked)]


def run_problem(table: TrainingTable, rows: list[TrainingRow]) -> tuple[Problem, list[TrainingRow]]:
    """Return the problem of choosing one of ``rows``, and the row behind each option.

    Of the rows of one pool and number of GPUs only the cheapest is an option, the earliest of equals: the others take
    as much of everything and cost more.
    """
    best: dict[tuple[int, int], TrainingRow] = {}
    for row in rows:
        rival = best.get((row.pool, row.gpus))
        if rival is None or row.cost_micro < rival.cost_micro:
            best[row.pool, row.gpus] = row
    chosen = list(best.values())
    used = sorted({row.pool for row in chosen})
    number = {pool: index for index, pool in enumerate(used)}
    offers = [table.pools[pool] for pool in used]
    pools = Pools(
        id=tuple(item.id for item in offers),
        gpus=tuple(item.offer.gpus for item in offers),
        cost=(0,) * len(used),
        max_instances=(UNLIMITED,) * len(used),
        watts=tuple(round(item.offer.gpus * (item.accelerator.tdp_w or 0)) for item in offers),
    )
    options = Options(
        service=(0,) * len(chosen),
        pool=tuple(number[row.pool] for row in chosen),
        gpus=tuple(row.gpus for row in chosen),
        capacity=(1,) * len(chosen),
        cost=tuple(row.cost_micro for row in chosen),
        watts=(0,) * len(chosen),
        spare=(0,) * len(chosen),
    )
    limits = []
    budget = table.scenario.budget
    if budget.run_usd is not None:
        most = int(budget.run_usd * (1 + 1e-9) * MICRO_USD_PER_USD)
        limits.append(Limit("budget.run", most, (0,) * len(used), options.cost))
    if budget.usd_per_hour is not None:
        hourly = tuple(item.fixed_cost for item in offers)
        most = int(budget.usd_per_hour * (1 + 1e-9) * MICRO_USD_PER_USD)
        limits.append(Limit("budget", most, hourly, (0,) * len(chosen)))
    return Problem((Service(table.scenario.name, (1,)),), pools, options, tuple(limits)), chosen


def choose(table: TrainingTable, rows: list[TrainingRow], solver: Solver) -> tuple[TrainingRow, Outcome]:
    """Return the cheapest row and the solver's proof, checked against the unpruned problem."""
    problem, chosen = run_problem(table, rows)
    small = prune(problem)
    outcome = solver.solve(small.problem)
    if outcome.solution is None:
        raise PlannerError(f"{outcome.solver} calls {outcome.status} what {len(rows)} candidates solve")
    solution = small.expand(outcome.solution)
    _refuse(violations(problem, solution))
    row = chosen[next(index for index, count in enumerate(solution.replicas[0]) if count)]
    if row.cost_micro != outcome.objective:
        _refuse([f"the run costs {row.cost_micro}, the solver says {outcome.objective}"])
    return row, outcome


def rivals(table: TrainingTable, rows: list[TrainingRow], winner: TrainingRow, count: int) -> list[TrainingRow]:
    """Return the cheapest row of each of the next ``count`` offers on other accelerators or of other sizes."""
    found: dict[tuple[str, int], TrainingRow] = {}
    for row in sorted(rows, key=lambda item: item.cost_micro):
        key = (table.pools[row.pool].offer.accelerator, row.gpus)
        if key != (table.pools[winner.pool].offer.accelerator, winner.gpus):
            found.setdefault(key, row)
        if len(found) == count:
            break
    return list(found.values())[:count]


def _plan(
    table: TrainingTable, row: TrainingRow, others: list[TrainingRow], outcome: Outcome, feasible: int
) -> TrainingPlan:
    hourly = table.usd_per_hour(row)
    found = estimates(table, row)
    micro = round(hourly * MICRO_USD_PER_USD)
    return TrainingPlan(
        scenario=table.scenario.name,
        deployments=(deployment(table, row),),
        estimates=found,
        margins=margins(table, row),
        cost_usd_per_hour=hourly,
        cost_usd_per_month=hourly * HOURS_PER_MONTH,
        proof=RunProof(
            status=outcome.status,
            solver=outcome.solver,
            objective_micro_usd_per_hour=micro,
            bound_micro_usd_per_hour=round(micro * outcome.bound / outcome.objective) if outcome.objective else 0,
            gap=outcome.gap,
            candidates=len(table.rows),
            feasible=feasible,
            checked=True,
            objective_micro_usd=outcome.objective,
            bound_micro_usd=outcome.bound,
        ),
        alternatives=tuple(alternative(table, item, row) for item in others),
        rejected=table.rejected,
        warnings=warnings(table, row),
        reasons=reasons(table, row, others, feasible),
        inputs=_inputs(table),
        run_hours=row.hours,
        run_usd=row.cost_micro / MICRO_USD_PER_USD,
        steps=row.run.steps,
        checkpoint_steps=max(1, round(row.run.checkpoint.interval_seconds / row.step.seconds)),
    )


def _inputs(table: TrainingTable) -> tuple[tuple[str, str], ...]:
    import ortools

    from planner import __version__

    return (
        ("scenario", table.scenario.digest),
        *((f"catalog.{kind}", digest) for kind, digest in sorted(table.catalog.digests.items())),
        ("planner", __version__),
        ("ortools", str(vars(ortools)["__version__"])),
    )


def plan_violations(plan: TrainingPlan) -> list[str]:
    """Return every requirement that ``plan`` breaks and every sum that does not add up; empty when it is sound."""
    broken = [f"{item.requirement}: {item.actual} against {item.limit}" for item in plan.margins if not item.holds]
    for item in plan.deployments:
        if item.gpus != item.instances * item.gpus_per_instance:
            broken.append(f"{item.gpus} GPUs are not {item.instances} whole instances")
        degrees = item.tensor_parallel * item.pipeline_parallel * getattr(item, "context_parallel", 1)
        if item.replicas * degrees != item.gpus or item.gpus_per_replica != degrees:
            broken.append(f"{item.replicas} ranks of {degrees} GPUs are not {item.gpus}")
    for estimate in plan.estimates:
        total = sum(term.value for term in estimate.terms)
        if estimate.terms and not isclose(total, estimate.value, rel_tol=1e-6, abs_tol=1e-6):
            broken.append(f"{estimate.name}: its terms add up to {total}, not {estimate.value}")
    if not isclose(plan.run_usd, plan.cost_usd_per_hour * plan.run_hours, rel_tol=1e-6, abs_tol=1e-5):
        broken.append("the run does not cost its hours times the rent")
    return broken


def _refuse(broken: list[str]) -> None:
    if broken:
        raise PlannerError("the answer does not pass its check, which is a defect of the planner: " + "; ".join(broken))
