"""The table of number formats: each format's range and precision, and how one value is stored in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from planner.catalog.schema.formats import WeightFormat
from planner.number_formats.arithmetic import (
    FloatFormat,
    IntegerFormat,
    Scaled,
    Stored,
    store,
    store_integer,
    store_scaled,
)

FORMATS: tuple[str, ...] = (
    "fp32", "tf32", "fp16", "bf16", "fp8-e5m2", "fp8-e4m3", "mxfp4", "nvfp4", "int8-w8a8", "int4-awq-g128", "int2-g64",
)  # fmt: skip
"""Catalog formats whose values differ, widest first; the others repeat one of them with other metadata."""

LABELS: dict[str, str] = {
    "fp8-e5m2": "FP8 E5M2",
    "fp8-e4m3": "FP8 E4M3",
    "mxfp4": "MXFP4 (E2M1)",
    "nvfp4": "NVFP4 (E2M1)",
    "int8-w8a8": "INT8",
    "int4-awq-g128": "INT4",
    "int2-g64": "INT2",
}

SCALE_BITS = 10
"""Floats of fewer bits are used behind a scale, wider ones as they are."""


@dataclass(frozen=True, slots=True)
class FormatRow:
    """One format. Exact figures are fractions; ``direct`` is None for integers, ``scaled`` for wide floats."""

    id: str
    name: str
    bits: int
    exponent_bits: int
    fraction_bits: int
    max: Fraction
    smallest_normal: Fraction | None
    smallest_subnormal: Fraction | None
    decimal_digits: float | None
    direct: Stored | None
    scaled: Scaled | None


def format_rows(
    formats: Mapping[str, WeightFormat], value: Fraction, absmax: Fraction | None = None
) -> Iterator[FormatRow]:
    """Yield a row per number format of the catalog.

    ``absmax`` is the largest magnitude that shares a scale with ``value``; by default ``value`` is that itself.
    """
    largest = absmax or abs(value) or Fraction(1)
    for name in FORMATS:
        if name in formats:
            yield _row(formats[name], value, largest)


def _row(fmt: WeightFormat, value: Fraction, absmax: Fraction) -> FormatRow:
    label = LABELS.get(fmt.id, fmt.id.upper())
    if not fmt.exponent_bits:
        integer = IntegerFormat(label, round(fmt.bits_per_weight))
        scaled = store_integer(value, integer, absmax)
        return FormatRow(
            fmt.id, label, integer.bits, 0, integer.bits - 1, Fraction(integer.max_code), None, None, None, None, scaled
        )
    binary = FloatFormat(label, fmt.exponent_bits, fmt.significand_bits, fmt.specials)
    behind_scale = binary.bits < SCALE_BITS
    return FormatRow(
        id=fmt.id,
        name=label,
        bits=binary.bits,
        exponent_bits=binary.exponent_bits,
        fraction_bits=binary.fraction_bits,
        max=binary.max,
        smallest_normal=binary.smallest_normal,
        smallest_subnormal=binary.smallest_subnormal,
        decimal_digits=binary.decimal_digits,
        direct=store(value, binary),
        scaled=store_scaled(value, binary, absmax, power_of_two=fmt.id.startswith("mx")) if behind_scale else None,
    )
