"""Observations -> a complete calibration: coefficients, intervals from left-out rows, and what it was fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from planner.performance.calibration import Calibration, load_calibration
from planner.performance.cross_validation import Fitted
from planner.performance.intervals import with_intervals
from planner.performance.observations import Observations
from planner.performance.percentiles import percentile_ratios


def recalibrate(
    fitted: Fitted,
    observations: Observations,
    rows: Sequence[Mapping[str, Any]],
    sources: Sequence[str],
    as_of: str = "",
) -> Calibration:
    """Complete a fit with intervals and percentile ratios. ``rows`` are what its ``observations`` were read from.

    Where ``rows`` print no percentiles the ratios stay those of the calibration in use.
    """
    campaign = observations.labels["campaign"]
    counts = [{"set": name, "rows": int(np.count_nonzero(campaign == name))} for name in sorted(set(campaign.tolist()))]
    fitted_on = (*counts, {"files": list(sources), "rows": len(observations)})
    percentiles = percentile_ratios(rows, load_calibration().percentiles)
    bounded = with_intervals(fitted.calibration, observations, list(fitted.predictions.values()))
    return replace(bounded, percentiles=percentiles, fitted_on=fitted_on, as_of=as_of)
