"""The next best plans that really differ, and why each lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.cost import per_month, usd
from planner.solve.fleet import by_preference, widest
from planner.units import format_percent, format_usd

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.solve.details import Detail


def rival_rows(table: CandidateTable, chosen: int, count: int) -> list[int]:
    """Return up to ``count`` feasible rows, cheapest first, that differ from ``chosen`` and from each other.

    Plans differ when accelerator, family of the weight format, degrees of parallelism or way to pay do. Another
    region, engine or KV format of the same plan is not another plan.
    """
    rows = by_preference(table, np.flatnonzero(table.feasible))
    each = np.array([item.rated_watts for item in table.pools])[table.pool[rows]]
    instances = table.fleets.instances[rows]
    # lexsort is stable: what is left equal stays in order of preference
    order = rows[np.lexsort((each * instances, instances, table.fleets.cost[rows]))]
    axes = table.layouts.axes
    families = sorted({item.family for item in axes.weights})
    accelerators = sorted({item.offer.accelerator for item in table.pools})
    kinds = sorted({item.price.kind for item in table.pools})
    family = np.array([families.index(item.family) for item in axes.weights], dtype=np.int64)
    accelerator = np.array([accelerators.index(item.offer.accelerator) for item in table.pools], dtype=np.int64)
    kind = np.array([kinds.index(item.price.kind) for item in table.pools], dtype=np.int64)
    degrees = table.column("parallelism")
    pool = table.pool
    signature = (accelerator[pool] * len(families) + family[table.column("weights")]) * len(axes.parallelism) + degrees
    signature = signature * len(kinds) + kind[pool]
    _, first = np.unique(signature[order], return_index=True)
    found = [int(row) for row in order[np.sort(first)] if signature[row] != signature[chosen]]
    return [widest(table, row) for row in found[:count]]


def why_lost(rival: Detail, winner: Detail) -> str:
    """Return one sentence with the numbers that decide between two plans."""
    more = per_month(usd(rival.cost - winner.cost))
    if more <= 0:
        return _tie(rival, winner)
    share = format_percent((rival.cost - winner.cost) / winner.cost)
    prices = f"{_bill(rival)} instead of {_bill(winner)}"
    return f"costs {format_usd(more, 'month')} ({share}) more: {prices}{_capacity(rival, winner)}"


def _bill(item: Detail) -> str:
    return f"{item.instances} x {format_usd(usd(item.cost) / item.instances, 'hour')}"


def _capacity(rival: Detail, winner: Detail) -> str:
    """Return what a replica of each carries, where that is what makes the fleets differ."""
    if rival.needed == winner.needed and rival.degrees.gpus == winner.degrees.gpus:
        return ""
    each = f"a replica on {rival.degrees.gpus} GPU{'s' if rival.degrees.gpus > 1 else ''}"
    other = f"{winner.allowed_batch} on {winner.degrees.gpus}"
    return f"; {each} holds {rival.allowed_batch} sequences within the requirements, against {other}"


def _tie(rival: Detail, winner: Detail) -> str:
    if rival.instances > winner.instances:
        return f"costs the same with {rival.instances} instances instead of {winner.instances}"
    return "costs the same; of equal plans the one with fewer instances, less rated power, then less latency wins"
