from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.candidates.availability import MAX_SPARES, availability, spares_needed, unavailability


def by_enumeration(needed: int, spares: int, down: float) -> float:
    bought = needed + spares
    return sum(comb(bought, lost) * down**lost * (1 - down) ** (bought - lost) for lost in range(spares + 1))


@given(st.integers(1, 12), st.integers(0, 5), st.floats(1e-5, 0.2))
def test_it_is_the_binomial_tail(needed: int, spares: int, down: float) -> None:
    found = availability(np.array([needed]), spares, np.array([down]))[0]
    assert found == pytest.approx(by_enumeration(needed, spares, down), rel=1e-9)


def test_every_outcome_of_three_instances_counted_by_hand() -> None:
    down = 0.1
    up = sum(
        np.prod([down if lost else 1 - down for lost in outcome])
        for outcome in product((False, True), repeat=3)
        if sum(outcome) <= 1
    )
    assert availability(np.array([2]), 1, np.array([down]))[0] == pytest.approx(up)


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(1e-5, 0.05)), min_size=1, max_size=8), st.floats(0.9, 0.99999))
def test_the_spares_are_the_fewest_that_reach_the_target(rows: list[tuple[int, float]], target: float) -> None:
    needed, down = (np.array(column) for column in zip(*rows, strict=True))
    found = spares_needed(needed, down, target)
    for index, spares in enumerate(found.tolist()):
        one = (needed[[index]], down[[index]])
        if spares <= MAX_SPARES:
            assert availability(one[0], spares, one[1])[0] >= target
        if spares > 0:
            assert availability(one[0], spares - 1, one[1])[0] < target


def test_an_eight_gpu_node_fails_as_often_as_published() -> None:
    """1.4 interruptions a year on H100 (Llama 3), 7.6 on A100 research clusters."""
    for generation, per_year in (("hopper", 1.38), ("ampere", 7.65)):
        down = unavailability(8, generation, owned=False)
        hours_between = 1.0 / down - 1.0  # repair takes one hour
        assert 8760 / hours_between == pytest.approx(per_year, rel=0.01)


def test_owned_hardware_waits_longer_for_its_repair() -> None:
    assert unavailability(8, "hopper", owned=True) > 100 * unavailability(8, "hopper", owned=False)
