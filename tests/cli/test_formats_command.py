"""``planner formats``: what 123456.789 becomes in each format, as text and as data."""

from __future__ import annotations

import json

import pytest


def test_the_founding_value_in_every_format(planner):
    ran = planner("formats")
    assert ran.code == 0
    for expected in ("123456.7890625", "123392", "overflow", "65504", "57344", "448"):
        assert expected in ran.out


def test_data_is_what_the_text_says(planner):
    data = json.loads(planner("formats", "123456.789", "--format", "json").out)
    by_id = {item["id"]: item for item in data["formats"]}
    assert by_id["fp32"]["stored"]["value"] == 123456.7890625
    assert by_id["bf16"]["stored"]["value"] == 123392
    assert by_id["fp8-e5m2"]["stored"] == {
        "value": None, "special": "inf", "outcome": "overflow", "error": None, "relative_error": None,
    }  # fmt: skip
    assert by_id["fp8-e4m3"]["stored"]["special"] == "NaN"
    assert by_id["int8-w8a8"]["scaled"]["value"] == pytest.approx(123456.789)


def test_the_scale_covers_the_largest_magnitude(planner):
    data = json.loads(planner("formats", "123456.789", "--absmax", "127000", "--format", "json").out)
    int8 = next(item for item in data["formats"] if item["id"] == "int8-w8a8")["scaled"]
    assert (int8["scale"], int8["code"], int8["value"]) == (1000, 123, 123000)


@pytest.mark.parametrize("value", ["-0.1", "1e-40", "0", "-1e290"])
def test_any_decimal_number_is_answered(planner, value):
    assert planner("formats", value).code == 0


@pytest.mark.parametrize("value", ["many", "1/3", "1e999999999", "9" * 400, "nan"])
def test_what_is_no_decimal_number_is_refused(planner, value):
    ran = planner("formats", value)
    assert ran.code == 2
    assert "Traceback" not in ran.err


def test_a_scale_of_nothing_is_refused(planner):
    assert planner("formats", "1", "--absmax", "0").code == 2
