"""Messages: placeholders are checked when a rule is read and filled without Python's format language."""

from __future__ import annotations

import pytest

from planner.rules.messages import check_message, placeholders, render


@pytest.mark.parametrize(
    ("template", "met", "expected"),
    [
        ("TP {tp}", {"tp": [8]}, "TP 8"),
        ("TP {tp}", {"tp": [8, 2, 4]}, "TP 2, 4 or 8"),
        ("TP {tp}", {"tp": range(1, 9)}, "TP 1, 2, 3, 4, ..."),
        ("{accelerator.id}", {"accelerator.id": ["b", "a"]}, "a or b"),
        ("{accelerator.compute_capability}", {"accelerator.compute_capability": [9.0]}, "9.0"),
        ("{accelerator.tdp_w}", {"accelerator.tdp_w": [1000.0]}, "1,000"),
        ("{offer.usd_per_hour:.2f}", {"offer.usd_per_hour": [2.0, 1.999]}, "2.00"),
        ("{plan.spot_share:.0%}", {"plan.spot_share": [0.75]}, "75%"),
        ("{model.parameters:,.0f}", {"model.parameters": [7e10]}, "70,000,000,000"),
        ("{model.row_widths}", {"model.row_widths": [(8192, 28672)]}, "8192, 28672"),
        ("{engine.multi_node}", {"engine.multi_node": [False]}, "false"),
    ],
)
def test_renders(template: str, met: dict[str, object], expected: str) -> None:
    assert render(template, met) == expected  # type: ignore[arg-type]


def test_chinese_enumerates_in_chinese() -> None:
    assert render("TP {tp}", {"tp": [1, 2, 3]}, "zh-CN") == "TP 1、2 或 3"


def test_python_attributes_mean_nothing() -> None:
    (problem,) = check_message("{tp.__class__.__mro__}", "static")
    assert problem.code == "placeholder"


def test_a_value_with_braces_is_not_filled_again() -> None:
    assert render("{offer.provider}", {"offer.provider": ["{tp}"]}) == "{tp}"


def test_placeholders_are_listed_once() -> None:
    assert placeholders("{tp} {pp} {tp:d}") == ("tp", "pp")
