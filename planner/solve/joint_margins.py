"""How far a plan of several fleets stays from its limits: those of each service, and those of the whole plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.rule_requirements import PREFIX
from planner.candidates.supply import counts, owned_prices
from planner.cost import usd
from planner.solve.assemble import margin
from planner.solve.certainty import PREDICTED
from planner.solve.joint_figures import fullest
from planner.units import HOURS_PER_MONTH

if TYPE_CHECKING:
    from planner.plan import Estimate, Holding, Margin
    from planner.scenario import Scenario
    from planner.solve.joint_figures import Fleet
    from planner.solve.placement import Choice

_FIGURES = {
    "sla.ttft_p50": "ttft_p50_ms",
    "sla.ttft_p95": "ttft_p95_ms",
    "sla.tpot_p95": "tpot_p95_ms",
    "sla.e2e_p95": "e2e_p95_ms",
    "sla.output_tokens_per_second": "output_tokens_per_second",
    "quality.min_recovery": "recovery",
}
"""Requirement -> the estimate that it limits."""


def service_margins(scenario: Scenario, fleets: Sequence[Fleet], found: dict[str, Estimate]) -> tuple[Margin, ...]:
    """Return the margins of a service, whose figures are ``found``; its worst fleet decides."""
    result = []
    # Of the stages of a request, each is asked some of it.
    asked = {item.id: item for table, _ in reversed(fleets) for item in table.requirements}
    for item in asked.values():
        if item.of_plan or item.id.startswith(PREFIX) or item.sense == "in":
            continue
        sure = scenario.sla.confidence if item.id in PREDICTED else None
        if sure is not None:
            values = [
                float(it.actual(own)[detail.row])
                for own, detail in fleets
                for it in own.requirements
                if it.id == item.id
            ]
            value = min(values) if item.sense == "min" else max(values)
        elif item.id == "sla.availability":
            value = float(np.prod([detail.availability() for _, detail in fleets]))
        else:
            value = found[_FIGURES[item.id]].value
        result.append(replace(margin(item.id, item.sense, item.limit, value, item.unit), confidence=sure))
    least = scenario.quality.min_recovery
    if least is not None and "recovery" in found:
        result.append(margin("quality.min_recovery", "min", least, found["recovery"].value, "share"))
    usable = float(fullest(fleets)[1].accelerator.memory_bytes_usable)
    result.append(margin("memory_per_gpu", "max", usable, found["memory_per_gpu_bytes"].value, "bytes"))
    return tuple(result)


def plan_margins(choice: Choice, held: Sequence[Holding], monthly: float) -> tuple[Margin, ...]:
    """Return budgets, quotas, limits and rules over the plan beside what the plan takes."""
    totals = _totals(choice, held, monthly)
    return (
        *_asked_of_plan(choice, held, totals),
        *_limits(choice, totals),
        *_quotas(choice),
        *_inventory(choice),
    )


def _totals(choice: Choice, held: Sequence[Holding], monthly: float) -> dict[str, float]:
    return {
        "plan.nodes": float(sum(item.instances for item in held)),
        "plan.gpus": float(sum(item.instances * item.gpus_per_instance for item in held)),
        "plan.types": float(len({item.accelerator for item in held})),
        "plan.power_kw": sum(choice.pools[p].rated_watts * max(choice.instances[p]) for p in choice.used_pools) / 1000,
        "plan.usd_per_month": monthly,
    }


def _asked_of_plan(choice: Choice, held: Sequence[Holding], totals: dict[str, float]) -> Iterator[Margin]:
    table, monthly = choice.streams.tables[0], totals["plan.usd_per_month"]
    for item in table.requirements:
        value: float | None = None
        if item.id == "budget":
            value = monthly / HOURS_PER_MONTH if item.unit == "USD/h" else monthly
        elif item.id == "budget.peak":
            value = usd(1) * choice.peak_cost
        elif item.id == "budget.capex":
            value = sum(it.capex_usd for it in held)
        elif item.id == "budget.tco":
            value = monthly * item.months
        elif item.id.startswith(PREFIX) and item.of_plan:
            rule = table.ruling.rules[item.asked]
            value = next((totals[it.variable] for it in rule.limits), None)
        if value is not None and item.sense != "in":
            yield margin(item.id, item.sense, item.limit, value, item.unit)


def _limits(choice: Choice, totals: dict[str, float]) -> Iterator[Margin]:
    limits = choice.streams.scenario.limits
    for name, limit, actual, unit in (
        ("limits.types", limits.types, totals["plan.types"], ""),
        ("limits.nodes", limits.nodes, totals["plan.nodes"], "instances"),
        ("limits.power", limits.power_w, _own_power(choice), "W"),
    ):
        if limit is not None:
            yield margin(name, "max", float(limit), actual, unit)


def _quotas(choice: Choice) -> Iterator[Margin]:
    for quota in choice.streams.scenario.limits.quotas:
        taken = sum(
            max(choice.instances[p]) * (1 if quota.nodes is not None else choice.pools[p].offer.gpus)
            for p in choice.used_pools
            if counts(quota, choice.pools[p].offer, choice.pools[p].price)
        )
        most = quota.nodes if quota.nodes is not None else quota.gpus or 0
        unit = "instances" if quota.nodes is not None else "GPUs"
        yield margin(f"quota: {quota.words}", "max", float(most), float(taken), unit)


def _inventory(choice: Choice) -> Iterator[Margin]:
    streams = choice.streams
    priced = owned_prices(streams.scenario, streams.catalog, streams.tables[0].ruling.asked.today)
    pools = {pool.offer.id: index for index, pool in enumerate(choice.pools)}
    for entry, own in zip(streams.scenario.inventory, priced, strict=True):
        pool = pools.get(own.offer.id)  # none where no replica may run on it
        taken = max(choice.instances[pool]) if pool is not None else 0
        yield margin(f"inventory: {entry.accelerator}", "max", float(entry.nodes), float(taken), "instances")


def _own_power(choice: Choice) -> float:
    own = (p for p in choice.used_pools if choice.pools[p].price.kind in ("owned", "purchase"))
    return float(sum(choice.pools[p].rated_watts * max(choice.instances[p]) for p in own))
