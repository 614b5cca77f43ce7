"""SCIP: exact answers from doubles, limits on layouts found lazily, and who solves what."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from planner.solve.checker import violations
from planner.solve.choice import ChosenSolver, solver_for
from planner.solve.exhaustive import ExhaustiveSolver
from planner.solve.milp import MilpSolver
from planner.solve.milp_model import Found, MilpModel
from planner.solve.problem import UNLIMITED, Limit, Options, Pools, Problem, Service, Solution
from planner.solve.prune import prune
from planner.solve.solver import CpSatSolver
from tools.fleet_instance import ACCELERATORS, SIZES, fleet_instance

# 8 sequences a GPU on three sizes of node; a service of 88 is cheapest on one of each.
PROBLEM = Problem(
    services=(Service("chat", (88,), max_options=3),),
    pools=Pools(("eight", "two", "one"), (8, 2, 1), (7000, 1900, 1000), (UNLIMITED,) * 3, (800, 200, 100)),
    options=Options((0,) * 3, (0, 1, 2), (1,) * 3, (8,) * 3, (0,) * 3, (0,) * 3, (0,) * 3),
)


@pytest.mark.parametrize(("most", "cost"), [(3, 9900), (2, 10000), (1, 11000)])
def test_the_number_of_layouts_is_limited(most: int, cost: int) -> None:
    """Three layouts are found at once; two only in a second round; one needs no variable for it."""
    problem = replace(PROBLEM, services=(Service("chat", (88,), most),))
    found = MilpSolver().solve(problem)
    assert (found.status, found.objective, found.bound, found.gap) == ("optimal", cost, cost, 0.0)
    assert ExhaustiveSolver().solve(problem).objective == cost
    assert sum(count > 0 for count in found.solution.replicas[0]) <= most


def test_the_limit_on_layouts_comes_in_a_second_round(monkeypatch) -> None:
    rounds = []
    build = MilpModel.__init__

    def recorded(self, problem, limited, among=None):
        if among is None and problem.services[0].max_options > 1:
            rounds.append(limited)
        build(self, problem, limited, among)

    monkeypatch.setattr(MilpModel, "__init__", recorded)
    MilpSolver().solve(replace(PROBLEM, services=(Service("chat", (88,), 2),)))
    assert rounds == [frozenset(), frozenset({0})]


def test_spares_limits_and_preferences_are_in_the_model() -> None:
    options = replace(PROBLEM.options, spare=(0, 0, 1), preference=(0, 500, 0))
    limit = Limit("power", 1050, PROBLEM.pools.watts, (0,) * 3)
    for problem in (
        replace(PROBLEM, options=options),
        replace(PROBLEM, limits=(limit,)),
        replace(PROBLEM, options=options, limits=(limit,)),
        replace(PROBLEM, options=options, services=(Service("chat", (88,), 1),)),
    ):
        found, expected = MilpSolver().solve(problem), ExhaustiveSolver().solve(problem)
        assert (found.status, found.objective) == (expected.status, expected.objective)
        assert found.solution is None or violations(problem, found.solution) == []


def test_infeasible_is_confirmed_by_the_other_solver(monkeypatch) -> None:
    none_left = replace(PROBLEM, pools=replace(PROBLEM.pools, max_instances=(1, 1, 0)))
    assert MilpSolver().solve(none_left).status == "infeasible"
    monkeypatch.setattr(MilpModel, "solve", lambda *_: Found(True, None, 0.0))
    assert MilpSolver().solve(PROBLEM).objective == 9900


def test_a_service_without_options_is_infeasible() -> None:
    assert MilpSolver().solve(replace(PROBLEM, options=Options((), (), (), (), (), (), ()))).status == "infeasible"


def test_an_answer_that_fails_its_check_is_not_given(monkeypatch) -> None:
    monkeypatch.setattr(MilpModel, "solve", lambda *_: Found(False, Solution(((1, 0, 0),), ((1, 0, 0),)), 7000.0))
    found = MilpSolver().solve(PROBLEM)
    assert (found.status, found.solution) == ("unknown", None)


def test_an_answer_within_a_gap_says_how_far_it_may_be_off() -> None:
    problem = fleet_instance(20, 60, seed=0, max_options=2)
    found = MilpSolver(gap=0.05).solve(problem)
    assert found.status == "feasible"
    assert 0 < found.gap <= 0.05
    assert found.bound < found.objective
    assert violations(problem, found.solution) == []


@pytest.mark.parametrize(("layouts", "gap"), [(1, 0.0), (1000, 1e-3)])
def test_fifty_services_on_sixty_offers(layouts: int, gap: float) -> None:
    """The fleet that CP-SAT leaves with a gap of tens of percents; how long each takes stands in the documentation."""
    problem = fleet_instance(50, 60, seed=1, max_options=layouts)
    found = MilpSolver(gap=gap).solve(problem)
    assert found.gap <= gap
    assert violations(problem, found.solution) == []
    assert problem.cost(found.solution.replicas, found.solution.instances) == found.objective


def test_who_solves_what() -> None:
    assert isinstance(solver_for(replace(PROBLEM, services=(Service("chat", (88,)),))), CpSatSolver)
    assert isinstance(solver_for(prune(fleet_instance(1, 60, max_options=1)).problem), CpSatSolver)
    assert isinstance(solver_for(fleet_instance(50, 60, max_options=1)), CpSatSolver)
    for services, layouts in ((5, 2), (50, 1000)):
        assert isinstance(solver_for(fleet_instance(services, 60, max_options=layouts)), MilpSolver)
    assert ChosenSolver().solve(PROBLEM).objective == 9900
    assert ChosenSolver().solve(PROBLEM).solver == "cp-sat"


def test_the_same_seed_gives_the_same_fleet_and_its_shape_is_procurements() -> None:
    problem = fleet_instance(50, 60, seed=3)
    assert problem == fleet_instance(50, 60, seed=3) != fleet_instance(50, 60, seed=4)
    assert set(problem.options.gpus) == set(SIZES)
    assert len(problem.pools) == 60 > len(ACCELERATORS)
    demands = [service.peak for service in problem.services]
    assert max(demands) > 100 * min(demands)
    assert max(problem.pools.cost) > 50 * min(problem.pools.cost)
    assert set(problem.options.service) == set(range(50))


def test_a_fleet_by_the_hour_is_the_same_fleet_at_its_peaks() -> None:
    problem, day = (
        fleet_instance(5, 60, seed=2, max_options=2),
        fleet_instance(5, 60, seed=2, max_options=2, by_hour=True),
    )
    assert (day.options, day.hours) == (problem.options, (1,) * 24)
    assert [service.peak for service in day.services] == [service.peak for service in problem.services]
    assert len({service.demand.index(service.peak) for service in day.services}) > 1
    reserved = [p for p in range(60) if day.pools.is_committed(p)]
    assert len(reserved) == 20
    assert all((day.pools.cost[p] < problem.pools.cost[p]) == (p in reserved) for p in range(60))
    found = MilpSolver().solve(prune(fleet_instance(2, 60, seed=2, by_hour=True)).problem)
    assert found.status == "optimal"


@pytest.mark.parametrize("module", ["planner.solve.milp", "planner.solve.choice", "planner.solve.milp_model"])
def test_importing_the_solver_imports_no_solver(module: str) -> None:
    code = f"import sys, {module}; sys.exit('ortools' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
