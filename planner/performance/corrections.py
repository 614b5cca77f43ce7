"""What measured neighbours say that the iteration does not: a linear correction of the logarithm, level by level.

A correction multiplies an estimate by exp(w . x), where x are a few features of the load and the layout. The weights w
of a level are shrunk towards zero as far as its rows are few (:mod:`planner.performance.correction_fit`). Where nothing
near was measured there is no correction. Beyond the measured range of a key its features stop at the range's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from planner.performance.deployments import Deployments, Load
from planner.performance.profile import FloatArray
from planner.performance.situations import Situations

FEATURES = ("constant", "concurrency", "gpus", "input", "output", "curvature")
"""Logarithms to base 2 about a middle: 32 sequences, 3 GPUs, 1024 tokens; curvature is that of the concurrency."""
SCALES = (1.0, 0.7, 0.5, 0.5, 0.4, 0.4)
"""How much a correction may depend on each feature, relative to the constant."""
REACH = 1.0
"""How far beyond the measured range a feature may go before it is held: in units of the feature."""


@dataclass(frozen=True, slots=True)
class CorrectionLevel:
    """Weights of one level: ``table[i]`` belongs to ``keys[i]``, and holds between ``low[i]`` and ``high[i]``."""

    name: str
    keys: tuple[str, ...]
    table: FloatArray
    low: FloatArray
    high: FloatArray

    def index(self) -> Mapping[str, int]:
        """Return the position of each key."""
        return {key: i for i, key in enumerate(self.keys)}


Correction = tuple[CorrectionLevel, ...]


def features(deployments: Deployments, load: Load, running: FloatArray) -> FloatArray:
    """Return the features, rows x :data:`FEATURES`. ``running`` sequences decode at once per replica."""
    ones = np.ones(len(deployments))
    concurrency = np.log2(np.maximum(running, 1.0)) / 2.0 - 2.5
    return np.stack(
        [
            ones,
            concurrency,
            np.log2(deployments.tp) - 1.5,
            np.log2(np.maximum(load.input_tokens, 1.0)) / 2.0 * ones - 5.0,
            np.log2(np.maximum(load.output_tokens, 1.0)) / 2.0 * ones - 5.0,
            concurrency * concurrency / 2.0,
        ],
        axis=1,
    )


def factor(correction: Correction, found: Situations, x: FloatArray) -> FloatArray:
    """Return what an estimate is multiplied by, per row."""
    total = np.zeros(len(x))
    for level in correction:
        place = found.places(level.name, level.index())[found.index]
        rows = np.flatnonzero(place >= 0)
        if len(rows):
            at = place[rows]
            held = np.clip(x[rows], level.low[at] - REACH, level.high[at] + REACH)
            total[rows] += (level.table[at] * held).sum(axis=1)
    return np.exp(total)
