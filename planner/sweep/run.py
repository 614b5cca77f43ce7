"""Solves the variants of a sweep on all cores, or on a cluster, and keeps what is done when it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from planner.errors import MissingExtra, PlannerError
from planner.sweep.point import Point, Settings, solve_variant

Progress = Callable[[int], None]
"""Called with the number of variants that are newly done."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Points in the order of their variants, whichever was done first. ``stopped``: some are missing."""

    points: tuple[Point, ...]
    asked: int
    stopped: bool


@contextmanager
def cluster_executor(address: str) -> Iterator[Executor]:
    """Dask workers behind the scheduler at ``address``; they need the planner and the scenario's files.

    Raises MissingExtra without the package, and PlannerError where no scheduler answers.
    """
    try:
        import distributed
    except ImportError:
        raise MissingExtra("distributed", "cluster", "--scheduler") from None
    connect: Any = distributed.Client
    try:
        client = connect(address, timeout="10s", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise PlannerError(f"no Dask scheduler answers at {address}: {error}") from error
    try:
        yield client.get_executor(pure=False)
    finally:
        client.close()


def run_sweep(
    path: str, variants: Sequence[Settings], executor: Executor, progress: Progress = lambda _: None
) -> Sweep:
    """Solve ``variants`` of the scenario at ``path``; KeyboardInterrupt ends it with the points that are done."""
    numbers: dict[Future[Point], int] = {}
    points: dict[int, Point] = {}
    stopped = False
    try:
        for number, settings in enumerate(variants):
            numbers[executor.submit(solve_variant, path, settings)] = number
        for future in as_completed(numbers):
            points[numbers[future]] = _result(future, variants[numbers[future]])
            progress(1)
    except KeyboardInterrupt:
        stopped = True
        for future, number in numbers.items():
            if not future.cancel() and future.done() and number not in points:
                points[number] = _result(future, variants[number])
    return Sweep(tuple(points[number] for number in sorted(points)), len(variants), stopped)


def _result(future: Future[Point], settings: Settings) -> Point:
    """Return the answer; a worker that died is an error of its variant."""
    error = future.exception()
    return future.result() if error is None else Point(settings, "error", reason=f"{type(error).__name__}: {error}")
