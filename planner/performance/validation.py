"""Measured serving runs beside their predictions: the rows with predicted columns, and the errors by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.error_summary import Errors, errors_of
from planner.errors import Diagnostic, MeasurementError
from planner.performance.calibration import Calibration, load_calibration
from planner.performance.measurements import read_measurements
from planner.performance.observations import Observations
from planner.performance.steady_state import METRICS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from planner.catalog import Catalog
    from planner.performance.deployments import IntArray
    from planner.performance.measurements import Measurements
    from planner.performance.profile import FloatArray

COLUMNS = {"ttft": "predicted_ttft_ms", "tpot": "predicted_tpot_ms", "throughput": "predicted_output_tok_s"}
"""Metric -> column of its prediction; its 90 % interval stands in ``_low`` and ``_high``."""
QUANTITIES = {"ttft": "TTFT", "tpot": "TPOT", "throughput": "throughput"}


def validate_serving(
    rows: Sequence[Mapping[str, Any]],
    catalog: Catalog,
    *,
    calibration: Calibration | None = None,
    base_dir: Path | None = None,
) -> tuple[list[dict[str, Any]], list[Errors]]:
    """Return the rows with their predicted columns, and the errors by kind, engine and accelerator.

    A row that cannot be predicted has its reason in the column ``error``. Raises MeasurementError when no row can.
    """
    found = read_measurements(rows, catalog, base_dir=base_dir)
    if found.observations is None:
        reason = next(iter(found.errors.values()))
        raise MeasurementError([Diagnostic(f"none of the {len(rows)} rows can be predicted: {reason}")])
    calibration = calibration or load_calibration()
    predicted, evidence = found.observations.estimates_and_evidence(calibration)
    low, high = bounds(predicted, evidence, found.observations.regime, calibration)
    return _with_columns(found, predicted, low, high), list(
        grouped_errors(found.observations, predicted, low, high, ("kind", "engine", "accelerator"))
    )


def bounds(
    predicted: FloatArray, evidence: IntArray, regime: IntArray, calibration: Calibration
) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the 90 % intervals, metrics x rows; ``regime`` indexes :data:`steady_state.REGIMES`."""
    ends = np.stack([calibration.offsets(metric, evidence, regime) for metric in METRICS], axis=1)
    return predicted * ends[0], predicted * ends[1]


def _with_columns(
    found: Measurements, predicted: FloatArray, low: FloatArray, high: FloatArray
) -> list[dict[str, Any]]:
    places = {int(index): place for place, index in enumerate(found.kept)}
    rows = []
    for index, row in enumerate(found.rows):
        columns: dict[str, Any] = {}
        place = places.get(index)
        for i, metric in enumerate(METRICS):
            name = COLUMNS[metric]
            for suffix, values in (("", predicted), ("_low", low), ("_high", high)):
                value = None if place is None else float(values[i, place])
                columns[name + suffix] = None if value is None or not np.isfinite(value) else float(f"{value:.6g}")
        rows.append({**row, **columns, "error": found.errors.get(index, "")})
    return rows


def grouped_errors(
    observations: Observations,
    predicted: FloatArray,
    low: FloatArray,
    high: FloatArray,
    by: Sequence[str],
    named: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Iterator[Errors]:
    """Yield the errors of every quantity that was measured: of all rows, of those ``named``, then by the labels ``by``.

    A quantity of a group counts as answered as far as its measured rows have a prediction.
    """
    labels = observations.labels
    groups: list[tuple[str, NDArray[np.bool_]]] = [("all", np.ones(len(observations), dtype=bool))]
    groups += list((named or {}).items())
    for name in by:
        groups += [(f"{name} {value}", labels[name] == value) for value in sorted(set(labels[name].tolist()))]
    measured = np.exp(observations.logs)
    for group, rows in groups:
        for i, metric in enumerate(METRICS):
            asked = rows & np.isfinite(measured[i])
            part = asked & np.isfinite(predicted[i])
            if part.any():
                held = (measured[i, part] >= low[i, part]) & (measured[i, part] <= high[i, part])
                off = (predicted[i, part] / measured[i, part] - 1.0).tolist()
                count = int(np.count_nonzero(asked))
                yield errors_of(group, QUANTITIES[metric], off, measured=count, within=held.tolist())
