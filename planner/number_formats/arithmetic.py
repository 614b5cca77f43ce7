"""Number formats: range and precision from their bits, and how a value is stored in each, by exact arithmetic.

Rounding is to nearest, ties to even, in rationals: no float of the host comes between. Sources: IEEE 754-2019
(binary16, binary32), Google's bfloat16, NVIDIA's TF32, OCP OFP8 1.0 (E4M3: no infinities, one NaN; E5M2: IEEE rules),
OCP MX 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import log10
from typing import Literal

Specials = Literal["ieee", "fn", "none"]
"""What the top exponent encodes: infinities and NaN, only NaN in the last pattern, or ordinary values."""

Outcome = Literal["exact", "rounded", "subnormal", "underflow", "overflow", "saturated"]

DIGITS_PER_BIT = log10(2)
"""0.301: decimal digits in one binary digit."""


@dataclass(frozen=True, slots=True)
class FloatFormat:
    """A binary float. ``significand_bits`` includes the leading bit that is not stored."""

    name: str
    exponent_bits: int
    significand_bits: int
    specials: Specials = "ieee"

    @property
    def fraction_bits(self) -> int:
        """Stored bits of the significand (the mantissa)."""
        return self.significand_bits - 1

    @property
    def bits(self) -> int:
        """Sign, exponent and fraction."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def bias(self) -> int:
        """What the stored exponent exceeds the real one by."""
        return (1 << (self.exponent_bits - 1)) - 1

    @property
    def max_exponent(self) -> int:
        """The largest exponent of a finite value."""
        top = (1 << self.exponent_bits) - 1
        return (top - 1 if self.specials == "ieee" else top) - self.bias

    @property
    def min_exponent(self) -> int:
        """The exponent of the smallest normal value."""
        return 1 - self.bias

    @property
    def max(self) -> Fraction:
        """The largest finite value."""
        step = Fraction(1, 1 << self.fraction_bits)
        lost = 2 if self.specials == "fn" else 1
        return (2 - lost * step) * Fraction(2) ** self.max_exponent

    @property
    def smallest_normal(self) -> Fraction:
        """The smallest value with full precision."""
        return Fraction(2) ** self.min_exponent

    @property
    def smallest_subnormal(self) -> Fraction:
        """The smallest value above zero."""
        return Fraction(2) ** (self.min_exponent - self.fraction_bits)

    @property
    def decimal_digits(self) -> float:
        """Decimal digits of the fraction: bits x 0.301."""
        return self.fraction_bits * DIGITS_PER_BIT


@dataclass(frozen=True, slots=True)
class Stored:
    """A value as a format holds it. ``value`` is None for an infinity or NaN, which ``special`` then names."""

    value: Fraction | None
    outcome: Outcome
    special: str = ""

    def error(self, original: Fraction) -> Fraction | None:
        """Return stored minus original, or None when nothing finite is stored."""
        return None if self.value is None else self.value - original

    def relative_error(self, original: Fraction) -> float | None:
        """Return the error as a share of the original; None without a finite value, 0 for zero."""
        error = self.error(original)
        if error is None:
            return None
        return float(error / abs(original)) if original else 0.0


def store(value: Fraction, fmt: FloatFormat, *, saturate: bool = False) -> Stored:
    """Return ``value`` rounded to nearest even in ``fmt``.

    Beyond the largest value IEEE formats give an infinity and E4M3 a NaN, as OCP converts without saturation; formats
    without either, and all when ``saturate`` is set, give the largest value.

    >>> store(Fraction("123456.789"), FloatFormat("bf16", 8, 8)).value
    Fraction(123392, 1)
    """
    if not value:
        return Stored(Fraction(0), "exact")
    magnitude = abs(value)
    exponent = max(_floor_log2(magnitude), fmt.min_exponent)
    step = Fraction(2) ** (exponent - fmt.fraction_bits)
    rounded = round(magnitude / step) * step  # Python rounds rationals to nearest, ties to even
    if rounded > fmt.max:
        if saturate or fmt.specials == "none":
            return Stored(fmt.max if value > 0 else -fmt.max, "saturated")
        infinity = "inf" if value > 0 else "-inf"
        return Stored(None, "overflow", infinity if fmt.specials == "ieee" else "NaN")
    signed = rounded if value > 0 else -rounded
    if not rounded:
        return Stored(Fraction(0), "underflow")
    if rounded < fmt.smallest_normal:
        return Stored(signed, "subnormal")
    return Stored(signed, "exact" if rounded == magnitude else "rounded")


@dataclass(frozen=True, slots=True)
class IntegerFormat:
    """A signed integer with a scale: stored = code x scale, codes from -2^(bits-1) to 2^(bits-1) - 1."""

    name: str
    bits: int

    @property
    def max_code(self) -> int:
        """The largest code; symmetric quantizers use its negative as the smallest."""
        return (1 << (self.bits - 1)) - 1

    @property
    def min_code(self) -> int:
        """The smallest code of two's complement."""
        return -(1 << (self.bits - 1))


@dataclass(frozen=True, slots=True)
class Scaled:
    """A value stored with a scale that maps ``absmax`` to the format's largest code or value."""

    scale: Fraction
    code: Fraction
    stored: Stored
    worst_error: Fraction
    """The largest rounding error of any value up to ``absmax`` near it: half a step there."""


def store_integer(value: Fraction, fmt: IntegerFormat, absmax: Fraction) -> Scaled:
    """Return ``value`` as the nearest code of a symmetric quantizer whose largest magnitude is ``absmax``.

    Raises ValueError for an ``absmax`` that is not positive.
    """
    scale = _scale(absmax, Fraction(fmt.max_code))
    code = max(fmt.min_code, min(fmt.max_code, round(value / scale)))
    stored = Fraction(code) * scale
    outcome: Outcome = "exact" if stored == value else "saturated" if abs(value) > absmax else "rounded"
    return Scaled(scale, Fraction(code), Stored(stored, outcome), scale / 2)


def store_scaled(value: Fraction, fmt: FloatFormat, absmax: Fraction, *, power_of_two: bool = False) -> Scaled:
    """Return ``value`` in a low-precision float behind a scale, as quantized weights are kept.

    ``power_of_two``: the shared exponent of MX blocks, 2^(floor(log2 absmax) - largest exponent); values above the
    format's largest saturate. Raises ValueError for an ``absmax`` that is not positive.
    """
    scale = _scale(absmax, fmt.max)
    if power_of_two:
        scale = Fraction(2) ** (_floor_log2(absmax) - fmt.max_exponent)
    inner = store(value / scale, fmt, saturate=True)
    code = inner.value if inner.value is not None else Fraction(0)
    exponent = max(_floor_log2(abs(code)), fmt.min_exponent) if code else fmt.min_exponent
    half_step = Fraction(2) ** (exponent - fmt.fraction_bits) / 2
    outcome: Outcome = "exact" if code * scale == value else inner.outcome if inner.outcome != "exact" else "rounded"
    return Scaled(scale, code, Stored(code * scale, outcome), half_step * scale)


def _scale(absmax: Fraction, largest: Fraction) -> Fraction:
    if absmax <= 0:
        raise ValueError("the largest magnitude of a scale's values must be above 0")
    return absmax / largest


def _floor_log2(value: Fraction) -> int:
    """Return the exponent e with 2^e <= value < 2^(e+1), exactly."""
    guess = value.numerator.bit_length() - value.denominator.bit_length()
    return guess if Fraction(2) ** guess <= value else guess - 1
