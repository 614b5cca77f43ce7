"""On how many of which devices a model fits, format by format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.architecture.model import ModelArchitecture
from planner.catalog import Catalog
from planner.catalog.schema.engines import Engine
from planner.catalog.schema.formats import KvFormat, WeightFormat
from planner.memory.accounting.runtime import EngineOptions
from planner.memory.table import BudgetColumns, budget_table
from planner.memory.weights import weight_bytes

GPUS = (1, 2, 4, 8)

LEAST_SAVING = 0.05
"""Formats that save less of a model's 16-bit size convert hardly any of it."""

ENGINES = ("vllm", "llamacpp", "transformers")
"""Asked in this order which of them runs a format on a device."""


@dataclass(frozen=True, slots=True)
class Place:
    """The device of least memory on which ``gpus`` of it hold the model and one sequence."""

    accelerator: str
    gpus: int
    memory_bytes: int
    engine: str


@dataclass(frozen=True, slots=True)
class FormatSize:
    """A model in one format: bytes, saving against 16 bit, quality that remains, and where it fits."""

    id: str
    name: str
    checkpoint_bytes: int
    bits_per_weight: float
    """Of the whole checkpoint: bits of the files over parameters."""
    saving: float
    """Share of the 16-bit checkpoint that is saved; negative above 16 bit."""
    recovery_median: float | None
    recovery_p10: float | None
    recovery_measured: bool
    places: tuple[Place, ...]


def format_sizes(
    architecture: ModelArchitecture, catalog: Catalog, kv: KvFormat, *, context: int, native: str = "bf16"
) -> tuple[FormatSize, ...]:
    """Return every storage format of the catalog for a model, largest first.

    A place needs an engine that runs the format on the device, heads that tensor parallelism divides, and room for the
    cache of one sequence of ``context`` tokens.
    """
    formats = [fmt for fmt in catalog.formats.values() if not fmt.compute_only]
    parameters = sum(tensor.parameters * copies for tensor, copies in architecture.tensors())
    places = _places(architecture, catalog, formats, kv, context)
    sixteen = weight_bytes(architecture, catalog.formats["bf16"]).checkpoint
    found = []
    for fmt in formats:
        size = weight_bytes(architecture, fmt).checkpoint
        if fmt.bits_per_weight < 16 and size > (1 - LEAST_SAVING) * sixteen:
            continue  # experts alone are converted and there are none, or the rows make no whole groups
        recovery = catalog.quality.recovery(fmt.id, "bf16", parameters, native)
        found.append(
            FormatSize(
                fmt.id,
                fmt.name,
                size,
                size * 8 / parameters,
                1 - size / sixteen,
                recovery.median,
                recovery.p10,
                recovery.measured,
                places.get(fmt.id, ()),
            )
        )
    return tuple(sorted(found, key=lambda item: (-item.checkpoint_bytes, item.id)))


def _places(
    architecture: ModelArchitecture,
    catalog: Catalog,
    formats: Sequence[WeightFormat],
    kv: KvFormat,
    context: int,
) -> dict[str, tuple[Place, ...]]:
    """Return per format the device of least memory for 1, 2, 4 and 8 of them, as far as more devices need less each."""
    import numpy as np

    devices = tuple(catalog.accelerators.values())
    engines = tuple(catalog.engines[name] for name in ENGINES if name in catalog.engines and name != "transformers")
    heads = [group.mixer.heads for group in architecture.layers if group.mixer.heads]
    rows = []
    for form, fmt in enumerate(formats):
        for place, device in enumerate(devices):
            engine = next(
                (index for index, item in enumerate(engines) if item.weight_support(fmt.id, device) != "no"), None
            )
            if engine is None:
                continue
            for gpus in GPUS:
                tensor = engines[engine].parallelism.tensor
                if not tensor or all(count % gpus == 0 for count in heads):
                    rows.append((form, place, engine, gpus if tensor else 1, 1 if tensor else gpus))
    if not rows:
        return {}
    columns = np.array(rows, dtype=np.int64).T
    ones = np.ones(len(rows), dtype=np.int64)
    table = budget_table(
        architecture,
        BudgetColumns(
            tuple(formats), (kv,), devices, engines,
            columns[0], ones - 1, columns[1], columns[2], columns[3], columns[4], ones,
        ),
        context=context,
        options=EngineOptions(max_model_len=context),
    )  # fmt: skip
    best: dict[tuple[int, int], tuple[int, str, int]] = {}
    for (form, place, engine, tp, pp), fits in zip(rows, table["fits"], strict=True):
        if fits:
            key = (form, tp * pp)
            candidate = (devices[place].memory_bytes_usable, devices[place].id, engine)
            best[key] = min(best.get(key, candidate), candidate)
    return {fmt.id: _pareto(form, best, engines) for form, fmt in enumerate(formats)}


def _pareto(
    form: int, best: dict[tuple[int, int], tuple[int, str, int]], engines: Sequence[Engine]
) -> tuple[Place, ...]:
    places: list[Place] = []
    for gpus in GPUS:
        found = best.get((form, gpus))
        if found and (not places or found[0] < places[-1].memory_bytes):
            places.append(Place(found[1], gpus, found[0], engines[found[2]].id))
    return tuple(places)
