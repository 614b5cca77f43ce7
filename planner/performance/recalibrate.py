"""Observations -> a complete calibration: coefficients, intervals from left-out rows, and what it was fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from planner.performance.calibration import Calibration, load_calibration
from planner.performance.cross_validation import INTERVAL_FOLDS, Progress, left_out, with_intervals
from planner.performance.fitting import fit
from planner.performance.observations import Observations
from planner.performance.percentiles import percentile_ratios


def recalibrate(
    observations: Observations,
    rows: Sequence[Mapping[str, Any]],
    sources: Sequence[str],
    as_of: str = "",
    *,
    progress: Progress | None = None,
) -> Calibration:
    """Fit, and set the intervals and percentile ratios. ``rows`` are what ``observations`` was read from.

    Where ``rows`` print no percentiles the ratios stay those of the calibration in use.
    """
    calibration = fit(observations)
    parts = [left_out(observations, kind, calibration, progress) for kind in INTERVAL_FOLDS]
    campaign = observations.labels["campaign"]
    counts = [{"set": name, "rows": int(np.count_nonzero(campaign == name))} for name in sorted(set(campaign.tolist()))]
    fitted_on = (*counts, {"files": list(sources), "rows": len(observations)})
    percentiles = percentile_ratios(rows, load_calibration().percentiles)
    bounded = with_intervals(calibration, observations, parts)
    return replace(bounded, percentiles=percentiles, fitted_on=fitted_on, as_of=as_of)
