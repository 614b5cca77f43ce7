"""Fit corrections to what the iteration leaves: Gaussian processes on log residuals, metric by metric. Deterministic.

How far each level spreads is learned with it, by maximum marginal likelihood under weak priors: the minorise-maximise
update of variance components (Zhou, Hu, Qiao and Zhou, J. Comput. Graph. Stat. 28, 2019). Residuals have Student-t
tails, as benchmark tables have outliers: each row's noise is reweighted by what it turns out to be.

Every level lies within a key of the first, so the rows of different models or engines are independent and are solved
apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.performance.corrections import LEVELS, CorrectionLevel, Corrections, alike
from planner.performance.deployments import IntArray
from planner.performance.profile import FloatArray
from planner.performance.situations import Situations

SPREAD = 0.1
"""Standard deviation first assumed of every level's constants and functions of the load."""
PSEUDO_ROWS = 10.0
"""Weight of what is first assumed of a spread against what residuals show, in rows."""
TAIL = 4.0
"""Degrees of freedom of the Student-t of the residuals."""
ROUNDS = 10
"""Of reweighting and learning the spreads; further ones change nothing visible."""


@dataclass(slots=True)
class _Block:
    """The rows of one key of the first level, which are independent of all others."""

    rows: IntArray
    shapes: FloatArray
    """What rows share per unit of variance: components x rows x rows, a constant and a load for each level."""
    residual: FloatArray
    noise: FloatArray
    """Variance of each row's noise over the common one."""
    weights: FloatArray

    def solve(self, variances: FloatArray) -> FloatArray:
        """Solve for the weights and reweight the noise; ``variances`` are those of the components, the noise's last.

        Returns the quadratic forms of the weights and the traces that an update needs, 2 x variances.
        """
        noise = variances[-1]
        own = noise * self.noise
        covariance = np.tensordot(variances[:-1], self.shapes, axes=1)
        covariance[np.diag_indices_from(covariance)] += own
        inverse = np.linalg.inv(covariance)
        spread = np.diag(inverse)
        self.weights = inverse @ self.residual
        forms = [*(self.weights @ self.shapes @ self.weights), (self.noise * self.weights**2).sum()]
        traces = [*(self.shapes * inverse).sum(axis=(1, 2)), (self.noise * spread).sum()]
        squared = (own * self.weights) ** 2 + own - own * own * spread
        self.noise = (TAIL + squared / noise) / (TAIL + 1.0)
        return np.array([forms, traces])


@dataclass(frozen=True, slots=True)
class MetricFit:
    """What was learned of one metric: a weight per row (0 where not measured), and spreads (levels x 2)."""

    weights: FloatArray
    spreads: FloatArray


def fit_metric(x: FloatArray, members: IntArray, residual: FloatArray, noise: float) -> MetricFit:
    """Fit the correction of one metric.

    ``x`` are coordinates (rows x coordinates), ``members`` the keys of the rows (levels x rows), ``residual`` is log
    measured minus log predicted, NaN where not measured, and ``noise`` the standard deviation first assumed of what no
    correction explains.
    """
    known = np.flatnonzero(np.isfinite(residual))
    weights = np.zeros(len(residual))
    blocks = _blocks(x[known], members[:, known], residual[known])
    assumed = np.array([SPREAD**2] * (2 * len(members)) + [noise**2])
    variances = assumed
    for turn in range(ROUNDS if blocks else 0):
        forms, traces = np.sum([block.solve(variances) for block in blocks], axis=0)
        if turn + 1 < ROUNDS:  # the maximum of the minorising function, with inverse-gamma priors
            over = variances**2 * forms + PSEUDO_ROWS * assumed
            variances = np.sqrt(over / (traces + PSEUDO_ROWS / variances))
    for block in blocks:
        weights[known[block.rows]] = block.weights
    return MetricFit(weights, np.sqrt(variances[:-1]).reshape(-1, 2))


def members_of(found: Situations) -> tuple[list[tuple[str, ...]], IntArray]:
    """Return the keys of each level, and the place of each row among them (levels x rows)."""
    coded = [np.unique(np.array(found.keys(name)), return_inverse=True) for name in LEVELS]
    return [tuple(keys.tolist()) for keys, _ in coded], np.stack([member[found.index] for _, member in coded])


def corrections_of(
    keys: Sequence[tuple[str, ...]], members: IntArray, x: FloatArray, metrics: Sequence[MetricFit]
) -> Corrections:
    """Join what was learned of all metrics; ``keys`` and ``members`` are those of :func:`members_of`.

    Repeats of a load by the same run are one point.
    """
    weights = np.stack([each.weights for each in metrics])
    columns = np.concatenate([members.T, x], axis=1)
    _, first, index = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    levels = tuple(CorrectionLevel(*each) for each in zip(LEVELS, keys, members[:, first], strict=True))
    joined = np.stack([np.bincount(index.ravel(), each).astype(np.float64) for each in weights])
    return Corrections(np.asarray(x[first]), joined, levels, np.stack([each.spreads for each in metrics]))


def _blocks(x: FloatArray, members: IntArray, residual: FloatArray) -> list[_Block]:
    found = []
    for key in np.unique(members[0]).tolist():
        rows = np.flatnonzero(members[0] == key)
        of_rows = members[:, rows]
        same = of_rows[:, :, None] == of_rows[:, None, :]
        shapes = same[:, None] * np.stack(alike(x[rows], x[rows]))
        shapes = shapes.reshape(-1, len(rows), len(rows))
        found.append(_Block(rows, shapes, residual[rows], np.ones(len(rows)), np.zeros(len(rows))))
    return found
