"""The estimates of a plan, each with its terms, unit, interval and source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner import power
from planner.cost import per_month, total_cost_of_ownership, usd, usd_per_million_tokens
from planner.plan import Estimate, Term
from planner.units import HOURS_PER_MONTH, MICRO_USD_PER_USD, format_months, format_usd

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.solve.details import Detail

_ROUNDING_MS = 1e-6

_TTFT_TERMS = {
    "ttft_request_ms": ("request", "HTTP, tokenizer, scheduler"),
    "ttft_prefill_ms": ("prefill", "the request's own prompt, alone on the replica"),
    "ttft_waiting_ms": ("waiting", "for the prefills of other requests"),
    "ttft_queueing_ms": ("queueing", "for room in the KV cache"),
    "ttft_handover_ms": ("handover", "KV cache of the prompt over the network"),
}
_TPOT_TERMS = {
    "tpot_linear_ms": ("linear layers", "weights read, or their arithmetic where that is slower"),
    "tpot_experts_ms": ("experts", "routed experts that the batch touches"),
    "tpot_attention_ms": ("attention", "KV cache read"),
    "tpot_elementwise_ms": ("elementwise", "norms, activations, residuals"),
    "tpot_collectives_ms": ("collectives", "all-reduce over tensor parallelism"),
    "tpot_head_ms": ("head", "logits and sampling"),
    "tpot_host_ms": ("host", "fixed time per step and layer"),
    "tpot_interference_ms": ("prefills of others", "output / prefill interference"),
}


LATENCIES = frozenset({"ttft_p50_ms", "ttft_p95_ms", "tpot_p95_ms", "e2e_p95_ms", "output_tokens_per_second"})
"""Names of the estimates of ``latency``."""


def estimates(table: CandidateTable, item: Detail) -> tuple[Estimate, ...]:
    """Return everything that a plan says of ``item``."""
    return (
        *latency(table, item),
        memory(table, item),
        *money(table, item),
        *_total(table, item),
        *quality_of(item),
        power_of(item),
    )


def latency(table: CandidateTable, item: Detail) -> tuple[Estimate, ...]:
    """Return TTFT, TPOT, end-to-end time and throughput of the fleet."""
    found, i = item.estimated.serving, item.index
    source = f"evidence: {found.evidence_name(i)}; limited by {found.limit_name(i)}"
    rest = table.demand.decode_steps
    ttft, tpot = float(found.ttft_p95_ms[i]), float(found.tpot_p95_ms[i])
    return (
        Estimate("ttft_p50_ms", float(found.ttft_mean_ms[i]), "ms", *_interval(item, "ttft_mean_ms"), source=source),
        Estimate(
            "ttft_p95_ms", ttft, "ms", *_interval(item, "ttft_p95_ms"), _latency_terms(item, "ttft", ttft), source
        ),
        Estimate(
            "tpot_p95_ms", tpot, "ms", *_interval(item, "tpot_p95_ms"), _latency_terms(item, "tpot", tpot), source
        ),
        Estimate(
            "e2e_p95_ms",
            ttft + rest * tpot,
            "ms",
            float(found.ttft_p95_ms_low[i] + rest * found.tpot_p95_ms_low[i]),
            float(found.ttft_p95_ms_high[i] + rest * found.tpot_p95_ms_high[i]),
            (Term("TTFT p95", ttft, "ms"), Term("decode", rest * tpot, "ms", f"{rest} x TPOT p95")),
            source,
        ),
        Estimate(
            "output_tokens_per_second",
            item.fleet_rate(table, float(found.output_tok_s[i])),
            "tok/s",
            item.fleet_rate(table, float(found.output_tok_s_low[i])),
            item.fleet_rate(table, float(found.output_tok_s_high[i])),
            source=source,
        ),
    )


def _interval(item: Detail, name: str) -> tuple[float, float]:
    found = item.estimated.serving
    return float(getattr(found, f"{name}_low")[item.index]), float(getattr(found, f"{name}_high")[item.index])


def _latency_terms(item: Detail, metric: str, value: float) -> tuple[Term, ...]:
    names = _TTFT_TERMS if metric == "ttft" else _TPOT_TERMS
    terms = []
    for key, (name, formula) in names.items():
        column = item.estimated.serving.terms.get(key)
        part = float(column[item.index]) if column is not None else 0.0
        if part > _ROUNDING_MS:
            terms.append(Term(name, part, "ms", formula, "iteration model, fitted on published runs"))
    mean = float(getattr(item.estimated.serving, f"{metric}_mean_ms")[item.index])
    known = sum(term.value for term in terms)
    if abs(mean - known) > _ROUNDING_MS:
        terms.append(Term("running step", mean - known, "ms", "what is under way when the request arrives"))
    tail = float(item.estimated.serving.terms["ttft_tail_ms"][item.index]) if metric == "ttft" else 0.0
    if tail > _ROUNDING_MS:
        terms.append(Term("long prompts", tail, "ms", "own prefill of the longest that 5 % of the requests reach"))
    if value - mean - tail > _ROUNDING_MS:
        terms.append(Term("spread", value - mean - tail, "ms", "95th percentile over mean", "published percentiles"))
    return tuple(terms)


def memory(table: CandidateTable, item: Detail) -> Estimate:
    """Return the memory of the fullest GPU as the engine divides it."""
    from planner.memory.inference import inference_budget

    x = item.degrees
    budget = inference_budget(
        table.architecture, item.weights, item.kv, item.accelerator, item.engine, x.tp, x.pp, x.ep
    )
    total = float(sum(term.value for term in budget.terms))
    return Estimate("memory_per_gpu_bytes", total, "bytes", terms=budget.terms, source=f"{item.engine.name} accounting")


def money(table: CandidateTable, item: Detail) -> tuple[Estimate, ...]:
    """Return cost per month with its terms, and per million output tokens."""
    price = item.pool.price
    terms = [
        Term(
            name,
            per_month(hourly * item.instances),
            "USD/month",
            f"{item.instances} x {format_usd(hourly, 'hour')} x {HOURS_PER_MONTH} h",
            f"{price.source}, {price.as_of}" if name in ("rent", "purchase") else _facility_source(table),
        )
        for name, hourly in item.pool.terms
    ]
    running = item.cost - item.instances * item.pool.fixed_cost
    if running:
        terms.append(Term("power of the load", per_month(usd(running)), "USD/month", "", power.SOURCE))
    monthly = per_month(usd(item.cost))
    # Micro-dollars are rounded once per instance; the terms carry the last cent of it.
    found = [Estimate("cost_usd_per_month", monthly, "USD/month", terms=tuple(terms))]
    rate = item.fleet_rate(table, float(item.estimated.output_tok_s[item.index]))
    if rate > 0:
        per_million = usd_per_million_tokens(item.cost / MICRO_USD_PER_USD, rate)
        found.append(
            Estimate("cost_usd_per_million_output_tokens", per_million, "USD", source="at the scenario's load all day")
        )
    return tuple(found)


def _total(table: CandidateTable, item: Detail) -> tuple[Estimate, ...]:
    """Return the total cost over the horizon, where the scenario states one."""
    months = table.scenario.budget.horizon_months
    if months is None:
        return ()
    capex = item.pool.capex_usd * item.instances
    written_off = sum(hourly for name, hourly in item.pool.terms if name == "purchase") * item.instances
    running = per_month(usd(item.cost) - written_off)
    terms = [Term("running", running * months, "USD", f"{months} x {format_usd(running, 'month')}")]
    if capex:
        price = item.pool.price
        each = f"{item.instances} x {format_usd(item.pool.capex_usd)}"
        terms.insert(0, Term("purchase", capex, "USD", each, f"{price.source}, {price.as_of}"))
    salvage = salvage_of(table)
    if capex * salvage:
        terms.append(Term("salvage", -capex * salvage, "USD", f"{salvage:.0%} of the purchase", "the scenario"))
    total = total_cost_of_ownership(capex, running, months, salvage)
    return (Estimate("tco_usd", total, "USD", terms=tuple(terms), source=f"over {format_months(months)}"),)


def salvage_of(table: CandidateTable) -> float:
    """Return the share of its price that bought hardware fetches in the end."""
    return table.facility.salvage_share if table.facility else 0.0


def _facility_source(table: CandidateTable) -> str:
    return table.facility.source if table.facility else ""


def quality_of(item: Detail) -> tuple[Estimate, ...]:
    """Return the measured recovery of the formats, where there is one."""
    recovery = item.recovery
    if recovery.median is None:
        return ()
    source = recovery.source
    if recovery.n:
        source = f"{recovery.n} measurements at {recovery.size_class}; {recovery.source}"
    return (Estimate("recovery", recovery.median, "share", recovery.p10, None, source=source),)


def power_of(item: Detail) -> Estimate:
    """Return the mean power of what is paid for, term by term."""
    offer, tdp = item.pool.offer, item.accelerator.tdp_w or 0.0
    share = float(item.estimated.power_share[item.index])
    busy = item.replicas * item.degrees.gpus
    idle = max(item.gpus - busy, 0)
    terms = [Term("accelerators", busy * tdp * share, "W", f"{busy} x {tdp:g} W x {share:.2f}", power.SOURCE)]
    if idle:
        terms.append(Term("idle accelerators", idle * tdp * power.IDLE_SHARE_OF_TDP, "W"))
    if offer.host_power_w:
        terms.append(Term("hosts", item.instances * offer.host_power_w, "W", source=offer.host_power_source))
    return Estimate("power_w", sum(term.value for term in terms), "W", terms=tuple(terms), source=power.SOURCE)
