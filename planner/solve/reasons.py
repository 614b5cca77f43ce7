"""Why a plan won, as sentences with their numbers, and what limits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.cost import per_month, usd
from planner.units import format_percent, format_usd

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.solve.details import Detail

_NAMES = {
    "sla.ttft_p50": "TTFT p50",
    "sla.ttft_p95": "TTFT p95",
    "sla.tpot_p95": "TPOT p95",
    "sla.e2e_p95": "end-to-end p95",
    "sla.output_tokens_per_second": "throughput",
}


def reasons(
    table: CandidateTable, winner: Detail, rivals: tuple[Detail, ...], effects: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return why ``winner`` is the answer, most important first; ``effects`` are what the scenario's own rules did."""
    cost = format_usd(per_month(usd(winner.cost)), "month")
    feasible, total = int(np.count_nonzero(table.feasible)), len(table)
    if winner.preference:
        cost += f" and {format_usd(per_month(usd(winner.preference)), 'month')} of preferences"
    elif table.preference.any():
        cost += ", preferences counted,"
    found = [
        f"{cost} is the least that any of the {feasible:,} feasible candidates costs, of {total:,} evaluated.",
        *effects,
    ]
    for what, name in (("on another accelerator", _accelerator), ("in another format", _weights)):
        other = next((item for item in rivals if name(item) != name(winner)), None)
        if other is not None:
            more = per_month(usd(other.cost - winner.cost))
            dearer = f"costs {format_usd(more, 'month')} more" if more > 0 else "costs the same"
            found.append(f"The cheapest plan {what}, {name(other)}, {dearer}.")
    found += [*_format(winner), _batch(table, winner)]
    return tuple(found)


def _accelerator(item: Detail) -> str:
    return item.accelerator.name


def _weights(item: Detail) -> str:
    return item.weights.id


def limiting(table: CandidateTable, row: int) -> str:
    """Return what keeps a replica of ``row`` from holding more sequences: a requirement, the KV cache, or the load."""
    same = np.flatnonzero((table.layout == table.layout[row]) & (table.pool == table.pool[row]))
    batch = table.configurations.batch[table.configuration]
    larger = same[batch[same] > batch[row]]
    if larger.size:
        following = larger[np.argmin(batch[larger])]
        for index, item in enumerate(table.requirements):
            if table.broken[index, following] and item.id in _NAMES:
                return _NAMES[item.id]
    if table.demand.concurrency is not None and batch[row] >= table.demand.concurrency:
        return "the load"
    return "the KV cache"


def _format(winner: Detail) -> list[str]:
    recovery = winner.recovery
    if recovery.median is None or not recovery.n:
        return []
    kept = f"keep {format_percent(recovery.median)} of the reference's scores in the median"
    if recovery.p10 is not None:
        kept += f" and {format_percent(recovery.p10)} at the 10th percentile"
    evidence = f"({recovery.n} measurements at {recovery.size_class})"
    return [f"{winner.weights.id} weights with a {winner.kv.id} KV cache {kept} {evidence}."]


def _batch(table: CandidateTable, winner: Detail) -> str:
    limit = limiting(table, winner.row)
    return (
        f"A replica on {winner.degrees.gpus} x {winner.accelerator.name} may hold {winner.allowed_batch} sequences at "
        f"once; {limit} allows no more. It holds {winner.batch} here."
    )
