"""How near two costs have to be to count as equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.scenario.words import PREDICTIONS

if TYPE_CHECKING:
    from planner.candidates.streams import Streams

PARTS = 1_000_000


def tie_ppm(streams: Streams) -> int:
    """Return the share within which plans are equal, in parts per million, as the scenario asks.

    ``predictions`` is the probable error of throughput, on which the number of instances rests, where the model has
    been measured on the accelerator: a plan that costs less by less than that is not known to cost less.
    """
    within = streams.scenario.objective.within
    if within != PREDICTIONS:
        return round(float(within) * PARTS)
    from planner.performance.calibration import load_calibration

    return round(load_calibration().probable_error("throughput") * PARTS)
