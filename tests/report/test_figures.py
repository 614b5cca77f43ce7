"""A figure reads the same everywhere: its unit chooses the form."""

from __future__ import annotations

import pytest

from planner.report.figures import amount, asked, figure, interval, label, money, quantity
from planner.report.i18n import ENGLISH, translator
from planner.units import GIB, format_usd


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1312.4, "ms", "1.31 s"),
        (1100.0, "ms", "1.10 s"),
        (44.2, "ms", "44.2 ms"),
        (8.4, "ms", "8.40 ms"),
        (999.4, "ms", "999 ms"),
        (999.6, "ms", "1.00 s"),
        (99.97, "ms", "100 ms"),
        (78.24 * GIB, "bytes", "78.2 GiB"),
        (36791.4, "USD/month", "$36,791/month"),
        (50.4, "USD/h", "$50.40/h"),
        (0.0312, "USD", "$0.0312"),
        (0, "USD", "$0.00"),
        (0.997, "share", "99.7%"),
        (4510.3, "tok/s", "4,510 tok/s"),
        (0.1234, "kW", "0.123 kW"),
        (12, "", "12"),
    ],
)
def test_predicted_figures_have_three_digits(value, unit, text):
    assert figure(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(2000.0, "ms", "2 s"), (50.0, "ms", "50 ms"), (0.98, "share", "98%"), (0.999, "share", "99.9%")],
)
def test_limits_read_as_they_were_asked(value, unit, text):
    assert asked(value, unit) == text


def test_both_ends_of_an_interval_share_a_unit():
    assert interval(1051, 1662, "ms") == "1.05–1.66 s"
    assert interval(805, 1662, "ms") == "805 ms–1.66 s"
    assert interval(0.99, 1.004, "share") == "99.0–100.4%"
    assert interval(5, 5, "ms") == "5.00 ms"


def test_negative_money_keeps_its_sign_before_the_dollar():
    assert money(-5791.2) == "-$5,791"


def test_large_numbers_are_never_printed_in_powers_of_ten():
    assert amount(1e12) == "1,000,000,000,000"
    assert amount(70_553_706_496) == "70,553,706,496"


@pytest.mark.parametrize(
    ("name", "stem", "heading"),
    [
        ("sla.ttft_p95", "ttft_p95", "TTFT p95"),
        ("ttft_p95_ms", "ttft_p95", "TTFT p95"),
        ("budget.capex", "capex", "Budget for purchases"),
        ("quality.min_recovery", "recovery", "Quality recovery"),
        ("memory_per_gpu_bytes", "memory_per_gpu", "Memory per GPU"),
        ("something_new", "something_new", "something new"),
    ],
)
def test_fields_and_requirements_share_their_names(name, stem, heading):
    assert quantity(name) == stem
    assert label(name, translator("en")) == heading


def test_periods_of_money_are_translated():
    say = translator("zh-CN")
    assert figure(36791, "USD/month", say) == "$36,791/月"
    assert say.sentence("$50.40/h") == "$50.40/小时"


def test_what_names_an_offer_with_dots_keeps_them():
    assert label("1 x aws/p6-b200.48xlarge/us-east-1, on-demand", ENGLISH) == (
        "1 x aws/p6-b200.48xlarge/us-east-1, on-demand"
    )


def test_two_ways_to_the_same_sum_read_the_same():
    assert money(514.285 - 394.2) == money(0.1645 * 730) == "$120.09"
    assert money(7445.6 - 4124.1) == format_usd(3321.5) == "$3,322"
