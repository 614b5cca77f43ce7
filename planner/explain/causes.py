"""What can stand against a candidate: requirements, the search, quality, and what nobody offers or can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.memory.weights import weight_bytes
from planner.solve.wording import NAMES, figure
from planner.units import format_bytes_gib, format_percent

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.catalog import Catalog
    from planner.explain.wanted import Wanted
    from planner.scenario import Scenario
    from planner.solve.details import Detail

_SEARCH: tuple[tuple[str, Callable[[Detail], str | int]], ...] = (
    ("accelerators", lambda item: item.pool.offer.accelerator),
    ("weights", lambda item: item.weights.id),
    ("kv_cache", lambda item: item.kv.id),
    ("engines", lambda item: item.engine.id),
    ("tensor_parallel", lambda item: item.degrees.tp),
    ("pipeline_parallel", lambda item: item.degrees.pp),
    ("pricing", lambda item: item.pool.price.kind),
    ("providers", lambda item: item.pool.offer.provider),
)


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that stands against a candidate. ``code`` is a requirement, a rule or the name of a cut."""

    code: str
    text: str


def broken(table: CandidateTable, row: int) -> tuple[Cause, ...]:
    """Return the requirements that ``row`` breaks, each with its figure and its limit."""
    found = []
    for index, item in enumerate(table.requirements):
        if not table.broken[index, row]:
            continue
        if item.sense == "in":
            found.append(Cause(item.id, f"outside {item.id}: {item.asked}"))
            continue
        actual = float(item.actual(table)[row])
        bound = "at most" if item.sense == "max" else "at least"
        is_ = figure(item, actual) if np.isfinite(actual) else "not known"
        name = NAMES.get(item.id, item.id)
        found.append(Cause(item.id, f"{name} would be {is_}; {item.id} asks for {bound} {figure(item, item.limit)}"))
    return tuple(found)


def outside(found: Detail, scenario: Scenario) -> list[Cause]:
    """Return what of ``found`` the scenario's search does not allow."""
    causes = []
    for key, read in _SEARCH:
        asked, value = getattr(scenario.search, key), read(found)
        if asked is not None and value not in asked:
            allowed = ", ".join(map(str, asked))
            causes.append(Cause(f"search.{key}", f"search.{key} allows {allowed}, not {value}"))
    asked, offer = scenario.search.regions, found.pool.offer
    if asked is not None and offer.region not in asked and offer.country not in asked:
        causes.append(Cause("search.regions", f"search.regions allows {', '.join(asked)}, not {offer.region}"))
    if scenario.search.pricing is None and found.pool.price.kind == "spot":
        causes.append(Cause("spot-unasked", "spot is used only when search.pricing names it"))
    return causes


def poor(found: Detail, scenario: Scenario) -> list[Cause]:
    """Return what the evidence on quality says against ``found``."""
    least, recovery = scenario.quality.min_recovery, found.recovery
    if least is None:
        return []
    if not recovery.measured and not scenario.quality.accept_unmeasured:
        return [Cause("quality.accept_unmeasured", "its recovery was not measured at the model's size")]
    if recovery.median is not None and recovery.median < least:
        text = f"it keeps {format_percent(recovery.median)} of the quality in the median ({recovery.n} measurements)"
        return [Cause("quality.min_recovery", f"{text}; quality.min_recovery asks for {format_percent(least)}")]
    return []


def absent(wanted: Wanted, catalog: Catalog) -> list[Cause]:
    """Return what keeps offers of the kind from existing at all."""

    def allows(key: str, value: str) -> bool:
        values = wanted.of(key)
        return values is None or value in values

    offers = [
        item
        for item in catalog.offers.values()
        if allows("accelerators", item.accelerator)
        and allows("providers", item.provider)
        and allows("regions", item.region)
        and allows("offers", item.id)
    ]
    prices = [price for item in offers for price in item.prices if allows("pricing", price.kind)]
    largest = max((item.gpus for item in offers), default=0)
    degrees = wanted.of("tensor_parallel")
    if not offers:
        return [Cause("no-offer", "the catalog has no such offer")]
    if not prices:
        kinds = ", ".join(sorted({price.kind for item in offers for price in item.prices}))
        return [Cause("no-price", f"such offers are priced {kinds} only")]
    if degrees is not None and int(degrees[0]) > largest:
        return [Cause("too-wide", f"TP {degrees[0]} needs an instance of as many GPUs; the largest has {largest}")]
    return []


def too_large(table: CandidateTable) -> list[Cause]:
    """Return by how much the weights miss the memory, in the smallest format on the largest device that is wanted."""
    axes = table.layouts.axes
    if len(table.layouts) or not (axes.weights and axes.hardware):
        return []
    device = max((item.accelerator for item in axes.hardware), key=lambda item: item.memory_bytes_usable)
    allowed = table.scenario.search.weights
    formats = [item for item in axes.weights if allowed is None or item.id in allowed]
    degrees = max(axes.parallelism, key=lambda item: item.gpus)
    found = [(weight_bytes(table.architecture, item, degrees.tp, degrees.pp).per_gpu, item.id) for item in formats]
    if not found or min(found)[0] < device.memory_bytes_usable:
        return []
    each, name = min(found)
    usable = format_bytes_gib(device.memory_bytes_usable)
    text = f"{name} weights take {format_bytes_gib(each)} per GPU at TP {degrees.tp} and PP {degrees.pp}"
    return [Cause("memory", f"{text}, of {usable} usable on {device.name}")]
