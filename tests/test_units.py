"""Every way to write a quantity, what it means, and what is said to a slip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from planner import units
from planner.units import GB, GIB, HOURS_PER_MONTH, HOURS_PER_YEAR, TIB, Money, UnitError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("80GiB", 80 * GIB),
        ("80 GB", 80 * GB),
        ("1.5TB", 1_500_000_000_000),
        ("0.5 TiB", TIB // 2),
        ("640 B", 640),
        ("80gib", 80 * GIB),
        ("1e3GB", 10**12),
        ("1,024 KiB", 2**20),
        ("1_000 kB", 10**6),
        ("  24GiB ", 24 * GIB),
        ("23.52GiB", 25254407700),
        ("0GB", 0),
    ],
)
def test_bytes(text: str, value: int) -> None:
    assert units.parse_bytes(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2s", 2000.0),
        ("250ms", 250.0),
        ("1.5 min", 90_000.0),
        ("0.3s", 300.0),
        ("50 ms", 50.0),
        ("20us", 0.02),
        ("20µs", 0.02),
        ("1h", 3_600_000.0),
        ("2 天", 172_800_000.0),
        ("1e3 ms", 1000.0),
        (".5s", 500.0),
        ("+2s", 2000.0),
        ("-2s", -2000.0),
        ("2秒", 2000.0),
    ],
)
def test_duration(text: str, value: float) -> None:
    assert units.parse_duration_ms(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("36 months", 36), ("3 years", 36), ("1.5y", 18), ("6mo", 6), ("3 年", 36), ("12个月", 12), ("0.5 year", 6)],
)
def test_months(text: str, value: int) -> None:
    assert units.parse_months(text) == value


@pytest.mark.parametrize(
    ("text", "of", "value"),
    [
        ("12/s", "requests", 12.0),
        ("3/min", "requests", 0.05),
        ("12 req/s", "requests", 12.0),
        ("1.2k requests per minute", "requests", 20.0),
        ("12 rps", "requests", 12.0),
        ("600rpm", "requests", 10.0),
        ("1M/day", "requests", 1e6 / 86400),
        ("36k/h", "requests", 10.0),
        ("12 per second", "requests", 12.0),
        ("5k tok/s", "tokens", 5000.0),
        ("5000 tokens/s", "tokens", 5000.0),
        ("1M tok/h", "tokens", 1e6 / 3600),
        ("250 tps", "tokens", 250.0),
        ("5/s", "tokens", 5.0),
        ("1 万/小时", "requests", 1e4 / 3600),
    ],
)
def test_rate(text: str, of: Any, value: float) -> None:
    assert units.parse_rate_per_second(text, of) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("98%", 0.98),
        (0.98, 0.98),
        ("0.98", 0.98),
        ("99.95 %", 0.9995),
        ("150%", 1.5),
        (1, 1.0),
        ("30％", 0.3),
        (0, 0.0),
    ],
)
def test_percent(text: str | float, value: float) -> None:
    assert units.parse_percent(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10B", 10**10),
        ("7e9", 7 * 10**9),
        ("128k", 128_000),
        ("128Ki", 131_072),
        (200, 200),
        (2e3, 2000),
        ("70.6B", 70_600_000_000),
        ("2,048", 2048),
        ("2_048", 2048),
        ("3万", 30_000),
        ("1.5M", 1_500_000),
        ("0.5Ki", 512),
        ("9007199254740993", 9007199254740993),
        ("1T", 10**12),
    ],
)
def test_count(text: str | float, value: int) -> None:
    assert units.parse_count(text) == value


@pytest.mark.parametrize(
    ("text", "money"),
    [
        ("60000 USD/month", Money(60000, "USD", "month")),
        ("60,000 USD / month", Money(60000, "USD", "month")),
        ("$2.49/h", Money(2.49, "USD", "hour")),
        ("$ 2.49 per hour", Money(2.49, "USD", "hour")),
        ("2.49 $/hr", Money(2.49, "USD", "hour")),
        ("US$60k/mo", Money(60000, "USD", "month")),
        ("￥8.98/h", Money(8.98, "CNY", "hour")),
        ("¥8.98/小时", Money(8.98, "CNY", "hour")),
        ("8.98 元/时", Money(8.98, "CNY", "hour")),
        ("10万元", Money(100_000, "CNY")),
        ("60 万元/年", Money(600_000, "CNY", "year")),
        ("400k CNY", Money(400_000, "CNY")),
        ("RMB 8/h", Money(8, "CNY", "hour")),
        ("CN¥8", Money(8, "CNY")),
        ("3M usd", Money(3_000_000, "USD")),
        ("€50k/year", Money(50_000, "EUR", "year")),
        ("12 GBP/h", Money(12, "GBP", "hour")),
        ("USD 5", Money(5, "USD")),
        ("5 美元", Money(5, "USD")),
        ("1e3 USD", Money(1000, "USD")),
    ],
)
def test_money(text: str, money: Money) -> None:
    assert units.parse_money(text) == money


REFUSED: list[tuple[Callable[[Any], object], Any, str, str]] = [
    (units.parse_bytes, 80, "does not say which bytes", "80GiB (1024s) or 80GB (1000s)"),
    (units.parse_bytes, "80G", "does not say which bytes", "80GiB (1024s) or 80GB"),
    (units.parse_bytes, "16Gb", "means bits", "16GB"),
    (units.parse_bytes, "80 Gigs", "is not a unit of size", "80GiB or 80GB"),
    (units.parse_bytes, "-1GB", "is negative", "80GiB"),
    (units.parse_duration_ms, 2, "lacks a unit", "2s or 2ms"),
    (units.parse_duration_ms, "5m", "minutes or milliseconds", "5min or 5ms"),
    (units.parse_duration_ms, "2 sek", "'sek' is not a unit of time", "2s or 250ms"),
    (units.parse_duration_ms, "1,5s", "grouped in an unusual way", "1.5s if the comma is a decimal point"),
    (units.parse_duration_ms, "1,50,000ms", "grouped in an unusual way", "2s or 250ms"),
    (units.parse_duration_ms, "", "is not a duration", "2s or 250ms"),
    (units.parse_duration_ms, "soon", "is not a duration", "2s or 250ms"),
    (units.parse_duration_ms, "1e99s", "out of any sensible range", "2s"),
    (units.parse_duration_ms, "1e9999s", "is not a unit of time", "2s"),
    (units.parse_duration_ms, "２s", "is not a duration", "2s"),
    (units.parse_duration_ms, None, "a duration is expected, not nothing", "2s"),
    (units.parse_duration_ms, True, "not true or false", "2s"),
    (units.parse_duration_ms, ["2s"], "not a list", "2s"),
    (units.parse_duration_ms, {}, "not a mapping", "2s"),
    (units.parse_duration_ms, float("nan"), "is not a duration", "2s"),
    (units.parse_duration_ms, float("inf"), "is not a duration", "2s"),
    (units.parse_months, 36, "lacks a unit", "36 months or 36 years"),
    (units.parse_months, "1.3 years", "not a whole number of months", "16 months"),
    (units.parse_months, "90 days", "is not months or years", "36 months"),
    (units.parse_rate_per_second, 12, "does not say per what", "12/s"),
    (units.parse_rate_per_second, "12 tok/s", "counts tokens where requests are asked", "12/s"),
    (units.parse_rate_per_second, "12 frames/s", "is not what this rate counts", "12/s"),
    (units.parse_rate_per_second, "12/fortnight", "is not a period of a rate", "12/s"),
    (units.parse_percent, 98, "could be a percentage or a factor", "98%"),
    (units.parse_percent, "98 ppm", "is not a percentage", "98% or 0.98"),
    (units.parse_count, 1.5, "is not a whole number", "write 2"),
    (units.parse_count, "10x", "is not a whole number", "128k"),
    (units.parse_count, "128 Kittens", "is not a whole number", "128k"),
    (units.parse_count, -3, "is negative", "write 3"),
    (units.parse_count, 10**1000, "out of any sensible range", "128k"),
    (units.parse_count, "9" * 100, "too long", "128k"),
    (units.parse_money, 60000, "lacks a currency", "60000 USD"),
    (units.parse_money, "60000/month", "lacks a currency", "60000 USD/month"),
    (units.parse_money, "$5 USD", "names a currency twice", "60000 USD/month"),
    (units.parse_money, "5 dollarydoos", "is not a currency", "60000 USD/month"),
    (units.parse_money, "5 USD/day", "is not a period of a price", "/hour, /month or /year"),
    (units.parse_money, "USD", "is not an amount of money", "60000 USD/month"),
]


@pytest.mark.parametrize(("parse", "value", "problem", "remedy"), REFUSED)
def test_refused_with_a_remedy(parse: Callable[[Any], object], value: Any, problem: str, remedy: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse(value)
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy
    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == f"{caught.value.problem}; {caught.value.remedy}"


def test_money_in_dollars_per_hour() -> None:
    assert units.parse_money("73000 USD/month").to_usd_per_hour() == 100.0
    assert units.parse_money("8760 USD/year").to_usd_per_hour() == 1.0
    assert units.parse_money("￥7.1/h").to_usd_per_hour() == 1.0
    assert units.parse_money("€9/h").to_usd({"EUR": 0.9}) == 10.0
    with pytest.raises(UnitError, match="no exchange rate is known for EUR"):
        units.parse_money("€9/h").to_usd()
    with pytest.raises(UnitError, match="has no period"):
        units.parse_money("$9").to_usd_per_hour()


def test_a_year_is_twelve_average_months() -> None:
    assert HOURS_PER_YEAR == 365 * 24 == 12 * HOURS_PER_MONTH


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (units.format_bytes_gib(65.71 * GIB), "65.7 GiB"),
        (units.format_bytes_gib(1234.5 * GIB, 0), "1,234 GiB"),
        (units.format_bytes_gb(80 * GB), "80 GB"),
        (units.format_bytes_mib(16 * 2**20), "16 MiB"),
        (units.format_duration_ms(0), "0 ms"),
        (units.format_duration_ms(47.31), "47.31 ms"),
        (units.format_duration_ms(999.96), "1 s"),
        (units.format_duration_ms(2000), "2 s"),
        (units.format_duration_ms(90_000), "90 s"),
        (units.format_duration_ms(1_234_567), "20.58 min"),
        (units.format_duration_ms(0.004), "4 us"),
        (units.format_rate_per_second(12), "12/s"),
        (units.format_rate_per_second(51234.4, "tok"), "51230 tok/s"),
        (units.format_rate_per_second(0.05), "0.05/s"),
        (units.format_percent(0.98), "98%"),
        (units.format_percent(0.9995, 2), "99.95%"),
        (units.format_percent(0.9849), "98.5%"),
        (units.format_count(70_553_706_496), "70.6B"),
        (units.format_count(128_000), "128k"),
        (units.format_count(200), "200"),
        (units.format_count(999_999), "1M"),
        (units.format_usd(41200.4, "month"), "$41,200/month"),
        (units.format_usd(2.49, "hour"), "$2.49/h"),
        (units.format_usd(-3900), "-$3,900"),
        (units.format_usd(5), "$5"),
        (units.format_money(Money(400_000, "CNY", "month")), "￥400,000/month"),
        (units.format_money(Money(8.98, "CNY", "hour")), "￥8.98/h"),
        (units.format_money(Money(9.5, "EUR")), "EUR 9.50"),
        (units.format_money(Money(60000, "USD", "month")), "$60,000/month"),
        (units.format_months(36), "3 years"),
        (units.format_months(12), "1 year"),
        (units.format_months(18), "18 months"),
        (units.format_number(1e22), "1e+22"),
        (units.format_number(-0.0), "0"),
        (units.format_number(-0.001, 2), "0"),
        (str(Money(60000.5, "USD", "month")), "60000.5 USD/month"),
    ],
)
def test_printed(text: str, expected: str) -> None:
    assert text == expected
