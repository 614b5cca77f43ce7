"""Law: a stored value is the nearest one, and the host's own conversions agree with exact rounding."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner.number_formats.arithmetic import FloatFormat, IntegerFormat, store, store_integer

FP32 = FloatFormat("FP32", 8, 24)
FP16 = FloatFormat("FP16", 5, 11)
E4M3 = FloatFormat("E4M3", 4, 4, "fn")

floats = st.floats(allow_nan=False, allow_infinity=False)


@given(floats)
def test_exact_rounding_agrees_with_numpy(value: float) -> None:
    with np.errstate(over="ignore", under="ignore"):
        for fmt, kind in ((FP32, np.float32), (FP16, np.float16)):
            native = float(kind(value))
            stored = store(Fraction(value), fmt)
            expected = stored.special if stored.value is None else str(float(stored.value))
            assert str(abs(native)) == expected.lstrip("-")


@given(st.fractions(min_value=-448, max_value=448))
def test_the_error_is_at_most_half_the_local_step(value: Fraction) -> None:
    stored = store(value, E4M3)
    assert stored.value is not None
    below = max(abs(value), E4M3.smallest_normal)
    assert abs(stored.value - value) <= below * Fraction(1, 2**E4M3.significand_bits)


@given(st.integers(2, 8), st.fractions(min_value=-1000, max_value=1000), st.fractions(min_value=1, max_value=1000))
def test_integer_error_is_at_most_half_a_scale_within_range(bits: int, value: Fraction, absmax: Fraction) -> None:
    scaled = store_integer(value, IntegerFormat("INT", bits), absmax)
    assert scaled.stored.value is not None
    if abs(value) <= absmax:
        assert abs(scaled.stored.value - value) <= scaled.worst_error
