from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner.candidates.demand import MICRO, Demand
from planner.candidates.lengths import Lengths

LENGTHS = Lengths(1000.0, 100.0, 1100.0, 1050.0, 1000.0, 100.0)


def closed(concurrency: int) -> Demand:
    return Demand(LENGTHS, 0.0, concurrency, None)


def arriving(rate: float) -> Demand:
    return Demand(LENGTHS, 0.0, None, rate)


def fleets(demand: Demand, batches: np.ndarray) -> set[int]:
    return set((-(-demand.amount // demand.capacity(batches, np.ones(batches.size)))).tolist())


@given(st.integers(1, 3000))
def test_between_two_batches_every_number_of_replicas_that_matters_is_tried(concurrency: int) -> None:
    demand = closed(concurrency)
    grid = demand.grid(fine=True)
    assert grid[0] == 1
    assert grid[-1] == concurrency
    tried = set(grid.tolist())
    for low, high in zip(grid[:-1].tolist(), grid[1:].tolist(), strict=True):
        tried.update(demand.between(low, high).tolist())
    assert tried == {-(-concurrency // replicas) for replicas in range(1, concurrency + 1)}


@given(st.integers(2, 3000))
def test_below_the_coarse_grid_one_gets_down_to_a_single_sequence(concurrency: int) -> None:
    demand, lowest = closed(concurrency), int(closed(concurrency).grid(fine=False)[0])
    for _ in range(12):
        if lowest == 1:
            break
        smaller = demand.below(lowest)
        assert smaller.size
        assert smaller[-1] < lowest
        lowest = int(smaller[0])
    assert lowest == 1


def test_a_rate_narrows_down_to_its_tolerance() -> None:
    demand, low, high, limit = arriving(5.0), 64, 256, 190
    for _ in range(8):
        tried = demand.between(low, high)
        if not tried.size:
            break
        low = max([low, *tried[tried <= limit].tolist()])
        high = min([high, *tried[tried > limit].tolist()])
    assert low <= limit < high
    assert high - low <= 4


@given(st.integers(1, 2000), st.floats(1.0, 1e5))
def test_an_open_load_leaves_room_for_the_peaks_of_poisson_arrivals(batch: int, rate: float) -> None:
    capacity = arriving(5.0).capacity(np.array([batch]), np.array([rate]))[0] / MICRO
    mean = capacity / (rate / 100) * batch  # Little's law at the throughput of a full batch
    assert mean + 1.645 * np.sqrt(mean) <= batch + 1e-3 * batch + 1e-3
    assert capacity <= rate / 100


def test_capacity_of_a_closed_loop_is_its_batch() -> None:
    demand = closed(200)
    assert fleets(demand, np.array([25, 50, 67])) == {8, 4, 3}
