"""Mixed-integer programming behind the Solver protocol: SCIP inside OR-Tools, for fleets whose counts dominate.

SCIP computes in doubles. What it answers is rounded to counts, its instances are counted again, its cost is summed in
integers and every constraint is checked; an answer that fails is not given. Its bound is lowered by ``BOUND_ERROR``.

**Layouts per service are limited lazily.** "At most k layouts" needs a Boolean per option and couples it to its count
by a weak inequality, yet most services use one or two layouts anyway. So the first round leaves the limit out; services
that break it get their Booleans and the next round follows. A round without the limit relaxes the problem, so that its
bound holds, and the first answer that breaks no limit is one of the whole problem.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import ceil
from time import monotonic

from planner.solve.checker import violations
from planner.solve.milp_model import MilpModel
from planner.solve.problem import Outcome, Problem, Solution
from planner.solve.solver import CpSatSolver, can_be_carried

TIME_LIMIT_S = 60.0
"""Wall time after which the best answer is given. What is found before is the same on every machine."""

FLEET_GAP = 1e-3
"""Gap at which a large fleet is good enough: a hundredth of what predictions of throughput err by."""

EXACT_OPTIONS = 1_000
"""Options times periods up to which the optimum itself is asked for; it takes seconds at most."""

BOUND_ERROR = 1e-9
"""Relative error allowed for in SCIP's bounds: its numerics/epsilon."""

TIE_OPTIONS = 200
"""Options times periods up to which ties of an optimal cost are broken; beyond, no costs tie to the micro-dollar."""

_START_SHARE = 0.1
"""Of the time, what a first answer may take."""

_FIRST_SHARE = 0.5
"""Of the time, what the round without limits may take; the last ones need the rest."""

_REPAIR_SHARE = 0.2
"""Of the time left, what a round may spend on an answer that keeps all limits, to start the next round from."""

_REPAIR_OPTIONS = 10
"""Cheapest options that a service with too many layouts may choose from in such an answer, beside its own."""


@dataclass(slots=True)
class _Search:
    """What is known so far."""

    bound: int = 0
    best: Solution | None = None
    cost: int = 0

    def offer(self, problem: Problem, solution: Solution) -> None:
        """Keep ``solution`` if it satisfies everything and costs less than the best one."""
        cost = problem.cost(solution.replicas, solution.instances)
        if (self.best is None or cost < self.cost) and not violations(problem, solution):
            self.best, self.cost = solution, cost


class MilpSolver:
    """SCIP with its fixed seed. ``gap`` is where it stops; None asks for 0, or ``FLEET_GAP`` for a large fleet."""

    name = "scip"

    def __init__(self, *, gap: float | None = None, time_limit_s: float = TIME_LIMIT_S) -> None:
        self.gap = gap
        self.time_limit_s = time_limit_s

    def solve(self, problem: Problem) -> Outcome:
        """Return the cheapest solution, or one proven to be within the gap, or ``infeasible`` where CP-SAT agrees."""
        if not can_be_carried(problem):
            return Outcome("infeasible", self.name)
        exact = len(problem.options) * len(problem.hours) <= EXACT_OPTIONS
        gap = self.gap if self.gap is not None else (0.0 if exact else FLEET_GAP)
        search = _Search()
        if not self._rounds(problem, gap, search):
            return CpSatSolver().solve(problem)  # says infeasible only when it has proved it as well
        if search.best is None:
            return Outcome("unknown", self.name, bound=search.bound)
        bound = min(search.bound, search.cost)
        best = search.best
        few = bound == search.cost and len(problem.options) * len(problem.hours) <= TIE_OPTIONS
        if few and problem.ties:
            best = CpSatSolver().break_ties(problem, search.cost, best)
        status = "optimal" if bound == search.cost else "feasible"
        return Outcome(status, self.name, best, search.cost, bound, few or not problem.ties)

    def _rounds(self, problem: Problem, gap: float, search: _Search) -> bool:
        """Solve until no service uses more layouts than it may. False when a round has no solution at all."""
        stop = monotonic() + self.time_limit_s
        limited: frozenset[int] = frozenset()
        options = Counter(problem.options.service)
        first = any(1 < item.max_options < options[s] for s, item in enumerate(problem.services))
        if any(service.max_options > 1 for service in problem.services):
            self._start(problem, gap, self.time_limit_s * _START_SHARE, search)
        while (left := stop - monotonic()) > 0:
            share = _FIRST_SHARE if first else 1.0
            found = MilpModel(problem, limited).solve(gap, left * share, search.best)
            if found.infeasible:
                return False
            search.bound = max(search.bound, _floor_bound(found.bound))
            if found.solution is None:
                break
            search.offer(problem, found.solution)
            excess = _excess(problem, found.solution)
            if _gap(search) <= gap or not (excess or share < 1.0):
                break
            limited |= excess
            first = False
            if excess:
                self._repair(problem, found.solution, excess, gap, (stop - monotonic()) * _REPAIR_SHARE, search)
        return True

    def _start(self, problem: Problem, gap: float, time_s: float, search: _Search) -> None:
        """Offer the best answer with one layout per service: soon found, and rarely more than some percent dearer."""
        uniform = replace(problem, services=tuple(replace(item, max_options=1) for item in problem.services))
        found = MilpModel(uniform, ()).solve(gap, time_s)
        if found.solution is not None:
            search.offer(problem, found.solution)

    def _repair(
        self, problem: Problem, near: Solution, excess: frozenset[int], gap: float, time_s: float, search: _Search
    ) -> None:
        """Offer the best answer around ``near`` that keeps all limits; services in ``excess`` choose layouts anew."""
        if time_s <= 0:
            return
        among = _used(near)
        by_service: dict[int, list[int]] = {}
        for o in range(len(problem.options)):
            by_service.setdefault(problem.options.service[o], []).append(o)
        for service in excess:
            among.update(sorted(by_service[service], key=lambda o: (_share(problem, o), o))[:_REPAIR_OPTIONS])
        every = frozenset(range(len(problem.services)))
        found = MilpModel(problem, every, among=sorted(among)).solve(gap, time_s)
        if found.solution is not None:
            search.offer(problem, found.solution)


def _excess(problem: Problem, solution: Solution) -> frozenset[int]:
    """Return the services with more layouts than they may have."""
    used = [0] * len(problem.services)
    for o in _used(solution):
        used[problem.options.service[o]] += 1
    return frozenset(s for s, service in enumerate(problem.services) if used[s] > service.max_options)


def _used(solution: Solution) -> set[int]:
    return {o for counts in solution.replicas for o, count in enumerate(counts) if count}


def _share(problem: Problem, option: int) -> float:
    """Cost of serving all of its service with ``option``, at its share of the instances."""
    pool = problem.options.pool[option]
    each = (
        problem.options.cost[option]
        + problem.options.gpus[option] * problem.pools.cost[pool] / problem.pools.gpus[pool]
    )
    return problem.needed(option) * each + problem.options.spare[option] * problem.pools.cost[pool]


def _floor_bound(bound: float) -> int:
    """Return the least integer cost that a bound in doubles proves, its error allowed for."""
    return max(ceil(bound - max(abs(bound) * BOUND_ERROR, 1e-3)), 0)


def _gap(search: _Search) -> float:
    return (search.cost - search.bound) / search.cost if search.best is not None and search.cost else 1.0
