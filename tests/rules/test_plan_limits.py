"""Rules over the plan become limits, exactly, or are refused."""

from __future__ import annotations

import pytest

from planner.rules.diagnosis import Problem
from planner.rules.expression import Checked, check
from planner.rules.limits import linear_limits
from planner.rules.rule import Limit


def limits(text: str, *, holds: bool) -> tuple[Limit, ...] | Problem:
    checked = check(text)
    assert isinstance(checked, Checked), checked
    return linear_limits(checked.root, holds=holds)


@pytest.mark.parametrize(
    ("text", "holds", "expected"),
    [
        ("plan.nodes <= 4", True, [("plan.nodes", 4)]),
        ("plan.nodes < 4", True, [("plan.nodes", 3)]),
        ("4 >= plan.nodes", True, [("plan.nodes", 4)]),
        ("plan.nodes > 4", False, [("plan.nodes", 4)]),
        ("plan.nodes >= 4", False, [("plan.nodes", 3)]),
        ("!(plan.nodes > 4)", True, [("plan.nodes", 4)]),
        ("plan.nodes <= 4 && plan.power_kw <= 20.5", True, [("plan.nodes", 4), ("plan.power_kw", 20.5)]),
        ("plan.nodes > 4 || plan.types > 1", False, [("plan.nodes", 4), ("plan.types", 1)]),
        ("plan.usd_per_month <= 50000.0", True, [("plan.usd_per_month", 50000)]),
        ("plan.gpus <= 64", True, [("plan.gpus", 64)]),
    ],
)
def test_bounds_become_limits(text: str, holds: bool, expected: list[tuple[str, float]]) -> None:
    assert limits(text, holds=holds) == tuple(Limit(name, "<=", bound) for name, bound in expected)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("plan.nodes <= 4 || plan.types <= 1", True),
        ("plan.nodes > 4 && plan.types > 1", False),
        ("plan.nodes == 4", True),
        ("plan.nodes >= 2", True),
        ("plan.power_kw < 20.0", True),
        ("plan.spot_share <= 0.5", True),
        ("plan.nodes * 8 <= 32", True),
        ("plan.nodes <= plan.types", True),
        ("plan.nodes in [1, 2]", True),
    ],
)
def test_what_the_solver_cannot_hold_is_refused(text: str, holds: bool) -> None:
    found = limits(text, holds=holds)
    assert isinstance(found, Problem)
    assert found.code == "not-linear"
    assert "plan.nodes <= 4" in found.help
