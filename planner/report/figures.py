"""How a figure is worded: its unit chooses the form, so that a figure reads the same in every report."""

from __future__ import annotations

from planner.report.i18n import ENGLISH, Translator
from planner.units import MS_PER_SECOND, format_bytes_gib, format_duration_ms, format_number, format_percent, half_up

LABELS = {
    "ttft_p50": "TTFT p50",
    "ttft_p95": "TTFT p95",
    "ttft_mean": "TTFT mean",
    "tpot_p95": "TPOT p95",
    "tpot_mean": "TPOT mean",
    "e2e_p95": "End to end p95",
    "output_tokens_per_second": "Output throughput",
    "request_rate": "Request rate",
    "concurrency": "Concurrency",
    "availability": "Availability",
    "budget": "Budget",
    "budget.peak": "Budget of the dearest hour",
    "budget.capex": "Budget for purchases",
    "budget.tco": "Budget over the horizon",
    "quality.accept_unmeasured": "Unmeasured quality",
    "search.weights": "Search: weights",
    "search.kv_cache": "Search: KV cache",
    "search.accelerators": "Search: accelerators",
    "search.engines": "Search: engines",
    "search.tensor_parallel": "Search: tensor parallel",
    "search.pipeline_parallel": "Search: pipeline parallel",
    "search.pricing": "Search: pricing",
    "search.vendors": "Search: vendors",
    "search.providers": "Search: providers",
    "limits.types": "Accelerator types",
    "limits.nodes": "Instances",
    "limits.power": "Rated power",
    "search.regions": "Search: regions",
    "recovery": "Quality recovery",
    "memory_per_gpu": "Memory per GPU",
    "cost": "Cost",
    "cost_per_million_output_tokens": "Cost per million output tokens",
    "power": "Power",
    "deadline": "Time to train",
    "time_to_train": "Time to train",
    "run": "Budget of the run",
    "cost_of_the_run": "Cost of the run",
    "search.sharding": "Search: sharding",
    "search.checkpointing": "Search: checkpointing",
    "search.micro_batch": "Search: micro-batch",
    "search.gpus": "Search: GPUs",
    "weights": "weights",
    "kv_cache": "KV cache",
    "activation_peak": "activations",
    "cuda_graphs": "CUDA graphs",
    "non_torch": "non-torch",
    "all_reduce": "all-reduce",
}
_OF_WHAT = {"quota": "Quota of {what}", "inventory": "Inventory of {what}"}
"""Headings of limits that are of something."""
_UNIT_SUFFIXES = ("_usd_per_hour", "_usd_per_month", "_usd_per_million_tokens", "_usd", "_bytes", "_ms", "_w", "_tok_s")
_MONEY = {"USD": "", "USD/h": "/h", "USD/hour": "/h", "USD/month": "/month", "USD/year": "/year"}


_PLURALS = frozenset({"instances", "accelerators", "GPUs"})


def quantity(name: str) -> str:
    """Return what a field or a requirement is about, without path, bound and unit.

    ``sla.ttft_p95`` and ``ttft_p95_ms`` are both ``ttft_p95``; ``quality.min_recovery`` is ``recovery``.
    """
    name = name.rpartition(".")[2].removeprefix("min_")
    for suffix in _UNIT_SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def label(name: str, say: Translator) -> str:
    """Return the heading of a field or a requirement; one that has none is spelt with spaces."""
    kind, colon, what = name.partition(": ")
    if colon and kind in _OF_WHAT:
        return say(_OF_WHAT[kind], what=what)
    if colon:  # a requirement of one of several services
        return f"{label(what, say)} ({kind})"
    key = quantity(name)
    spelt = name if " " in name else key.replace("_", " ")  # words may name an offer that has dots of its own
    heading = LABELS.get(name) or LABELS.get(key) or spelt
    said = say(heading)
    return say.sentence(heading) if said == heading else said


def figure(value: float, unit: str, say: Translator = ENGLISH) -> str:
    """Return a figure with its unit, always to three significant digits where it was predicted: ``1.10 s``."""
    if unit == "ms":
        return _duration(value)
    if unit in ("share", "%"):
        return f"{100 * value if unit == 'share' else value:.1f}%"
    return _plain(value, unit, say)


def asked(value: float, unit: str, say: Translator = ENGLISH) -> str:
    """Return a limit as one would write it: ``2 s``, ``98%``."""
    if unit == "ms":
        return format_duration_ms(value)
    if unit in ("share", "%"):
        return format_percent(value if unit == "share" else value / 100, 2)
    return _plain(value, unit, say)


def _plain(value: float, unit: str, say: Translator) -> str:
    if unit in ("bytes", "B"):
        return format_bytes_gib(value)
    if unit in _MONEY:
        return money(value) + (say(_MONEY[unit]) if _MONEY[unit] else "")
    if value == 1 and unit in _PLURALS:
        unit = unit.removesuffix("s")
    return f"{amount(value)} {say(unit)}".rstrip()


def _duration(value: float) -> str:
    """Return milliseconds below a second, seconds above, to three significant digits."""
    value, unit = (value, "ms") if abs(value) < 999.5 else (value / MS_PER_SECOND, "s")
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:,.{digits}f} {unit}"


def money(value: float) -> str:
    """Return US dollars: whole ones from a thousand, cents below, tenths of cents below ten cents."""
    digits = 0 if abs(value) >= 1000 else 4 if 0 < abs(value) < 0.1 else 2
    return f"{'-' if value < 0 else ''}${half_up(abs(value), digits)}"


def amount(value: float) -> str:
    """Return a number to three significant digits, with thousands marked and never in powers of ten."""
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return format_number(float(f"{value:.3g}"))


def interval(low: float, high: float, unit: str, say: Translator = ENGLISH) -> str:
    """Return ``1.05–1.66 s``: both ends in one unit where they share it."""
    left, right = figure(low, unit, say), figure(high, unit, say)
    if left == right:
        return right
    number, space, said = left.partition(" ")
    if right.endswith(f"{space}{said}") and said:
        left = number
    return f"{left.removesuffix('%') if right.endswith('%') else left}–{right}"
