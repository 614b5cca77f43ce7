"""The next best plans that really differ, and why each lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from planner.cost import per_month, usd
from planner.solve.fleet import by_preference, precision, widest
from planner.units import format_percent, format_usd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates import CandidateTable
    from planner.solve.details import Detail


def rival_rows(table: CandidateTable, chosen: int, count: int) -> list[int]:
    """Return up to ``count`` feasible rows, cheapest first, that differ from ``chosen`` and from each other.

    Plans differ when accelerator, family of the weight format, tensor parallelism or way to pay do. Another region,
    engine or KV format of the same plan is not another plan. The best of each accelerator comes before a second plan
    on the same one, so that the field is seen.
    """
    order = ranked(table)
    accelerator = _numbers([item.offer.accelerator for item in table.pools])[table.pool]
    kind = _numbers([item.price.kind for item in table.pools])[table.pool]
    family = _numbers([item.family for item in table.layouts.axes.weights])[table.column("weights")]
    tensor = np.array([item.tp for item in table.layouts.axes.parallelism])[table.column("parallelism")]
    signature = np.stack([accelerator, kind, family, tensor])
    winner = signature[:, [chosen]]
    signature = signature[:, order]
    _, first = np.unique(signature, axis=1, return_index=True)
    places = [place for place in np.sort(first).tolist() if (signature[:, [place]] != winner).any()]
    leading: dict[int, int] = {}
    for place in places:
        leading.setdefault(int(signature[0, place]), place)
    best = sorted(leading.values())
    rest = [place for place in places if place not in best]
    picked = sorted([*best, *rest][:count])
    return [widest(table, int(order[place])) for place in picked]


def ranked(table: CandidateTable) -> NDArray[np.int64]:
    """Return the feasible rows, cheapest first, ties as the solver breaks them."""
    rows = by_preference(table, np.flatnonzero(table.feasible))
    instances = table.fleets.instances[rows]
    watts = np.array([item.rated_watts for item in table.pools])[table.pool[rows]] * instances
    # lexsort is stable: what is left equal stays in order of preference
    return np.asarray(rows[np.lexsort((watts, instances, table.objective[rows]))])


def _numbers(names: Sequence[str]) -> NDArray[np.int64]:
    """Number names by their alphabetical order."""
    known = sorted(set(names))
    return np.array([known.index(name) for name in names], dtype=np.int64)


def why_lost(rival: Detail, winner: Detail, native: str = "bf16") -> str:
    """Return one sentence with the numbers that decide between two plans of a model published in ``native``."""
    more = per_month(usd(rival.cost - winner.cost))
    preferred = per_month(usd(rival.preference - winner.preference))
    if more < 0 or (more == 0 and preferred > 0):
        saved = f"costs {format_usd(-more, 'month')} less" if more else "costs the same"
        return f"{saved}, but rules that prefer something else count {format_usd(preferred, 'month')} against it"
    if more == 0:
        return _tie(rival, winner, native)
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


def _tie(rival: Detail, winner: Detail, native: str) -> str:
    if rival.instances > winner.instances:
        return f"costs the same with {rival.instances} instances instead of {winner.instances}"
    kept, best = (precision(item.weights, item.kv, native) for item in (rival, winner))
    if kept < best:
        rather = f"{winner.weights.id} with {winner.kv.id} KV"
        return f"costs the same and is quantized further: {rival.weights.id} with {rival.kv.id} KV instead of {rather}"
    return "costs the same; the plan has less rated power, or less latency where that is equal too"
