"""Tables of measurements -> Observations, and predictions back into the rows they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import PlannerError
from planner.performance.deployments import Deployments, IntArray, Load
from planner.performance.measurement_names import RowError
from planner.performance.measurement_rows import MeasuredRow, read_row
from planner.performance.observations import Observations
from planner.performance.profile import ModelProfile, stack
from planner.performance.steady_state import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from planner.catalog import Catalog
    from planner.catalog.schema.formats import WeightFormat

LABELS = ("kind", "model", "accelerator", "engine", "weights", "campaign")
"""Columns by which errors are grouped."""


@dataclass(frozen=True)
class Measurements:
    """What was read: ``observations`` of the rows ``kept`` (indices), and ``errors`` of the others by index."""

    rows: Sequence[Mapping[str, Any]]
    observations: Observations | None
    kept: IntArray
    read: tuple[MeasuredRow, ...]
    errors: Mapping[int, str]


def read_measurements(
    rows: Sequence[Mapping[str, Any]], catalog: Catalog, *, base_dir: Path | None = None
) -> Measurements:
    """Read rows of either layout. A row that cannot be compared keeps its reason; none is dropped silently."""
    profiles: dict[str, ModelProfile | str] = {}
    read: list[MeasuredRow] = []
    kept: list[int] = []
    errors: dict[int, str] = {}
    for index, row in enumerate(rows):
        try:
            found = read_row(row, catalog)
        except RowError as error:
            errors[index] = str(error)
            continue
        if found.model not in profiles:
            profiles[found.model] = _profile(found.model, catalog, base_dir)
        profile = profiles[found.model]
        if isinstance(profile, str):
            errors[index] = profile
            continue
        read.append(found)
        kept.append(index)
    known = {name: profile for name, profile in profiles.items() if isinstance(profile, ModelProfile)}
    observations = _observations(read, known, catalog) if read else None
    return Measurements(rows, observations, np.array(kept, dtype=np.intp), tuple(read), errors)


def _profile(model: str, catalog: Catalog, base_dir: Path | None) -> ModelProfile | str:
    """Return a model's profile, or why there is none."""
    from planner.architecture import resolve_model

    try:
        return ModelProfile.from_architecture(resolve_model(model, catalog=catalog, base_dir=base_dir))
    except PlannerError as error:
        return str(error).splitlines()[0]


def _observations(rows: list[MeasuredRow], profiles: Mapping[str, ModelProfile], catalog: Catalog) -> Observations:
    names = sorted(profiles)
    each = [names.index(row.model) for row in rows]
    stacked = [profiles[name] for name in names]
    accelerators, accelerator = _coded([row.accelerator for row in rows])
    formats, weights = _coded([row.weights for row in rows])
    caches, cache = _coded([row.kv_cache for row in rows])
    engines, engine = _coded([row.engine for row in rows])

    def column(name: str) -> Any:
        return np.array([getattr(row, name) for row in rows], dtype=np.float64)

    concurrency = column("concurrency")
    deployments = Deployments.of(
        accelerators=tuple(catalog.accelerators[id] for id in accelerators),
        accelerator=accelerator,
        weight_formats=tuple(_format(id, catalog) for id in formats),
        weight_format=weights,
        kv_formats=tuple(catalog.kv_formats[id] for id in caches),
        kv_format=cache,
        engines=tuple(engines),
        engine=engine,
        tp=column("tp"),
        pp=column("pp"),
        ep=column("ep"),
        attention_dp=column("attention_dp"),
        concurrency=np.where(np.isfinite(concurrency), concurrency, 1.0),
    )
    labels = {name: np.array([str(getattr(row, name)) for row in rows]) for name in LABELS}
    labels["shape"] = np.array([stacked[i].key for i in each])
    models, model = _coded(labels["shape"].tolist())
    campaigns, campaign = _coded([row.campaign for row in rows])
    runs, run = _coded([row.run for row in rows])
    kind = np.array([KINDS.index(row.kind) for row in rows], dtype=np.intp)
    queued = kind == KINDS.index("max_throughput")
    return Observations(
        profile=stack(stacked, np.array(each)),
        models=tuple(models),
        model=model,
        campaigns=tuple(campaigns),
        campaign=campaign,
        runs=tuple(runs),
        run=run,
        deployments=deployments,
        load=Load(
            column("input_tokens"),
            column("output_tokens"),
            prefix_hit_share=np.zeros(len(rows)),
            length_spread=column("length_spread"),
            waves=column("waves"),
        ),
        kind=kind,
        measured={
            "ttft": _positive(column("ttft_ms"), queued),
            "tpot": _positive(column("tpot_ms"), queued),
            "throughput": _positive(column("output_tok_s")),
        },
        labels=labels,
    )


def _positive(values: Any, queued: Any = False) -> Any:
    """A time or rate of nothing was not measured; latency in an endless queue is its length."""
    return np.where((values > 0) & ~np.asarray(queued), values, np.nan)


def _coded(values: list[str]) -> tuple[list[str], Any]:
    names = sorted(set(values))
    places = {name: i for i, name in enumerate(names)}
    return names, np.array([places[value] for value in values], dtype=np.intp)


def _format(id: str, catalog: Catalog) -> WeightFormat:
    """Return a format; EXL2's mixed widths run like GPTQ of that width."""
    if id.startswith("exl2-"):
        bits = float(id.removeprefix("exl2-").removesuffix("bpw"))
        return replace(catalog.formats["int4-gptq-g128"], id=id, bits_per_weight=bits, metadata=())
    return catalog.formats[id]
