"""The plans that no other one beats in everything that is asked about: cost, latency, quality, energy.

Every feasible candidate is a plan. One **dominates** another when it is no worse on any axis and better on one. Plans
within ``SAME`` of each other on every axis count as one, the cheaper staying, since predictions are off by more; of a
front that is still long, those that lie farthest apart are told, the best of each axis always among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.evaluation import evaluate
from planner.cost import per_month, usd
from planner.errors import Infeasible, ScenarioError
from planner.plan import Alternative, Estimate
from planner.solve.alternatives import ranked
from planner.solve.details import details
from planner.solve.figures import latency, power_of, quality_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates import CandidateTable
    from planner.catalog import Catalog
    from planner.scenario import Scenario
    from planner.solve.details import Detail

    Floats = NDArray[np.float64]

AXES = ("cost", "ttft", "tpot", "quality", "energy")
SAME = 0.02
"""Share by which figures have to differ for two plans to count as two: well below what predictions are off by."""


@dataclass(frozen=True, slots=True)
class Front:
    """Plans that nothing beats, cheapest first, on ``axes``; ``dominating`` is how many there are in all."""

    axes: tuple[str, ...]
    plans: tuple[Alternative, ...]
    dominating: int
    feasible: int
    candidates: int


def front(scenario: Scenario, catalog: Catalog | None = None, *, axes: Sequence[str] = AXES, points: int = 12) -> Front:
    """Return up to ``points`` plans of the front of ``scenario``.

    Raises Infeasible with the conflict where no plan holds every requirement, and ScenarioError where fleets are chosen
    together: what one of them gains another may lose, so that a plan is no point.
    """
    from planner.candidates.mixing import joint

    if joint(scenario):
        help = "ask about one service on one fleet: leave out services, inventory, limits, mix, hourly and sizes"
        raise ScenarioError([scenario.document.diagnostic((), "is about several fleets, a front about one", help=help)])
    table = evaluate(scenario, catalog, field=len(AXES) + 1)
    if not table.feasible.any():
        from planner.solve.conflict import conflict_of

        raise Infeasible(conflict_of(scenario, table.catalog))
    rows = ranked(table)
    values = np.stack([_axis(table, rows, name) for name in axes], axis=1)
    kept = undominated(values)
    told = spread(values[kept], points)
    chosen = sorted(kept[told].tolist())  # ranked: cheapest first
    found = details(table, [int(rows[place]) for place in chosen])
    plans = tuple(
        Alternative(
            deployment=item.deployment(scenario.name, table.architecture.id),
            cost_usd_per_month=per_month(usd(item.cost)),
            estimates=_figures(table, item),
            reason="",
        )
        for item in found
    )
    return Front(tuple(axes), plans, kept.size, rows.size, len(table))


def _figures(table: CandidateTable, item: Detail) -> tuple[Estimate, ...]:
    return (*latency(table, item), *quality_of(item), power_of(item))


def _axis(table: CandidateTable, rows: NDArray[np.int64], name: str) -> Floats:
    """Return an axis of every row, less being better, positive so that shares of it can be told."""
    estimated, configuration = table.configurations.estimated, table.configuration[rows]
    if name == "cost":
        return table.fleets.cost[rows].astype(np.float64)
    if name in ("ttft", "tpot"):
        return np.asarray(estimated.column(f"{name}_p95_ms")[configuration], dtype=np.float64)
    if name == "quality":
        return _lost(table, rows)
    fixed = np.array([pool.fixed_watts for pool in table.pools])[table.pool[rows]]
    fleets = table.fleets
    return np.asarray(
        fixed * fleets.instances[rows] + fleets.replica_watts[rows] * fleets.needed[rows], dtype=np.float64
    )


def _lost(table: CandidateTable, rows: NDArray[np.int64]) -> Floats:
    """Return 2 - recovery: what is not measured counts as losing all of it."""
    axes = table.layouts.axes
    medians = np.array([[item.median or 0.0 for item in kv] for kv in axes.recovery])
    return np.asarray(2.0 - medians[table.column("weights")[rows], table.column("kv")[rows]])


def undominated(values: Floats) -> NDArray[np.int64]:
    """Return the rows of ``values`` that no other one dominates, of those within ``SAME`` of each other the first."""
    cells = np.rint(np.log(np.maximum(values, 1e-9)) / np.log1p(SAME)).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    order = first[np.lexsort((first, *cells[first].T[::-1]))]
    kept: list[int] = []
    front = np.zeros((0, values.shape[1]), dtype=np.int64)
    for place in order.tolist():
        # Rows come in lexicographic order, so that whatever dominates one is before it.
        if not (front <= cells[place]).all(axis=1).any():
            kept.append(place)
            front = np.vstack([front, cells[place]])
    return np.array(sorted(kept), dtype=np.int64)


def spread(values: Floats, count: int) -> NDArray[np.int64]:
    """Return up to ``count`` rows that lie far apart, on logarithmic axes of equal length: the best of each axis first.

    The others follow one by one, each the farthest from those taken.
    """
    if len(values) <= count:
        return np.arange(len(values))
    scaled = np.log(np.maximum(values, 1e-9))
    low, high = scaled.min(axis=0), scaled.max(axis=0)
    scaled = (scaled - low) / np.where(high > low, high - low, 1.0)
    taken = list(dict.fromkeys(int(np.argmin(column)) for column in values.T))[:count]
    far = np.min([np.linalg.norm(scaled - scaled[place], axis=1) for place in taken], axis=0)
    while len(taken) < count:
        far[taken] = -1.0
        place = int(np.argmax(far))
        taken.append(place)
        far = np.minimum(far, np.linalg.norm(scaled - scaled[place], axis=1))
    return np.array(sorted(taken), dtype=np.int64)
