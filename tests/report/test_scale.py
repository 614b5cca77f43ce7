"""Axes: positions, ticks, and what has no axis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.report.scale import Axis


def test_linear_ticks_are_round_and_inside():
    assert Axis("x", 0, 47).ticks() == [0, 10, 20, 30, 40]
    assert Axis("x", 0, 0.9).ticks() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])


def test_logarithmic_ticks_take_parts_of_decades_while_they_are_few():
    assert Axis("x", 9, 110, log=True).ticks() == [10, 20, 50, 100]
    assert Axis("x", 1, 1e4, log=True).ticks() == [1, 10, 100, 1000, 10000]


def test_logarithmic_axis_within_a_decade_still_has_ticks():
    assert len(Axis("x", 32, 41, log=True).ticks()) >= 2


def test_position_grows_and_ends_at_the_edges():
    axis = Axis("x", 1, 100, log=True)
    assert axis.position(10) == pytest.approx(0.5)
    assert axis.position(0.1) == 0
    assert axis.position(1e9) == 1


@pytest.mark.parametrize(("low", "high", "log"), [(1, 1, False), (2, 1, False), (0, 1, True), (-1, 1, True)])
def test_an_impossible_axis_is_refused(low, high, log):
    with pytest.raises(ValueError, match="axis from"):
        Axis("x", low, high, log)


@given(st.floats(1e-3, 1e7), st.floats(1.001, 1e6), st.booleans())
def test_ticks_are_few_ascending_and_on_the_axis(low, ratio, log):
    axis = Axis("x", low, low * ratio, log)
    ticks = axis.ticks()
    assert len(ticks) <= 7
    assert ticks == sorted(ticks)
    assert all(low * (1 - 1e-9) <= tick <= low * ratio * (1 + 1e-9) for tick in ticks)


def test_an_axis_around_nothing_or_one_value_exists():
    assert Axis.around("x", []).low < Axis.around("x", []).high
    assert Axis.around("x", [5.0], log=True).position(5.0) == pytest.approx(0.5)


def test_a_short_logarithmic_axis_has_ticks_between_the_usual_ones():
    assert Axis("x", 320, 1700, log=True).ticks() == [500, 700, 1000, 1500]
