"""Ranges and lists of values, and their combinations."""

from __future__ import annotations

import pytest

from planner.errors import InputError
from planner.sweep.grid import MAX_VARIANTS, USUAL_STEPS, Swept, parse_swept, variants


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("c=50..800", "50 71 100 141 200 283 400 566 800"),
        ("c=50..800:4", "50 300 550 800"),
        ("c=50..800x5", "50 100 200 400 800"),
        ("c=50..800:x5", "50 100 200 400 800"),
        ("c=800..50x3", "800 200 50"),
        ("c=0..1:3", "0 1"),
        ("c=0.0..1:3", "0 0.5 1"),
        ("c=-1..1:3", "-1 0 1"),
        ("c=1..3", "1 2 3"),
        ("c=1e2..1e4x3", "100 1000 10000"),
        ("c=20ms..80ms:4", "20ms 40ms 60ms 80ms"),
        ("c=1..2s:3", "1s 2s"),
        ("c=1.0..2s:3", "1s 1.5s 2s"),
        ("c=90%..99%:4", "90% 93% 96% 99%"),
        ("c=a,b,c", "a b c"),
        ("c= a , b,a", "a b"),
        ("c=7", "7"),
    ],
)
def test_values(setting, values):
    assert parse_swept(setting) == Swept("c", tuple(values.split()))


def test_money_keeps_its_words():
    assert parse_swept("budget.max=10000..30000 USD/month:3").values == (
        "10000 USD/month",
        "20000 USD/month",
        "30000 USD/month",
    )


def test_lists_of_yaml_and_nothing_are_single_values():
    assert parse_swept("search.weights=[bf16, fp8-e4m3]").values == ("[bf16, fp8-e4m3]",)
    assert parse_swept("budget.max=null").values == ("null",)
    assert parse_swept("budget.max=").values == ("",)


@pytest.mark.parametrize("setting", ["c=3..70", "c=1..100000x50", "c=10..12x9"])
def test_both_ends_are_values_and_no_value_comes_twice(setting):
    values = parse_swept(setting).values
    low, _, high = setting.removeprefix("c=").partition("..")
    assert (values[0], values[-1]) == (low, high.partition("x")[0])
    assert len(set(values)) == len(values)
    assert [int(value) for value in values] == sorted(int(value) for value in values)
    assert len(values) <= max(USUAL_STEPS, 50)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("concurrency", "is no setting"),
        ("c=1..", "is no range"),
        ("c=1..2:", "is no range"),
        ("c=5..5", "is no range"),
        ("c=1..9:1", "is no range"),
        ("c=0..9", "no factor between its ends"),
        ("c=0..9x3", "no factor between its ends"),
        ("c=20ms..1s", "different units"),
        ("c=a,,b", "empty value"),
        ("c=1..9:999999999", "more than"),
    ],
)
def test_what_is_no_range_is_told(setting, said):
    with pytest.raises(InputError, match=said) as caught:
        parse_swept(setting)
    assert caught.value.diagnostics[0].path == f"--set {setting}"


def test_every_combination_the_last_key_fastest():
    found = variants([Swept("a", ("1", "2")), Swept("b", ("x", "y"))])
    assert found == (
        (("a", "1"), ("b", "x")),
        (("a", "1"), ("b", "y")),
        (("a", "2"), ("b", "x")),
        (("a", "2"), ("b", "y")),
    )


def test_too_many_and_doubled_keys_are_refused():
    many = Swept("a", tuple(map(str, range(200))))
    with pytest.raises(InputError, match=f"{MAX_VARIANTS:,}"):
        variants([many, Swept("b", many.values)])
    with pytest.raises(InputError, match="is set twice"):
        variants([many, many])


def test_numbers_of_values():
    assert Swept("a", ("20ms", "80ms")).numbers == (20.0, 80.0)
    assert Swept("a", ("20ms", "any")).numbers is None
