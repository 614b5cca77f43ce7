"""Declarative deployment planner for large language models.

The public API::

    from planner import load_scenario, solve

    plan = solve(load_scenario("scenarios/70b-chat.yaml"))

Everything here is imported on first use, so that ``import planner`` stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planner.errors import Infeasible, InputError, PlannerError
    from planner.plan import Plan
    from planner.scenario import Scenario, load_scenario
    from planner.solve import solve

__version__ = "0.1.0"

__all__ = [
    "Infeasible",
    "InputError",
    "Plan",
    "PlannerError",
    "Scenario",
    "__version__",
    "load_scenario",
    "solve",
]

_HOME = {
    "Infeasible": "planner.errors",
    "InputError": "planner.errors",
    "PlannerError": "planner.errors",
    "Plan": "planner.plan",
    "Scenario": "planner.scenario",
    "load_scenario": "planner.scenario",
    "solve": "planner.solve",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module when it is first asked for (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'planner' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
