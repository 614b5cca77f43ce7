"""Fitted coefficients: a global value and deviations by generation, engine, accelerator, arithmetic and link.

What has not been measured has no deviation, so every accelerator and engine gets an answer from the nearest evidence.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.errors import CatalogError, Diagnostic
from planner.paths import data_dir
from planner.performance.coefficients import COEFFICIENTS, NAMES
from planner.performance.correction_text import decode_corrections, digits, encode_corrections
from planner.performance.corrections import PAIR, Corrections
from planner.performance.deployments import IntArray
from planner.performance.iteration import Coefficients
from planner.performance.profile import FloatArray
from planner.performance.situations import Situations
from planner.performance.steady_state import METRICS, REGIMES

EVIDENCE = ("setting", "pair", "accelerator", "generation", "engine", "prior")
"""How near the measurements are, nearest first: this model in this arithmetic on this accelerator with this engine, at
a load and layout like this; the same at others; this engine on this accelerator; this engine on this generation; this
generation with any engine, or this engine anywhere; neither."""

_EVIDENCE_LEVELS = (
    ("pair", (PAIR,)),
    ("accelerator", ("engine accelerator",)),
    ("generation", ("engine generation",)),
    ("engine", ("engine", "generation")),
)

_QUARTILE, _PERCENTILE_95 = 0.6745, 1.6449
"""Standard deviations that half and nine tenths of a normal distribution stay within."""

DEVIATIONS: tuple[tuple[str, float], ...] = (
    ("generation", 0.07),
    ("engine", 0.12),
    ("engine generation", 0.05),
    ("engine accelerator", 0.04),
    ("arithmetic", 0.07),
    ("link", 0.08),
    ("campaign engine", 0.06),
    ("model engine", 0.05),
)
"""Levels of the hierarchy, finest last, and the standard deviation that a fit first assumes of their deviations. They
are tight: a left-out pair is predicted best when physics explains most and groups deviate little."""


@dataclass(frozen=True, slots=True)
class Level:
    """Deviations of one level: ``table[i]`` belongs to ``keys[i]``; ``rows`` counts the measurements behind it."""

    name: str
    keys: tuple[str, ...]
    table: FloatArray
    rows: tuple[int, ...]

    def index(self) -> Mapping[str, int]:
        """Return the position of each key."""
        return {key: i for i, key in enumerate(self.keys)}


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logarithms of coefficients, as fitted, with what they were fitted on."""

    base: FloatArray
    levels: tuple[Level, ...]
    corrections: Corrections | None = None
    """What measured neighbours say beyond the iteration."""
    intervals: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    """metric of a regime (:func:`interval_key`) -> evidence -> logarithmic (low, high) of the 90 % interval."""
    percentiles: Mapping[str, float] = field(default_factory=dict)
    """metric -> 95th percentile over mean."""
    fitted_on: tuple[Mapping[str, Any], ...] = ()
    as_of: str = ""

    @classmethod
    def prior(cls) -> Calibration:
        """Return the coefficients before any measurement."""
        return cls(base=np.log([item.prior for item in COEFFICIENTS]), levels=())

    def coefficients(self, found: Situations) -> Coefficients:
        """Return each coefficient per row."""
        table = np.repeat(self.base[None, :], len(found), axis=0)
        for level in self.levels:
            padded = np.vstack([level.table, np.zeros(len(NAMES))])
            table += padded[found.places(level.name, level.index())]
        values = np.exp(table).T
        return {name: values[i][found.index] for i, name in enumerate(NAMES)}

    def typical(self, name: str) -> float:
        """Return a coefficient as it is before any deviation. Raises ValueError for a name that is none."""
        return math.exp(float(self.base[NAMES.index(name)]))

    def offsets(self, metric: str, evidence: IntArray, regime: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return per row what an estimate is multiplied by for the ends of its 90 % interval; 1 without intervals.

        ``regime`` indexes :data:`REGIMES`. One of which a calibration says nothing has the intervals of a server.
        """
        server = self.intervals.get(metric, {})
        tables = [self.intervals.get(interval_key(metric, name), server) for name in REGIMES]
        values = np.array([[table.get(name, (0.0, 0.0)) for name in EVIDENCE] for table in tables])
        found = np.exp(values[regime, evidence])
        return found[:, 0], found[:, 1]

    def probable_error(self, metric: str, evidence: str = "setting") -> float:
        """Return the error, as a share, that half of the predictions of ``metric`` stay within.

        It is that of normally distributed logarithms with the 90 % interval of ``evidence``; 0 without intervals.
        """
        low, high = self.intervals.get(metric, {}).get(evidence, (0.0, 0.0))
        return math.expm1((high - low) / 2 * _QUARTILE / _PERCENTILE_95)

    def corrected_by(self, found: Situations, x: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return what estimates at coordinates ``x`` are multiplied by (metrics x rows), and which are near."""
        if self.corrections is None:
            return np.ones((len(METRICS), len(x))), np.zeros(len(x), dtype=bool)
        return self.corrections.of(found, x)

    def evidence(self, found: Situations, near: NDArray[np.bool_]) -> IntArray:
        """Return per row the index into :data:`EVIDENCE`; ``near`` are rows with a load like one of the pair's."""
        known = {level.name: found.places(level.name, level.index()) >= 0 for level in self.levels}
        if self.corrections is not None:
            known |= {level.name: level.places(found) >= 0 for level in self.corrections.levels}
        nothing = np.zeros(len(found), dtype=bool)
        nearest = np.full(len(found), EVIDENCE.index("prior"), dtype=np.intp)
        for evidence, names in reversed(_EVIDENCE_LEVELS):
            any_known = np.logical_or.reduce([known.get(name, nothing) for name in names])
            nearest[any_known] = EVIDENCE.index(evidence)
        of_rows = nearest[found.index]
        of_rows[(of_rows == EVIDENCE.index("pair")) & near] = EVIDENCE.index("setting")
        return of_rows


def interval_key(metric: str, regime: str) -> str:
    """Return the key of a metric's intervals: a server's are the metric's own, others name the regime.

    >>> interval_key("ttft", "closed_loop"), interval_key("ttft", "static_batch")
    ('ttft', 'ttft of static_batch')
    """
    return metric if regime == "closed_loop" else f"{metric} of {regime}"


@cache
def load_calibration(directory: Path | None = None) -> Calibration:
    """Read ``serving.yaml`` of a directory, of the one that ``PLANNER_CALIBRATION`` names, or of the shipped one.

    Without the shipped file the prior answers. Raises CatalogError when the file is malformed, or when a directory that
    was named has none.
    """
    named = directory or (Path(value) if (value := os.environ.get("PLANNER_CALIBRATION")) else None)
    path = (named or data_dir("catalogs") / "calibration") / "serving.yaml"
    if not path.exists():
        if named is not None:
            raise CatalogError([Diagnostic("is not there", str(path), help="`planner calibrate -o DIR` writes one")])
        return Calibration.prior()
    return decode(_read(path), str(path))


def _read(path: Path) -> Any:
    """Parse YAML. Files that `planner calibrate` writes are in flow style, that is, JSON below their comment lines."""
    text = path.read_text(encoding="utf-8")
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        from planner.source import CATALOG_LIMITS, load_yaml

        return load_yaml(path, limits=CATALOG_LIMITS).data


def decode(data: Any, path: str = "") -> Calibration:
    """Build a calibration from parsed YAML. Raises CatalogError naming what is wrong."""
    try:
        names = tuple(data["coefficients"])
        unknown = set(names) ^ set(NAMES)
        if unknown:
            raise ValueError(f"other coefficients: {', '.join(sorted(unknown))}")
        order = [names.index(name) for name in NAMES]
        deviations = tuple(
            Level(
                name,
                tuple(entries),
                np.array([entry["log"] for entry in entries.values()], dtype=np.float64)[:, order],
                tuple(int(entry["rows"]) for entry in entries.values()),
            )
            for name, entries in data["deviations"].items()
            if entries
        )
        base = np.log(np.array([data["coefficients"][name]["value"] for name in NAMES], dtype=np.float64))
        corrections = decode_corrections(data["corrections"])
        intervals = {
            metric: {name: (float(low), float(high)) for name, (low, high) in offsets.items()}
            for metric, offsets in data["intervals"].items()
        }
        percentiles = {metric: float(value) for metric, value in data["percentiles"].items()}
        fitted_on = tuple(data["fitted_on"])
        as_of = str(data["as_of"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        what = f"not a calibration of this version: {type(error).__name__} {error}"
        raise CatalogError([Diagnostic(what, path, help="`planner calibrate -o DIR` writes one anew")]) from None
    return Calibration(base, deviations, corrections, intervals, percentiles, fitted_on, as_of)


def encode(calibration: Calibration) -> str:
    """Return the text of ``serving.yaml``: comments, then one entry per line in flow style (valid JSON and YAML)."""
    lines = ["# Written by `planner calibrate`; not to be edited by hand.", "{"]
    lines.append(f'"as_of": {json.dumps(calibration.as_of)},')
    lines.append('"fitted_on": [')
    lines.append(",\n".join(f"  {json.dumps(dict(item), ensure_ascii=False)}" for item in calibration.fitted_on))
    lines.append("],")
    for name, table in (("intervals", calibration.intervals), ("percentiles", calibration.percentiles)):
        lines.append(f'"{name}": {json.dumps(table)},')
    lines.append('"coefficients": {')
    entries = (
        f"  {json.dumps(item.name)}: "
        + json.dumps({"value": digits(np.exp(value)), "unit": item.unit, "meaning": item.meaning})
        for item, value in zip(COEFFICIENTS, calibration.base, strict=True)
    )
    lines += [",\n".join(entries), "},", '"deviations": {']
    lines.append(",\n".join(_encode_level(level) for level in calibration.levels))
    found = (
        ['  "spreads": {},', '  "points": {}']
        if calibration.corrections is None
        else encode_corrections(calibration.corrections)
    )
    lines += ["},", '"corrections": {', *found, "}", "}"]
    return "\n".join(lines) + "\n"


def _encode_level(level: Level) -> str:
    entries = (
        f"    {json.dumps(key)}: " + json.dumps({"rows": rows, "log": [digits(value) for value in values]})
        for key, rows, values in zip(level.keys, level.rows, level.table, strict=True)
    )
    return f"  {json.dumps(level.name)}: {{\n" + ",\n".join(entries) + "\n  }"
