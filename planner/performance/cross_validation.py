"""Predictions of measurements that the fit has not seen: by setting, by pair, by machine, by generation, by group.

* ``setting``: a whole setting (model, accelerator, engine, format, lengths, concurrency, GPUs) is left out, its
  neighbours stay. What one asks of a machine that was measured.
* ``pair``: every run of a model on an accelerator is left out, whatever engine, format or length. What one asks of a
  machine or a model that was not.
* ``machine``: every run of an engine on an accelerator is left out. What one asks of an engine on a device that nobody
  ran it on.
* ``generation``: every run on a generation of accelerators is left out. What one asks of a device unlike all measured.
* ``group``: every run of a model with an engine and a format on so many accelerators of a kind.

Folds are dealt out with a fixed seed, the largest groups first, so that they are of equal size and always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from planner.performance.calibration import EVIDENCE, Calibration, interval_key
from planner.performance.deployments import IntArray
from planner.performance.fitting import fit
from planner.performance.observations import KINDS, Observations
from planner.performance.profile import FloatArray
from planner.performance.serving import METRICS

LeaveOut = Literal["setting", "pair", "machine", "generation", "group"]
FOLDS: Mapping[LeaveOut, int] = {"setting": 5, "pair": 8, "machine": 8, "generation": 6, "group": 8}
INTERVAL_FOLDS: tuple[LeaveOut, ...] = ("setting", "pair", "machine", "generation")
"""What is left out to learn intervals: each brings the residuals of one level of evidence, the nearest first."""
ITERATIONS = 8
"""Of a fit that is warmed up by another; further ones change nothing visible."""
COVERAGE = 0.9
LEAST_RESIDUALS = 40
"""Fewer left-out residuals than this say too little about a tail of 5 %."""
LEAST_PAIRS = 5
"""Nor do the residuals of fewer models on accelerators."""
DEFAULT_OFFSETS = (-0.7, 0.7)
"""A factor of two either way, where nothing at all was left out."""
WIDER = 1.25
"""How much wider than a level's an interval is where residuals of the next one are too few to say: about the ratio of
neighbouring levels for which they do."""

Progress = Callable[[str, int, int], None]
"""Told (what, folds done, folds in all)."""


def labels_of(observations: Observations, kind: LeaveOut) -> list[str]:
    """Return the group of each row: what is left out together."""
    o, labels = observations, observations.labels
    if kind == "machine":
        return _joined([labels["engine"], labels["accelerator"]])
    if kind == "generation":
        return [o.deployments.accelerators[i].generation for i in o.deployments.accelerator.tolist()]
    columns: list[NDArray[np.str_]] = [labels["shape"], labels["accelerator"]]
    if kind == "pair":
        return _joined(columns)
    gpus = (o.deployments.tp * o.deployments.pp).astype(str)
    columns += [labels["engine"], labels["weights"], gpus]
    if kind == "setting":
        numbers = (o.load.input_tokens, o.load.output_tokens, o.deployments.concurrency)
        columns += [labels["kind"], *(np.asarray(values).astype(str) for values in numbers)]
    return _joined(columns)


def _joined(columns: list[NDArray[np.str_]]) -> list[str]:
    return ["|".join(parts) for parts in zip(*(column.tolist() for column in columns), strict=True)]


def folds(groups: list[str], count: int, seed: int = 0) -> IntArray:
    """Return the fold of each row: groups, the largest first, dealt to the fold with the fewest rows."""
    names, index, sizes = np.unique(np.array(groups), return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load, dealt = np.zeros(count, dtype=np.intp), np.empty(len(names), dtype=np.intp)
    for group in order:
        fold = int(load.argmin())
        dealt[group] = fold
        load[fold] += sizes[group]
    return np.asarray(dealt[index], dtype=np.intp)


def left_out(
    observations: Observations, kind: LeaveOut, start: Calibration, progress: Progress | None = None
) -> tuple[FloatArray, IntArray]:
    """Return (predictions, evidence) of fits without each row's group: metrics x rows, and how near they had been.

    ``start`` is the fit on all rows; it only warms the search up. Where nothing is left to fit, the prior answers.
    """
    fold = folds(labels_of(observations, kind), FOLDS[kind])
    predicted = np.full((len(METRICS), len(observations)), np.nan)
    evidence = np.zeros(len(observations), dtype=np.intp)
    for number in range(FOLDS[kind]):
        if progress is not None:
            progress(f"left-out {kind}s", number + 1, FOLDS[kind])
        test = fold == number
        if not test.any():
            continue
        rest = observations.take(~test)
        fitted = fit(rest, start=start, iterations=ITERATIONS) if len(rest) else Calibration.prior()
        rows = observations.take(test)
        predicted[:, test] = rows.estimates(fitted)
        evidence[test] = fitted.evidence(rows.situations)
    return predicted, evidence


Predictions = tuple[FloatArray, IntArray]
"""Left-out predictions (metrics x rows), and the evidence that the fits without the row had."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit on all rows, without intervals, and what fits without some of them predicted of these."""

    calibration: Calibration
    predictions: Mapping[LeaveOut, Predictions]

    @classmethod
    def of(cls, observations: Observations, progress: Progress | None = None) -> Fitted:
        """Fit, and leave out in turn all that intervals need."""
        everything = fit(observations)
        return cls(everything, {kind: left_out(observations, kind, everything, progress) for kind in INTERVAL_FOLDS})


def with_intervals(
    calibration: Calibration, observations: Observations, parts: list[tuple[FloatArray, IntArray]]
) -> Calibration:
    """Return ``calibration`` with 90 % intervals by split conformal prediction per metric, kind of run and evidence.

    ``parts`` are left-out predictions with their evidence. The interval is that of the logarithms' residuals between
    their 5th and 95th percentile with the finite-sample correction (Vovk et al. 2005; Romano et al. 2019), Mondrian by
    level of evidence. ``parts`` must hold every level's: those of left-out pairs say nothing of a pair that was
    measured. A level with too few residuals takes the next nearer one's, widened; none is narrower than one with nearer
    evidence.
    """
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    for (kind, name_of_kind), (i, metric) in product(enumerate(KINDS), enumerate(METRICS)):
        rows_of_kind = observations.kind == kind
        if not np.isfinite(observations.logs[i, rows_of_kind]).any():
            continue
        found = dict(_offsets(i, observations, parts, rows_of_kind))
        table: dict[str, tuple[float, float]] = {}
        low, high = found.get(EVIDENCE[0], DEFAULT_OFFSETS)
        for place, name in enumerate(EVIDENCE):
            wider = WIDER if place else 1.0
            own = found.get(name, (low * wider, high * wider))
            low, high = min(low, own[0]), max(high, own[1])
            table[name] = (round(low, 3), round(high, 3))
        intervals[interval_key(metric, name_of_kind)] = table
    return replace(calibration, intervals=intervals)


def _offsets(
    metric: int, observations: Observations, parts: list[tuple[FloatArray, IntArray]], among: NDArray[np.bool_]
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield the conformal offsets of each level of evidence of which enough rows ``among`` all, and pairs, speak."""
    measured = observations.logs[metric]
    pairs = np.array(labels_of(observations, "pair"))
    for level, name in enumerate(EVIDENCE):
        pooled, seen = [], set()
        for predicted, evidence in parts:
            rows = among & (evidence == level) & np.isfinite(measured) & np.isfinite(predicted[metric])
            pooled.append(measured[rows] - np.log(predicted[metric, rows]))
            seen |= set(pairs[rows].tolist())
        residuals = np.concatenate(pooled)
        if len(residuals) >= LEAST_RESIDUALS and len(seen) >= LEAST_PAIRS:
            yield name, conformal(residuals)


def conformal(residuals: FloatArray) -> tuple[float, float]:
    """Return the offsets between which 90 % of exchangeable further residuals lie: the k-th smallest and largest.

    k = floor((n + 1) (1 - coverage) / 2), at least the extremes.
    """
    ordered = np.sort(residuals)
    k = max(int(np.floor((len(ordered) + 1) * (1.0 - COVERAGE) / 2.0)), 1)
    return float(ordered[k - 1]), float(ordered[-k])
