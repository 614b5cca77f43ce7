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
    if plan.holdings:
        broken += _holding_violations(plan)
    proven = plan.cost_usd_per_hour + sum(item.usd_per_month for item in plan.preferences) / HOURS_PER_MONTH
    if least_cost and not isclose(objective, proven, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
        broken.append("the plan does not cost what was proven")
    if plan.proof.bound_micro_usd_per_hour > plan.proof.objective_micro_usd_per_hour:
        broken.append("the bound exceeds the cost")
    return broken


def _holding_violations(plan: Plan) -> list[str]:
    """Return what does not add up of a plan of several fleets: its bill, and what runs on what is held."""
    broken = []
    total = sum(item.cost_usd_per_month for item in plan.holdings)
    if not isclose(total, plan.cost_usd_per_month, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
        broken.append(f"what is held costs {total}, the plan {plan.cost_usd_per_month}")
    for held in plan.holdings:
        mine = [it for it in plan.deployments if (it.offer, it.pricing) == (held.offer, held.pricing)]
        hours = max((len(it.replicas_by_hour) for it in mine), default=0) or len(held.instances_by_hour) or 1
        for hour in range(hours):
            there = _at(held.instances_by_hour, held.instances, hour) * held.gpus_per_instance
            used = sum(_at(it.replicas_by_hour, it.replicas, hour) * it.gpus_per_replica for it in mine)
            if used > there:
                broken.append(f"{held.offer}: replicas take {used} GPUs of {there} in hour {hour}")
                break
    return broken


def _at(by_hour: tuple[int, ...], otherwise: int, hour: int) -> int:
    return by_hour[hour] if by_hour else otherwise


def refuse(broken: list[str]) -> None:
    """Raise PlannerError where an answer did not pass its check."""
    if broken:
        raise PlannerError("the answer does not pass its check, which is a defect of the planner: " + "; ".join(broken))
