"""Mean electrical power of accelerators that serve a model, as a share of their TDP.

Measured by ML.ENERGY v3 (github.com/ml-energy/leaderboard @0cd52da, 2026-02-27): whole serving runs on H100 (700 W) and
B200 (1000 W), binned by average batch per replica, mean over the runs of a bin. The B200 rows are of its chat task
alone, since its long-reasoning runs there were bound by the host and not representative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from planner.architecture.model import ModelArchitecture

SOURCE = "ML.ENERGY leaderboard v3, 2026-02"
AS_OF = "2026-02-27"

IDLE_SHARE_OF_TDP = 0.115
"""An H200 SXM that holds weights and serves nothing: 80.3 of 700 W (api.serialalice.pt/alice-benchmark, 2026-06)."""

ModelKind = Literal["dense", "moe", "hybrid"]

_BATCH = (8.5, 17.0, 34.0, 68.0, 136.0, 272.0, 543.0, 1086.0)
"""Geometric middles of the bins 6-12, 12-24, ... 384-768 and beyond 768 sequences."""

_SHARE: dict[tuple[str, ModelKind], tuple[float, ...]] = {
    ("hopper", "dense"): (0.659, 0.690, 0.738, 0.802, 0.858, 0.888, 0.919),
    ("hopper", "moe"): (0.581, 0.624, 0.653, 0.681, 0.703, 0.711, 0.747, 0.791),
    ("hopper", "hybrid"): (0.656, 0.685, 0.732, 0.845, 0.899, 0.921),
    ("blackwell", "dense"): (0.767, 0.762, 0.758, 0.825, 0.860, 0.914, 0.894, 0.876),
    ("blackwell", "moe"): (0.635, 0.684, 0.730, 0.753, 0.785, 0.807, 0.657, 0.693),
}

_LIKE_HYBRID = frozenset({"linear", "mamba", "convolution"})


def model_kind(architecture: ModelArchitecture) -> ModelKind:
    """Return which of the measured families a model belongs to: hybrid before MoE before dense."""
    if any(group.mixer.kind in _LIKE_HYBRID for group in architecture.layers):
        return "hybrid"
    return "moe" if architecture.experts else "dense"


def mean_share_of_tdp(generation: str, kind: ModelKind, batch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return mean power over TDP while a replica serves ``batch`` sequences on average.

    Interpolated over the logarithm of the batch, held constant outside the measured range. A generation without
    measurements borrows Hopper's curve (``measured`` says which have their own).
    """
    import numpy as np

    shares = _SHARE.get((generation, kind)) or _SHARE[generation if measured(generation) else "hopper", _borrowed(kind)]
    known = np.log(_BATCH[: len(shares)])
    return np.interp(np.log(np.maximum(batch, 1.0)), known, shares)


def measured(generation: str) -> bool:
    """Return whether the curve of a generation is its own."""
    return any(known == generation for known, _ in _SHARE)


def _borrowed(kind: ModelKind) -> ModelKind:
    return "dense" if kind == "hybrid" else kind
