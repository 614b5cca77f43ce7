"""How near two costs have to be to count as equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.scenario.values import PREDICTIONS
from planner.units import format_percent

if TYPE_CHECKING:
    from planner.candidates.streams import Streams

PARTS = 1_000_000


def tie_ppm(streams: Streams) -> int:
    """Return the share within which plans are equal, in parts per million, as the scenario asks.

    ``predictions`` is the probable error of throughput, on which the number of instances rests, where loads like this
    have been measured of the model on the accelerator: what costs less by less than that is not known to cost less.
    """
    within = streams.scenario.objective.within
    return round((prediction_error() if within == PREDICTIONS else float(within)) * PARTS)


def prediction_error() -> float:
    """Return the share by which throughput, and with it the number of instances, is predicted wrong or less."""
    from planner.performance.calibration import load_calibration

    return load_calibration().probable_error("throughput")


def tied(reason: str, more: float, cost: float) -> str:
    """Return ``reason``, with a word where ``more`` money than ``cost`` is less than what predictions are off by."""
    error = prediction_error()
    if not more or abs(more) >= error * cost:
        return reason
    return f"a tie, as predictions err by {format_percent(error, 0)}: {reason}"
