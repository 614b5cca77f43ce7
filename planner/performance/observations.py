"""Measurements as columns that the model can be held against, and the predictions for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.performance.calibration import Calibration
from planner.performance.corrections import coordinates
from planner.performance.deployments import Deployments, IntArray, Load
from planner.performance.iteration import Coefficients, least_step_ms
from planner.performance.profile import FloatArray, ModelProfile
from planner.performance.resources import Resources, resources
from planner.performance.serving import corrected, crowded, kv_capacity, mixing, reserving
from planner.performance.situations import Situations, situations
from planner.performance.steady_state import KINDS, METRICS, REGIMES, closed_loop, saturated, static_batch

MOST_SEQUENCES = 2048.0
"""Sequences that an engine runs at once when the cache would hold more (TensorRT-LLM's max_batch_size)."""


@dataclass(frozen=True)
class Observations:
    """``n`` measured rows. ``measured`` holds ttft and tpot in milliseconds and tokens per second, NaN where absent."""

    profile: ModelProfile
    """Stacked: one value per row."""
    models: tuple[str, ...]
    """Keys of the models, which ``model`` indexes."""
    model: IntArray
    campaigns: tuple[str, ...]
    """Who measured, which ``campaign`` indexes: versions, tuning and harness differ between them."""
    campaign: IntArray
    runs: tuple[str, ...]
    """Day and version of a campaign, which ``run`` indexes."""
    run: IntArray
    deployments: Deployments
    load: Load
    kind: IntArray
    measured: Mapping[str, FloatArray]
    labels: Mapping[str, NDArray[np.str_]]
    """Text columns for grouping: model, accelerator, engine, weights, source, ..."""

    def __len__(self) -> int:
        return len(self.kind)

    @cached_property
    def situations(self) -> Situations:
        """What the coefficients of each row depend on."""
        return situations(self.deployments, self.models, self.model, self.campaigns, self.campaign, self.runs, self.run)

    @cached_property
    def logs(self) -> FloatArray:
        """Logarithms of what was measured, metrics x rows, NaN where absent."""
        return np.log(np.stack([self.measured[name] for name in METRICS]))

    @cached_property
    def _parts(self) -> list[tuple[int, IntArray, Resources, Load, FloatArray]]:
        work = resources(self.profile, self.deployments)
        reserves = reserving(self.deployments)
        parts = []
        for kind in range(len(KINDS)):
            rows = np.flatnonzero(self.kind == kind)
            if len(rows):
                load = rows_of(self.load, rows)
                part = rows_of(work, rows)
                parts.append((kind, rows, part, load, kv_capacity(part, load, None, reserves[rows])))
        return parts

    def estimates(self, calibration: Calibration) -> FloatArray:
        """Return predictions with corrections, metrics x rows."""
        return self.estimates_and_evidence(calibration)[0]

    def estimates_and_evidence(self, calibration: Calibration) -> tuple[FloatArray, IntArray]:
        """Return predictions with corrections (metrics x rows), and how near the evidence behind each row is."""
        raw = self.predict(calibration.coefficients(self.situations))
        by, near = calibration.corrected_by(self.situations, self.coordinates)
        output = np.asarray(self.load.output_tokens, dtype=np.float64)
        out = np.stack(corrected((raw[0], raw[1], raw[2]), by, output, self.least_tpot))
        alone = self.kind == KINDS.index("max_throughput")
        out[2, alone] = raw[2, alone] * by[2, alone]
        return out, calibration.evidence(self.situations, near)

    @cached_property
    def least_tpot(self) -> FloatArray:
        """Milliseconds that no output token can take less than."""
        least = np.zeros(len(self))
        for _, rows, work, load, _ in self._parts:
            least[rows] = least_step_ms(
                work, self.running[rows] / work.stages, load.input_tokens + load.output_tokens / 2
            )
        return least

    @cached_property
    def coordinates(self) -> FloatArray:
        """Coordinates of the corrections, rows x coordinates."""
        return coordinates(self.deployments, self.load, self.running, self.kind)

    @cached_property
    def running(self) -> FloatArray:
        """Sequences that decode at once per replica."""
        running = np.array(self.deployments.concurrency)
        for kind, rows, _, _, capacity in self._parts:
            if KINDS[kind] == "closed_loop":
                running[rows] = np.minimum(running[rows], np.maximum(capacity, 1.0))
            elif KINDS[kind] == "max_throughput":
                running[rows] = np.clip(capacity, 1.0, MOST_SEQUENCES)
        return running

    @cached_property
    def regime(self) -> IntArray:
        """Index into :data:`steady_state.REGIMES` of each row: its kind, or that its KV cache is nearly full."""
        found = self.kind.copy()
        for kind, rows, _, _, capacity in self._parts:
            if KINDS[kind] == "closed_loop":
                found[rows[crowded(self.running[rows], capacity)]] = REGIMES.index("crowded")
        return found

    def predict(self, coefficients: Coefficients) -> FloatArray:
        """Return predictions of the iteration alone, metrics x rows."""
        out = np.full((len(METRICS), len(self)), np.nan)
        mixes = mixing(self.deployments)
        for kind, rows, work, load, capacity in self._parts:
            part = {name: values[rows] for name, values in coefficients.items()}
            concurrency = self.deployments.concurrency[rows]
            if KINDS[kind] == "max_throughput":
                out[2, rows] = saturated(work, part, load, np.minimum(capacity, MOST_SEQUENCES))
                continue
            if KINDS[kind] == "static_batch":
                timing = static_batch(work, part, load, concurrency)
            else:
                timing = closed_loop(work, part, load, concurrency, capacity, mixes[rows])
            out[:, rows] = timing.ttft_ms, timing.tpot_ms, timing.output_tok_s
        return out

    def take(self, rows: NDArray[Any]) -> Observations:
        """Return some of the rows (indices or a mask)."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Observations(
            profile=rows_of(self.profile, rows),
            models=self.models,
            model=self.model[rows],
            campaigns=self.campaigns,
            campaign=self.campaign[rows],
            runs=self.runs,
            run=self.run[rows],
            deployments=rows_of(self.deployments, rows),
            load=rows_of(self.load, rows),
            kind=self.kind[rows],
            measured={name: values[rows] for name, values in self.measured.items()},
            labels={name: values[rows] for name, values in self.labels.items()},
        )


def rows_of(table: Any, rows: IntArray) -> Any:
    """Return a struct of arrays with some of its rows; tuples and scalars stay as they are."""
    columns = {}
    for field in fields(table):
        value = getattr(table, field.name)
        columns[field.name] = value[rows] if isinstance(value, np.ndarray) and value.ndim else value
    return type(table)(**columns)
