"""Fit corrections to what the iteration leaves: robust hierarchical linear regression of log residuals, by metric."""

from __future__ import annotations

import numpy as np

from planner.performance.corrections import FEATURES, SCALES, Correction, CorrectionLevel
from planner.performance.deployments import IntArray
from planner.performance.hierarchy import Design, design, normal_equations, solve, variances
from planner.performance.profile import FloatArray
from planner.performance.situations import Situations

LEVELS: tuple[tuple[str, float], ...] = (
    ("model engine accelerator arithmetic", 0.15),
    ("model engine accelerator arithmetic run", 0.12),
)
"""Levels that are corrected, finest last, and the standard deviation first assumed of their constants. Coarser ones
made pairs that were left out worse: what they share is the iteration's to explain."""
TAIL = 4.0
"""Degrees of freedom of the Student-t of the residuals."""
ROUNDS = 4
"""Of reweighting and learning the spreads; further ones change nothing visible."""
REWEIGHTINGS = 3
PSEUDO_KEYS = 10.0
"""Weight of the assumed spread of a level against what its keys show, in keys."""


def fit_correction(found: Situations, x: FloatArray, residual: FloatArray, noise: float) -> Correction:
    """Return the correction of one metric.

    ``x`` are features (rows x features), ``residual`` log measured minus log predicted, NaN where not measured, and
    ``noise`` the scale at which a residual counts as an outlier.
    """
    known = np.isfinite(residual)
    target = np.where(known, residual, 0.0)
    width = len(FEATURES)
    plan = design(found, [name for name, _ in LEVELS], width)
    members = _members(found)
    scales = np.array(SCALES)
    assumed = np.concatenate(
        [np.full(width, 1e-6)]
        + [np.tile(spread * scales, len(keys)) for (_, spread), (_, keys) in zip(LEVELS, plan.levels, strict=True)]
    )
    precision = assumed**-2.0
    solution = np.zeros(plan.size)
    for turn in range(ROUNDS):
        for _ in range(REWEIGHTINGS):
            away = target - (plan.expand(solution)[found.index] * x).sum(axis=1)
            weight = np.where(known, (TAIL + 1.0) / (TAIL + (away / noise) ** 2) / noise**2, 0.0)
            equations = normal_equations(plan, members, x.T[:, None, :], weight[None], target[None])
            solution = solve(plan, equations, precision, equations.gradient)
        if turn + 1 < ROUNDS:
            precision = _learned(plan, precision, assumed, solution, variances(plan, equations, precision))
    return _levels(plan, solution, found, x, known)


def _members(found: Situations) -> list[IntArray]:
    order = np.argsort(found.index, kind="stable")
    return np.split(order, np.searchsorted(found.index[order], np.arange(1, len(found))))


def _learned(
    plan: Design, precision: FloatArray, assumed: FloatArray, solution: FloatArray, spread: FloatArray
) -> FloatArray:
    """Return the precisions after one EM update of the variance of each level and feature."""
    updated = precision.copy()
    width = plan.width
    for start, (_, keys) in zip(plan.starts(), plan.levels, strict=True):
        part = slice(start * width, (start + len(keys)) * width)
        second = (solution[part] ** 2 + spread[part]).reshape(-1, width).sum(axis=0)
        prior = assumed[part].reshape(-1, width)[0] ** 2
        updated[part] = np.tile((PSEUDO_KEYS + len(keys)) / (PSEUDO_KEYS * prior + second), len(keys))
    return updated


def _levels(plan: Design, solution: FloatArray, found: Situations, x: FloatArray, known: FloatArray) -> Correction:
    """Return the weights of each level with the range of the features behind them; keys without a row are left out."""
    blocks = solution.reshape(-1, plan.width)
    levels = []
    for place, (start, (name, keys)) in enumerate(zip(plan.starts(), plan.levels, strict=True)):
        at = (plan.blocks[:, place + 1] - start)[found.index]
        low, high = np.full((len(keys), plan.width), np.inf), np.full((len(keys), plan.width), -np.inf)
        np.minimum.at(low, at[known], x[known])
        np.maximum.at(high, at[known], x[known])
        kept = np.isfinite(low[:, 0])
        names = tuple(key for key, keep in zip(keys, kept, strict=True) if keep)
        if names:
            levels.append(CorrectionLevel(name, names, blocks[start : start + len(keys)][kept], low[kept], high[kept]))
    return tuple(levels)
