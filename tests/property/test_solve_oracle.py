"""Law: CP-SAT and SCIP, pruned or not, cost what the oracle costs, and every answer passes the checker."""

from __future__ import annotations

import pytest
from problems import random_problem

from planner.solve.checker import violations
from planner.solve.exhaustive import ExhaustiveSolver
from planner.solve.milp import MilpSolver
from planner.solve.prune import prune
from planner.solve.solver import CpSatSolver

BATCHES = 10
PER_BATCH = 40


@pytest.mark.parametrize("solver", [CpSatSolver(), MilpSolver()], ids=lambda solver: solver.name)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_solver_agrees_with_the_oracle(batch: int, solver: CpSatSolver | MilpSolver) -> None:
    oracle = ExhaustiveSolver()
    seen = set()
    for seed in range(batch * PER_BATCH, (batch + 1) * PER_BATCH):
        problem = random_problem(seed)
        expected = oracle.solve(problem)
        found = solver.solve(problem)
        small = prune(problem)
        pruned = solver.solve(small.problem)
        assert (found.status, found.objective) == (expected.status, expected.objective), seed
        assert (pruned.status, pruned.objective) == (expected.status, expected.objective), seed
        seen.add(expected.status)
        if expected.solution is None:
            continue
        assert found.solution is not None
        assert pruned.solution is not None
        whole = small.expand(pruned.solution)
        best = problem.tie_keys(expected.solution.replicas, expected.solution.instances)
        for solution in (expected.solution, found.solution, whole):
            assert violations(problem, solution) == [], seed
            assert problem.cost(solution.replicas, solution.instances) <= problem.ceiling(expected.objective), seed
            # all but the order of options, of which pruning may leave another one of equals
            assert problem.tie_keys(solution.replicas, solution.instances)[:-1] == best[:-1], seed
        assert problem.tie_keys(found.solution.replicas, found.solution.instances) == best, seed
    assert seen == {"optimal", "infeasible"}
