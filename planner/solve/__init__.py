"""From candidates to the cheapest plan, with its proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.catalog import Catalog
    from planner.plan import Plan
    from planner.scenario import Scenario
    from planner.solve.problem import Solver

ALTERNATIVES = 3
"""Plans told beside the answer unless asked otherwise."""


def solve(
    scenario: Scenario,
    catalog: Catalog | None = None,
    *,
    alternatives: int = ALTERNATIVES,
    solver: Solver | None = None,
) -> Plan:
    """Return the cheapest plan that holds every requirement of ``scenario``, proven and checked.

    ``solver`` replaces the one that suits the problem's shape (``planner.solve.choice``). Raises Infeasible with the
    conflict when no plan exists, InputError when the model or a catalog cannot be read, and PlannerError when a
    solver's answer does not pass the checks, which is a defect.
    """
    from planner.solve.pipeline import solved

    return solved(scenario, catalog, alternatives=alternatives, solver=solver)
