"""How large a fleet each row needs: replicas for the load, whole instances for the replicas, spares, and the cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.availability import MAX_SPARES, spares_needed
from planner.candidates.mixing import fleets_of
from planner.power import IDLE_SHARE_OF_TDP
from planner.units import MICRO_USD_PER_USD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.hardware import Pool
    from planner.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Held:
    """What is held beyond the need: spares for failures, and what spot instances lose."""

    availability: float | None = None
    """Share of time in which enough instances have to be up."""
    spare_nodes: int = 0
    """Instances that may be lost at once."""
    spot_interruption: float = 0.0
    """Share of spot instances that is gone at any time."""

    @classmethod
    def of(cls, scenario: Scenario, parts: int = 1) -> Held:
        """Read what a scenario asks; a service of several fleets in ``parts`` parts is up when each of them is."""
        asked = scenario.sla.availability
        each = None if asked is None else asked ** (1.0 / (fleets_of(scenario) * parts))
        return cls(each, scenario.sla.spare_nodes, scenario.limits.spot_interruption)


@dataclass(frozen=True, slots=True)
class Fleets:
    """One fleet per row, all columns of equal length."""

    capacity: NDArray[np.int64]
    """Load that one replica carries, what spot instances are taken to lose left out."""
    needed: NDArray[np.int64]
    """Replicas that carry the load."""
    replicas: NDArray[np.int64]
    """Replicas that run: rented instances are filled, since a replica more costs nothing there."""
    instances: NDArray[np.int64]
    spare_instances: NDArray[np.int64]
    reserved_gpus: NDArray[np.int64]
    """Accelerators that a replica keeps from others."""
    replica_cost: NDArray[np.int64]
    """Micro-dollars per hour of one running replica beyond its instance."""
    replica_watts: NDArray[np.float64]
    cost: NDArray[np.int64]
    """Micro-dollars per hour of the fleet."""

    @classmethod
    def none(cls) -> Fleets:
        """No rows."""
        ints, floats = np.zeros(0, dtype=np.int64), np.zeros(0)
        return cls(ints, ints, ints, ints, ints, ints, ints, floats, ints)

    @property
    def attainable(self) -> NDArray[np.bool_]:
        """Whether the asked availability can be reached at all."""
        return self.spare_instances <= MAX_SPARES * np.maximum(self.reserved_gpus, 1)


def size_fleets(
    pools: Sequence[Pool],
    pool: NDArray[np.int64],
    capacity: NDArray[np.int64],
    replica_gpus: NDArray[np.int64],
    power_share: NDArray[np.float64],
    demand: int,
    held: Held,
) -> Fleets:
    """Size a fleet for every row.

    ``capacity`` is what one replica carries (0: nothing, then one replica per unit of load is assumed), ``power_share``
    its mean power over TDP, ``held`` what has to be there beyond the need. A replica larger than an instance takes
    whole instances; a smaller one shares them, so that an 8-GPU node holds two replicas of TP 4.
    """

    def of(name: str, kind: type = np.int64) -> NDArray[np.int64]:
        return np.array([getattr(item, name) for item in pools], dtype=kind)[pool]

    gpus = np.array([item.offer.gpus for item in pools], dtype=np.int64)[pool]
    nodes = np.maximum(-(-replica_gpus // gpus), 1)
    per_instance = np.maximum(gpus // replica_gpus, 1)
    reserved = np.where(nodes > 1, nodes * gpus, gpus // per_instance)
    if held.spot_interruption:
        spot = np.array([item.price.kind == "spot" for item in pools], dtype=bool)[pool]
        capacity = np.where(spot, np.floor(capacity * (1.0 - held.spot_interruption)), capacity).astype(np.int64)
    needed = -(-demand // np.maximum(capacity, 1))
    units = np.where(nodes > 1, needed, -(-needed // per_instance))
    spare_units = np.full_like(units, held.spare_nodes)
    if held.availability is not None:
        down = 1.0 - (1.0 - of("down", np.float64)) ** nodes
        spare_units = np.maximum(spare_units, spares_needed(units, down, held.availability))
    instances = (units + spare_units) * nodes
    # The idle part of the mean power is the instance's; a replica adds the rest, up to TDP.
    active_share = np.maximum(power_share - IDLE_SHARE_OF_TDP, 0.0) / (1.0 - IDLE_SHARE_OF_TDP)
    replica_watts = active_share * of("active_watts", np.float64) * replica_gpus
    per_watt = of("replica_cost_per_watt", np.float64)
    replica_cost = np.rint(replica_watts * per_watt * MICRO_USD_PER_USD).astype(np.int64)
    filled = np.where(nodes > 1, units + spare_units, (units + spare_units) * per_instance)
    return Fleets(
        capacity=capacity,
        needed=needed,
        replicas=np.where(replica_cost > 0, needed, filled),
        instances=instances,
        spare_instances=spare_units * nodes,
        reserved_gpus=reserved,
        replica_cost=replica_cost,
        replica_watts=replica_watts,
        cost=instances * of("fixed_cost") + needed * replica_cost,
    )
