"""Figures at a confidence: how late, or how slow, a prediction may turn out to be.

A prediction's 90 % interval has its bounds at the 5th and 95th percentile of what a left-out measurement came to, and
errors of times are alike in proportion. Between the estimate (50 %) and its bound (95 %) the figure is therefore taken
to follow a log-normal distribution: figure(c) = estimate x (bound / estimate) ** (z(c) / z(95 %)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Z_95 = 1.6448536269514722
"""Standard normal quantile of 95 %, where a 90 % interval has its bound."""


def at_confidence(estimate: Floats, bound: Floats, confidence: float) -> Floats:
    """Return what holds with ``confidence`` (0.5 to below 1); ``bound`` is the interval's end on the bad side."""
    from statistics import NormalDist

    share = NormalDist().inv_cdf(confidence) / Z_95
    return np.asarray(estimate * (bound / estimate) ** share, dtype=np.float64)
