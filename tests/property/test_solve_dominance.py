"""Law: what dominance between groups and pools cuts off holds no optimum that is not also elsewhere, ties included."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from problems import random_problem

from planner.solve.checker import violations
from planner.solve.dominance import undominated
from planner.solve.exhaustive import ExhaustiveSolver
from planner.solve.problem import Problem
from planner.solve.prune import Pruned, restrict

BATCHES = 5
PER_BATCH = 80


def preferring(problem: Problem, seed: int) -> Problem:
    """The problem with preferences for some options, and capacities that often tie per GPU."""
    rng = random.Random(seed)
    options = problem.options
    return replace(
        problem,
        options=replace(
            options,
            capacity=tuple(rng.choice((1, 2)) * gpus for gpus in options.gpus),
            preference=tuple(rng.choice((0, 0, 250_000)) for _ in options.gpus),
        ),
    )


@pytest.mark.parametrize("batch", range(BATCHES))
def test_pruned_fleets_keep_an_optimum_and_its_ties(batch: int) -> None:
    oracle = ExhaustiveSolver()
    cut = 0
    for seed in range(batch * PER_BATCH, (batch + 1) * PER_BATCH):
        problem = random_problem(seed)
        if seed % 2:
            problem = preferring(problem, seed)
        expected = oracle.solve(problem)
        kept = undominated(problem, list(range(len(problem.options))))
        cut += len(problem.options) - len(kept)
        found = oracle.solve(restrict(problem, kept))
        assert (found.status, found.objective) == (expected.status, expected.objective), seed
        if expected.solution is None:
            continue
        assert found.solution is not None
        whole = Pruned(problem, tuple(kept), tuple(range(len(problem.hours))), len(problem.options)).expand(
            found.solution
        )
        assert violations(problem, whole) == [], seed
        best = problem.tie_keys(expected.solution.replicas, expected.solution.instances)
        assert problem.tie_keys(whole.replicas, whole.instances)[:-1] == best[:-1], seed
    assert cut > PER_BATCH // 4
