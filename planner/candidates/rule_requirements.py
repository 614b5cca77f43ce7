"""Rules that are judged on whole fleets, as requirements: over estimates, over the plan, and policy to be explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.requirements import Requirement
from planner.candidates.rule_columns import table_columns
from planner.rules.engine import evaluate_rules
from planner.units import HOURS_PER_MONTH, MICRO_USD_PER_USD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.hardware import Pool
    from planner.candidates.ruling import Ruling
    from planner.candidates.table import CandidateTable
    from planner.rules.rule import Rule

PREFIX = "rules."
"""How the id of a requirement begins that is a rule."""

PLAN_UNITS = {
    "plan.nodes": "instances",
    "plan.gpus": "GPUs",
    "plan.types": "accelerators",
    "plan.power_kw": "kW",
    "plan.usd_per_month": "USD/month",
}
"""Plan variables that can be bounded, with the unit of the bound."""


def rule_requirements(ruling: Ruling) -> tuple[Requirement, ...]:
    """Return a requirement for each rule of ``ruling`` that is judged on fleets.

    A rule that bounds one sum over the plan is a limit on that sum. Any other holds or does not.
    """
    return tuple(_requirement(ruling, rule) for rule in ruling.of_fleets)


def _requirement(ruling: Ruling, rule: Rule) -> Requirement:
    name = PREFIX + rule.id
    if len(rule.limits) == 1 and rule.reads == (rule.limits[0].variable,):
        (limit,) = rule.limits
        unit = PLAN_UNITS[limit.variable]
        return Requirement(name, "max", limit.bound, unit, _sum(ruling, limit.variable), rule.id, of_plan=True)
    of_plan = any(name.startswith("plan.") for name in rule.reads)
    return Requirement(name, "in", 1.0, "", _holds(ruling, rule), rule.id, of_plan=of_plan)


def _sum(ruling: Ruling, variable: str) -> Callable[[CandidateTable], NDArray[np.float64]]:
    def actual(table: CandidateTable) -> NDArray[np.float64]:
        column = table_columns(table, ruling.asked)[variable]
        return np.array(column.values, dtype=np.float64)[column.codes]

    return actual


def _holds(ruling: Ruling, rule: Rule) -> Callable[[CandidateTable], NDArray[np.float64]]:
    def actual(table: CandidateTable) -> NDArray[np.float64]:
        verdicts = evaluate_rules((rule,), table_columns(table, ruling.asked), (len(table),))
        return (~verdicts.mask(rule.id)).astype(np.float64)

    return actual


def coefficient(variable: str, pool: Pool) -> int:
    """Return what one instance of ``pool`` adds to a sum over the plan, in whole units of ``scale``."""
    match variable:
        case "plan.nodes":
            return 1
        case "plan.gpus":
            return pool.offer.gpus
        case "plan.power_kw":
            return round(pool.rated_watts)
        case "plan.usd_per_month":
            return pool.fixed_cost
    return 0


def scale(variable: str) -> float:
    """Return how many units of ``coefficient`` one unit of the variable is."""
    return {"plan.power_kw": 1000.0, "plan.usd_per_month": MICRO_USD_PER_USD / HOURS_PER_MONTH}.get(variable, 1.0)
