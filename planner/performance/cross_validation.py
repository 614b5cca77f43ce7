"""Predictions of measurements that the fit has not seen: by setting, by pair, by machine, by generation.

* ``setting``: a whole setting (model, accelerator, engine, format, lengths, concurrency, GPUs) is left out, its
  neighbours stay. What one asks of a machine that was measured.
* ``pair``: every run of a model on an accelerator is left out, whatever engine, format or length. What one asks of a
  machine or a model that was not.
* ``machine``: every run of an engine on an accelerator is left out. What one asks of an engine on a device that nobody
  ran it on.
* ``generation``: every run on a generation of accelerators is left out. What one asks of a device unlike all measured.

Folds are dealt out with a fixed seed, the largest groups first, so that they are of equal size and always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from planner.performance.calibration import Calibration
from planner.performance.deployments import IntArray
from planner.performance.fitting import fit
from planner.performance.observations import Observations
from planner.performance.profile import FloatArray
from planner.performance.steady_state import METRICS

LeaveOut = Literal["setting", "pair", "machine", "generation"]
FOLDS: Mapping[LeaveOut, int] = {"setting": 5, "pair": 8, "machine": 8, "generation": 6}
INTERVAL_FOLDS: tuple[LeaveOut, ...] = ("setting", "pair", "machine", "generation")
"""What is left out to learn intervals: each brings the residuals of one level of evidence, the nearest first."""
Progress = Callable[[int, int], None]
"""Told (folds done, folds in all)."""


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
    numbers = (o.load.input_tokens, o.load.output_tokens, o.deployments.concurrency)
    columns += [labels["engine"], labels["weights"], gpus, labels["kind"]]
    return _joined([*columns, *(np.asarray(values).astype(str) for values in numbers)])


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


def left_out(observations: Observations, kind: LeaveOut, number: int) -> tuple[NDArray[np.bool_], FloatArray, IntArray]:
    """Return (rows, predictions, evidence) of a fold by a fit without it: a mask, metrics x rows, and how near it was.

    The fit starts from the prior: warmed up by a fit on all rows it would know of those left out. Where nothing is left
    to fit, the prior answers.
    """
    test = folds(labels_of(observations, kind), FOLDS[kind]) == number
    if not test.any():
        return test, np.empty((len(METRICS), 0)), np.empty(0, dtype=np.intp)
    rest, rows = observations.take(~test), observations.take(test)
    fitted = fit(rest) if len(rest) else Calibration.prior()
    return test, *rows.estimates_and_evidence(fitted)


Predictions = tuple[FloatArray, IntArray]
"""Left-out predictions (metrics x rows), and the evidence that the fits without the row had."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fit on all rows, without intervals, and what fits without some of them predicted of these."""

    calibration: Calibration
    predictions: Mapping[LeaveOut, Predictions]

    @classmethod
    def of(cls, observations: Observations, executor: Executor, progress: Progress | None = None) -> Fitted:
        """Fit, and leave out in turn all that intervals need: a task of ``executor`` for each fold."""
        everything = fit(observations)
        predictions = {
            kind: (np.full((len(METRICS), len(observations)), np.nan), np.zeros(len(observations), dtype=np.intp))
            for kind in INTERVAL_FOLDS
        }
        tasks = {
            executor.submit(left_out, observations, kind, number): kind
            for kind in INTERVAL_FOLDS
            for number in range(FOLDS[kind])
        }
        for done, task in enumerate(as_completed(tasks)):
            rows, predicted, evidence = task.result()
            whole = predictions[tasks[task]]
            whole[0][:, rows], whole[1][rows] = predicted, evidence
            if progress is not None:
                progress(done + 1, len(tasks))
        return cls(everything, predictions)
