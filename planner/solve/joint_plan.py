"""The plan of several fleets as data: what is held, what each service gets, what all of it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.rule_requirements import PREFIX
from planner.cost import per_month, total_cost_of_ownership, usd, usd_per_million_tokens
from planner.plan import Alternative, Estimate, Margin, Plan, Proof, Rejection, ServiceResult, Term
from planner.solve.assemble import inputs_of, margin, warnings_of
from planner.solve.figures import latency, memory, power_of, quality_of
from planner.solve.joint_words import load_words, reasons_of
from planner.solve.placement import deployment, details_of, holdings
from planner.solve.rule_notes import rule_warnings
from planner.solve.wording import broken_counts
from planner.units import HOURS_PER_MONTH, format_months, format_usd

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.candidates.requirements import Requirement
    from planner.plan import Holding
    from planner.solve.details import Detail
    from planner.solve.placement import Choice
    from planner.solve.problem import Outcome

_SUMMED = frozenset({"output_tokens_per_second", "power_w"})
_LEAST = frozenset({"recovery", "output_tokens_per_second"})
"""Figures of which the least is the worst."""
_FIGURES = {
    "sla.ttft_p50": "ttft_p50_ms",
    "sla.ttft_p95": "ttft_p95_ms",
    "sla.tpot_p95": "tpot_p95_ms",
    "sla.e2e_p95": "e2e_p95_ms",
    "sla.output_tokens_per_second": "output_tokens_per_second",
    "quality.min_recovery": "recovery",
}
"""Requirement -> the estimate that it limits."""


def assemble_joint(choice: Choice, outcome: Outcome, rivals: Sequence[Alternative]) -> Plan:
    """Return the plan that takes ``choice``."""
    streams = choice.streams
    details = details_of(choice)
    held = holdings(choice)
    services = tuple(_service(choice, details, part.name) for part in streams.scenario.parts)
    margins = _plan_margins(choice, held, per_month(usd(1) * choice.cost))
    monthly = per_month(usd(1) * choice.cost)
    estimates = _plan_estimates(choice, details, held, services)
    if len(services) == 1:
        # What is said of the only service is said of the plan; the service keeps its load.
        (only,) = services
        estimates = (*(it for it in only.estimates if it.name != "power_w"), *estimates)
        margins = (*only.margins, *margins)
        services = (replace(only, estimates=(), margins=()),)
    deployments = tuple(
        deployment(choice, item, detail) for item, detail in zip(choice.placements, details, strict=True)
    )
    tables = streams.tables
    return Plan(
        scenario=streams.scenario.name,
        deployments=deployments,
        estimates=estimates,
        margins=margins,
        cost_usd_per_hour=monthly / HOURS_PER_MONTH,
        cost_usd_per_month=monthly,
        proof=Proof(
            status=outcome.status,
            solver=outcome.solver,
            objective_micro_usd_per_hour=round(outcome.objective / choice.hours),
            bound_micro_usd_per_hour=round(outcome.bound / choice.hours),
            gap=outcome.gap,
            candidates=sum(len(table) for table in tables),
            feasible=sum(int(np.count_nonzero(table.feasible)) for table in tables),
            checked=True,
        ),
        alternatives=tuple(rivals),
        rejected=_rejected(tables),
        warnings=tuple(dict.fromkeys(_warnings(choice, details))),
        reasons=reasons_of(choice, held, monthly, outcome, rivals),
        inputs=inputs_of(tables[0], streams.scenario),
        holdings=held,
        services=services,
        goal=streams.scenario.objective.first,
    )


def _rejected(tables: Iterable[CandidateTable]) -> tuple[Rejection, ...]:
    """Return what was ruled out, summed over the streams."""
    counts: dict[tuple[str, str], int] = {}
    for table in tables:
        alone = [item for item in broken_counts(table) if not item.reason.startswith("budget")]
        for item in (*table.rejected, *table.ruled_out, *alone):
            counts[item.reason, item.message] = counts.get((item.reason, item.message), 0) + item.count
    return tuple(Rejection(reason, message, count) for (reason, message), count in counts.items())


def _warnings(choice: Choice, details: Sequence[Detail]) -> Iterable[str]:
    several = len(choice.streams.scenario.parts) > 1
    for item, detail in zip(choice.placements, details, strict=True):
        stream = choice.streams.streams[item.stream]
        table = stream.table
        said = [*warnings_of(table, detail), *rule_warnings(table, item.row)]
        yield from (f"{stream.service}: {text}" if several else text for text in said)


def _service(choice: Choice, details: Sequence[Detail], name: str) -> ServiceResult:
    """Return what a service gets: of its fleets the worst, or the sum."""
    streams = choice.streams
    mine = [
        (streams.streams[item.stream].table, detail)
        for item, detail in zip(choice.placements, details, strict=True)
        if streams.streams[item.stream].service == name
    ]
    table = mine[0][0]
    parts = [
        (*latency(own, detail), memory(own, detail), *quality_of(detail), power_of(detail)) for own, detail in mine
    ]
    estimates = tuple(worst(items) for items in _by_name(parts))
    scenario = next(part for part in streams.scenario.parts if part.name == name)
    return ServiceResult(
        service=name,
        model=table.architecture.id,
        load=load_words(scenario),
        estimates=estimates,
        margins=_service_margins(choice, mine, {item.name: item for item in estimates}, name),
        hourly=scenario.workload.hourly or (),
    )


def _by_name(parts: Sequence[Sequence[Estimate]]) -> list[list[Estimate]]:
    names = dict.fromkeys(item.name for items in parts for item in items)
    return [[item for items in parts for item in items if item.name == name] for name in names]


def worst(items: Sequence[Estimate]) -> Estimate:
    """Return the worst of figures of the same name, or their sum where fleets add up."""
    first = items[0]
    if first.name in _SUMMED:
        if len(items) == 1:
            return first
        low, high = ([getattr(item, end) for item in items] for end in ("low", "high"))
        known = None not in low and None not in high
        return replace(
            first,
            value=sum(item.value for item in items),
            low=sum(low) if known else None,
            high=sum(high) if known else None,
            terms=(),
        )
    return (min if first.name in _LEAST else max)(items, key=lambda item: item.value)


def _service_margins(
    choice: Choice, mine: Sequence[tuple[CandidateTable, Detail]], found: dict[str, Estimate], name: str
) -> tuple[Margin, ...]:
    from planner.solve.certainty import PREDICTED

    table = mine[0][0]
    scenario = next(part for part in choice.streams.scenario.parts if part.name == name)
    confidence = scenario.sla.confidence
    result = []
    for item in table.requirements:
        if item.of_plan or item.id.startswith(PREFIX) or item.sense == "in":
            continue
        sure = confidence if item.id in PREDICTED else None
        if sure is not None:
            values = [float(_requirement(own, item.id).actual(own)[detail.row]) for own, detail in mine]
            value = min(values) if item.sense == "min" else max(values)
        elif item.id == "sla.availability":
            value = float(np.prod([detail.availability() for _, detail in mine]))
        else:
            value = found[_FIGURES[item.id]].value
        result.append(replace(margin(item.id, item.sense, item.limit, value, item.unit), confidence=sure))
    least = scenario.quality.min_recovery
    if least is not None and "recovery" in found:
        result.append(margin("quality.min_recovery", "min", least, found["recovery"].value, "share"))
    fullest = max(mine, key=lambda pair: memory(*pair).value / pair[1].accelerator.memory_bytes_usable)
    usable = float(fullest[1].accelerator.memory_bytes_usable)
    result.append(margin("memory_per_gpu", "max", usable, memory(*fullest).value, "bytes"))
    return tuple(result)


def _requirement(table: CandidateTable, name: str) -> Requirement:
    return next(item for item in table.requirements if item.id == name)


def _plan_estimates(
    choice: Choice, details: Sequence[Detail], held: Sequence[Holding], services: Sequence[ServiceResult]
) -> tuple[Estimate, ...]:
    terms = tuple(_bill(item) for item in held)
    monthly = sum(term.value for term in terms)
    found = [Estimate("cost_usd_per_month", monthly, "USD/month", terms=terms)]
    tokens = sum(_mean_tokens(item) for item in services)
    if tokens > 0:
        per_million = usd_per_million_tokens(monthly / HOURS_PER_MONTH, tokens)
        source = "all services together, at the scenario's load"
        found.append(Estimate("cost_usd_per_million_output_tokens", per_million, "USD", source=source))
    found += _total(choice, held, monthly)
    powers = [power_of(detail) for detail in details]
    total = sum(item.value for item in powers)
    named = tuple(
        Term(f"{detail.accelerator.name} for {choice.streams.streams[item.stream].id}", it.value, "W")
        for item, detail, it in zip(choice.placements, details, powers, strict=True)
    )
    found.append(Estimate("power_w", total, "W", terms=named, source=powers[0].source if powers else ""))
    return tuple(found)


def _bill(item: Holding) -> Term:
    count = f"{min(item.instances_by_hour)} to {item.instances}" if item.instances_by_hour else f"{item.instances}"
    return Term(
        f"{count} x {item.offer}, {item.pricing}", item.cost_usd_per_month, "USD/month", ", ".join(item.services)
    )


def _mean_tokens(item: ServiceResult) -> float:
    """Output tokens per second on average over the cycle; the estimate is that of the busiest hour."""
    busiest = next(it.value for it in item.estimates if it.name == "output_tokens_per_second")
    if not item.hourly:
        return busiest
    return busiest * sum(item.hourly) / len(item.hourly) / max(item.hourly)


def _total(choice: Choice, held: Sequence[Holding], monthly: float) -> list[Estimate]:
    months = choice.streams.scenario.budget.horizon_months
    if months is None:
        return []
    capex = sum(item.capex_usd for item in held)
    written_off = sum(
        hourly * max(choice.instances[p])
        for p in choice.used_pools
        for name, hourly in choice.pools[p].terms
        if name == "purchase"
    )
    running = monthly - per_month(written_off)
    terms = [Term("running", running * months, "USD", f"{months} x {format_usd(running, 'month')}")]
    facility = choice.streams.tables[0].facility
    salvage = facility.salvage_share if facility else 0.0
    if capex:
        terms.insert(0, Term("purchase", capex * (1.0 - salvage), "USD", "less salvage" if salvage else ""))
    total = total_cost_of_ownership(capex, running, months, salvage)
    return [Estimate("tco_usd", total, "USD", terms=tuple(terms), source=f"over {format_months(months)}")]


def _plan_margins(choice: Choice, held: Sequence[Holding], monthly: float) -> tuple[Margin, ...]:
    """Return budgets, quotas, limits and rules over the plan beside what the plan takes."""
    scenario, limits = choice.streams.scenario, choice.streams.scenario.limits
    table = choice.streams.tables[0]
    nodes = sum(item.instances for item in held)
    totals = {
        "plan.nodes": float(nodes),
        "plan.gpus": float(sum(item.instances * item.gpus_per_instance for item in held)),
        "plan.types": float(len({item.accelerator for item in held})),
        "plan.power_kw": sum(choice.pools[p].rated_watts * max(choice.instances[p]) for p in choice.used_pools) / 1000,
        "plan.usd_per_month": monthly,
    }
    found = []
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
            found.append(margin(item.id, item.sense, item.limit, value, item.unit))
    for name, limit, actual, unit in (
        ("limits.types", limits.types, totals["plan.types"], "accelerators"),
        ("limits.nodes", limits.nodes, totals["plan.nodes"], "instances"),
        ("limits.power", limits.power_w, _own_power(choice), "W"),
    ):
        if limit is not None:
            found.append(margin(name, "max", float(limit), actual, unit))
    from planner.candidates.supply import counts

    for index, quota in enumerate(limits.quotas):
        taken = sum(
            max(choice.instances[p]) * (1 if quota.nodes is not None else choice.pools[p].offer.gpus)
            for p in choice.used_pools
            if counts(quota, choice.pools[p].offer, choice.pools[p].price)
        )
        most = quota.nodes if quota.nodes is not None else quota.gpus or 0
        unit = "instances" if quota.nodes is not None else "GPUs"
        found.append(margin(f"quota: {quota.words}", "max", float(most), float(taken), unit))
    for entry, pool in zip(scenario.inventory, _owned(choice), strict=True):
        taken = max(choice.instances[pool]) if pool is not None else 0
        found.append(margin(f"inventory: {entry.accelerator}", "max", float(entry.nodes), float(taken), "instances"))
    return tuple(found)


def _owned(choice: Choice) -> list[int | None]:
    """Return the pool of each entry of the inventory; None where no replica may run on it."""
    names = [pool.offer.id for pool in choice.pools]
    ids = [offer for offer in _owned_ids(choice)]
    return [names.index(name) if name in names else None for name in ids]


def _owned_ids(choice: Choice) -> list[str]:
    from planner.candidates.supply import owned_prices

    streams = choice.streams
    today = streams.tables[0].ruling.asked.today
    return [priced.offer.id for priced in owned_prices(streams.scenario, streams.catalog, today)]


def _own_power(choice: Choice) -> float:
    own = (p for p in choice.used_pools if choice.pools[p].price.kind in ("owned", "purchase"))
    return float(sum(choice.pools[p].rated_watts * max(choice.instances[p]) for p in own))
