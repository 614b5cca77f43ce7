"""How requirements and conflicts are worded. Sentences keep fixed forms, so that they can be translated by pattern."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.demand import MICRO
from planner.candidates.rule_requirements import PLAN_UNITS, PREFIX
from planner.plan import Rejection
from planner.units import (
    format_duration_ms,
    format_number,
    format_percent,
    format_rate_per_second,
    format_usd,
    parse_duration_ms,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates import CandidateTable
    from planner.candidates.requirements import Requirement

    Bools = NDArray[np.bool_]

NAMES = {
    "sla.ttft_p50": "TTFT p50",
    "sla.ttft_p95": "TTFT p95",
    "sla.tpot_p95": "TPOT p95",
    "sla.e2e_p95": "the end-to-end time p95",
    "sla.output_tokens_per_second": "throughput",
    "sla.availability": "availability",
    "budget": "the cost",
    "budget.peak": "the cost of the dearest hour",
    "budget.capex": "the purchase price",
    "budget.tco": "the total cost of ownership",
    "quality.min_recovery": "the quality recovery",
    "quality.accept_unmeasured": "the quality",
    "search.weights": "weights",
    "search.kv_cache": "the KV cache",
    "search.accelerators": "the accelerator",
    "search.engines": "the engine",
    "search.tensor_parallel": "tensor parallelism",
    "search.pipeline_parallel": "pipeline parallelism",
    "search.pricing": "pricing",
    "search.vendors": "the vendor",
    "search.providers": "the provider",
    "search.regions": "the region",
}

MESSAGES = {
    "quality.min_recovery": "measured recovery below quality.min_recovery",
    "quality.accept_unmeasured": "no measured recovery at the model's size",
    "sla.ttft_p50": "TTFT p50 exceeds its limit",
    "sla.ttft_p95": "TTFT p95 exceeds its limit",
    "sla.tpot_p95": "TPOT p95 exceeds its limit",
    "sla.e2e_p95": "the end-to-end time exceeds its limit",
    "sla.output_tokens_per_second": "throughput is below what is asked",
    "sla.availability": "the availability cannot be reached with spare instances",
    "budget": "the fleet that carries the load costs more than the budget",
    "budget.peak": "the fleet costs more than the budget of any hour allows",
    "budget.capex": "the servers cost more than the capital budget",
    "budget.tco": "the total cost over the horizon exceeds its budget",
}
"""What it means that a row breaks a requirement."""


def broken_counts(table: CandidateTable) -> tuple[Rejection, ...]:
    """Return how many rows break each requirement; a row may break several."""
    return tuple(
        Rejection(item.id.removeprefix(PREFIX), _message(table, item, broken), int(np.count_nonzero(broken)))
        for item, broken in zip(table.requirements, table.broken, strict=True)
        if broken.any()
    )


def _message(table: CandidateTable, item: Requirement, broken: Bools) -> str:
    if item.id.startswith(PREFIX):
        return table.ruling.words(table, item.asked, broken)
    return MESSAGES.get(item.id, f"outside {item.id}")


def _name(item: Requirement) -> str:
    """Return what a requirement is about, as the subject of a sentence."""
    if item.id.startswith(PREFIX):
        return f"the number of {item.unit} (rule {item.asked})" if item.unit else f"the rule {item.asked}"
    return NAMES[item.id]


def figure(item: Requirement, value: float) -> str:
    """Return a figure of a requirement in its unit."""
    if item.unit == "ms":
        return format_duration_ms(value)
    if item.unit == "share":
        return format_percent(value, _digits(value))
    if item.unit == "tok/s":
        return format_rate_per_second(value, "tok")
    if item.unit in PLAN_UNITS.values() and not item.unit.startswith("USD"):
        return f"{format_number(value)} {item.unit}"
    if item.unit.startswith("USD"):
        return format_usd(value, {"USD/h": "hour", "USD/month": "month"}.get(item.unit))
    return format_number(value)


def _digits(share: float) -> int:
    """Decimals of a percentage: three where nines count."""
    return 3 if 0.99 < share < 1.0 else 1


def asked(item: Requirement) -> str:
    """Return what a requirement asks, briefly: ``2 s``, ``$9,000/month``, ``fp8-e4m3, bf16``."""
    if item.sense != "in":
        return figure(item, item.limit)
    return "in force" if item.id.startswith(PREFIX) else item.asked


def needed(item: Requirement, best: float) -> str:
    """Return what would have to be asked instead, rounded to the side that holds once it is read back."""
    if item.unit == "share":
        digits = 10.0 ** (2 + _digits(best))
        return figure(item, floor(best * digits + 1e-9) / digits if item.sense == "min" else best)
    if best <= 0:
        return figure(item, best)
    step = 10.0 ** (floor(log10(best)) - 2)
    rounded = (ceil(best / step - 1e-9) if item.sense == "max" else floor(best / step + 1e-9)) * step
    text = figure(item, float(f"{rounded:.6g}"))
    if item.unit == "ms" and parse_duration_ms(text) < best:
        # minutes and hours are printed to four digits of their own
        text = figure(item, rounded * 1.001)
    return text


def out_of_reach(item: Requirement, best: float, *, alone: bool) -> str:
    """Return ``TTFT p95 has to be at most 2 s but the others leave 2.3 s at the least``."""
    bound, extreme = ("at most", "least") if item.sense == "max" else ("at least", "most")
    where = "of any candidate" if alone else "that the others in conflict leave"
    asked_ = f"{_name(item)} has to be {bound} {figure(item, item.limit)}"
    return f"{asked_} but {figure(item, best)} is the {extreme} {where}"


def choice(item: Requirement) -> str:
    """Return ``the engine has to be one of vllm, sglang``, or ``the rule no-spot has to hold``."""
    if item.id.startswith(PREFIX):
        return f"{_name(item)} has to hold"
    if item.id == "quality.accept_unmeasured":
        return "the quality has to be measured at the model's size"
    return f"{NAMES[item.id]} has to be one of {item.asked}"


def nothing_runs(table: CandidateTable) -> str:
    """Return why not even one candidate exists: the cut that left nothing, or the room that is missing."""
    cuts = (*table.rejected, *table.ruled_out)
    if cuts and cuts[-1].reason != "memory":
        return f"{cuts[-1].message} ({cuts[-1].reason})"
    return f"nothing in the catalog can hold {table.architecture.id} with {table.demand.tokens_per_sequence:,} tokens"


def summary(causes: Sequence[str]) -> str:
    """Return "Because A, and because B, so no plan holds every requirement."."""
    return f"Because {', and because '.join(causes)}, so no plan holds every requirement."


def chosen(table: CandidateTable, item: Requirement, row: int) -> str:
    """Return the value that the cheapest way out has on the axis that ``item`` restricts."""
    if item.id.startswith(PREFIX):
        return "switched off"
    axes = table.layouts.axes
    pool = table.pools[int(table.pool[row])]
    layout = int(table.layout[row])
    degrees = axes.parallelism[int(table.layouts.parallelism[layout])]
    values = {
        "quality.accept_unmeasured": "true",
        "search.weights": axes.weights[int(table.layouts.weights[layout])].id,
        "search.kv_cache": axes.kv_formats[int(table.layouts.kv[layout])].id,
        "search.engines": axes.engines[int(table.layouts.engine[layout])].id,
        "search.tensor_parallel": degrees.tp,
        "search.pipeline_parallel": degrees.pp,
        "search.accelerators": pool.offer.accelerator,
        "search.pricing": pool.price.kind,
        "search.vendors": pool.accelerator.vendor.lower(),
        "search.providers": pool.offer.provider,
        "search.regions": pool.offer.region,
    }
    return str(values[item.id])


def together(text: str, others: Sequence[str]) -> str:
    """Return a change that does not suffice alone, with what has to change as well."""
    return f"{text} (together with {', '.join(others)})" if others else text


def load(table: CandidateTable, most: int) -> tuple[str, str, str]:
    """Return (current, needed, key of the scenario) of a smaller load."""
    if table.demand.request_rate_per_s is not None:
        rate = int(most / MICRO * 1000) / 1000
        return (
            format_rate_per_second(table.demand.request_rate_per_s),
            format_rate_per_second(rate),
            "workload.request_rate",
        )
    return f"{table.demand.concurrency:,}", f"{most:,}", "workload.concurrency"
