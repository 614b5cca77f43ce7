"""How long it takes to bring a checkpoint into the accelerators, per class of storage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from planner.catalog.schema.places import StorageClass


@dataclass(frozen=True, slots=True)
class LoadTime:
    """Seconds to load, and whether the rate was measured end to end or is a transfer rate with an assumed overhead."""

    storage: str
    name: str
    seconds: float
    gbytes_per_s: float
    overhead_share: float
    measured: bool


def load_times(checkpoint_bytes: float, classes: Iterable[StorageClass]) -> tuple[LoadTime, ...]:
    """Return the load time per storage class, slowest first."""
    times = (
        LoadTime(
            item.id,
            item.name,
            item.load_seconds(checkpoint_bytes),
            item.read_gbytes_per_s,
            item.overhead_share,
            item.measured,
        )
        for item in classes
    )
    return tuple(sorted(times, key=lambda time: (-time.seconds, time.storage)))
