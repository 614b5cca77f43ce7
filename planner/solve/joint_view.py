"""A scenario of several fleets under any subset of its requirements, as problems for a solver.

The tables are marked: what ``search`` and ``quality`` would cut is there, and breaks a requirement instead. A set of
requirements is feasible when the problem of the rows that hold them, under the limits among them, has a solution.
Requirements of a service are named after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.evaluation import refined
from planner.candidates.refine import batches_carrying_more
from planner.solve.fleet import fleet_problem
from planner.solve.pairs import countable
from planner.solve.prune import prune
from planner.solve.settling import settled
from planner.solve.solver import CpSatSolver

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.requirements import Requirement
    from planner.candidates.streams import Streams
    from planner.solve.problem import Problem

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
        return limited(self.made(active), active)

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
            self._known[names] = feasible(self.problem(names))
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


def limited(problem: Problem, names: Iterable[str]) -> Problem:
    """Return ``problem`` with those of its limits that are among ``names``."""
    kept = frozenset(names)
    limits = tuple(limit for limit in problem.limits if limit.id in kept)
    return replace(problem, limits=limits, max_kinds=problem.max_kinds if TYPES in kept else None)


def feasible(problem: Problem, *, confirm: bool = True) -> bool:
    """Say whether ``problem`` has a solution; a no is proven twice where ``confirm`` is true."""
    # Pairs are counted of few options only; the other arithmetic takes less time than pruning does.
    found = None if countable(problem) else settled(problem)
    if found is not None:
        return found
    small = prune(problem).problem
    found = settled(small) if countable(small) else None
    return CpSatSolver().feasible(small, confirm=confirm) if found is None else found
