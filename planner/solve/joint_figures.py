"""Figures of a plan of several fleets: of what its fleets do the worst or the sum, and what all of it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from planner import power
from planner.cost import per_month, total_cost_of_ownership, usd, usd_per_million_tokens
from planner.plan import Estimate, Term
from planner.solve.figures import LATENCIES, latency, memory, power_of, quality_of, salvage_of
from planner.units import HOURS_PER_MONTH, format_months, format_usd

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.candidates.streams import Stream
    from planner.plan import Holding, ServiceResult
    from planner.solve.details import Detail
    from planner.solve.placement import Choice

_SUMMED = frozenset({"output_tokens_per_second", "power_w"})
_LEAST = frozenset({"recovery", "output_tokens_per_second"})
"""Figures of which the least is the worst."""

Fleet = tuple["CandidateTable", "Detail"]
"""One fleet of a service: the table that its row is from, and its figures."""


def service_estimates(fleets: Sequence[Fleet]) -> tuple[Estimate, ...]:
    """Return what a service gets from its fleets: of each figure the worst, or the sum.

    Where prefill and decode are apart, the times of both add up to the time of a request.
    """
    prefill, decode = ([own for own in fleets if own[0].part.stage == stage] for stage in ("prefill", "decode"))
    if not prefill:
        return _over(fleets)
    first, rest = ({item.name: item for item in _over(stage)} for stage in (prefill, decode))
    found = {**rest, "memory_per_gpu_bytes": memory(*fullest(fleets))}
    found["power_w"] = worst([first["power_w"], rest["power_w"]])
    for name in ("ttft_p50_ms", "ttft_p95_ms"):
        found[name] = _one_after_the_other(first[name], rest[name])
    found["e2e_p95_ms"] = _one_after_the_other(first["ttft_p95_ms"], rest["e2e_p95_ms"])
    return tuple(found.values())


def fullest(fleets: Sequence[Fleet]) -> Fleet:
    """Return the fleet whose GPUs have the least memory left, as a share of what they have."""
    return max(fleets, key=lambda own: memory(*own).value / own[1].accelerator.memory_bytes_usable)


def _over(fleets: Sequence[Fleet]) -> tuple[Estimate, ...]:
    parts = [(*latency(*own), *quality_of(own[1]), power_of(own[1])) for own in fleets]
    names = dict.fromkeys(item.name for items in parts for item in items)
    found = [worst([item for items in parts for item in items if item.name == name]) for name in names]
    last_latency = 1 + max(index for index, item in enumerate(found) if item.name in LATENCIES)
    return (*found[:last_latency], memory(*fullest(fleets)), *found[last_latency:])


def _one_after_the_other(first: Estimate, then: Estimate) -> Estimate:
    """Return the sum of two times, each a term of it; the ends of their intervals add up as well."""
    terms = (Term("prefill stage", first.value, first.unit), Term("decode stage", then.value, then.unit))
    ends = [(first.low, then.low), (first.high, then.high)]
    low, high = (None if a is None or b is None else a + b for a, b in ends)
    return replace(then, value=first.value + then.value, low=low, high=high, terms=terms, source=first.source)


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


def plan_estimates(
    choice: Choice, details: Sequence[Detail], held: Sequence[Holding], services: Sequence[ServiceResult]
) -> tuple[Estimate, ...]:
    """Return cost, cost per token, total cost of ownership and power of the whole plan, with their terms."""
    terms = tuple(_bill(choice, item) for item in held)
    monthly = sum(term.value for term in terms)
    found = [Estimate("cost_usd_per_month", monthly, "USD/month", terms=terms)]
    tokens = sum(_mean_tokens(item) for item in services)
    if tokens > 0:
        per_million = usd_per_million_tokens(monthly / HOURS_PER_MONTH, tokens)
        source = "all services together, at the scenario's load"
        found.append(Estimate("cost_usd_per_million_output_tokens", per_million, "USD", source=source))
    found += _total(choice, held, monthly)
    found.append(_power(choice, details))
    return tuple(found)


def _carried(stream: Stream) -> tuple[str, str]:
    """Return the service whose requests a stream are, and which of them."""
    return stream.service, stream.part.label


def _power(choice: Choice, details: Sequence[Detail]) -> Estimate:
    """Return the mean power of everything in the busiest hour: of each fleet's busy GPUs, and once what idles beside.

    Fleets may share instances, so that idle GPUs and hosts belong to what is held.
    """
    terms = []
    for item, detail in zip(choice.placements, details, strict=True):
        stream = choice.streams.streams[item.stream]
        busy = power_of(detail).terms[0]
        name = f"{detail.accelerator.name} for {', '.join(filter(None, _carried(stream)))}"
        terms.append(Term(name, busy.value, "W", busy.formula, busy.source))
    for p in choice.used_pools:
        pool, instances = choice.pools[p], max(choice.instances[p])
        mine = [(it, own) for it, own in zip(choice.placements, details, strict=True) if it.pool == p]
        idle = instances * pool.offer.gpus - sum(it.peak * own.degrees.gpus for it, own in mine)
        tdp = pool.accelerator.tdp_w or 0.0
        if idle > 0:
            formula = f"{idle} x {tdp:g} W x {power.IDLE_SHARE_OF_TDP}"
            value = idle * tdp * power.IDLE_SHARE_OF_TDP
            terms.append(Term(f"idle, {pool.offer.id}", value, "W", formula, power.SOURCE))
        if pool.offer.host_power_w:
            formula = f"{instances} x {pool.offer.host_power_w:g} W"
            value = instances * pool.offer.host_power_w
            terms.append(Term(f"hosts, {pool.offer.id}", value, "W", formula, pool.offer.host_power_source))
    return Estimate("power_w", sum(term.value for term in terms), "W", terms=tuple(terms), source=power.SOURCE)


def _bill(choice: Choice, item: Holding) -> Term:
    """Return what a holding costs a month: instances, on average over the day, times the price and its source."""
    pool = next(it for it in choice.pools if (it.offer.id, it.price.kind) == (item.offer, item.pricing))
    count = f"{min(item.instances_by_hour)} to {item.instances}" if item.instances_by_hour else f"{item.instances}"
    mean = sum(item.instances_by_hour) / len(item.instances_by_hour) if item.instances_by_hour else item.instances
    each = format_usd(usd(pool.fixed_cost), "hour")
    return Term(
        f"{count} x {item.offer}, {item.pricing}",
        item.cost_usd_per_month,
        "USD/month",
        f"{', '.join(item.services)}: {mean:.4g} x {each} x {HOURS_PER_MONTH} h",
        f"{pool.price.source}, {pool.price.as_of}",
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
    salvage = salvage_of(choice.streams.tables[0])
    if capex:
        terms.insert(0, Term("purchase", capex, "USD"))
    if capex * salvage:
        terms.append(Term("salvage", -capex * salvage, "USD", f"{salvage:.0%} of the purchase", "the scenario"))
    total = total_cost_of_ownership(capex, running, months, salvage)
    return [Estimate("tco_usd", total, "USD", terms=tuple(terms), source=f"over {format_months(months)}")]
