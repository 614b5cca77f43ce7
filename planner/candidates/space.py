"""The search space: every layout of the model that rules and the scenario allow.

A layout is hardware x engine x weight format x KV format x degrees of parallelism, without batch and without price.
The axes span a five-dimensional grid of Booleans on which each rule is one vectorised cut, counted by its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates import twins
from planner.plan import Rejection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.architecture.model import ModelArchitecture
    from planner.candidates.hardware import Pool
    from planner.candidates.parallelism import Parallelism
    from planner.candidates.ruling import Ruling
    from planner.catalog import Catalog
    from planner.catalog.schema.accelerators import Accelerator
    from planner.catalog.schema.engines import Engine
    from planner.catalog.schema.formats import KvFormat, WeightFormat
    from planner.catalog.schema.quality import Recovery
    from planner.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Hardware:
    """An accelerator with the number of devices that its fast link joins in the servers meant."""

    accelerator: Accelerator
    link_domain: int
    network_gbps: float | None = None
    """Rate of the network per device in one direction; only where a KV cache has to pass it."""


@dataclass(frozen=True, slots=True)
class Axes:
    """The values that index columns point to, in the order that makes candidates deterministic."""

    hardware: tuple[Hardware, ...]
    engines: tuple[Engine, ...]
    weights: tuple[WeightFormat, ...]
    kv_formats: tuple[KvFormat, ...]
    parallelism: tuple[Parallelism, ...]
    recovery: tuple[tuple[Recovery, ...], ...]
    """[weights][kv]: measured quality of the combination."""


@dataclass(frozen=True, slots=True)
class Layouts:
    """``n`` layouts as columns of indices into ``axes``; ``pools`` lists for each the pools that can hold it."""

    axes: Axes
    hardware: NDArray[np.int64]
    engine: NDArray[np.int64]
    weights: NDArray[np.int64]
    kv: NDArray[np.int64]
    parallelism: NDArray[np.int64]
    pools: dict[tuple[int, int], tuple[int, ...]]
    """(hardware, parallelism) -> indices of the pools that can hold it."""
    rejected: tuple[Rejection, ...]

    def __len__(self) -> int:
        return int(self.hardware.size)

    def where(self, keep: NDArray[np.bool_]) -> Layouts:
        """Return the layouts where ``keep`` is true."""
        columns = {name: getattr(self, name)[keep] for name in ("hardware", "engine", "weights", "kv", "parallelism")}
        return replace(self, **columns)

    def take(self, keep: NDArray[np.bool_], cut: Rejection) -> Layouts:
        """Return the layouts where ``keep`` is true, with the others counted as ``cut``."""
        kept = self.where(keep)
        return replace(kept, rejected=(*kept.rejected, cut)) if cut.count else kept


def enumerate_layouts(
    scenario: Scenario,
    architecture: ModelArchitecture,
    catalog: Catalog,
    pools: Sequence[Pool],
    ruling: Ruling,
    parallelism: tuple[Parallelism, ...],
    *,
    marked: bool,
    stage: str = "",
) -> Layouts:
    """Return every layout that no rule forbids, in lexicographic order of the axes.

    A ``stage`` of requests needs an engine that hands caches over, and a network whose rate is known.
    With ``marked`` true the scenario's ``search`` and quality do not cut: see ``requirements``.
    """
    search = scenario.search
    engines = tuple(e for _, e in sorted(catalog.engines.items()) if e.serving)
    weights = tuple(f for _, f in sorted(catalog.formats.items()) if not f.compute_only)
    kv_formats = tuple(f for _, f in sorted(catalog.kv_formats.items()))
    hardware, held = _placements(pools, parallelism, networked=bool(stage))
    parameters = architecture_parameters(architecture)
    native = architecture.native_format or "bf16"
    recovery = tuple(
        tuple(catalog.quality.recovery(w.id, k.id, parameters, native) for k in kv_formats) for w in weights
    )
    axes = Axes(hardware, engines, weights, kv_formats, parallelism, recovery)

    alive = np.ones((len(hardware), len(engines), len(weights), len(kv_formats), len(parallelism)), dtype=bool)
    rejected: list[Rejection] = []

    def cut(mask: NDArray[np.bool_], reason: str, message: str) -> None:
        nonlocal alive
        before = int(np.count_nonzero(alive))
        alive = alive & mask
        count = before - int(np.count_nonzero(alive))
        if count:
            rejected.append(Rejection(reason, message, count))

    placed = np.zeros((len(hardware), len(parallelism)), dtype=bool)
    for h, x in held:
        placed[h, x] = True
    alive &= placed[:, None, None, None, :]
    if stage:
        able = np.array([engine.parallelism.disaggregated for engine in engines])
        cut(able[None, :, None, None, None], "no-disaggregation", "engines that cannot run prefill and decode apart")
        known = np.array([bool(item.network_gbps) for item in hardware], dtype=bool)
        cut(
            known[:, None, None, None, None],
            "unknown-network",
            "offers whose network to hand a cache over is not known",
        )
    if not marked:
        for key, ids, axis in (
            ("engines", [e.id for e in engines], (None, slice(None), None, None, None)),
            ("weights", [f.id for f in weights], (None, None, slice(None), None, None)),
            ("kv_cache", [f.id for f in kv_formats], (None, None, None, slice(None), None)),
        ):
            asked = getattr(search, key)
            if asked is not None:
                cut(np.array([i in asked for i in ids])[axis], f"search.{key}", f"layouts outside search.{key}")
    possible = np.ones((len(hardware), len(engines), len(weights), len(parallelism)), dtype=bool)
    for verdict in ruling.of_layouts(axes):
        cut(~verdict.mask, verdict.rule.id, verdict.message)
        if verdict.mask.shape[3] == 1:
            possible &= ~verdict.mask[:, :, :, 0, :]
    cut(
        _worth_trying(scenario, engines, hardware, parallelism, held, pools)[:, :, None, None, :],
        "pipeline-not-needed",
        "pipeline stages inside a switched node, where tensor parallelism does the same sooner",
    )
    cut(
        twins.first_of_each(weights, native, search.weights or (), possible)[:, :, :, None, :],
        "format-twin",
        "another format of the same family and size is tried instead; search.weights names one",
    )
    if not marked and scenario.quality.min_recovery is not None:
        measured, enough = quality_masks(scenario, axes)
        cut(measured[None, None, :, :, None], "quality.accept_unmeasured", "no measured recovery at the model's size")
        cut(enough[None, None, :, :, None], "quality.min_recovery", "measured recovery below quality.min_recovery")
    index = np.argwhere(alive)
    hardware_, engine_, weights_, kv_, parallelism_ = (np.ascontiguousarray(index[:, axis]) for axis in range(5))
    return Layouts(axes, hardware_, engine_, weights_, kv_, parallelism_, held, tuple(rejected))


def quality_masks(scenario: Scenario, axes: Axes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return two [weights, kv] tables: evidence is good enough, and the median recovery reaches what is asked."""
    accept = scenario.quality.accept_unmeasured
    least = scenario.quality.min_recovery or 0.0
    measured = np.array([[r.measured or accept for r in row] for row in axes.recovery], dtype=bool)
    enough = np.array([[r.median is None or r.median >= least for r in row] for row in axes.recovery], dtype=bool)
    return measured, enough


def architecture_parameters(architecture: ModelArchitecture) -> int:
    """Return the parameters that decide the size class of quality records."""
    from planner.architecture import count_parameters

    return count_parameters(architecture).total


def _placements(
    pools: Sequence[Pool], parallelism: Sequence[Parallelism], *, networked: bool = False
) -> tuple[tuple[Hardware, ...], dict[tuple[int, int], tuple[int, ...]]]:
    """Return the hardware that pools bring and, per (hardware, parallelism), the pools that hold a replica.

    Which degrees a pool holds is for rules to say. Where the fast link joins fewer devices than the group has, the
    hardware counts as one with that smaller domain; otherwise the size of the domain makes no difference and the
    accelerator's own stands for all. ``networked`` tells hardware apart by its network as well.
    """
    widest: dict[str, int] = {}
    for pool in pools:
        name = pool.offer.accelerator
        widest[name] = max(widest.get(name, pool.accelerator.link.domain), pool.offer.link_domain)
    wanted: dict[tuple[str, int, float], tuple[Hardware, dict[int, list[int]]]] = {}
    for p, pool in enumerate(pools):
        for x in pool.holds:
            degrees = parallelism[x]
            inside = degrees.tp <= max(pool.offer.link_domain, 1)
            domain = widest[pool.offer.accelerator] if inside else pool.offer.link_domain
            network = (pool.offer.network_gbps or 0.0) / pool.offer.gpus if networked else None
            key = (pool.offer.accelerator, domain, network or 0.0)
            wanted.setdefault(key, (Hardware(pool.accelerator, domain, network), {}))[1].setdefault(x, []).append(p)
    ordered = [wanted[key] for key in sorted(wanted)]
    held = {(h, x): tuple(ps) for h, (_, by_layout) in enumerate(ordered) for x, ps in sorted(by_layout.items())}
    return tuple(item for item, _ in ordered), held


def _worth_trying(
    scenario: Scenario,
    engines: Sequence[Engine],
    hardware: Sequence[Hardware],
    parallelism: Sequence[Parallelism],
    held: dict[tuple[int, int], tuple[int, ...]],
    pools: Sequence[Pool],
) -> NDArray[np.bool_]:
    """Return [hardware, engine, layout]: false for pipeline stages where nobody would use them.

    Pipelines are for engines without tensor parallelism, for groups that the fast link does not join, and for
    replicas larger than an instance. A scenario that names its pipeline degrees gets them all.
    """
    worth = np.ones((len(hardware), len(engines), len(parallelism)), dtype=bool)
    if scenario.search.pipeline_parallel is not None:
        return worth
    for x, degrees in enumerate(parallelism):
        if degrees.pp == 1:
            continue
        for h, item in enumerate(hardware):
            spans = any(pools[p].offer.gpus < degrees.gpus for p in held.get((h, x), ()))
            joined = item.link_domain >= degrees.gpus
            for e, engine in enumerate(engines):
                worth[h, e, x] = spans or not joined or not engine.parallelism.tensor
    return worth
