"""Law: an allocator reserves what is asked, never less for one tensor more, and wastes little beside large ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planner.memory.allocator import LARGE_SEGMENT, LARGE_STEP, SMALL_SEGMENT, reserved_bytes
from planner.units import MIB

sizes = st.lists(st.integers(1, 40 * MIB), max_size=40)


@given(sizes)
def test_every_tensor_has_its_place(asked: list[int]) -> None:
    reserved = reserved_bytes(asked)
    assert reserved >= sum(asked)
    assert reserved % LARGE_STEP == 0
    assert reserved <= sum(SMALL_SEGMENT if size <= MIB else max(LARGE_SEGMENT, size + LARGE_STEP) for size in asked)


@given(sizes, st.integers(1, 40 * MIB))
def test_one_tensor_more_never_takes_less(asked: list[int], size: int) -> None:
    assert reserved_bytes([*asked, size]) >= reserved_bytes(asked)


@given(st.lists(st.integers(20 * MIB, 400 * MIB), min_size=1, max_size=40))
def test_large_tensors_waste_less_than_a_step_each(asked: list[int]) -> None:
    assert 0 <= reserved_bytes(asked) - sum(asked) < LARGE_STEP * len(asked)
