"""The last look at a plan: every figure that can be recomputed from the plan itself is, without solver or table."""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING

from planner.errors import PlannerError
from planner.units import HOURS_PER_MONTH

if TYPE_CHECKING:
    from planner.plan import Plan

_TOLERANCE = 1e-6
"""Relative: money is rounded to micro-dollars per instance."""


def plan_violations(plan: Plan, *, least_cost: bool = True) -> list[str]:
    """Return every requirement that ``plan`` breaks and every sum that does not add up; empty when it is sound.

    ``least_cost`` says that the proof is of the plan's own cost, to the last micro-dollar.
    """
    margins = (*plan.margins, *(item for service in plan.services for item in service.margins))
    broken = [f"{item.requirement}: {item.actual} against {item.limit}" for item in margins if not item.holds]
    for item in plan.deployments:
        if item.gpus != item.instances * item.gpus_per_instance:
            broken.append(f"{item.service}: {item.gpus} GPUs are not {item.instances} whole instances")
        if item.replicas * item.gpus_per_replica > item.gpus:
            broken.append(f"{item.service}: {item.replicas} replicas do not fit {item.gpus} GPUs")
        degrees = item.tensor_parallel * item.pipeline_parallel
        if degrees != item.gpus_per_replica:
            broken.append(f"{item.service}: a replica has {item.gpus_per_replica} GPUs but degrees for {degrees}")
        if item.tensor_parallel > item.gpus_per_instance:
            broken.append(f"{item.service}: a tensor-parallel group does not lie within one instance")
    for estimate in (*plan.estimates, *(item for service in plan.services for item in service.estimates)):
        total = sum(term.value for term in estimate.terms)
        if estimate.terms and not isclose(total, estimate.value, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
            broken.append(f"{estimate.name}: its terms add up to {total}, not {estimate.value}")
    if not isclose(plan.cost_usd_per_hour * HOURS_PER_MONTH, plan.cost_usd_per_month, rel_tol=_TOLERANCE):
        broken.append("cost per month is not cost per hour times hours")
    objective = plan.proof.objective_micro_usd_per_hour / 1e6
    preferred = sum(item.usd_per_month for item in plan.preferences) / HOURS_PER_MONTH
    if plan.holdings:
        held = sum(item.cost_usd_per_month for item in plan.holdings)
        if not isclose(held, plan.cost_usd_per_month, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
            broken.append(f"what is held costs {held}, the plan {plan.cost_usd_per_month}")
    if least_cost and not isclose(
        objective, plan.cost_usd_per_hour + preferred, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE
    ):
        broken.append("the plan does not cost what was proven")
    if plan.proof.bound_micro_usd_per_hour > plan.proof.objective_micro_usd_per_hour:
        broken.append("the bound exceeds the cost")
    return broken


def refuse(broken: list[str]) -> None:
    """Raise PlannerError where an answer did not pass its check."""
    if broken:
        raise PlannerError("the answer does not pass its check, which is a defect of the planner: " + "; ".join(broken))
