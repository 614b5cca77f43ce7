"""90 % intervals from the residuals of left-out predictions: conformal, by metric, regime and level of evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from planner.performance.calibration import EVIDENCE, Calibration, interval_key
from planner.performance.cross_validation import labels_of
from planner.performance.deployments import IntArray
from planner.performance.observations import Observations
from planner.performance.profile import FloatArray
from planner.performance.steady_state import METRICS, REGIMES

COVERAGE = 0.9
LEAST_RESIDUALS = 40
"""Fewer left-out residuals than this say too little about a tail of 5 %."""
LEAST_PAIRS = 5
"""Nor do the residuals of fewer models on accelerators."""
DEFAULT_OFFSETS = (-0.7, 0.7)
"""A factor of two either way, where nothing at all was left out."""
WIDER = 1.25
"""How much wider than a level's an interval is where residuals of the next one are too few to say: about the ratio of
neighbouring levels for which they do."""


def with_intervals(
    calibration: Calibration, observations: Observations, parts: list[tuple[FloatArray, IntArray]]
) -> Calibration:
    """Return ``calibration`` with 90 % intervals by conformal prediction per metric, regime and level of evidence.

    ``parts`` are left-out predictions with their evidence, the more kinds of them the more levels have residuals of
    their own. Intervals are those of :func:`conformal` on the logarithms' residuals (Vovk et al. 2005; Romano et al.
    2019), Mondrian by level. None is narrower than one with nearer evidence: levels that came out so share their
    residuals. A level with too few takes the interval of the next farther one, or the nearer one's, widened.
    """
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    for (regime, name_of_regime), (i, metric) in product(enumerate(REGIMES), enumerate(METRICS)):
        rows_of_regime = observations.regime == regime
        if not np.isfinite(observations.logs[i, rows_of_regime]).any():
            continue
        residuals = dict(_residuals(i, observations, parts, rows_of_regime))
        if not residuals and name_of_regime == "crowded":
            continue  # too few to tell: those of a server
        found = dict(zip(residuals, ordered(list(residuals.values())), strict=True))
        table: dict[str, tuple[float, float]] = {}
        low, high = DEFAULT_OFFSETS
        for place, name in enumerate(EVIDENCE):
            farther = next((found[level] for level in EVIDENCE[place:] if level in found), None)
            if farther is not None:
                low, high = farther
            elif place:
                low, high = low * WIDER, high * WIDER
            table[name] = (round(low, 3), round(high, 3))
        intervals[interval_key(metric, name_of_regime)] = table
    return replace(calibration, intervals=intervals)


@dataclass(frozen=True, slots=True)
class Residuals:
    """Log measured less log predicted of left-out rows, and the pair of model and accelerator of each."""

    values: FloatArray
    pairs: NDArray[np.str_]

    def and_of(self, others: Residuals) -> Residuals:
        """Return both together."""
        return Residuals(np.concatenate([self.values, others.values]), np.concatenate([self.pairs, others.pairs]))

    def enough(self) -> bool:
        """Whether they can speak of tails."""
        return len(self.values) >= LEAST_RESIDUALS and len(set(self.pairs.tolist())) >= LEAST_PAIRS


def _residuals(
    metric: int, observations: Observations, parts: list[tuple[FloatArray, IntArray]], among: NDArray[np.bool_]
) -> Iterator[tuple[str, Residuals]]:
    """Yield the residuals of each level of evidence of which enough rows ``among`` all, and pairs, speak."""
    measured = observations.logs[metric]
    pairs = np.array(labels_of(observations, "pair"))
    for level, name in enumerate(EVIDENCE):
        pooled = Residuals(np.empty(0), pairs[:0])
        for predicted, evidence in parts:
            rows = among & (evidence == level) & np.isfinite(measured) & np.isfinite(predicted[metric])
            pooled = pooled.and_of(Residuals(measured[rows] - np.log(predicted[metric, rows]), pairs[rows]))
        if pooled.enough():
            yield name, pooled


def ordered(levels: list[Residuals]) -> list[tuple[float, float]]:
    """Return the conformal offsets of the residuals of each level, none inside those of a level before it.

    Each end is that of an isotonic regression: neighbours in the wrong order are pooled (Ayer et al. 1955).
    """
    ends = []
    for end, sign in ((0, -1.0), (1, 1.0)):
        pools: list[tuple[float, Residuals, int]] = []
        for residuals in levels:
            pools.append((sign * conformal(residuals)[end], residuals, 1))
            while len(pools) > 1 and pools[-1][0] < pools[-2][0]:
                (_, before, count), (_, after, more) = pools[-2:]
                together = before.and_of(after)
                pools[-2:] = [(sign * conformal(together)[end], together, count + more)]
        ends.append([sign * value for value, _, count in pools for _ in range(count)])
    return list(zip(*ends, strict=True))


def conformal(residuals: Residuals) -> tuple[float, float]:
    """Return the offsets between which 90 % of the residuals of a further pair lie.

    Rows of a pair err alike, so quantiles of all rows are too narrow for a pair that is not among them. The share that
    may lie outside is therefore that at which the quantiles of the other pairs' residuals hold 90 % of each pair's, one
    pair left out after the other (after Dunn, Wasserman and Ramdas 2022). Where every row is a pair of its own this is
    split conformal: the k-th smallest and largest, k = floor((n + 1) (1 - coverage) / 2), at least the extremes.
    """
    values, pairs = residuals.values, residuals.pairs
    below, above = np.empty(len(values)), np.empty(len(values))
    for pair in np.unique(pairs):
        own = pairs == pair
        others = np.sort(values[~own])
        below[own] = np.searchsorted(others, values[own], "left") / len(others)
        above[own] = 1.0 - np.searchsorted(others, values[own], "right") / len(others)
    count = len(values)
    k = max(int(np.floor((count + 1) * (1.0 - COVERAGE) / 2.0)), 1)
    outside = (np.floor(np.sort(share)[k - 1] * count).astype(int) for share in (below, above))
    low, high = (min(int(each), count - 1) for each in outside)
    sorted_values = np.sort(values)
    return float(sorted_values[low]), float(sorted_values[count - 1 - high])
