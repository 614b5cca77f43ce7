"""Rules over the whole plan as linear limits: what the solver can hold while it searches, not check afterwards."""

from __future__ import annotations

from typing import Literal

from planner.rules.checked import Node
from planner.rules.diagnosis import Problem
from planner.rules.rule import Limit
from planner.rules.variables import VARIABLES

_FLIPPED = {"_<=_": "_>=_", "_>=_": "_<=_", "_<_": "_>_", "_>_": "_<_", "_==_": "_==_"}
_NEGATED = {"_<=_": "_>_", "_>=_": "_<_", "_<_": "_>=_", "_>_": "_<=_"}

LIMITABLE = ("plan.nodes", "plan.gpus", "plan.types", "plan.power_kw", "plan.usd_per_month")
"""Plan variables that are sums over what is bought and run, so that an upper bound is a linear constraint."""

ADVICE = (
    "forbid and require over plan.* must bound a sum from above, such as `plan.nodes <= 4 && plan.types <= 1`; "
    "with `effect: warn` any condition over the plan is checked"
)


def linear_limits(condition: Node, *, holds: bool) -> tuple[Limit, ...] | Problem:
    """Return the limits that ``condition`` (or, with ``holds=False``, its opposite) amounts to.

    A Problem where it is anything but upper bounds on the sums that the solver knows, joined by ``&&``: a rule that
    could not be honoured is refused rather than ignored.
    """
    comparisons = _comparisons(condition, holds)
    if comparisons is None:
        return Problem("the solver cannot hold this condition over the plan", "not-linear", help=ADVICE)
    limits: list[Limit] = []
    for operator, name, bound in comparisons:
        if name not in LIMITABLE:
            return Problem(f"{name} cannot be bounded by the solver", "not-linear", help=ADVICE)
        whole = VARIABLES[name].type == "int"
        match operator:
            case "_<=_":
                limits.append(Limit(name, "<=", bound))
            case "_<_" if whole:
                limits.append(Limit(name, "<=", bound - 1))
            case _:
                symbol = operator.strip("_")
                text = f"the solver bounds {name} from above only; `{symbol}` asks for more"
                return Problem(text, "not-linear", help=ADVICE)
    return tuple(limits)


def _comparisons(node: Node, holds: bool) -> list[tuple[str, str, float]] | None:
    """Return (operator, variable, bound) that must all hold, or None where the condition is anything else."""
    if node.kind != "call":
        return None
    if node.name == "!_":
        return _comparisons(node.children[0], not holds)
    joined: Literal["_&&_", "_||_"] = "_&&_" if holds else "_||_"
    if node.name == joined:
        parts = [_comparisons(child, holds) for child in node.children]
        return None if any(part is None for part in parts) else [item for part in parts if part for item in part]
    operator = node.name
    if operator not in _FLIPPED or len(node.children) != 2:
        return None
    left, right = node.children
    if left.kind == "constant":
        left, right, operator = right, left, _FLIPPED[operator]
    if not holds:
        if operator not in _NEGATED:
            return None
        operator = _NEGATED[operator]
    bound = right.value
    if left.kind != "identifier" or right.kind != "constant" or isinstance(bound, bool):
        return None
    return [(operator, left.name, float(bound))] if isinstance(bound, int | float) else None
