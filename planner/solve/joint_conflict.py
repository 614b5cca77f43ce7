"""Why several fleets have no plan together: the requirements in conflict, and the cheapest ways out.

As ``conflict`` does for one uniform fleet, with a solver in place of a look at the rows: a set of requirements is
feasible when the problem of the rows that hold them, under the limits among them, has a solution. Requirements of a
service are named after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.evaluation import refined
from planner.candidates.refine import batches_carrying_more
from planner.candidates.streams import streams_of
from planner.cost import per_month, usd
from planner.plan import Conflict, Relaxation
from planner.progress import note
from planner.solve import wording
from planner.solve.choice import solver_for
from planner.solve.conflict import minimal_conflict
from planner.solve.fleet import fleet_problem
from planner.solve.limit_words import limit_words
from planner.solve.milp import FLEET_GAP, MilpSolver
from planner.solve.pairs import cheapest, countable
from planner.solve.prune import prune
from planner.solve.settling import settled
from planner.solve.solver import CpSatSolver, at_peak

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.requirements import Requirement
    from planner.candidates.streams import Streams
    from planner.catalog import Catalog
    from planner.scenario import Scenario
    from planner.solve.problem import Limit, Outcome, Problem

_SEARCH_STEPS = 9
"""Halvings when the least change of a requirement is looked for: to a five-hundredth of the values there are."""
_NATURAL = ("budget", "limits.", "rules.", "sla.", "quality.", "search.")
"""Which requirements a conflict is rather told with, first to last: later ones are tried for deletion first."""
TYPES = "limits.types"


@dataclass(frozen=True, slots=True)
class Asked:
    """A requirement by its name in messages: of one stream's rows, or a limit on the whole."""

    name: str
    streams: tuple[int, ...]
    """Streams whose rows it speaks of; empty for a limit."""
    id: str

    @property
    def rank(self) -> int:
        """Place in the natural order."""
        return next((i for i, prefix in enumerate(_NATURAL) if self.id.startswith(prefix)), len(_NATURAL))


class View:
    """The marked tables of a scenario under any subset of its requirements."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        tables = [id(table) for table in streams.tables]
        self._first = [tables.index(table) for table in tables]
        every = {index: np.ones(len(streams.tables[index]), dtype=bool) for index in dict.fromkeys(self._first)}
        self.whole = fleet_problem(streams, rows=[every[first] for first in self._first]).problem
        self.asked = self._asked()
        self._known: dict[frozenset[str], bool] = {}
        self._refined: set[tuple[int, frozenset[str]]] = set()

    def _asked(self) -> dict[str, Asked]:
        several = len(self.streams.scenario.parts) > 1
        found: dict[str, Asked] = {}
        for index, stream in enumerate(self.streams.streams):
            for item in stream.table.requirements:
                if item.of_plan:
                    continue
                name = f"{stream.service}: {item.id}" if several else item.id
                known = found.get(name)
                found[name] = Asked(name, (*(known.streams if known else ()), index), item.id)
        for limit in self.whole.limits:
            found.setdefault(limit.id, Asked(limit.id, (), limit.id))
        if self.whole.max_kinds is not None:
            found[TYPES] = Asked(TYPES, (), TYPES)
        order = sorted(found.values(), key=lambda item: (item.rank, list(found).index(item.name)))
        return {item.name: item for item in order}

    def problem(self, active: Iterable[str]) -> Problem:
        """Return the problem of the rows that hold ``active``, under the limits among them."""
        return _limited(self.made(active), active)

    def made(self, active: Iterable[str], masks: Mapping[int, NDArray[np.bool_]] | None = None) -> Problem:
        """Return the problem of the rows that hold ``active``, and ``masks`` of some tables, under every limit.

        Tables are named by the first stream that has them; all streams of a table are asked the same.
        """
        names = frozenset(active)
        rows = {index: self._mask(index, names) for index in dict.fromkeys(self._first)}
        for index, mask in (masks or {}).items():
            rows[index] = rows[index] & mask
        return fleet_problem(self.streams, rows=[rows[first] for first in self._first]).problem

    def _mask(self, index: int, names: frozenset[str]) -> NDArray[np.bool_]:
        """[row]: a row of a table holds what is asked of it among ``names``; batches are refined for that first."""
        ids = frozenset(it.id for it in self.asked.values() if index in it.streams and it.name in names)
        self._refine(index, ids)
        table = self.streams.streams[index].table
        asked = np.array([item.id in ids for item in table.requirements], dtype=bool)
        return ~np.asarray(table.broken[asked].any(axis=0))

    def _refine(self, index: int, ids: frozenset[str]) -> None:
        """Add the batches that carry most under some requirements, so that no subset looks worse than it is.

        Streams that share a table, as the families of a stage do, share what is added to it.
        """
        before = self.streams.streams[index].table
        if (index, ids) in self._refined:
            return
        self._refined.add((index, ids))
        asked = np.array([item.id in ids for item in before.requirements], dtype=bool)
        table = refined(before, lambda now: batches_carrying_more(now, ~np.asarray(now.broken[asked].any(axis=0))))
        if table is before:
            return
        streams = (replace(it, table=table) if it.table is before else it for it in self.streams.streams)
        self.streams = replace(self.streams, streams=tuple(streams))

    def holds(self, active: Iterable[str]) -> bool:
        """Say whether everything in ``active`` can be held together."""
        names = frozenset(active)
        if names not in self._known:
            self._known[names] = _feasible(self.problem(names))
        return self._known[names]

    def actual(self, item: Asked) -> list[tuple[int, NDArray[np.float64]]]:
        """Return, per table that ``item`` speaks of, its first stream and the figure of every row."""
        return [
            (index, self.requirement(item, index).actual(self.streams.streams[index].table))
            for index in dict.fromkeys(self._first[index] for index in item.streams)
        ]

    def requirement(self, item: Asked, index: int) -> Requirement:
        """Return ``item`` as it is asked of a stream."""
        return next(it for it in self.streams.streams[index].table.requirements if it.id == item.id)


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
        least = _least(view, item, others)
        return limit_words(view.streams, item.id).out_of_reach(least, alone=not others)
    stream = view.streams.streams[item.streams[0]]
    requirement = view.requirement(item, item.streams[0])
    if requirement.sense == "in":
        return _named(view, stream.service, wording.choice(requirement))
    best = _best(view, item, others)
    return _named(view, stream.service, wording.out_of_reach(requirement, best, alone=not others))


def _named(view: View, service: str, text: str) -> str:
    return f"{text} ({service})" if len(view.streams.scenario.parts) > 1 else text


def _least(view: View, item: Asked, others: Sequence[str]) -> int | None:
    """Return the least that a limit has to allow for the others to hold, in solver units; None if nothing does."""
    made = view.made(others)
    problem = _limited(made, others)
    if item.id == TYPES:
        kinds = range(1, len(set(problem.pools.kind)) + 1)
        return next((k for k in kinds if _feasible(replace(problem, max_kinds=k))), None)
    limit = next(it for it in made.limits if it.id == item.id)
    pools, options = replace(problem.pools, cost=limit.pool), replace(problem.options, cost=limit.option, preference=())
    counted = replace(problem, pools=pools, options=options)
    busiest = None if limit.mean else at_peak(counted)
    outcome, _ = _best_of(busiest or counted)
    if outcome.solution is None:
        return None
    least = ceil(outcome.objective / (busiest or counted).cycle_hours)
    if limit.mean or _feasible(_with(problem, replace(limit, maximum=least))):
        return least
    # The least of one period, or of their mean, is no more than the least maximum of all of them.
    low, high = least, 2 * least + 1
    while not _feasible(_with(problem, replace(limit, maximum=high))):
        low, high = high, 2 * high
    for _ in range(_SEARCH_STEPS):
        middle = (low + high) // 2
        low, high = (
            (low, middle)
            if _feasible(_with(problem, replace(limit, maximum=middle)), confirm=False)
            else (middle, high)
        )
    return high


def _with(problem: Problem, limit: Limit) -> Problem:
    return replace(problem, limits=(*problem.limits, limit))


def _limited(problem: Problem, names: Iterable[str]) -> Problem:
    kept = frozenset(names)
    limits = tuple(limit for limit in problem.limits if limit.id in kept)
    return replace(problem, limits=limits, max_kinds=problem.max_kinds if TYPES in kept else None)


def _feasible(problem: Problem, *, confirm: bool = True) -> bool:
    # Pairs are counted of few options only; the other arithmetic takes less time than pruning does.
    found = None if countable(problem) else settled(problem)
    if found is not None:
        return found
    small = prune(problem).problem
    found = settled(small) if countable(small) else None
    return CpSatSolver().feasible(small, confirm=confirm) if found is None else found


def _best_of(problem: Problem) -> tuple[Outcome, Problem]:
    """Return a best plan, or one so near to it that the difference is not told, and the pruned problem it is of."""
    small = prune(replace(problem, ties=(), tie_ppm=0)).problem  # only the cost is told
    counted = cheapest(small)
    if counted is not None:
        return counted, small
    if isinstance(solver_for(small), MilpSolver):
        return MilpSolver(gap=FLEET_GAP).solve(small), small
    return CpSatSolver().solve(small), small


def _best(view: View, item: Asked, others: Sequence[str]) -> float:
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
    return _feasible(_problem_at(view, item, limit, others), confirm=False)


def _problem_at(view: View, item: Asked, limit: float, others: Iterable[str]) -> Problem:
    """Return the problem with ``item`` asked at another limit."""
    masks = {}
    for index, values in view.actual(item):
        requirement = view.requirement(item, index)
        masks[index] = values <= limit if requirement.sense == "max" else values >= limit
    return _limited(view.made(others, masks), others)


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
        least = _least(view, item, kept)
        if least is None:
            return None
        problem = _raised(view, item, kept, least)
        return Relaxation(item.name, words.asked, words.figure(least), _monthly(problem))
    requirement = view.requirement(item, item.streams[0])
    if requirement.sense == "in":
        return Relaxation(item.name, wording.asked(requirement), "anything", _monthly(view.problem(kept)))
    best = _best(view, item, kept)
    problem = _problem_at(view, item, best, kept)
    return Relaxation(item.name, wording.asked(requirement), wording.needed(requirement, best), _monthly(problem))


def _raised(view: View, item: Asked, kept: Sequence[str], least: int) -> Problem:
    problem = view.problem([*kept, item.name])
    if item.id == TYPES:
        return replace(problem, max_kinds=least)
    limits = (replace(it, maximum=max(it.maximum, least)) if it.id == item.id else it for it in problem.limits)
    return replace(problem, limits=tuple(limits))


def _monthly(problem: Problem) -> float | None:
    """Return dollars per month of what serves ``problem`` best; None where nothing does."""
    outcome, small = _best_of(problem)
    if outcome.solution is None:
        return None
    return per_month(usd(1) * small.bill(outcome.solution.replicas, outcome.solution.instances) / problem.cycle_hours)
