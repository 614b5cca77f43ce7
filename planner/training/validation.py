"""Rows of measured training memory: what was measured beside what the memory model says.

A row names a framework and what it was told to do; what it leaves out follows from the framework's own defaults
(``planner.training.recipes``). Where a row does not say whether activations are checkpointed, they are where the device
would not hold the run otherwise, which is why the switch exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from planner.architecture import count_parameters
from planner.architecture.model import ModelArchitecture
from planner.catalog import Catalog
from planner.error_summary import Errors, summarize
from planner.memory.validation import model_finder
from planner.memory.validation.devices import find_accelerator
from planner.training.memory import TrainingMemory, training_memory
from planner.training.recipes import setup_of
from planner.training.rows import TrainingRow, typed_rows
from planner.training.setup import TrainingSetup
from planner.units import GB, GIB

FindModel = Callable[[str], ModelArchitecture | None]

PREDICTED = ("predicted_peak_memory", "predicted_fits", "prediction_notes")
COMPARED: tuple[tuple[str, str], ...] = (("peak_memory", "predicted_peak_memory"),)
"""(measured column, predicted column)."""

_UNITS = {"GiB": GIB, "GB": GB}

NOMINAL = (
    "meta-llama/Llama-3.2-1B-Instruct",
    "meta-llama/Llama-3.2-3B-Instruct",
    "meta-llama/Llama-2-7b-hf",
    "meta-llama/Llama-2-13b-chat-hf",
    "huggyllama/llama-30b",
    "meta-llama/Llama-2-70b-chat-hf",
    "meta-llama/Llama-3.1-405B-Instruct",
)
"""Stand in for a model of which only the size is known: the dense one of the nearest size, scaled to it."""


def is_training_rows(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether rows are measurements of training memory, by their columns: a peak and a method."""
    return any("peak_memory" in row and "method" in row for row in rows)


def validate_training(rows: Sequence[Mapping[str, Any]], catalog: Catalog) -> tuple[list[dict[str, Any]], list[Errors]]:
    """Return the rows with their predicted columns, and the errors by kind of figure and framework.

    Raises MeasurementError for cells that cannot be read.
    """
    predicted = predict_training_rows(typed_rows(rows), catalog, model_finder(catalog))
    errors = summarize(predicted, COMPARED, _group)
    return predicted, errors + summarize(predicted, COMPARED, lambda row: f"{_kind(row)}, all")


def _kind(row: Mapping[str, Any]) -> str:
    """Return ``measured``, ``estimate`` or ``fits``: rows without a kind are measured."""
    return str(row.get("kind") or "measured").split(" ")[0].replace("max", "fits")


def _group(row: Mapping[str, Any]) -> str:
    return f"{_kind(row)}, {str(row.get('framework') or 'unknown').split(' ')[0]}"


def predict_training_row(data: Mapping[str, Any], catalog: Catalog, find_model: FindModel) -> dict[str, Any]:
    """Return the predicted columns of one row, in its unit and scope; a note says why where there is none."""
    return _predict(TrainingRow(data), catalog, find_model, 0)


def predict_training_rows(
    rows: Iterable[Mapping[str, Any]], catalog: Catalog, find_model: FindModel
) -> list[dict[str, Any]]:
    """Return the rows with their predicted columns, in order.

    Tables of cumulative flags list several rows that differ in a flag without a column; their order says which it is.
    """
    seen: dict[tuple[Any, ...], int] = {}
    found = []
    for data in rows:
        row = TrainingRow(data)
        position = seen.get(row.columns, 0)
        seen[row.columns] = position + 1
        found.append({**data, **_predict(row, catalog, find_model, position)})
    return found


def _predict(row: TrainingRow, catalog: Catalog, find_model: FindModel, position: int) -> dict[str, Any]:
    unit = _UNITS.get(row.text("unit"))
    if unit is None:
        return {"prediction_notes": f"unit {row.text('unit')!r} is neither GiB nor GB"}
    architecture, scale, notes = _model(row, catalog, find_model)
    if architecture is None:
        return {"prediction_notes": f"model {row.text('model')!r} is not in the catalog and its size is not stated"}
    try:
        setup, more = setup_of(row, catalog, position)
    except (ValueError, LookupError) as error:
        return {"prediction_notes": str(error)}
    usable = usable_bytes(row, catalog)
    memory = _checkpointed_if_needed(architecture, setup, row, usable)
    each = memory.measured_as(_measures(row, setup))
    gpus = (row.integer("n_gpus") or 1) if row.text("scope").startswith("total") else 1
    found: dict[str, Any] = {"predicted_peak_memory": round(each * gpus * scale / unit, 2)}
    if usable is not None:
        found["predicted_fits"] = memory.fits(usable)
    return {**found, "prediction_notes": "; ".join([*notes, *more])}


def usable_bytes(row: TrainingRow, catalog: Catalog) -> float | None:
    """Return what CUDA sees of the row's device, None where it is not known."""
    device = find_accelerator(row.accelerator, None, catalog) if row.accelerator else None
    if device is None:
        return None
    stated = row.stated_gb or device.memory_gb_marketed
    return device.memory_bytes_usable * stated / device.memory_gb_marketed


def _measures(row: TrainingRow, setup: TrainingSetup) -> str:
    """Return what the row's figure counts: torchtitan's benchmarks what is reserved, its other docs what is alive."""
    if row.text("kind") == "estimate":
        return "allocated"
    if "reserved" in row.text("notes") or "benchmarks/" in row.text("source"):
        return "reserved"
    return setup.software.measures


def _checkpointed_if_needed(
    architecture: ModelArchitecture, setup: TrainingSetup, row: TrainingRow, usable: float | None
) -> TrainingMemory:
    memory = training_memory(architecture, setup)
    if row.get("activation_checkpointing") is None and setup.software.checkpoints_if_needed and usable is not None:
        without = training_memory(architecture, replace(setup, checkpointing="none"))
        if without.fits(usable):
            return without
    return memory


def _model(
    row: TrainingRow, catalog: Catalog, find_model: FindModel
) -> tuple[ModelArchitecture | None, float, list[str]]:
    """Return the model, the factor by which its figures count, and notes."""
    name = row.model_name
    architecture = find_model(name) if name else None
    if architecture is not None:
        return architecture, 1.0, []
    size = row.get("params_b")
    if not isinstance(size, int | float) or size <= 0:
        return None, 1.0, []
    known = [found for found in (find_model(name) for name in NOMINAL) if found is not None]
    if not known:
        return None, 1.0, []
    nearest = min(known, key=lambda item: abs(count_parameters(item).total / 1e9 - size))
    scale = size * 1e9 / count_parameters(nearest).total
    return nearest, scale, [f"as {nearest.id}, scaled to {size:g}B parameters"]
