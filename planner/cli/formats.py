"""``planner formats``: the number formats, and how each stores a value."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from planner.number_formats.arithmetic import Scaled, Stored
    from planner.number_formats.table import FormatRow

LIMIT_DIGITS = 300
"""Longer numbers, or powers of ten beyond it, are refused: no format reaches them, and they only cost time."""


class Number(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic in newer click alone
    """A decimal number, read exactly."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """Return the number as a fraction; fail with what to write instead."""
        if isinstance(value, Fraction):
            return value
        text = str(value).strip().replace("_", "")
        mantissa, _, exponent = text.lower().partition("e")
        power = exponent.lstrip("+-")
        too_long = len(text) > LIMIT_DIGITS or (power.isdecimal() and int(power) + len(mantissa) > LIMIT_DIGITS)
        if too_long or "/" in mantissa:
            self.fail(f"{value!r:.60} is not a number within 1e-{LIMIT_DIGITS} and 1e{LIMIT_DIGITS}", param, ctx)
        try:
            return Fraction(text)
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r:.60} is not a decimal number; write 123456.789 or 1e-8", param, ctx)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("value", type=Number(), default="123456.789", metavar="[VALUE]")
@click.option(
    "--absmax",
    type=Number(),
    help="Largest magnitude that shares a scale with VALUE (default: VALUE itself).",
)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def formats(value: Fraction, absmax: Fraction | None, output: str) -> None:
    """Show the number formats: bits, range, precision, and how VALUE is stored in each.

    Everything is computed exactly: rounding to nearest even, FP16 and E5M2 overflow to infinity, E4M3 to NaN above
    448 (both take their largest value when a converter saturates). Low-precision formats are used behind a scale that
    maps the largest magnitude of a tensor, channel or group to the largest code; --absmax says what that is.

    \b
    Examples:
      planner formats                          123456.789 in every format
      planner formats 0.1                      what 0.1 really is
      planner formats 1e-8 --format json       underflow, for scripts
      planner formats 123456.789 --absmax 127000
    """
    from planner.catalog import load_catalog
    from planner.number_formats.table import format_rows

    if absmax is not None and absmax <= 0:
        raise click.BadParameter("must be above 0", param_hint="--absmax")
    rows = list(format_rows(load_catalog().formats, value, absmax))
    click.echo(_json(rows, value, absmax) if output == "json" else "\n".join(_text(rows, value, absmax)))


def _text(rows: Sequence[FormatRow], value: Fraction, absmax: Fraction | None) -> list[str]:
    from planner.report.layout import table

    ranges = ("format", "bits", "sign/exp/frac", "largest", "smallest normal", "digits")
    lines = table([ranges, *(_range_cells(row) for row in rows)], "lrlrrr")
    lines += ["", f"{_plain(value)} stored as it is:", ""]
    rounded = ("format", "stored", "error", "relative", "")
    direct = [(row.name, *_stored_cells(row.direct, value)) for row in rows if row.direct]
    lines += table([rounded, *direct], "lrrrl")
    largest = _plain(absmax or abs(value) or Fraction(1))
    lines += ["", f"behind a scale, with {largest} as the largest magnitude:", ""]
    behind = ("format", "scale", "code", "stored", "error", "worst error near it", "")
    lines += table([behind, *((row.name, *_scaled_cells(row.scaled, value)) for row in rows if row.scaled)], "lrrrrrl")
    lines += ["", "digits = fraction bits x log10(2) = bits x 0.301; scale = largest magnitude / largest code"]
    lines += ["(MXFP4: a power of two, floor(log2 largest) - 2). Formats: planner catalog list formats"]
    return lines


def _range_cells(row: FormatRow) -> tuple[str, ...]:
    digits = "" if row.decimal_digits is None else f"{row.decimal_digits:.1f}"
    normal = "" if row.smallest_normal is None else _plain(row.smallest_normal)
    return (row.name, str(row.bits), f"1/{row.exponent_bits}/{row.fraction_bits}", _plain(row.max), normal, digits)


def _stored_cells(stored: Stored, value: Fraction) -> tuple[str, ...]:
    error, relative = stored.error(value), stored.relative_error(value)
    if stored.value is None or error is None or relative is None:
        return (stored.special, "", "", "overflow")
    note = "" if stored.outcome in ("exact", "rounded") else stored.outcome
    return (
        _plain(stored.value),
        _plain(error),
        f"{relative:.2%}" if abs(relative) >= 1e-4 else f"{relative:.1e}",
        note,
    )


def _scaled_cells(scaled: Scaled, value: Fraction) -> tuple[str, ...]:
    error = scaled.stored.error(value) or Fraction(0)
    note = "saturated" if scaled.stored.outcome == "saturated" else ""
    stored = _plain(scaled.stored.value or Fraction(0))
    return (_plain(scaled.scale), _plain(scaled.code), stored, _plain(error), _plain(scaled.worst_error), note)


def _plain(value: Fraction) -> str:
    """Return up to 13 significant digits without an exponent where that is short."""
    number = float(value)
    if number and not 1e-4 <= abs(number) < 1e13:
        return f"{number:.4g}"
    return f"{number:.13g}"


def _json(rows: Sequence[FormatRow], value: Fraction, absmax: Fraction | None) -> str:
    from json import dumps

    def number(item: Fraction | None) -> float | None:
        return None if item is None else float(item)

    def stored(item: Stored) -> dict[str, Any]:
        return {
            "value": number(item.value),
            "special": item.special or None,
            "outcome": item.outcome,
            "error": number(item.error(value)),
            "relative_error": item.relative_error(value),
        }

    def scaled(item: Scaled) -> dict[str, Any]:
        scale = {"scale": float(item.scale), "code": float(item.code), "worst_error": float(item.worst_error)}
        return {**stored(item.stored), **scale}

    return dumps(
        {
            "value": float(value),
            "absmax": float(absmax or abs(value) or 1),
            "formats": [
                {
                    "id": row.id,
                    "name": row.name,
                    "bits": row.bits,
                    "exponent_bits": row.exponent_bits,
                    "fraction_bits": row.fraction_bits,
                    "max": float(row.max),
                    "smallest_normal": number(row.smallest_normal),
                    "smallest_subnormal": number(row.smallest_subnormal),
                    "decimal_digits": row.decimal_digits,
                    "stored": stored(row.direct) if row.direct else None,
                    "scaled": scaled(row.scaled) if row.scaled else None,
                }
                for row in rows
            ],
        },
        indent=2,
    )
