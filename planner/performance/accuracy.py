"""How accurate the model is on what it has not seen: the tables that docs/accuracy.md holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.performance.cross_validation import LeaveOut, Progress, left_out, with_intervals
from planner.performance.fitting import fit
from planner.performance.observations import Observations
from planner.performance.validation import bounds, grouped_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.error_summary import Errors

KINDS: tuple[LeaveOut, ...] = ("setting", "pair")
GROUPS = ("campaign", "kind", "engine", "accelerator")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Errors of left-out predictions, by what was left out; the groups are those of ``planner validate``."""

    left_out: LeaveOut
    rows: int
    errors: tuple[Errors, ...]


def accuracy(observations: Observations, *, progress: Progress | None = None) -> tuple[Accuracy, ...]:
    """Return the errors of predictions from fits that had not seen the row's setting, then its pair.

    Coverage is honest as well: the intervals of one half of the folds' rows come from the residuals of the other half.
    """
    everything = fit(observations)
    found = []
    for kind in KINDS:
        predicted, evidence = left_out(observations, kind, everything, progress)
        low, high = np.full_like(predicted, np.nan), np.full_like(predicted, np.nan)
        half = _halves(observations)
        for side in (False, True):
            rows, others = half == side, half != side
            calibrated = with_intervals(
                everything, observations.take(others), [(predicted[:, others], evidence[others])]
            )
            low[:, rows], high[:, rows] = bounds(predicted[:, rows], evidence[rows], calibrated)
        found.append(
            Accuracy(kind, len(observations), tuple(grouped_errors(observations, predicted, low, high, GROUPS)))
        )
    return tuple(found)


def _halves(observations: Observations) -> NDArray[np.bool_]:
    """Return which half a row belongs to; runs of one model on one accelerator stay together."""
    labels = observations.labels
    pairs = ["|".join(pair) for pair in zip(labels["shape"].tolist(), labels["accelerator"].tolist(), strict=True)]
    names = sorted(set(pairs))
    return np.array([names.index(pair) % 2 == 1 for pair in pairs], dtype=bool)
