"""The rows that someone looks at, with the load that their replicas really carry, estimated once more for it.

A row of the table says how many sequences a replica may hold. Whole instances often hold more replicas than the load
needs; each then carries less and answers sooner. That is what a plan reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.availability import availability
from planner.plan import Deployment

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.candidates.estimates import Estimated
    from planner.candidates.hardware import Pool
    from planner.candidates.parallelism import Parallelism
    from planner.catalog.schema.accelerators import Accelerator
    from planner.catalog.schema.engines import Engine
    from planner.catalog.schema.formats import KvFormat, WeightFormat
    from planner.catalog.schema.quality import Recovery

_ROUNDING = 1e-6
"""What a share of a whole number in binary may exceed the whole number that it means."""

_STEPS = 16
"""Batches tried between 1 and the most that a row allows, to find what an open load keeps in flight."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A row as it is used: how many replicas of it carry which share of the load of its stream."""

    row: int
    replicas: int
    needed: int
    instances: int
    spare_instances: int
    cost: int
    """Micro-dollars per hour."""
    share: float = 1.0

    @classmethod
    def alone(cls, table: CandidateTable, row: int) -> Placed:
        """Return the fleet of a row that carries the whole load."""
        fleets = table.fleets
        names = ("replicas", "needed", "instances", "spare_instances", "cost")
        return cls(row, *(int(getattr(fleets, name)[row]) for name in names))


@dataclass(frozen=True, slots=True)
class Detail:
    """One row at its real load. ``index`` is its place in the columns of ``estimated``."""

    row: int
    layout: int
    batch: int
    """Sequences that a replica holds at once under the scenario's load."""
    allowed_batch: int
    """Sequences that it could hold with every requirement kept."""
    replicas: int
    needed: int
    instances: int
    spare_instances: int
    cost: int
    """Micro-dollars per hour."""
    preference: int
    """What preferences add to it in the objective."""
    pool: Pool
    accelerator: Accelerator
    engine: Engine
    weights: WeightFormat
    kv: KvFormat
    degrees: Parallelism
    recovery: Recovery
    estimated: Estimated
    index: int
    share: float = 1.0
    """Share of the load of its stream that the fleet carries."""

    @property
    def gpus(self) -> int:
        """Accelerators that are paid for."""
        return self.instances * self.pool.offer.gpus

    def fleet_rate(self, table: CandidateTable, per_replica: float) -> float:
        """Return the output rate of the fleet under the scenario's load, given that of one replica at its batch."""
        demand = table.demand
        busiest = max(demand.hourly) * self.share
        if demand.request_rate_per_s is not None:
            return demand.request_rate_per_s * busiest * demand.lengths.output_tokens
        return per_replica * (demand.concurrency or 0) * busiest / self.batch

    def availability(self) -> float:
        """Return the share of time in which enough instances are up."""
        nodes = max(-(-self.degrees.gpus // self.pool.offer.gpus), 1)
        units, spare = self.instances // nodes, self.spare_instances // nodes
        down = np.array([1.0 - (1.0 - self.pool.down) ** nodes])
        return float(availability(np.array([units - spare]), spare, down)[0])

    def deployment(self, service: str, model: str) -> Deployment:
        """Return the layout as the plan's data."""
        offer = self.pool.offer
        return Deployment(
            service=service,
            model=model,
            weights=self.weights.id,
            kv_cache=self.kv.id,
            engine=self.engine.id,
            accelerator=offer.accelerator,
            offer=offer.id,
            provider=offer.provider,
            region=offer.region,
            pricing=self.pool.price.kind,
            tensor_parallel=self.degrees.tp,
            pipeline_parallel=self.degrees.pp,
            expert_parallel=self.degrees.ep,
            gpus_per_replica=self.degrees.gpus,
            replicas=self.replicas,
            instances=self.instances,
            gpus_per_instance=offer.gpus,
            gpus=self.gpus,
            batch_per_replica=self.batch,
        )


def details(table: CandidateTable, rows: Sequence[int]) -> tuple[Detail, ...]:
    """Return fleets of single ``rows`` at the load that their replicas really carry."""
    return placed_details(table, [Placed.alone(table, row) for row in rows])


def placed_details(table: CandidateTable, placed: Sequence[Placed]) -> tuple[Detail, ...]:
    """Return fleets at the load that their replicas really carry, all estimated in one go."""
    layouts, axes = table.layouts, table.layouts.axes
    rows = [item.row for item in placed]
    tried = [_batches(table, item) for item in placed]
    layout = np.repeat(table.layout[rows], [len(batches) for batches in tried])
    batch = np.array([value for batches in tried for value in batches], dtype=np.int64)
    estimated = table.estimator(layout, batch)
    capacity = table.demand.capacity(batch, estimated.output_tok_s)
    found = []
    start = 0
    for item, batches in zip(placed, tried, strict=True):
        row = item.row
        enough = capacity[start : start + len(batches)] * item.replicas >= table.demand.amount * item.share
        index = start + (int(np.argmax(enough)) if enough.any() else len(batches) - 1)
        start += len(batches)
        which = int(table.layout[row])
        weights, kv = int(layouts.weights[which]), int(layouts.kv[which])
        found.append(
            Detail(
                row=row,
                layout=which,
                batch=int(batch[index]),
                allowed_batch=int(table.configurations.batch[table.configuration[row]]),
                replicas=item.replicas,
                needed=item.needed,
                instances=item.instances,
                spare_instances=item.spare_instances,
                cost=item.cost,
                preference=int(table.preference[row]),
                pool=table.pools[int(table.pool[row])],
                accelerator=axes.hardware[int(layouts.hardware[which])].accelerator,
                engine=axes.engines[int(layouts.engine[which])],
                weights=axes.weights[weights],
                kv=axes.kv_formats[kv],
                degrees=axes.parallelism[int(layouts.parallelism[which])],
                recovery=axes.recovery[weights][kv],
                estimated=estimated,
                index=index,
                share=item.share,
            )
        )
    return tuple(found)


def _batches(table: CandidateTable, item: Placed) -> list[int]:
    """Return the batches among which the real one is, ascending; the last is what the row was sized with."""
    most = int(table.configurations.batch[table.configuration[item.row]])
    if table.demand.concurrency is not None:
        carried = ceil(table.demand.amount * item.share - _ROUNDING)
        return [max(min(most, -(-carried // item.replicas)), 1)]
    return sorted({max(1, round(most * step / _STEPS)) for step in range(1, _STEPS + 1)})
