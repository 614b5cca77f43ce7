"""Fit the coefficients: a hierarchical robust regression in log space, solved by Gauss-Newton. Deterministic.

A row's coefficients are the sum of a base and of one deviation per level (:data:`calibration.DEVIATIONS`), each with a
zero-mean Gaussian prior, so that a level with few rows stays near the level above it (partial pooling). Residuals of
log TTFT, TPOT and throughput have Student-t tails, as benchmark tables have outliers. As each deviation acts through
the same coefficient, one derivative per coefficient and row gives the whole Jacobian.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.performance.calibration import DEVIATIONS, Calibration, Level
from planner.performance.coefficients import COEFFICIENTS, NAMES
from planner.performance.deployments import IntArray
from planner.performance.observations import KINDS, Observations
from planner.performance.profile import FloatArray

NOISE = (0.25, 0.12, 0.15)
"""Scale of the residuals of log TTFT, TPOT and throughput: where the Student-t turns from squares to tails."""
TAIL = 4.0
"""Degrees of freedom of the Student-t."""
MAX_THROUGHPUT = KINDS.index("max_throughput")
"""Rows of this kind have a throughput and nothing else worth fitting."""
STEP = 1e-4
"""Step of the finite differences in the logarithm of a coefficient."""
LARGEST_MOVE = 1.0
"""No coefficient moves further than a factor e in one iteration."""


@dataclass(frozen=True, slots=True)
class _Design:
    """Where each parameter sits in the solution vector, and which ones a situation uses."""

    levels: tuple[tuple[str, tuple[str, ...]], ...]
    places: IntArray
    """situations x (1 + levels): offset of the block of coefficients, -1 where the level does not apply."""
    precision: FloatArray
    size: int


def fit(
    observations: Observations,
    *,
    start: Calibration | None = None,
    iterations: int = 25,
    spreads: Mapping[str, float] | None = None,
) -> Calibration:
    """Return the calibration that fits the observations. ``start`` warms the search up, nothing more."""
    design = _design(observations, dict(DEVIATIONS) | dict(spreads or {}))
    scale = np.array(NOISE)[:, None]
    target = observations.logs
    known = np.isfinite(target) & (np.array([0, 0, 1])[:, None] + (observations.kind != MAX_THROUGHPUT) > 0)
    target = np.where(known, target, 0.0)
    index = observations.situations.index
    groups = _members(index, len(observations.situations))
    solution = _initial(design, start)
    prior_mean = np.zeros(design.size)
    prior_mean[: len(NAMES)] = np.log([item.prior for item in COEFFICIENTS])

    def predicted(logs: FloatArray) -> FloatArray:
        values = np.exp(logs)
        return np.log(observations.predict({name: values[i] for i, name in enumerate(NAMES)}))

    def evaluate(at: FloatArray) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        logs = _coefficients(design, at)[:, index]
        prediction = predicted(logs)
        residual = np.where(known, (target - prediction) / scale, 0.0)
        robust = 0.5 * (TAIL + 1.0) * np.log1p(residual**2 / TAIL).sum()
        away = at - prior_mean
        return float(robust + 0.5 * (design.precision * away * away).sum()), logs, prediction, residual

    loss, logs, prediction, residual = evaluate(solution)
    damping = 1e-3
    for _ in range(iterations):
        slopes = np.empty((len(NAMES), *target.shape))
        for i in range(len(NAMES)):
            moved = logs.copy()
            moved[i] += STEP
            slopes[i] = (predicted(moved) - prediction) / STEP
        slopes = np.where(known, slopes, 0.0)
        weight = np.where(known, (TAIL + 1.0) / (TAIL + residual**2) / scale**2, 0.0)
        hessian, gradient = _normal_equations(design, groups, slopes, weight, np.where(known, target - prediction, 0.0))
        gradient -= design.precision * (solution - prior_mean)
        curvature = np.diag(hessian).copy()
        improved = False
        for _ in range(8):
            matrix = hessian + np.diag(design.precision + damping * np.maximum(curvature, 1e-6))
            move = np.clip(np.linalg.solve(matrix, gradient), -LARGEST_MOVE, LARGEST_MOVE)
            trial = evaluate(solution + move)
            if np.isfinite(trial[0]) and trial[0] < loss:
                improved = True
                break
            damping *= 8.0
        if not improved:
            break
        gain = loss - trial[0]
        solution = solution + move
        loss, logs, prediction, residual = trial
        damping = max(damping / 4.0, 1e-7)
        if gain < 1e-4 * abs(loss):
            break
    return _calibration(design, solution, observations)


def _design(observations: Observations, spreads: Mapping[str, float]) -> _Design:
    found = observations.situations
    size = len(NAMES)
    columns = [np.zeros(len(found), dtype=np.intp)]
    precision = [np.array([1.0 / item.spread**2 for item in COEFFICIENTS])]
    levels = []
    for name, _ in DEVIATIONS:
        each = found.keys(name)
        keys = tuple(sorted(set(each)))
        place = found.places(name, {key: i for i, key in enumerate(keys)})
        columns.append(size + place * len(NAMES))
        precision.append(np.full(len(keys) * len(NAMES), 1.0 / spreads[name] ** 2))
        levels.append((name, keys))
        size += len(keys) * len(NAMES)
    return _Design(tuple(levels), np.stack(columns, axis=1), np.concatenate(precision), size)


def _coefficients(design: _Design, solution: FloatArray) -> FloatArray:
    """Return logarithms, coefficients x situations."""
    each = np.arange(len(NAMES))
    return np.asarray(solution[design.places[:, :, None] + each].sum(axis=1).T)


def _members(index: IntArray, count: int) -> list[IntArray]:
    order = np.argsort(index, kind="stable")
    return np.split(order, np.searchsorted(index[order], np.arange(1, count)))


def _normal_equations(
    design: _Design, groups: Sequence[IntArray], slopes: FloatArray, weight: FloatArray, residual: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Accumulate J'WJ and J'Wr. Rows of one situation share their parameters, so each adds one small block."""
    hessian = np.zeros((design.size, design.size))
    gradient = np.zeros(design.size)
    each = np.arange(len(NAMES))
    for situation, rows in enumerate(groups):
        part = slopes[:, :, rows].reshape(len(NAMES), -1)
        weighted = part * weight[:, rows].reshape(-1)
        block = weighted @ part.T
        pull = weighted @ residual[:, rows].reshape(-1)
        offsets = design.places[situation]
        ids = (offsets[:, None] + each).ravel()
        hessian[np.ix_(ids, ids)] += np.tile(block, (len(offsets), len(offsets)))
        gradient[ids] += np.tile(pull, len(offsets))
    return hessian, gradient


def _initial(design: _Design, start: Calibration | None) -> FloatArray:
    solution = np.zeros(design.size)
    solution[: len(NAMES)] = (start or Calibration.prior()).base
    if start:
        tables = {level.name: (level.index(), level.table) for level in start.levels}
        offset = len(NAMES)
        for name, keys in design.levels:
            places, table = tables.get(name, ({}, np.empty((0, len(NAMES)))))
            for key in keys:
                if key in places:
                    solution[offset : offset + len(NAMES)] = table[places[key]]
                offset += len(NAMES)
    return solution


def _calibration(design: _Design, solution: FloatArray, observations: Observations) -> Calibration:
    found = observations.situations
    counts = np.bincount(found.index, minlength=len(found))
    levels = []
    offset = len(NAMES)
    for place, (name, keys) in enumerate(design.levels):
        table = solution[offset : offset + len(keys) * len(NAMES)].reshape(len(keys), len(NAMES))
        rows = np.zeros(len(keys), dtype=np.intp)
        np.add.at(rows, (design.places[:, place + 1] - offset) // len(NAMES), counts)
        levels.append(Level(name, keys, table, tuple(int(n) for n in rows)))
        offset += len(keys) * len(NAMES)
    return replace(Calibration.prior(), base=solution[: len(NAMES)], levels=tuple(levels))
