"""The candidate table: what was evaluated, as struct of arrays, in a deterministic order.

Three levels, each pointing to the one above: a **layout** (``space.Layouts``), a **configuration** (a layout with a
batch per replica, which is what is estimated), a **row** (a configuration on a pool, which is what is priced).
Python objects are made only for the rows that someone looks at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.candidates.parts import WHOLE, Part
from planner.cost import per_month, usd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.architecture.model import ModelArchitecture
    from planner.candidates.demand import Demand
    from planner.candidates.estimates import Estimated, Estimator
    from planner.candidates.hardware import Pool
    from planner.candidates.requirements import Requirement
    from planner.candidates.ruling import Ruling
    from planner.candidates.sizing import Fleets
    from planner.candidates.space import Layouts
    from planner.catalog import Catalog
    from planner.cost import Facility
    from planner.plan import Rejection
    from planner.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Configurations:
    """Layouts with a batch per replica and their estimates. Columns of equal length, by layout, then batch."""

    layout: NDArray[np.int64]
    batch: NDArray[np.int64]
    """Sequences that a replica may hold at once."""
    capacity: NDArray[np.int64]
    """Load that a replica carries, in the units of ``Demand``."""
    estimated: Estimated

    def __len__(self) -> int:
        return int(self.layout.size)


def configured(
    demand: Demand, layout: NDArray[np.int64], batch: NDArray[np.int64], estimated: Estimated
) -> Configurations:
    """Return configurations with what one replica of each carries of ``demand``."""
    return Configurations(layout, batch, demand.capacity(batch, estimated.output_tok_s), estimated)


@dataclass(frozen=True, slots=True)
class CandidateTable:
    """Everything that was evaluated for a scenario, and what each requirement says of it."""

    scenario: Scenario
    architecture: ModelArchitecture
    catalog: Catalog
    demand: Demand
    facility: Facility | None
    pools: tuple[Pool, ...]
    layouts: Layouts
    least_gpus: NDArray[np.int64]
    """[layout]: GPUs of one instance from which on the same engine and formats fit it."""
    estimator: Estimator
    """Estimates further configurations of the same layouts."""
    ruling: Ruling
    requirements: tuple[Requirement, ...]
    rejected: tuple[Rejection, ...]
    """What was cut before it became a row."""
    configurations: Configurations
    configuration: NDArray[np.int64]
    """[row] -> configuration."""
    pool: NDArray[np.int64]
    """[row] -> pool."""
    fleets: Fleets
    """[row]: replicas, instances and cost that carry the load."""
    preference: NDArray[np.int64]
    """[row]: what rules that prefer add to the cost in the objective, micro-dollars per hour; nobody pays it."""
    broken: NDArray[np.bool_]
    """[requirement, row]: the row does not hold the requirement."""
    joint: bool = False
    """Whether fleets are chosen together, so that limits on the whole plan say nothing of a single row."""
    part: Part = WHOLE
    """Which part of its service the load is."""
    ruled_out: tuple[Rejection, ...] = ()
    """What rules cut when layouts and prices met."""

    def __len__(self) -> int:
        return int(self.configuration.size)

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """[row]: every requirement holds; where fleets are chosen together, every one that speaks of a single fleet."""
        if not self.joint:
            return ~np.asarray(self.broken.any(axis=0))
        alone = np.array([not item.of_plan for item in self.requirements], dtype=bool)
        return ~np.asarray(self.broken[alone].any(axis=0))

    @property
    def objective(self) -> NDArray[np.int64]:
        """[row]: what is minimised, cost and preferences, micro-dollars per hour."""
        return self.fleets.cost + self.preference

    @property
    def layout(self) -> NDArray[np.int64]:
        """[row] -> layout."""
        return self.configurations.layout[self.configuration]

    def column(self, name: str) -> NDArray[np.int64]:
        """[row] -> index of a layout axis: ``hardware``, ``engine``, ``weights``, ``kv`` or ``parallelism``."""
        values: NDArray[np.int64] = getattr(self.layouts, name)[self.layout]
        return values


def candidate_rows(table: CandidateTable, service: str | None = None) -> list[dict[str, Any]]:
    """Return every row as a mapping with plain values, in table order: what ``planner candidates`` lists.

    ``service`` is named in every row where there are several.

    ``reasons`` names the requirements that the row breaks; empty for a feasible one. ``replicas``, ``gpus`` and cost
    are of the whole fleet that carries the scenario's load.
    """
    axes = table.layouts.axes
    estimated = table.configurations.estimated
    ids = [item.id for item in table.requirements]
    columns: Mapping[str, list[Any]] = {
        "pool": table.pool.tolist(),
        "engine": table.column("engine").tolist(),
        "weights": table.column("weights").tolist(),
        "kv": table.column("kv").tolist(),
        "parallelism": table.column("parallelism").tolist(),
        "batch": table.configurations.batch[table.configuration].tolist(),
        "replicas": table.fleets.replicas.tolist(),
        "instances": table.fleets.instances.tolist(),
        "cost": table.fleets.cost.tolist(),
        "ttft": estimated.ttft_p95_ms[table.configuration].tolist(),
        "tpot": estimated.tpot_p95_ms[table.configuration].tolist(),
        "broken": table.broken.T.tolist(),
        "feasible": table.feasible.tolist(),
    }
    rows = []
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        pool = table.pools[row["pool"]]
        degrees = axes.parallelism[row["parallelism"]]
        reasons = [name for name, broken in zip(ids, row["broken"], strict=True) if broken]
        rows.append(
            {
                **({} if service is None else {"service": service}),
                "accelerator": pool.offer.accelerator,
                "offer": pool.offer.id,
                "pricing": pool.price.kind,
                "weights": axes.weights[row["weights"]].id,
                "kv_cache": axes.kv_formats[row["kv"]].id,
                "tp": degrees.tp,
                "pp": degrees.pp,
                "ep": degrees.ep,
                "engine": axes.engines[row["engine"]].id,
                "batch": row["batch"],
                "replicas": row["replicas"],
                "instances": row["instances"],
                "gpus": row["instances"] * pool.offer.gpus,
                "cost_usd_per_month": round(per_month(usd(row["cost"])), 2),
                "ttft_p95_ms": _plain(row["ttft"]),
                "tpot_p95_ms": _plain(row["tpot"]),
                "feasible": bool(row["feasible"]),
                "reasons": reasons,
            }
        )
    return rows


def _plain(value: float) -> float | None:
    """Round to a microsecond; None for what JSON has no number for."""
    return round(value, 3) if np.isfinite(value) else None
