"""Predictions beside memory measurements: start-up logs of engines, checkpoint sizes, totals of scripts.

kind = is_memory_rows(rows)
rows, errors = validate_memory(rows, kind, load_catalog())
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from planner.architecture.model import ModelArchitecture
from planner.architecture.resolve import resolve_model
from planner.catalog import Catalog
from planner.error_summary import Errors, summarize
from planner.memory.validation import checkpoints, logs, scripts
from planner.memory.validation.columns import typed_rows
from planner.memory.validation.names import ModelNames

MemoryKind = Literal["start-up logs", "checkpoints", "scripts"]

MARKS: dict[MemoryKind, frozenset[str]] = {
    "start-up logs": frozenset({"weights_gib_per_gpu", "kv_cache_gib", "kv_cache_tokens", "activation_peak_gib"}),
    "checkpoints": frozenset({"total_bytes"}),
    "scripts": frozenset({"gpu_memory"}),
}
"""A kind's rows have at least one of these columns."""

PREDICTED: dict[MemoryKind, tuple[str, ...]] = {
    "start-up logs": logs.PREDICTED,
    "checkpoints": checkpoints.PREDICTED,
    "scripts": scripts.PREDICTED,
}
"""Columns that validation adds, in order."""


def is_memory_rows(rows: Sequence[Mapping[str, Any]]) -> MemoryKind | None:
    """Return what kind of memory measurements the rows are, by their columns; None when they are something else."""
    columns = {name for row in rows for name in row}
    return next((kind for kind, marks in MARKS.items() if columns & marks), None)


def validate_memory(
    rows: Sequence[Mapping[str, Any]], kind: MemoryKind, catalog: Catalog
) -> tuple[list[dict[str, Any]], list[Errors]]:
    """Return the rows with their predicted columns, and the errors by engine (by format or script otherwise).

    Where logs say of themselves whether they name their model and agree with themselves (columns ``model_stated`` and
    ``consistent``), those that do are summed up once more as "<engine>, stated".

    Raises MeasurementError for cells that are no numbers where numbers belong.
    """
    find = model_finder(catalog)
    rows = typed_rows(rows)
    if kind == "start-up logs":
        predicted = logs.predict_logs(rows, catalog, find)
        sure = [row for row in predicted if row.get("model_stated") is True and _agrees(row)]
        errors = summarize(predicted, logs.COMPARED, _engine)
        if len(sure) < len(predicted):
            errors += summarize(sure, logs.COMPARED, lambda row: f"{_engine(row)}, stated")
        return predicted, sorted(errors, key=lambda item: item.group)
    if kind == "checkpoints":
        predicted = checkpoints.predict_checkpoints(rows, catalog, find)
        return predicted, summarize(predicted, checkpoints.COMPARED, _format)
    predicted = scripts.predict_scripts(rows, catalog, find)
    return predicted, summarize(predicted, scripts.COMPARED, _engine)


def model_finder(catalog: Catalog) -> Callable[[str], ModelArchitecture | None]:
    """Return what finds the architecture of a model by the name that a log has for it, or by the path of its files."""
    names = ModelNames(catalog)
    parsed: dict[str, ModelArchitecture] = {}

    def find(name: str) -> ModelArchitecture | None:
        reference = names.find(name) or name
        if reference == name and name not in catalog.models and not _is_file(name):
            return None
        if reference not in parsed:
            parsed[reference] = resolve_model(reference, catalog=catalog)
        return parsed[reference]

    return find


def _is_file(name: str) -> bool:
    """Whether a name is that of a model's files here: a config, weights, or a directory with a config."""
    try:
        path = Path(name)
        described = path.suffix in (".json", ".safetensors", ".gguf") and path.is_file()
        return described or (bool(name) and (path / "config.json").is_file())
    except (OSError, ValueError):  # too long, or with a zero byte: no file has such a name
        return False


def _agrees(row: Mapping[str, Any]) -> bool:
    return str(row.get("consistent")).lower() == "true"


def _engine(row: Mapping[str, Any]) -> str:
    return str(row.get("engine") or "unknown").split(" ")[0]


def _format(row: Mapping[str, Any]) -> str:
    return str(row.get("format") or row.get("quantization") or "unknown").split(" ")[0]
