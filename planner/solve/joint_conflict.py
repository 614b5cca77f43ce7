"""Why several fleets have no plan together: the requirements in conflict, and the cheapest ways out.

As ``conflict`` does for one uniform fleet, with a solver in place of a look at the rows: a set of requirements is
feasible when the problem of the rows that hold them, under the limits among them, has a solution. Requirements of a
service are named after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from planner.candidates.streams import streams_of
from planner.cost import per_month, usd
from planner.plan import Conflict, Relaxation
from planner.progress import note
from planner.solve import wording
from planner.solve.conflict import minimal_conflict
from planner.solve.joint_least import best_figure, best_of, least_allowed, problem_at
from planner.solve.joint_view import TYPES, Asked, View
from planner.solve.limit_words import limit_words

if TYPE_CHECKING:
    from planner.candidates.streams import Streams
    from planner.catalog import Catalog
    from planner.scenario import Scenario
    from planner.solve.problem import Problem


def joint_conflict(scenario: Scenario, catalog: Catalog) -> Conflict:
    """Return the conflict of a scenario with several fleets that has no plan."""
    view = View(streams_of(scenario, catalog, marked=True))
    rejected = _cuts(view.streams)
    empty = [stream for stream in view.streams.streams if not len(stream.table)]
    if empty:
        nothing = (f"{empty[0].id}: {wording.nothing_runs(empty[0].table)}",)
        return Conflict(wording.summary(nothing), (), nothing, (), rejected)
    order = list(view.asked)
    found = minimal_conflict(order, view.holds)
    causes = tuple(_cause(view, view.asked[name], [it for it in found if it != name]) for name in found)
    return Conflict(
        summary=wording.summary(causes),
        requirements=found,
        because=causes,
        relaxations=_relaxations(view, order, found),
        rejected=rejected,
    )


def _cuts(streams: Streams) -> tuple[tuple[str, int], ...]:
    """Return what was ruled out by reason, summed over the tables."""
    counts: dict[str, int] = {}
    for table in streams.evaluated:
        for item in (*table.rejected, *table.ruled_out):
            counts[item.reason] = counts.get(item.reason, 0) + item.count
    return tuple(counts.items())


def _cause(view: View, item: Asked, others: Sequence[str]) -> str:
    """Return one limb of "Because ..., and because ...": what is asked, and the best that the others leave of it."""
    if not item.streams:
        least = least_allowed(view, item, others)
        return limit_words(view.streams, item.id).out_of_reach(least, alone=not others)
    stream = view.streams.streams[item.streams[0]]
    requirement = view.requirement(item, item.streams[0])
    if requirement.sense == "in":
        return _named(view, stream.service, wording.choice(requirement))
    best = best_figure(view, item, others)
    return _named(view, stream.service, wording.out_of_reach(requirement, best, alone=not others))


def _named(view: View, service: str, text: str) -> str:
    return f"{text} ({service})" if len(view.streams.scenario.parts) > 1 else text


def _relaxations(view: View, order: Sequence[str], found: Sequence[str]) -> tuple[Relaxation, ...]:
    """Return the least change of each requirement that makes the rest hold, cheapest first."""
    changes = []
    for done, name in enumerate(order, 1):
        note(f"no plan: looking for the cheapest ways out, {done} of {len(order)}")
        item = view.asked[name]
        kept = [other for other in order if other != name]
        if not view.holds(kept):
            if name not in found:
                continue
            kept = _grown(view, kept)
            if view.holds([*kept, name]):
                continue  # the rest gives way without it
        change = _relaxation(view, item, kept)
        if change is not None:
            with_it = [other for other in order if other not in kept and other != name]
            changes.append(replace(change, needed=wording.together(change.needed, with_it)))
    return tuple(
        sorted(changes, key=lambda it: ("together" in it.needed, it.cost_usd_per_month or 0.0, it.requirement))
    )


def _grown(view: View, names: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for name in names:
        if view.holds([*kept, name]):
            kept.append(name)
    return kept


def _relaxation(view: View, item: Asked, kept: Sequence[str]) -> Relaxation | None:
    if not item.streams:
        words = limit_words(view.streams, item.id)
        least = least_allowed(view, item, kept)
        if least is None:
            return None
        problem = _raised(view, item, kept, least)
        return Relaxation(item.name, words.asked, words.figure(least), _monthly(problem))
    requirement = view.requirement(item, item.streams[0])
    if requirement.sense == "in":
        return Relaxation(item.name, wording.asked(requirement), "anything", _monthly(view.problem(kept)))
    best = best_figure(view, item, kept)
    problem = problem_at(view, item, best, kept)
    return Relaxation(item.name, wording.asked(requirement), wording.needed(requirement, best), _monthly(problem))


def _raised(view: View, item: Asked, kept: Sequence[str], least: int) -> Problem:
    problem = view.problem([*kept, item.name])
    if item.id == TYPES:
        return replace(problem, max_kinds=least)
    limits = (replace(it, maximum=max(it.maximum, least)) if it.id == item.id else it for it in problem.limits)
    return replace(problem, limits=tuple(limits))


def _monthly(problem: Problem) -> float | None:
    """Return dollars per month of what serves ``problem`` best; None where nothing does."""
    outcome, small = best_of(problem)
    if outcome.solution is None:
        return None
    return per_month(usd(1) * small.bill(outcome.solution.replicas, outcome.solution.instances) / problem.cycle_hours)
