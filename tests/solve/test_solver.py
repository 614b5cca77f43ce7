"""CP-SAT: ties, limits, proofs, and the confirmation of INFEASIBLE."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from planner.solve.exhaustive import ExhaustiveSolver, combinations_to_try
from planner.solve.problem import UNLIMITED, Limit, Options, Pools, Problem, Service
from planner.solve.prune import prune, standalone_cost
from planner.solve.solver import CpSatSolver

# Two sizes of the same hardware, one large and one small; 8 sequences a GPU.
PROBLEM = Problem(
    services=(Service("chat", (64,)),),
    pools=Pools(("large", "small"), (8, 1), (8000, 1000), (UNLIMITED, UNLIMITED), (800, 100)),
    options=Options((0, 0), (0, 1), (1, 1), (8, 8), (0, 0), (0, 0), (0, 0)),
)


def test_of_equal_costs_fewer_nodes_win() -> None:
    found = CpSatSolver().solve(PROBLEM)
    assert found.solution is not None
    assert found.objective == 8000
    assert found.solution.instances == ((1, 0),)


def test_of_equal_nodes_less_power_wins_then_the_earlier_option() -> None:
    pools = Pools(("hot", "cool", "cool too"), (8, 8, 8), (8000,) * 3, (UNLIMITED,) * 3, (900, 800, 800))
    options = Options((0,) * 3, (0, 1, 2), (1,) * 3, (8,) * 3, (0,) * 3, (0,) * 3, (0,) * 3)
    found = CpSatSolver().solve(Problem(PROBLEM.services, pools, options))
    assert found.solution is not None
    assert found.solution.instances == ((0, 1, 0),)


def test_a_mixed_fleet_is_cheaper_where_it_is_allowed() -> None:
    problem = replace(PROBLEM, pools=replace(PROBLEM.pools, cost=(7000, 1000)))
    uniform = replace(problem, services=(Service("chat", (72,)),))
    mixed = replace(problem, services=(Service("chat", (72,), max_options=2),))
    assert CpSatSolver().solve(uniform).objective == 9000
    assert CpSatSolver().solve(mixed).objective == 8000


def test_services_share_nodes() -> None:
    """A TP 4 replica of each of two services fits one 8-GPU node."""
    problem = Problem(
        services=(Service("chat", (10,)), Service("code", (10,))),
        pools=Pools(("node",), (8,), (8000,), (UNLIMITED,), (800,)),
        options=Options((0, 1), (0, 0), (4, 4), (10, 10), (0, 0), (0, 0), (0, 0)),
    )
    found = CpSatSolver().solve(problem)
    assert found.solution is not None
    assert found.solution.instances == ((1,),)


def test_quota_and_budget_are_held() -> None:
    quota = replace(PROBLEM, pools=replace(PROBLEM.pools, max_instances=(0, UNLIMITED)))
    assert CpSatSolver().solve(quota).solution.instances == ((0, 8),)
    limit = Limit("budget", 7999, PROBLEM.pools.cost, (0, 0))
    assert CpSatSolver().solve(replace(PROBLEM, limits=(limit,))).status == "infeasible"


def test_the_bound_proves_the_cost() -> None:
    found = CpSatSolver().solve(PROBLEM)
    assert (found.status, found.bound, found.gap) == ("optimal", found.objective, 0.0)


def test_a_false_infeasible_is_found_out(monkeypatch) -> None:
    """OR-Tools #5274: the first answer is not believed. Small problems are walked through, larger ones solved again."""
    from ortools.sat.python import cp_model_helper as cp

    honest = CpSatSolver._run

    def lying(self, model, *, presolve=True):
        if presolve:
            return SimpleNamespace(status=cp.CpSolverStatus.INFEASIBLE)
        return honest(self, model, presolve=presolve)

    monkeypatch.setattr(CpSatSolver, "_run", lying)
    assert CpSatSolver().solve(PROBLEM).objective == 8000
    monkeypatch.setattr("planner.solve.solver._CONFIRM_BY_EXHAUSTION", 0)
    found = CpSatSolver().solve(PROBLEM)
    assert (found.status, found.objective, found.solver) == ("optimal", 8000, "cp-sat")


def test_a_service_without_options_is_infeasible() -> None:
    nothing = Options((), (), (), (), (), (), ())
    assert CpSatSolver().solve(replace(PROBLEM, options=nothing)).status == "infeasible"


def test_pruning_keeps_the_best_and_maps_back() -> None:
    options = Options((0,) * 4, (0, 0, 1, 1), (1, 1, 1, 2), (8, 6, 7, 8), (0,) * 4, (0,) * 4, (0,) * 4)
    problem = replace(PROBLEM, options=options)
    small = prune(problem)
    assert small.kept == (
        0,
    )  # 1 carries less than 0; 3 takes more GPUs and carries less than two of 2; 2 costs 10 instances
    assert [standalone_cost(problem, o) for o in range(4)] == [8000, 16000, 10000, 16000]
    found = CpSatSolver().solve(small.problem)
    assert found.solution is not None
    assert small.expand(found.solution).replicas == ((8, 0, 0, 0),)


def test_the_oracle_says_how_far_it_would_have_to_walk() -> None:
    assert combinations_to_try(PROBLEM) == 2
    assert ExhaustiveSolver().solve(PROBLEM).objective == 8000
    assert combinations_to_try(replace(PROBLEM, services=(Service("chat", (64,), 2),))) == 2 + 9


@pytest.mark.parametrize("module", ["planner.solve", "planner.solve.solver", "planner.solve.problem"])
def test_importing_the_solver_imports_no_solver(module: str) -> None:
    code = f"import sys, {module}; sys.exit('ortools' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
