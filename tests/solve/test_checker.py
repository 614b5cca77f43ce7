"""The checker finds every kind of violation; it shares no code with the model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.solve.checker import violations
from planner.solve.problem import UNLIMITED, Limit, Options, Pools, Problem, Service, Solution

PROBLEM = Problem(
    services=(Service("chat", (20,)), Service("code", (5,))),
    pools=Pools(("node",), (8,), (1000,), (2,), (100,)),
    options=Options(
        service=(0, 0, 1),
        pool=(0, 0, 0),
        gpus=(4, 2, 4),
        capacity=(10, 4, 5),
        cost=(0, 0, 0),
        watts=(0, 0, 0),
        spare=(0, 0, 0),
    ),
    limits=(Limit("budget", 2000, (1000,), (0, 0, 0)),),
)
GOOD = Solution(((2, 0, 1),), ((2,),))


def test_a_good_solution_passes() -> None:
    assert violations(PROBLEM, GOOD) == []


@pytest.mark.parametrize(
    ("solution", "said"),
    [
        (Solution(((1, 0, 1),), ((2,),)), "service chat: 10 carried of 20"),
        (Solution(((1, 3, 1),), ((2,),)), "service chat: 2 layouts, at most 1 allowed"),
        (Solution(((2, 0, 1),), ((1,),)), "replicas and spares need 2 instances, 1 bought"),
        (Solution(((2, 0, 1),), ((3,),)), "pool node: 3 instances, quota 2"),
        (Solution(((2, 0, 1),), ((3,),)), "limit budget: 3000 of 2000"),
        (Solution(((2, 0, -1),), ((2,),)), "a count is negative"),
        (Solution(((2, 0),), ((2,),)), "the solution does not have the problem's shape"),
    ],
)
def test_each_violation_is_named(solution: Solution, said: str) -> None:
    assert said in "; ".join(violations(PROBLEM, solution))


def test_replicas_are_packed_for_real() -> None:
    """Three groups of 5 do not share two nodes of 8, though 15 GPUs are fewer than 16."""
    options = Options((0,), (0,), (5,), (10,), (0,), (0,), (0,))
    problem = Problem((Service("s", (30,)),), replace(PROBLEM.pools, max_instances=(UNLIMITED,)), options)
    assert violations(problem, Solution(((3,),), ((2,),))) == [
        "pool node: replicas and spares need 3 instances, 2 bought"
    ]
    assert violations(problem, Solution(((3,),), ((3,),))) == []


def test_spares_come_on_top() -> None:
    options = replace(PROBLEM.options, spare=(1, 0, 0))
    problem = replace(PROBLEM, options=options)
    assert "need 3 instances" in "; ".join(violations(problem, GOOD))
