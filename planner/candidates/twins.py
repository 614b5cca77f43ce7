"""Formats that differ in a way that no figure of a plan shows: of those only one is tried.

FP8 with one scale per tensor, per channel or per block, or AWQ and GPTQ: the evidence on quality is that of their
family, their sizes are within a hundredth, and they run at the same speed. A search over any format takes the first
that the engine runs; a scenario that names a format gets that one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.catalog.schema.formats import WeightFormat

SAME_SIZE = 1.02
"""Ratio of bytes per weight up to which two formats of a family count as equal."""

_FINENESS = {"channel": 0, "block": 1, "group": 1, "tensor": 2, "none": 3}
"""Scales per channel first: what published checkpoints of most models have; one per tensor is the coarsest."""

_REFERENCE = "16bit"


def first_of_each(
    formats: Sequence[WeightFormat],
    native: str,
    named: Collection[str],
    possible: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return [hardware, engine, format, layout]: false where a preferred twin of the format can be used.

    ``possible`` says the same of every format alone, twins or not; formats in ``named`` are never left out.
    """
    keep = np.ones(possible.shape, dtype=bool)
    order = sorted(range(len(formats)), key=lambda i: _preference(formats[i], native))
    for place, worse in enumerate(order):
        if formats[worse].id in named:
            continue
        for better in order[:place]:
            if _twins(formats[better], formats[worse]):
                keep[:, :, worse] &= ~possible[:, :, better]
    return keep


def _twins(better: WeightFormat, worse: WeightFormat) -> bool:
    if better.family != worse.family or better.kind != worse.kind:
        return False
    # Anything wider than the reference stores the same values in more bytes.
    limit = np.inf if better.family == _REFERENCE else SAME_SIZE
    return better.bytes_per_weight <= worse.bytes_per_weight * SAME_SIZE and (
        worse.bytes_per_weight <= better.bytes_per_weight * limit
    )


def _preference(fmt: WeightFormat, native: str) -> tuple[bool, int, float, str]:
    return (fmt.id != native, _FINENESS[fmt.granularity], fmt.bytes_per_weight, fmt.id)
