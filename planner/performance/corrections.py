"""What measured neighbours say that the iteration does not: a smooth function of load and layout, level by level.

An estimate is multiplied by exp(f). The f of a level is a Gaussian process: loads that are alike have corrections that
are alike (:func:`likeness`), and those of a key (say, a model on an engine) share one function. As in any kernel
regression f is a weighted sum of likenesses to the measured loads; the weights are fitted by
:mod:`planner.performance.correction_fit`, which also learns how much each level may say. Far from what was measured the
function of the load fades, the constant of the key stays; where nothing of a key was measured it says nothing.

Rasmussen and Williams, Gaussian Processes for Machine Learning (MIT Press, 2006), chapters 2 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.performance.deployments import Deployments, IntArray, Load
from planner.performance.profile import FloatArray
from planner.performance.situations import Situations

COORDINATES = ("running", "gpus", "input", "output", "experts", "groups", "stages", "kind")
"""Sequences that decode at once, GPUs of a stage, tokens in and out, EP, groups of attention DP and stages of a
replica, as logarithms to base 2; and the kind of run."""
OCTAVES = 7
"""Coordinates, the first ones, that are logarithms."""
SCALES = (2.0, 2.0, 2.0, 6.0, 2.0, 1.0, 1.0, 1.0 / 3.0)
"""Distance at which loads are alike to exp(-1/2), per coordinate: octaves. The rounded maximum of the marginal
likelihood on 5,132 published runs; kinds of runs, a whole number apart, have next to nothing to do with each other."""
LEVELS = (
    "model engine",
    "campaign model engine",
    "model engine accelerator arithmetic",
    "model engine accelerator arithmetic run",
)
"""What shares a function, coarsest first; the keys of each belong to one key of the first. Coarser ones made left-out
pairs worse: what models or engines have in common is the iteration's to explain."""


NEAR = 0.85
"""Likeness from which a measured load counts as one like this: about an octave away in one coordinate. Errors on
left-out settings are alike above it and several times larger below."""
ROWS_AT_ONCE = 4096
"""Rows that are held against all points at once: bounds memory."""
PAIR = "model engine accelerator arithmetic"
"""The level whose loads a row has to be near to."""


@dataclass(frozen=True, slots=True)
class CorrectionLevel:
    """``member[i]`` is the place among ``keys`` of measured point i."""

    name: str
    keys: tuple[str, ...]
    member: IntArray

    def places(self, found: Situations) -> IntArray:
        """Return per situation the place of its key, -1 where nothing of it was measured."""
        return found.places(self.name, {key: i for i, key in enumerate(self.keys)})


@dataclass(frozen=True, slots=True)
class Corrections:
    """Those of all metrics: measured ``points`` (points x coordinates) and what each weighs for each metric."""

    points: FloatArray
    weights: FloatArray
    """metrics x points; 0 where a point did not measure the metric."""
    levels: tuple[CorrectionLevel, ...]
    spreads: FloatArray
    """Standard deviations, metrics x levels x 2: of the constants of keys, and of their functions of the load."""

    def of(self, found: Situations, x: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return what estimates at coordinates ``x`` are multiplied by (metrics x rows), and which rows are near.

        A row is near where a load like its own was measured of its model, engine, accelerator and arithmetic.
        """
        total = np.zeros((len(self.weights), len(x)))
        near = np.zeros(len(x), dtype=bool)
        places = np.stack([level.places(found) for level in self.levels])
        for place in np.unique(places[0][places[0] >= 0]).tolist():
            points = np.flatnonzero(self.levels[0].member == place)
            rows = np.flatnonzero(places[0][found.index] == place)
            for start in range(0, len(rows), ROWS_AT_ONCE):
                part = rows[start : start + ROWS_AT_ONCE]
                total[:, part], near[part] = self._from(points, places, found.index[part], x[part])
        return np.exp(total), near

    def _from(
        self, points: IntArray, places: IntArray, situation: IntArray, x: FloatArray
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return logarithms (metrics x rows) and nearness of rows that share a key of the first level with ``points``.

        ``places`` are the keys of all situations (levels x situations), ``situation`` is that of each row.
        """
        distinct, index = np.unique(situation, return_inverse=True)
        members = np.stack([level.member[points] for level in self.levels])
        same = (places[:, distinct][:, :, None] == members[:, None, :]).astype(np.float64)
        constant, load = alike(x, self.points[points])
        of_pair = same[[level.name for level in self.levels].index(PAIR)]
        near = (load * of_pair[index]).max(axis=1) >= NEAR
        logs = []
        for spreads, weights in zip(self.spreads, self.weights[:, points], strict=True):
            by_constant, by_load = (np.tensordot(each**2, same, axes=1) * weights for each in spreads.T)
            logs.append((by_constant[index] * constant + by_load[index] * load).sum(axis=1))
        return np.stack(logs), near


def coordinates(deployments: Deployments, load: Load, running: FloatArray, kind: IntArray | float) -> FloatArray:
    """Return where each row is, rows x :data:`COORDINATES`, in units of :data:`SCALES`.

    ``running`` sequences decode at once per replica; ``kind`` numbers the kind of run.
    """
    d, ones = deployments, np.ones(len(deployments))
    octaves = (running, d.tp, load.input_tokens * ones, load.output_tokens * ones, d.ep, d.attention_dp, d.pp)
    columns = [np.log2(np.maximum(values, 1.0)) for values in octaves]
    return np.asarray(np.stack([*columns, kind * ones], axis=1) / np.array(SCALES))


def likeness(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return how alike the rows of ``a`` and ``b`` are, 1 where they are the same: exp(-distance^2 / 2)."""
    distance = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2.0 * (a @ b.T)
    return np.asarray(np.exp(np.minimum(-0.5 * distance, 0.0)))


def alike(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what constants and what functions of the load share: the likeness of the kinds of runs, and of all."""
    return likeness(a[:, -1:], b[:, -1:]), likeness(a, b)
