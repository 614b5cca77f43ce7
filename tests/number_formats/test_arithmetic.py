"""Range, precision and rounding of number formats, against IEEE and OCP tables and against numpy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from planner.number_formats.arithmetic import FloatFormat, IntegerFormat, store, store_integer, store_scaled

FP32 = FloatFormat("FP32", 8, 24)
FP16 = FloatFormat("FP16", 5, 11)
BF16 = FloatFormat("BF16", 8, 8)
E5M2 = FloatFormat("E5M2", 5, 3)
E4M3 = FloatFormat("E4M3", 4, 4, "fn")
E2M1 = FloatFormat("E2M1", 2, 2, "none")


@pytest.mark.parametrize(
    ("fmt", "bits", "largest", "normal", "subnormal"),
    [
        (FP32, 32, float(np.finfo(np.float32).max), 2.0**-126, 2.0**-149),
        (FP16, 16, 65504, 2.0**-14, 2.0**-24),
        (BF16, 16, 3.3895313892515355e38, 2.0**-126, 2.0**-133),
        (E5M2, 8, 57344, 2.0**-14, 2.0**-16),
        (E4M3, 8, 448, 2.0**-6, 2.0**-9),
        (E2M1, 4, 6, 1.0, 0.5),
    ],
)
def test_ranges_are_those_of_the_standards(
    fmt: FloatFormat, bits: int, largest: float, normal: float, subnormal: float
) -> None:
    assert (fmt.bits, float(fmt.max)) == (bits, largest)
    assert (float(fmt.smallest_normal), float(fmt.smallest_subnormal)) == (normal, subnormal)


@pytest.mark.parametrize(("value", "nearest"), [("2049", 2048), ("2051", 2052), ("1.00048828125", 1)])
def test_ties_go_to_the_even_neighbour(value: str, nearest: int) -> None:
    assert store(Fraction(value), FP16).value == nearest


@pytest.mark.parametrize(
    ("fmt", "last", "first_lost", "special"),
    [(FP16, "65519.99", "65520", "inf"), (E5M2, "61439.99", "61440", "inf"), (E4M3, "463.99", "480", "NaN")],
)
def test_overflow_begins_half_a_step_above_the_largest_value(
    fmt: FloatFormat, last: str, first_lost: str, special: str
) -> None:
    assert store(Fraction(last), fmt).value == fmt.max
    lost = store(Fraction(first_lost), fmt)
    assert (lost.value, lost.outcome, lost.special) == (None, "overflow", special)
    assert store(-Fraction(first_lost), fmt, saturate=True).value == -fmt.max


def test_e4m3_rounds_464_to_its_largest_even_value() -> None:
    """464 lies midway between 448 and the 480 that the NaN pattern displaces; even is 448."""
    assert store(Fraction(464), E4M3).value == 448


def test_small_values_become_subnormal_and_then_zero() -> None:
    assert store(Fraction("1e-7"), FP16).outcome == "subnormal"
    assert store(Fraction("1e-9"), FP16).outcome == "underflow"
    assert store(Fraction(0), FP16).outcome == "exact"


def test_integer_codes_saturate_beyond_the_scale() -> None:
    scaled = store_integer(Fraction(200), IntegerFormat("INT8", 8), Fraction(127))
    assert (scaled.scale, scaled.code, scaled.stored.outcome) == (1, 127, "saturated")


def test_a_shared_power_of_two_can_cost_the_largest_value() -> None:
    scaled = store_scaled(Fraction(7), E2M1, Fraction(7), power_of_two=True)
    assert (scaled.scale, scaled.stored.value, scaled.stored.outcome) == (1, 6, "saturated")
    assert store_scaled(Fraction(7), E2M1, Fraction(7)).stored.value == 7


def test_a_scale_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        store_integer(Fraction(1), IntegerFormat("INT8", 8), Fraction(0))
