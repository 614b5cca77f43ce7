"""Two tables of the same layouts and pools as one: what was evaluated later takes its place among the rest."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.candidates.demand import MAX_BATCH
from planner.candidates.estimates import joined
from planner.candidates.sizing import Fleets
from planner.candidates.table import Configurations
from planner.plan import Rejection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.table import CandidateTable

    Ints = NDArray[np.int64]


def merged(table: CandidateTable, added: CandidateTable) -> CandidateTable:
    """Return the rows of both tables in the order of one table: by layout, batch, then as pools are joined.

    Both are of one scenario, judged by the same requirements, and share no configuration.
    """
    width = MAX_BATCH + 1
    old, new = table.configurations, added.configurations
    place = np.searchsorted(old.layout * width + old.batch, new.layout * width + new.batch)
    order = _order(len(old), place)
    at = np.empty_like(order)
    at[order] = np.arange(order.size)  # place of each configuration, the old ones first, in the merged table
    # A new configuration's rows come before those of the old configuration that follows it.
    before = np.searchsorted(table.configuration, place[added.configuration])
    rows = _order(len(table), before)

    def row(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([first, second])[rows]

    columns = {f.name: row(getattr(table.fleets, f.name), getattr(added.fleets, f.name)) for f in fields(Fleets)}
    return replace(
        table,
        configurations=Configurations(
            layout=np.concatenate([old.layout, new.layout])[order],
            batch=np.concatenate([old.batch, new.batch])[order],
            capacity=np.concatenate([old.capacity, new.capacity])[order],
            estimated=joined([old.estimated, new.estimated], order),
        ),
        configuration=row(at[table.configuration], at[len(old) + added.configuration]),
        pool=row(table.pool, added.pool),
        fleets=Fleets(**columns),
        preference=row(table.preference, added.preference),
        broken=np.concatenate([table.broken, added.broken], axis=1)[:, rows],
        ruled_out=_counted(table.ruled_out, added.ruled_out),
    )


def _order(size: int, place: Ints) -> Ints:
    """Return the order that puts item i of a second list of indices before item ``place[i]`` of a first of ``size``."""
    return np.insert(np.arange(size, dtype=np.int64), place, size + np.arange(place.size, dtype=np.int64))


def _counted(first: tuple[Rejection, ...], second: tuple[Rejection, ...]) -> tuple[Rejection, ...]:
    """Return what either lists with the counts added up; the first table, which is the larger, has the words."""
    counts = {item.reason: item for item in first}
    for item in second:
        known = counts.get(item.reason)
        counts[item.reason] = item if known is None else replace(known, count=known.count + item.count)
    return tuple(counts.values())
