"""What is printed reads back, and units scale as they should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import units
from planner.units import GIB, Money, UnitError

PARSERS = [
    units.parse_bytes, units.parse_duration_ms, units.parse_months, units.parse_rate_per_second, units.parse_percent,
    units.parse_count, units.parse_money,
]  # fmt: skip
positive = st.floats(1e-4, 1e9, allow_nan=False)


@given(positive)
def test_durations(value: float) -> None:
    text = units.format_duration_ms(value)
    assert units.parse_duration_ms(text) == pytest.approx(value, rel=1e-3)
    assert units.format_duration_ms(units.parse_duration_ms(text)) == text


@given(positive)
def test_rates(value: float) -> None:
    assert units.parse_rate_per_second(units.format_rate_per_second(value)) == pytest.approx(value, rel=1e-3)
    text = units.format_rate_per_second(value, "tok")
    assert units.parse_rate_per_second(text, "tokens") == pytest.approx(value, rel=1e-3)


@given(st.integers(0, 2**50))
def test_bytes(value: int) -> None:
    assert units.parse_bytes(units.format_bytes_gib(value)) == pytest.approx(value, abs=0.051 * GIB)
    assert units.parse_bytes(f"{value}B") == value
    assert units.parse_bytes(f"{value}GiB") == value * GIB


@given(st.integers(0, 10**14))
def test_counts(value: int) -> None:
    assert units.parse_count(units.format_count(value)) == pytest.approx(value, rel=6e-3)
    assert units.parse_count(value) == units.parse_count(f"{value:,}") == value


@given(st.floats(1e-9, 1, allow_nan=False))
def test_percentages(value: float) -> None:
    assert units.parse_percent(units.format_percent(value)) == pytest.approx(value, abs=5.1e-4)
    assert units.parse_percent(value) == value


@given(st.integers(1, 240))
def test_months(value: int) -> None:
    assert units.parse_months(units.format_months(value)) == value


money = st.builds(
    Money,
    st.floats(0.01, 1e12, allow_nan=False),
    st.sampled_from(["USD", "CNY", "EUR"]),
    st.sampled_from(["hour", "month", "year", None]),
)


@given(money)
def test_money_reads_back_to_the_last_bit(value: Money) -> None:
    assert units.parse_money(str(value)) == value


@given(money)
def test_money_as_printed(value: Money) -> None:
    read = units.parse_money(units.format_money(value))
    assert (read.currency, read.per) == (value.currency, value.per)
    assert read.amount == pytest.approx(value.amount, abs=0.51 if value.amount >= 999.5 else 0.0051)


@given(st.integers(-(10**12), 10**12), st.integers(0, 6), st.sampled_from(["", "k", "M", "B", "Ki", "万"]))
def test_counts_are_exact_or_refused(digits: int, decimals: int, scale: str) -> None:
    text = f"{digits / 10**decimals:.{decimals}f}{scale}"
    multiplier = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9, "Ki": 1024, "万": 10**4}[scale]
    exact, rest = divmod(digits * multiplier, 10**decimals)
    if rest or exact < 0:
        with pytest.raises(UnitError):
            units.parse_count(text)
    else:
        assert units.parse_count(text) == exact


def _remedies(value: object) -> list[str]:
    """Give a value to every parser; return what those that refuse it say. Anything but a UnitError fails the test."""
    remedies = []
    for parse in PARSERS:
        try:
            parse(value)  # type: ignore[operator]
        except UnitError as error:
            remedies.append(error.remedy)
    return remedies


@given(st.one_of(st.text(max_size=30), st.from_regex(r"[-+]?[0-9.,_eE]{1,8} ?[A-Za-z%￥$/元万]{0,8}", fullmatch=True)))
def test_any_text_is_read_or_refused_with_a_remedy(text: str) -> None:
    assert all(_remedies(text))


@given(st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.binary(), st.lists(st.integers())))
def test_any_value_is_read_or_refused_with_a_remedy(value: object) -> None:
    assert all(_remedies(value))
