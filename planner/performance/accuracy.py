"""How accurate the model is on what it has not seen: all that docs/accuracy.md tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from planner.performance.choice import Choices, judge
from planner.performance.cross_validation import FOLDS, Fitted, LeaveOut, folds, labels_of
from planner.performance.intervals import with_intervals
from planner.performance.observations import Observations
from planner.performance.validation import bounds, grouped_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.error_summary import Errors
    from planner.performance.profile import FloatArray

GROUPS: Mapping[LeaveOut, tuple[str, ...]] = {
    "setting": ("campaign", "kind", "engine", "accelerator"),
    "pair": ("campaign", "kind", "engine", "accelerator"),
    "machine": ("engine", "accelerator"),
    "generation": ("accelerator",),
}
"""By what the errors of each kind are told, after those of all rows and of :data:`NAMED`."""
CAMPAIGN = "inferencex"
ANCHOR = "Llama-3.1-70B FP8 on vLLM, H100 and H200"
"""The group whose TPOT a step-by-step model of that engine predicts to 6.1 % on average."""
CONFIDENCES = (0.5, 0.7)
"""With which the SLA of a choice is predicted to hold: the best estimate, and a margin for the model's errors."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Errors of left-out predictions, by what was left out, and the choices made by them."""

    left_out: LeaveOut
    errors: tuple[Errors, ...]
    choices: tuple[Choices, ...]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of ``rows`` that were compared; ``parts`` are in the order of :data:`cross_validation.INTERVAL_FOLDS`."""

    rows: int
    accelerators: int
    parts: tuple[LeftOut, ...]


def accuracy(observations: Observations, fitted: Fitted, prices: Mapping[str, float]) -> Accuracy:
    """Return the errors of predictions from fits that had not seen the row's setting, pair, machine or generation.

    ``prices`` are USD per GPU-hour by accelerator, for choices at a catalog's prices.
    """
    intervals = honest_bounds(observations, fitted)
    parts = []
    for kind, (predicted, _) in fitted.predictions.items():
        low, high = intervals[kind]
        choices = (
            judge(observations, predicted, high, price, confidence=confidence)
            for price, confidence in product((None, prices), CONFIDENCES)
            if kind in ("setting", "pair")
        )
        errors = grouped_errors(observations, predicted, low, high, GROUPS[kind], named(observations))
        parts.append(LeftOut(kind, tuple(errors), tuple(item for item in choices if item is not None)))
    names = observations.labels["accelerator"].tolist()
    return Accuracy(len(observations), len(set(names)), tuple(parts))


def named(observations: Observations) -> dict[str, NDArray[np.bool_]]:
    """Return the rows of the groups that goals are set for."""
    labels = observations.labels
    own = labels["campaign"] == CAMPAIGN
    anchor = own & (labels["engine"] == "vllm") & (labels["weights"] == "fp8-e4m3")
    anchor &= (labels["model"] == "meta-llama/Llama-3.1-70B") & np.isin(labels["accelerator"], ["h100-sxm", "h200-sxm"])
    return {"published sets": ~own, ANCHOR: anchor}


def honest_bounds(observations: Observations, fitted: Fitted) -> dict[LeaveOut, tuple[FloatArray, FloatArray]]:
    """Return the interval's ends of the left-out predictions of every kind, from residuals of other pairs.

    Pairs of model and accelerator are dealt to folds as where they are left out; the intervals of one come from the
    others. The procedure is that of a shipped calibration: residuals of all kinds are pooled by level of evidence.
    """
    predictions = fitted.predictions
    found = {kind: (np.empty_like(p), np.empty_like(p)) for kind, (p, _) in predictions.items()}
    fold = folds(labels_of(observations, "pair"), FOLDS["pair"])
    for number in np.unique(fold):
        rows, others = fold == number, fold != number
        parts = [(predicted[:, others], evidence[others]) for predicted, evidence in predictions.values()]
        calibrated = with_intervals(fitted.calibration, observations.take(others), parts)
        for kind, (predicted, evidence) in predictions.items():
            low, high = found[kind]
            low[:, rows], high[:, rows] = bounds(
                predicted[:, rows], evidence[rows], observations.regime[rows], calibrated
            )
    return found
