"""Fit the coefficients: a hierarchical robust regression in log space, solved by Gauss-Newton. Deterministic.

A row's coefficients are the sum of a base and of one deviation per level (:data:`calibration.DEVIATIONS`), each with a
zero-mean Gaussian prior, so that a level with few rows stays near the level above it (partial pooling). How far
deviations spread at each level is learned with them (empirical Bayes: EM on the prior variances). Residuals of log
TTFT, TPOT and throughput have Student-t tails, as benchmark tables have outliers. As every deviation acts through the
same coefficient, one derivative per coefficient and row gives the whole Jacobian.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.performance.calibration import DEVIATIONS, Calibration, Level
from planner.performance.coefficients import COEFFICIENTS, NAMES, Coefficient
from planner.performance.correction_fit import MetricFit, corrections_of, fit_metric, members_of
from planner.performance.corrections import LEVELS
from planner.performance.deployments import IntArray
from planner.performance.hierarchy import Design, Normal, design, diagonal_of, normal_equations, solve, variances
from planner.performance.observations import Observations
from planner.performance.profile import FloatArray
from planner.performance.steady_state import METRICS

NOISE = (0.25, 0.12, 0.15)
"""Scale of the residuals of log TTFT, TPOT and throughput: where the Student-t turns from squares to tails."""
CORRECTION_NOISE = (0.2, 0.08, 0.1)
"""The same for what is left after them."""
TAIL = 4.0
"""Degrees of freedom of the Student-t."""
STEP = 1e-4
"""Step of the finite differences in the logarithm of a coefficient."""
LARGEST_MOVE = 1.0
"""No coefficient moves further than a factor e in one iteration."""
NEGLIGIBLE = 1e-3
"""Spread of what a level must not explain."""
PSEUDO_KEYS = 40.0
"""Weight of the assumed spread of a level against what its keys show, in keys."""
ITERATIONS = 12
"""Of the search. It has not quite converged then, which keeps coefficients nearer to the prior: after twice as many,
left-out pairs are predicted worse (TPOT of two folds: 6.1 instead of 5.8 %)."""
SPREAD_EVERY = 4
"""Iterations between updates of the spreads."""


@dataclass
class _State:
    solution: FloatArray
    loss: float
    logs: FloatArray
    prediction: FloatArray
    residual: FloatArray


class _Fit:
    """The search: holds the data and the priors, moves the solution."""

    def __init__(self, observations: Observations) -> None:
        self.observations = observations
        found = observations.situations
        self.index = found.index
        self.plan = design(found, [name for name, _ in DEVIATIONS], len(NAMES))
        self.members = _members(found.index, len(found))
        target = observations.logs
        self.known: NDArray[np.bool_] = np.isfinite(target)
        self.target = np.where(self.known, target, 0.0)
        self.scale = np.array(NOISE)[:, None]
        self.mean = np.zeros(self.plan.size)
        self.mean[: len(NAMES)] = np.log([item.prior for item in COEFFICIENTS])
        self.assumed = np.concatenate(
            [np.array([item.spread for item in COEFFICIENTS])]
            + [
                np.tile([_spread(name, spread, item) for item in COEFFICIENTS], len(keys))
                for (name, spread), (_, keys) in zip(DEVIATIONS, self.plan.levels, strict=True)
            ]
        )
        self.precision = self.assumed**-2.0
        self.state = self.evaluate(self.mean.copy())

    def predict(self, logs: FloatArray) -> FloatArray:
        values = np.exp(logs)
        return np.log(self.observations.predict({name: values[i] for i, name in enumerate(NAMES)}))

    def evaluate(self, solution: FloatArray) -> _State:
        logs = self.plan.expand(solution).T[:, self.index]
        prediction = self.predict(logs)
        residual = np.where(self.known, (self.target - prediction) / self.scale, 0.0)
        robust = 0.5 * (TAIL + 1.0) * np.log1p(residual**2 / TAIL).sum()
        away = solution - self.mean
        loss = float(robust + 0.5 * (self.precision * away * away).sum())
        return _State(solution, loss, logs, prediction, residual)

    def linearise(self) -> Normal:
        state = self.state
        slopes = np.empty((len(NAMES), *self.target.shape))
        for i in range(len(NAMES)):
            moved = state.logs.copy()
            moved[i] += STEP
            slopes[i] = (self.predict(moved) - state.prediction) / STEP
        slopes = np.where(self.known, slopes, 0.0)
        weight = np.where(self.known, (TAIL + 1.0) / (TAIL + state.residual**2) / self.scale**2, 0.0)
        away = np.where(self.known, self.target - state.prediction, 0.0)
        return normal_equations(self.plan, self.members, slopes, weight, away)

    def step(self, damping: float) -> tuple[float, float]:
        """Move once. Returns (gain, damping); no gain where no move helps."""
        equations = self.linearise()
        gradient = equations.gradient - self.precision * (self.state.solution - self.mean)
        curvature = np.maximum(diagonal_of(self.plan, equations), 1e-6)
        for _ in range(8):
            move = solve(self.plan, equations, self.precision + damping * curvature, gradient)
            trial = self.evaluate(self.state.solution + np.clip(move, -LARGEST_MOVE, LARGEST_MOVE))
            if np.isfinite(trial.loss) and trial.loss < self.state.loss:
                gain = self.state.loss - trial.loss
                self.state = trial
                return gain, max(damping / 4.0, 1e-7)
            damping *= 8.0
        return 0.0, damping

    def learn_spreads(self) -> None:
        """EM update of the prior variances, one per level and coefficient."""
        equations = self.linearise()
        spread = variances(self.plan, equations, self.precision)
        width = len(NAMES)
        for start, (_, keys) in zip(self.plan.starts(), self.plan.levels, strict=True):
            part = slice(start * width, (start + len(keys)) * width)
            second = (self.state.solution[part] ** 2 + spread[part]).reshape(-1, width).sum(axis=0)
            assumed = self.assumed[part].reshape(-1, width)[0] ** 2
            variance = (PSEUDO_KEYS * assumed + second) / (PSEUDO_KEYS + len(keys))
            self.precision[part] = np.tile(1.0 / variance, len(keys))
        self.state = self.evaluate(self.state.solution)


def fit(observations: Observations, *, iterations: int = ITERATIONS) -> Calibration:
    """Return the calibration that fits the observations."""
    search = _Fit(observations)
    damping = 1e-3
    for iteration in range(iterations):
        gain, damping = search.step(damping)
        learn = (iteration + 1) % SPREAD_EVERY == 0 and iteration + 1 < iterations
        if gain < 1e-4 * abs(search.state.loss) and not learn:
            if iteration > 2 * SPREAD_EVERY:
                break
            learn = True
        if learn:
            search.learn_spreads()
    return with_corrections(_calibration(search.plan, search.state.solution, observations), observations)


def with_corrections(calibration: Calibration, observations: Observations) -> Calibration:
    """Return the calibration with corrections fitted to what its coefficients leave."""
    x = observations.coordinates
    keys, members = members_of(observations.situations)
    bare = replace(calibration, corrections=None)
    nothing = MetricFit(np.zeros(len(x)), np.zeros((len(LEVELS), 2)))
    metrics = [nothing] * len(METRICS)
    for i, noise in enumerate(CORRECTION_NOISE):  # throughput last: it follows from the corrected times
        so_far = replace(bare, corrections=corrections_of(keys, members, x, metrics))
        residual = observations.logs[i] - np.log(observations.estimates(so_far)[i])
        metrics[i] = fit_metric(x, members, residual, noise)
    return replace(bare, corrections=corrections_of(keys, members, x, metrics))


def _spread(level: str, spread: float, item: Coefficient) -> float:
    """Return the assumed spread of a coefficient at a level; levels without an engine say nothing of how one is run."""
    if not item.of_kernels and "engine" not in level:
        return NEGLIGIBLE
    return spread * item.varies


def _members(index: IntArray, count: int) -> list[IntArray]:
    order = np.argsort(index, kind="stable")
    return np.split(order, np.searchsorted(index[order], np.arange(1, count)))


def _calibration(plan: Design, solution: FloatArray, observations: Observations) -> Calibration:
    found = observations.situations
    counts = np.bincount(found.index, minlength=len(found))
    blocks = solution.reshape(-1, plan.width)
    levels = []
    for place, (first, (name, keys)) in enumerate(zip(plan.starts(), plan.levels, strict=True)):
        rows = np.zeros(len(keys), dtype=np.intp)
        np.add.at(rows, plan.blocks[:, place + 1] - first, counts)
        levels.append(Level(name, keys, blocks[first : first + len(keys)], tuple(int(n) for n in rows)))
    return replace(Calibration.prior(), base=blocks[0], levels=tuple(levels))
