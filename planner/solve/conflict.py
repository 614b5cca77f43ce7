"""Why there is no plan: the requirements that stand in each other's way, and the cheapest ways out.

The table is built once more with everything that the scenario restricts left open and marked. A set of requirements
is feasible when some row breaks none of it. A **deletion filter** shrinks the whole set to a minimal conflict: drop a
requirement; if the rest still admits nothing, it stays dropped. What remains conflicts, and without any one of its
members it does not. No solver is needed for that with one service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.evaluation import refined, resized
from planner.candidates.refine import batches_within
from planner.candidates.sizing import Held
from planner.plan import Conflict, Relaxation
from planner.progress import note
from planner.solve import wording
from planner.solve.wording import broken_counts
from planner.units import HOURS_PER_MONTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates import CandidateTable
    from planner.candidates.requirements import Requirement
    from planner.catalog import Catalog
    from planner.scenario import Scenario

    Bools = NDArray[np.bool_]

_NATURAL = ("budget", "sla.", "quality.", "search.")
"""Which requirements a conflict is rather told with, first to last: later ones are tried for deletion first."""


def conflict_of(scenario: Scenario, catalog: Catalog) -> Conflict:
    """Return the conflict of a scenario without feasible candidates."""
    from planner.candidates import evaluate

    return explain(_sharpened(evaluate(scenario, catalog, marked=True)))


def _sharpened(table: CandidateTable) -> CandidateTable:
    """Add the batches at which relaxing one latency (or the throughput) alone shows its least change."""
    for index, item in enumerate(table.requirements):
        if item.id.startswith("sla.") and item.id != "sla.availability":
            table = refined(table, lambda now, index=index: batches_within(now, index))  # type: ignore[misc]
    return table


def minimal_conflict(requirements: Sequence[str], feasible: Callable[[frozenset[str]], bool]) -> tuple[str, ...]:
    """Return a minimal subset of ``requirements`` that ``feasible`` refuses; empty when even the empty set is.

    ``feasible`` must be monotone: what holds for a set holds for its subsets. Requirements are tried for deletion from
    the last to the first, so the first ones are the likeliest to be named.
    """
    kept = list(requirements)
    for done, requirement in enumerate(reversed(requirements), 1):
        note(f"no plan: looking for the requirements in conflict, {done} of {len(requirements)}")
        rest = frozenset(kept) - {requirement}
        if not feasible(rest):
            kept.remove(requirement)
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class View:
    """The rows of a marked table under any subset of the requirements.

    Availability adds spare instances; without it fleets are smaller, so there are two tables where it is asked.
    """

    full: CandidateTable
    lean: CandidateTable

    @classmethod
    def of(cls, table: CandidateTable) -> View:
        """Look at ``table``."""
        asked = table.scenario.sla.availability is not None
        return cls(table, resized(table, replace(Held.of(table.scenario), availability=None)) if asked else table)

    def table(self, active: Iterable[str]) -> CandidateTable:
        """Return the table whose fleets hold ``active``."""
        return self.full if "sla.availability" in active else self.lean

    def holding(self, active: Iterable[str]) -> Bools:
        """[row]: no requirement of ``active`` is broken."""
        names = frozenset(active)
        table = self.table(names)
        asked = np.array([item.id in names for item in table.requirements], dtype=bool)
        return ~np.asarray(table.broken[asked].any(axis=0))


def explain(table: CandidateTable) -> Conflict:
    """Return the conflict of a marked table in which no row holds every requirement."""
    view = View.of(table)
    byid = {item.id: item for item in table.requirements}
    order = sorted(byid, key=lambda name: (_rank(name), list(byid).index(name)))
    rejected = tuple((item.reason, item.count) for item in (*table.rejected, *table.ruled_out))
    rejected += tuple((item.reason, item.count) for item in broken_counts(table))
    if not len(table):
        nothing = (wording.nothing_runs(table),)
        return Conflict(wording.summary(nothing), (), nothing, (), rejected)
    found = minimal_conflict(order, lambda active: bool(view.holding(active).any()))
    causes = tuple(_cause(view, byid[name], [other for other in found if other != name]) for name in found)
    return Conflict(
        summary=wording.summary(causes),
        requirements=found,
        because=causes,
        relaxations=_relaxations(view, order, found, byid),
        rejected=rejected,
    )


def _rank(name: str) -> int:
    return next((index for index, prefix in enumerate(_NATURAL) if name.startswith(prefix)), len(_NATURAL))


def _cause(view: View, item: Requirement, others: Sequence[str]) -> str:
    """Return one limb of "Because ..., and because ...": what is asked, and the best that the others leave of it."""
    if item.sense == "in":
        return wording.choice(item)
    actual = item.actual(view.table(others))[view.holding(others)]
    best = float(np.min(actual) if item.sense == "max" else np.max(actual))
    return wording.out_of_reach(item, best, alone=not others)


def _relaxations(
    view: View, order: Sequence[str], found: Sequence[str], byid: dict[str, Requirement]
) -> tuple[Relaxation, ...]:
    """Return the least change of each requirement that makes the rest feasible, cheapest first.

    A member of the conflict that does not suffice alone, since there is another conflict without it, comes last, with
    what has to give way beside it.
    """
    changes = []
    for name in order:
        kept = set(order) - {name}
        if not view.holding(kept).any():
            if name not in found:
                continue
            kept = _grown(view, [other for other in order if other != name])
            if view.holding(kept | {name}).any():
                continue  # the rest gives way without it
        change = _relaxation(view, byid[name], kept)
        with_it = [other for other in order if other not in kept and other != name]
        changes.append(replace(change, needed=wording.together(change.needed, with_it)))
    load = _load(view, order)
    changes += [load] if load else []
    return tuple(
        sorted(changes, key=lambda item: ("together" in item.needed, item.cost_usd_per_month, item.requirement))
    )


def _grown(view: View, names: Sequence[str]) -> set[str]:
    """Return a largest feasible subset of ``names``, grown from the first on."""
    kept: set[str] = set()
    for name in names:
        if view.holding(kept | {name}).any():
            kept.add(name)
    return kept


def _relaxation(view: View, item: Requirement, others: set[str]) -> Relaxation:
    """Return the least change of ``item`` for the rows that hold ``others``, and the cheapest plan then."""
    table = view.table(others)
    cost = table.fleets.cost
    holding = view.holding(others)
    if item.sense == "in":
        chosen = int(np.flatnonzero(holding)[np.argmin(cost[holding])])
        return Relaxation(item.id, wording.asked(item), wording.chosen(table, item, chosen), _monthly(table, chosen))
    actual = item.actual(table)
    best = actual[holding].min() if item.sense == "max" else actual[holding].max()
    reached = np.flatnonzero(holding & (actual <= best if item.sense == "max" else actual >= best))
    chosen = int(reached[np.argmin(cost[reached])])
    return Relaxation(item.id, wording.asked(item), wording.needed(item, float(best)), _monthly(table, chosen))


def _load(view: View, order: Sequence[str]) -> Relaxation | None:
    """Return the largest load that a plan within the budget carries, where the budget is what stands in the way."""
    from planner.cost import per_month, usd

    table = view.full
    limit = next((item for item in table.requirements if item.id == "budget"), None)
    if limit is None or table.scenario.sla.availability is not None:
        return None
    holding = view.holding([name for name in order if not name.startswith("budget")])
    if not holding.any() or any(item.id in ("budget.capex", "budget.tco") for item in table.requirements):
        return None
    fixed = np.array([pool.fixed_cost for pool in table.pools], dtype=np.int64)[table.pool]
    gpus = np.array([pool.offer.gpus for pool in table.pools], dtype=np.int64)[table.pool]
    fleets = table.fleets
    hourly = limit.ceiling if limit.unit == "USD/h" else limit.ceiling / HOURS_PER_MONTH
    # Replicas of a bought server also draw power; they are charged as if every slot of an instance ran.
    slots = np.maximum(gpus // fleets.reserved_gpus, 1)
    nodes = np.maximum(fleets.reserved_gpus // gpus, 1)
    each = fixed * nodes + slots * fleets.replica_cost
    units = np.floor(hourly / usd(1) / each).astype(np.int64)
    carried = np.where(holding, units * slots * table.configurations.capacity[table.configuration], 0)
    row = int(np.argmax(carried))
    most = int(carried[row])
    if most <= 0 or most >= table.demand.amount:
        return None
    current, needed, key = wording.load(table, most)
    return Relaxation(key, current, needed, per_month(usd(int(units[row] * each[row]))))


def _monthly(table: CandidateTable, row: int) -> float:
    from planner.cost import per_month, usd

    return per_month(usd(int(table.fleets.cost[row])))
