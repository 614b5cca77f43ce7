"""What arithmetic settles agrees with the oracle, which tries everything, and it settles most questions."""

from __future__ import annotations

from collections import Counter

import pytest
from problems import random_problem

from planner.solve.checker import violations
from planner.solve.exhaustive import ExhaustiveSolver, combinations_to_try
from planner.solve.pairs import cheapest, countable, least_total
from planner.solve.settling import least_of, settled

WALKED = 20_000
"""Combinations up to which the oracle is asked."""
SEEDS = [seed for seed in range(900) if combinations_to_try(random_problem(seed)) <= WALKED]


def test_a_settled_question_has_the_oracles_answer() -> None:
    answers: Counter[tuple[bool, bool | None]] = Counter()
    for seed in SEEDS:
        problem = random_problem(seed)
        feasible = ExhaustiveSolver().solve(problem).solution is not None
        found = settled(problem)
        assert found in (None, feasible), f"seed {seed}"
        answers[feasible, found] += 1
    assert answers[True, True] > answers[True, None]
    assert answers[False, False] > 50


def test_a_counted_fleet_costs_what_the_oracles_costs() -> None:
    counted = 0
    for seed in SEEDS:
        problem = random_problem(seed)
        found = cheapest(problem)
        if found is None:
            continue
        assert found.solution is not None
        assert not violations(problem, found.solution), f"seed {seed}"
        assert found.objective == ExhaustiveSolver().solve(problem).objective, f"seed {seed}"
        assert problem.cost(found.solution.replicas, found.solution.instances) == found.objective, f"seed {seed}"
        counted += 1
    assert counted > 50


def test_bounds_are_below_whatever_the_oracle_finds() -> None:
    checked = 0
    for seed in SEEDS:
        problem = random_problem(seed)
        best = ExhaustiveSolver().solve(problem).solution
        if best is None:
            continue
        for limit in problem.limits:
            totals = [
                sum(c * n for c, n in zip(limit.pool, bought, strict=True))
                + sum(c * n for c, n in zip(limit.option, counts, strict=True))
                for bought, counts in zip(best.instances, best.replicas, strict=True)
            ]
            whole = sum(hours * total for hours, total in zip(problem.hours, totals, strict=True))
            assert least_of(problem, limit) <= (whole / problem.cycle_hours if limit.mean else max(totals))
            checked += 1
            if countable(problem):
                assert least_total(problem, limit.pool, limit.option).bound <= whole, f"seed {seed}"
    assert checked > 100


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_said_of_a_service_without_options_but_that_it_is_not_carried(seed: int) -> None:
    from planner.solve.prune import restrict

    problem = random_problem(seed, services=1)
    others = [o for o, service in enumerate(problem.options.service) if service != 0]
    alone = restrict(problem, others)
    if not problem.choices:
        assert settled(alone) is False
