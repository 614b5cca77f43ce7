"""The candidate table in the variables of rules: fleets, estimates and, since one fleet is one plan, the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.cost import usd
from planner.rules.facts import Asked, Priced
from planner.rules.table import CandidateColumns
from planner.units import HOURS_PER_MONTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.hardware import Pool
    from planner.candidates.table import CandidateTable

    Ints = NDArray[np.int64]


def table_columns(table: CandidateTable, asked: Asked, rows: Ints | None = None) -> CandidateColumns:
    """Return the columns of ``table``, or of some of its rows; each is made when a rule first reads it."""
    axes = table.layouts.axes
    chosen = np.arange(len(table)) if rows is None else rows
    layout = table.layout[chosen]
    degree = table.layouts.parallelism[layout]
    pool = table.pool[chosen]
    entities = {
        "accelerator": (table.layouts.hardware[layout], [item.accelerator for item in axes.hardware]),
        "engine": (table.layouts.engine[layout], axes.engines),
        "format": (table.layouts.weights[layout], axes.weights),
        "kv_format": (table.layouts.kv[layout], axes.kv_formats),
        "offer": (pool, [Priced(item.offer, item.price, asked.today) for item in table.pools]),
        "model": table.architecture,
        "scenario": asked,
    }
    numbers: dict[str, Any] = {
        name: np.array([getattr(item, name) for item in axes.parallelism], dtype=np.int64)[degree]
        for name in ("tp", "pp", "ep")
    }
    if table.fleets.cost.size == len(table):
        numbers |= {name: _Later(read, table, chosen) for name, read in _FLEET.items()}
    return CandidateColumns(entities, numbers)


class _Later:
    """A column of numbers that is computed when it is asked for."""

    def __init__(self, read: Callable[[CandidateTable], Any], table: CandidateTable, rows: Ints) -> None:
        self._read, self._table, self._rows = read, table, rows

    def __call__(self) -> Any:
        return self._read(self._table)[self._rows]


def _per_pool(table: CandidateTable, read: Callable[[Pool], float]) -> Any:
    return np.array([read(pool) for pool in table.pools])[table.pool]


def _recovery(table: CandidateTable) -> Any:
    medians = np.array([[item.median or 0.0 for item in row] for row in table.layouts.axes.recovery])
    return medians[table.column("weights"), table.column("kv")]


def _throughput(table: CandidateTable) -> Any:
    """Generated tokens per second when every needed replica is as full as its batch allows."""
    return table.fleets.needed * table.configurations.estimated.output_tok_s[table.configuration]


def _evidence(table: CandidateTable) -> Any:
    from planner.performance.calibration import EVIDENCE

    return np.array(EVIDENCE)[table.configurations.estimated.serving.evidence][table.configuration]


def _gpus(table: CandidateTable) -> Any:
    return table.fleets.instances * _per_pool(table, lambda pool: pool.offer.gpus)


def _rated_kw(table: CandidateTable) -> Any:
    return table.fleets.instances * _per_pool(table, lambda pool: pool.rated_watts) / 1000.0


_FLEET: Mapping[str, Callable[[CandidateTable], Any]] = {
    "replicas": lambda table: table.fleets.replicas,
    "estimates.batch": lambda table: table.configurations.batch[table.configuration],
    "estimates.instances": lambda table: table.fleets.instances,
    "estimates.gpus": _gpus,
    "estimates.ttft_p95_ms": lambda table: table.configurations.estimated.ttft_p95_ms[table.configuration],
    "estimates.tpot_p95_ms": lambda table: table.configurations.estimated.tpot_p95_ms[table.configuration],
    "estimates.output_tokens_per_second": _throughput,
    "estimates.usd_per_hour": lambda table: table.fleets.cost * usd(1),
    "estimates.usd_per_month": lambda table: table.fleets.cost * usd(1) * HOURS_PER_MONTH,
    "estimates.recovery": _recovery,
    "estimates.power_kw": _rated_kw,
    "estimates.evidence": _evidence,
    # One service on a uniform fleet: the plan is the row.
    "plan.nodes": lambda table: table.fleets.instances,
    "plan.gpus": _gpus,
    "plan.replicas": lambda table: table.fleets.replicas,
    "plan.types": lambda table: np.ones(len(table), dtype=np.int64),
    "plan.power_kw": _rated_kw,
    "plan.usd_per_month": lambda table: table.fleets.cost * usd(1) * HOURS_PER_MONTH,
    "plan.spot_share": lambda table: _per_pool(table, lambda pool: float(pool.price.kind == "spot")),
}
