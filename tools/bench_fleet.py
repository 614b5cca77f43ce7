"""How time and gap of the solvers grow with the fleet: ``python -m tools.bench_fleet``.

Every row is one generated fleet (``tools.fleet_instance``), pruned once and given to both solvers. CP-SAT is limited in
its own deterministic time, which is about seconds; SCIP in seconds. Every answer is checked against the whole problem.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from time import perf_counter

from planner.solve.checker import violations
from planner.solve.choice import solver_for
from planner.solve.milp import MilpSolver
from planner.solve.problem import Problem, Solver
from planner.solve.prune import Pruned, prune
from planner.solve.solver import CpSatSolver
from tools.fleet_instance import fleet_instance

SERVICES = (1, 5, 10, 20, 50, 100, 200)
OFFERS = 60
NAMES = (CpSatSolver.name, MilpSolver.name)
HEAD = "| services | options | pruned | CP-SAT s | gap | SCIP s | gap | chosen |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table as Markdown, row by row."""
    parser = argparse.ArgumentParser(prog="bench_fleet", description="Time and gap of the solvers over fleet sizes.")
    parser.add_argument("--services", type=int, nargs="+", default=list(SERVICES))
    parser.add_argument("--offers", type=int, default=OFFERS)
    parser.add_argument("--layouts", type=int, default=0, help="most per service; 0: as many as it likes  [default: 0]")
    parser.add_argument("--by-hour", action="store_true", help="a load that changes over 24 hours, a third reserved")
    parser.add_argument("--seconds", type=float, default=10.0, help="limit of each solve  [default: 10]")
    parser.add_argument("--gap", type=float, help="where SCIP stops  [default: as the planner would]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--solvers", nargs="+", choices=NAMES, default=list(NAMES), help="which to time")
    asked = parser.parse_args(arguments)
    print(HEAD)
    print("|" + "|".join(["---:"] * HEAD.count(" | ")) + "|---|")
    for services in asked.services:
        layouts = asked.layouts or asked.offers * len(SERVICES)
        problem = fleet_instance(services, asked.offers, asked.seed, max_options=layouts, by_hour=asked.by_hour)
        small = prune(problem)
        row = [str(services), f"{len(problem.options):,}", f"{len(small.problem.options):,}"]
        cp_sat = CpSatSolver(deterministic_limit=asked.seconds)
        for solver in (cp_sat, MilpSolver(gap=asked.gap, time_limit_s=asked.seconds)):
            row += measured(solver, problem, small) if solver.name in asked.solvers else ["", ""]
        row.append(solver_for(small.problem).name)
        print(f"| {' | '.join(row)} |", flush=True)


def measured(solver: Solver, problem: Problem, small: Pruned) -> list[str]:
    """Return [seconds, gap] of one solve; the gap is ``none`` without an answer. Raises SystemExit on a wrong one."""
    start = perf_counter()
    outcome = solver.solve(small.problem)
    seconds = f"{perf_counter() - start:.2f}"
    if outcome.solution is None:
        return [seconds, "none" if outcome.status == "unknown" else outcome.status]
    if broken := violations(problem, small.expand(outcome.solution)):
        raise SystemExit(f"{outcome.solver}: {'; '.join(broken)}")
    return [seconds, f"{outcome.gap:.3%}"]


if __name__ == "__main__":
    main()
