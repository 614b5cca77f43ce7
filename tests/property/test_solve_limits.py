"""Laws of the optimum: a further limit never lowers its cost, scaled prices scale it, order does not matter."""

from __future__ import annotations

import random
from dataclasses import fields, replace

import pytest
from problems import random_problem

from planner.solve.problem import Limit, Options, Pools, Problem
from planner.solve.solver import CpSatSolver

SEEDS = range(1000, 1060)


def cost(problem: Problem) -> float:
    found = CpSatSolver().solve(problem)
    return found.objective if found.solution is not None else float("inf")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_limit_never_lowers_the_cost(seed: int) -> None:
    problem = random_problem(seed)
    rng = random.Random(seed)
    before = cost(problem)
    nodes = Limit("nodes", rng.randint(1, 4), (1,) * len(problem.pools), (0,) * len(problem.options))
    assert cost(replace(problem, limits=(*problem.limits, nodes))) >= before
    quota = tuple(min(most, rng.randint(0, 2)) for most in problem.pools.max_instances)
    assert cost(replace(problem, pools=replace(problem.pools, max_instances=quota))) >= before
    stricter = tuple(
        replace(item, demand=tuple(amount + rng.randint(0, 5) for amount in item.demand)) for item in problem.services
    )
    assert cost(replace(problem, services=stricter)) >= before


@pytest.mark.parametrize("seed", SEEDS)
def test_scaled_prices_scale_the_cost(seed: int) -> None:
    problem = random_problem(seed)
    factor = 3
    pools = replace(problem.pools, cost=tuple(factor * price for price in problem.pools.cost))
    options = replace(
        problem.options,
        cost=tuple(factor * price for price in problem.options.cost),
        preference=tuple(factor * price for price in problem.options.preference),
    )
    limits = tuple(
        replace(item, maximum=factor * item.maximum, pool=pools.cost, option=options.cost)
        if item.id == "budget"
        else item
        for item in problem.limits
    )
    assert cost(replace(problem, pools=pools, options=options, limits=limits)) == factor * cost(problem)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_options_and_pools_does_not_change_the_cost(seed: int) -> None:
    problem = random_problem(seed)
    rng = random.Random(seed)
    pool_order = rng.sample(range(len(problem.pools)), len(problem.pools))
    option_order = rng.sample(range(len(problem.options)), len(problem.options))
    pools = Pools(**{f.name: _taken(getattr(problem.pools, f.name), pool_order) for f in fields(Pools)})
    options = Options(**{f.name: _taken(getattr(problem.options, f.name), option_order) for f in fields(Options)})
    options = replace(options, pool=tuple(pool_order.index(p) for p in options.pool))
    limits = tuple(
        replace(item, pool=_taken(item.pool, pool_order), option=_taken(item.option, option_order))
        for item in problem.limits
    )
    assert cost(replace(problem, pools=pools, options=options, limits=limits)) == cost(problem)


def _taken(column: tuple[object, ...], order: list[int]) -> tuple[object, ...]:
    return tuple(column[index] for index in order) if column else ()
