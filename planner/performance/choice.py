"""Whether the model chooses well: the cheapest measured setting that holds an SLA, chosen by predictions alone.

A case is a model, its lengths and an SLA, with every setting of it that was measured in a closed loop: accelerators,
engines, formats, degrees of parallelism, concurrencies. The choice is the setting of least predicted cost per output
token among those predicted to hold the SLA; it is judged by what was measured of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.performance.confidence import at_confidence
from planner.performance.observations import Observations
from planner.performance.steady_state import KINDS, METRICS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.catalog import Catalog
    from planner.performance.deployments import IntArray
    from planner.performance.profile import FloatArray

LIMITS: tuple[tuple[float, float], ...] = (
    (450.0, 40.0),
    (500.0, 30.0),
    (1500.0, 15.0),
    (2000.0, 80.0),
    (2000.0, 100.0),
    (2000.0, 200.0),
    (4500.0, 80.0),
    (6000.0, 175.0),
)
"""TTFT and TPOT in milliseconds that MLPerf Inference asks of servers: Llama-2-70B interactive, Llama-3.1-8B
interactive, DeepSeek-R1 interactive, DeepSeek-R1, Llama-3.1-8B, Llama-2-70B and Mixtral-8x7B, Llama-3.1-405B
interactive, Llama-3.1-405B (https://github.com/mlcommons/inference/blob/001712e9/loadgen/mlperf.conf)."""
NEAR = 0.05
"""A choice that costs this much more than the best, as a share, is as good as it."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How the choices of all cases came out at ``prices`` and a confidence. Shares are of ``cases``."""

    prices: str
    confidence: float
    """With which the SLA is predicted to hold; 0.5 is the best estimate."""
    cases: int
    near: float
    """Holds the SLA as measured, and costs at most :data:`NEAR` more than the measured best."""
    broken: float
    """The chosen setting was measured to break the SLA."""
    nothing: float
    """Nothing was predicted to hold, though something does."""
    excess: float
    """Cost over the measured best of the choices that hold, as a share: the mean."""


@dataclass(frozen=True, slots=True)
class _Settings:
    """Settings of all cases, one row each: repeats of a setting are their median."""

    case: IntArray
    cost_share: FloatArray
    """Cost per hour of the GPUs, over sequences in flight and output tokens of each."""
    output: FloatArray
    ttft: FloatArray
    """Milliseconds, measured and predicted: 2 x settings."""
    tpot: FloatArray
    latest: FloatArray
    """What has to be within the SLA, as measured and as predicted with the confidence: 2 x (TTFT, TPOT) x settings."""

    def cost(self) -> FloatArray:
        """Return cost per output token, measured and predicted: sequences / (TTFT + TPOT of the other tokens)."""
        return np.asarray(self.cost_share * (self.ttft + self.tpot * (self.output - 1.0)))


def judge(
    observations: Observations,
    predicted: FloatArray,
    high: FloatArray,
    prices: Mapping[str, float] | None = None,
    *,
    confidence: float = 0.5,
) -> Choices | None:
    """Return how well ``predicted`` chooses, with ``high`` ends of its intervals (both metrics x rows).

    ``prices`` are USD per GPU-hour, equal when None; settings on accelerators without one are left out. ``confidence``
    is that with which latencies must be predicted to hold, as ``sla.confidence`` asks. None when nothing has a choice.
    """
    table = _settings(observations, predicted, high, prices, confidence)
    if table is None:
        return None
    cost = table.cost()
    near, broken, nothing, excess = [], [], [], []
    for rows in _cases(table):
        for ttft, tpot in LIMITS:
            holds = (table.latest[:, 0, rows] <= ttft) & (table.latest[:, 1, rows] <= tpot)
            if not holds[0].any():
                continue
            best = cost[0, rows][holds[0]].min()
            nothing.append(not holds[1].any())
            if nothing[-1]:
                near.append(False)
                broken.append(False)
                continue
            chosen = int(np.where(holds[1], cost[1, rows], np.inf).argmin())
            over = float(cost[0, rows][chosen] / best - 1.0)
            broken.append(not holds[0, chosen])
            near.append(bool(holds[0, chosen]) and over <= NEAR)
            if holds[0, chosen]:
                excess.append(over)
    if not near:
        return None
    return Choices(
        prices="equal" if prices is None else "catalog",
        confidence=confidence,
        cases=len(near),
        near=float(np.mean(near)),
        broken=float(np.mean(broken)),
        nothing=float(np.mean(nothing)),
        excess=float(np.mean(excess)) if excess else 0.0,
    )


def catalog_prices(catalog: Catalog) -> dict[str, float]:
    """Return accelerator -> USD per GPU-hour of its cheapest on-demand offer."""
    found: dict[str, float] = {}
    for offer in catalog.offers.values():
        price = offer.price("on-demand")
        if price is not None and price.usd_per_hour is not None:
            each = price.usd_per_hour / offer.gpus
            found[offer.accelerator] = min(each, found.get(offer.accelerator, each))
    return found


def _cases(table: _Settings) -> Iterator[IntArray]:
    """Yield the settings of each model and length that leave a choice."""
    for case in range(int(table.case.max(initial=-1)) + 1):
        rows = np.flatnonzero(table.case == case)
        if len(rows) > 1:
            yield rows


def _settings(
    observations: Observations,
    predicted: FloatArray,
    high: FloatArray,
    prices: Mapping[str, float] | None,
    confidence: float,
) -> _Settings | None:
    o, labels = observations, observations.labels
    both = [METRICS.index("ttft"), METRICS.index("tpot")]
    names = labels["accelerator"]
    price = np.array([1.0 if prices is None else prices.get(name, np.nan) for name in names.tolist()])
    late = at_confidence(predicted[both], high[both], confidence)
    logs = np.stack([o.logs[both], np.log(predicted[both]), np.log(late)])
    kept = np.isfinite(logs).all(axis=(0, 1)) & np.isfinite(price) & (o.kind == KINDS.index("closed_loop"))
    if not kept.any():
        return None
    d, ones = o.deployments, np.ones(len(o))
    lengths = (o.load.input_tokens * ones, o.load.output_tokens * ones)
    case = _coded([labels["shape"][kept], *(length[kept] for length in lengths)])
    same: list[NDArray[Any]] = [case, names[kept], labels["engine"][kept], labels["weights"][kept]]
    same += [column[kept] for column in (d.tp, d.pp, d.ep, d.attention_dp, d.concurrency)]
    setting = _coded(same)
    leader = np.unique(setting, return_index=True)[1]
    members = np.split(np.argsort(setting, kind="stable"), np.cumsum(np.bincount(setting))[:-1])
    times = np.exp(np.stack([np.median(logs[:, :, kept][:, :, rows], axis=2) for rows in members], axis=-1))
    rows = np.flatnonzero(kept)[leader]
    share = price[rows] * (d.tp * d.pp)[rows] / (d.concurrency[rows] * lengths[1][rows])
    return _Settings(case[leader], share, lengths[1][rows], times[:2, 0], times[:2, 1], times[[0, 2]])


def _coded(columns: Sequence[NDArray[Any]]) -> IntArray:
    """Return the number of each row's combination among the sorted distinct ones."""
    parts = [np.unique(column, return_inverse=True)[1] for column in columns]
    return np.asarray(np.unique(np.stack(parts), axis=1, return_inverse=True)[1].ravel(), dtype=np.intp)
