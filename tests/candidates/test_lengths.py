"""Means over what arrives, over what is in flight, and the tail: by hand for two classes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.candidates.lengths import TAIL, Lengths, by_length, weights_of
from planner.scenario.workload import SizeClass, Workload

SHORT, LONG = SizeClass(100, 100, 0.8), SizeClass(9000, 400, 0.2)


def test_a_rate_states_shares_of_what_arrives() -> None:
    work = Workload(request_rate_per_s=1.0, sizes=(SHORT, LONG))
    arriving, in_flight = weights_of(work)
    assert arriving == pytest.approx((0.8, 0.2))
    assert in_flight == pytest.approx((0.5, 0.5))  # four times as few, four times as long
    found = Lengths.of(work)
    assert found.input_tokens == pytest.approx(0.8 * 100 + 0.2 * 9000)
    assert found.output_tokens == pytest.approx(160)
    assert found.full_tokens == pytest.approx((200 + 9400) / 2)
    assert found.context_tokens == pytest.approx((150 + 9200) / 2)


def test_a_concurrency_states_shares_of_what_is_in_flight() -> None:
    arriving, in_flight = weights_of(Workload(concurrency=100, sizes=(SHORT, LONG)))
    assert in_flight == pytest.approx((0.8, 0.2))
    assert arriving == pytest.approx((16 / 17, 1 / 17))


def test_the_tail_is_what_one_request_in_twenty_reaches() -> None:
    def tail(share: float) -> float:
        sizes = (SizeClass(100, 100, 1 - share), SizeClass(9000, 100, share))
        return Lengths.of(Workload(request_rate_per_s=1.0, sizes=sizes)).tail_input_tokens

    assert tail(TAIL) == 9000
    assert tail(TAIL - 0.001) == 100


def test_one_size_has_the_lengths_that_it_says() -> None:
    plain = Lengths.of(Workload(2000, 500, concurrency=3))
    assert plain == Lengths.of(Workload(concurrency=3, sizes=(SizeClass(2000, 500, 1.0),)))
    assert plain == Lengths(2000, 500, 2500, 2250, 2000, 500)


def test_classes_are_ordered_by_all_their_tokens() -> None:
    assert by_length((LONG, SHORT, SizeClass(50, 9000, 0.1)))[0] == SHORT


@given(st.lists(st.tuples(st.integers(1, 10**5), st.integers(1, 10**4), st.floats(0.01, 1.0)), min_size=1, max_size=5))
def test_means_lie_between_the_classes(rows: list[tuple[int, int, float]]) -> None:
    total = sum(row[2] for row in rows)
    sizes = tuple(SizeClass(i, o, share / total) for i, o, share in rows)
    for work in (Workload(concurrency=7, sizes=sizes), Workload(request_rate_per_s=0.5, sizes=sizes)):
        found = Lengths.of(work)
        wholes = [item.input_tokens + item.output_tokens for item in sizes]
        assert min(wholes) * (1 - 1e-9) <= found.full_tokens <= max(wholes) * (1 + 1e-9)
        assert min(o for _, o, _ in rows) <= found.output_tokens * (1 + 1e-9)
        assert found.tail_input_tokens in [item.input_tokens for item in sizes]
