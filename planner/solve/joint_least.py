"""How far a requirement of several fleets has to give way: the least limit, or the best figure, that others leave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from planner.solve.choice import solver_for
from planner.solve.joint_view import TYPES, Asked, View, feasible, limited
from planner.solve.milp import FLEET_GAP, MilpSolver
from planner.solve.pairs import cheapest
from planner.solve.prune import prune
from planner.solve.solver import CpSatSolver, at_peak

if TYPE_CHECKING:
    from planner.solve.problem import Limit, Outcome, Problem

_SEARCH_STEPS = 9
"""Halvings when the least change of a requirement is looked for: to a five-hundredth of the values there are."""


def least_allowed(view: View, item: Asked, others: Sequence[str]) -> int | None:
    """Return the least that a limit has to allow for the others to hold, in solver units; None if nothing does."""
    made = view.made(others)
    problem = limited(made, others)
    if item.id == TYPES:
        kinds = range(1, len(set(problem.pools.kind)) + 1)
        return next((k for k in kinds if feasible(replace(problem, max_kinds=k))), None)
    limit = next(it for it in made.limits if it.id == item.id)
    pools, options = replace(problem.pools, cost=limit.pool), replace(problem.options, cost=limit.option, preference=())
    counted = replace(problem, pools=pools, options=options)
    always = tuple(it for it in counted.limits if not it.mean)  # what holds on average says nothing of one period
    busiest = None if limit.mean else at_peak(replace(counted, limits=always))
    outcome, _ = best_of(busiest or counted)
    if outcome.solution is None:
        return None
    least = ceil(outcome.objective / (busiest or counted).cycle_hours)
    if limit.mean or feasible(_with(problem, replace(limit, maximum=least))):
        return least
    # The least of one period, or of their mean, is no more than the least maximum of all of them.
    low, high = least, 2 * least + 1
    while not feasible(_with(problem, replace(limit, maximum=high))):
        low, high = high, 2 * high
    for _ in range(_SEARCH_STEPS):
        middle = (low + high) // 2
        low, high = (
            (low, middle) if feasible(_with(problem, replace(limit, maximum=middle)), confirm=False) else (middle, high)
        )
    return high


def _with(problem: Problem, limit: Limit) -> Problem:
    return replace(problem, limits=(*problem.limits, limit))


def best_of(problem: Problem) -> tuple[Outcome, Problem]:
    """Return a best plan, or one so near to it that the difference is not told, and the pruned problem it is of."""
    small = prune(replace(problem, ties=(), tie_ppm=0)).problem  # only the cost is told
    counted = cheapest(small)
    if counted is not None:
        return counted, small
    if isinstance(solver_for(small), MilpSolver):
        return MilpSolver(gap=FLEET_GAP).solve(small), small
    return CpSatSolver().solve(small), small


def best_figure(view: View, item: Asked, others: Sequence[str]) -> float:
    """Return the best figure of a requirement with which the others hold, by halving the list of figures there are."""
    requirement = view.requirement(item, item.streams[0])
    sign = 1.0 if requirement.sense == "max" else -1.0
    view.holds(others)
    figures = np.unique(np.concatenate([sign * values[np.isfinite(values)] for _, values in view.actual(item)]))
    low, high = 0, figures.size - 1
    for _ in range(_SEARCH_STEPS):
        if low >= high:
            break
        middle = (low + high) // 2
        if _holds_at(view, item, sign * float(figures[middle]), others):
            high = middle
        else:
            low = middle + 1
    return sign * float(figures[high])


def _holds_at(view: View, item: Asked, limit: float, others: Sequence[str]) -> bool:
    return feasible(problem_at(view, item, limit, others), confirm=False)


def problem_at(view: View, item: Asked, limit: float, others: Iterable[str]) -> Problem:
    """Return the problem with ``item`` asked at another limit."""
    masks = {}
    for index, values in view.actual(item):
        requirement = view.requirement(item, index)
        masks[index] = values <= limit if requirement.sense == "max" else values >= limit
    return limited(view.made(others, masks), others)
