"""The answer of `planner estimate`, as text and as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from planner.report.layout import Paint, table, unpainted
from planner.units import format_duration_ms, format_number

if TYPE_CHECKING:
    from planner.performance.estimate import Answer
    from planner.plan import Estimate

LABELS = {
    "ttft_mean_ms": "TTFT mean",
    "ttft_p95_ms": "TTFT p95",
    "tpot_mean_ms": "TPOT mean",
    "tpot_p95_ms": "TPOT p95",
    "output_tokens_per_second": "Output",
    "output_tokens_per_second_per_gpu": "Output per GPU",
}
EVIDENCE = {
    "setting": "runs of this model on this accelerator with this engine, at loads like this",
    "pair": "runs of this model on this accelerator with this engine, at other loads or layouts",
    "accelerator": "runs of this engine on this accelerator, with other models or formats",
    "generation": "runs of this engine on this generation",
    "engine": "runs of this engine elsewhere, or of other engines on this generation",
    "prior": "physics and what all engines have in common",
}
LIMITS = {
    "bandwidth": "memory bandwidth",
    "compute": "arithmetic",
    "link": "the link between GPUs",
    "host": "fixed time per step and layer",
    "kv": "room in the KV cache",
}


def estimate_text(answer: Answer, paint: Paint = unpainted) -> str:
    """Return the estimates with intervals, what the times are made of, and what limits the deployment."""
    q = answer.question
    each = f"{q.replicas} x TP {q.tp}" + (f" PP {q.pp}" if q.pp > 1 else "") + (f" EP {q.ep}" if q.ep > 1 else "")
    asked = (
        f"{q.concurrency:,} requests at a time"
        if q.concurrency
        else f"a static batch of {q.batch:,}"
        if q.batch
        else f"{format_number(q.request_rate_per_s or 0.0)} requests per second"
    )
    lines = [
        f"{paint('strong', q.architecture.id)}: {asked}, {q.load.input_tokens:,} tokens in, "
        f"{q.load.output_tokens:,} out",
        f"{q.gpus} x {q.accelerator.name}, {each}, {q.engine.name}, weights {q.weights.id}, KV cache {q.kv.id}",
        "",
        *table(
            [("", "estimate", "90 % interval"), *(_row(item) for item in answer.estimates)],
            "lrr",
        ),
        "",
        f"Limited by {LIMITS[answer.limit]}. Rests on {EVIDENCE[answer.evidence]}.",
    ]
    for item in answer.estimates:
        if item.terms:
            lines += ["", paint("strong", f"{LABELS[item.name]} is made of")]
            rows = [(term.name, _value(term.value, term.unit), term.formula) for term in item.terms]
            lines += ["  " + line for line in table(rows, "lrl")]
    for text in answer.warnings:
        lines += ["", paint("warn", f"! {text}")]
    return "\n".join(lines) + "\n"


def estimate_data(answer: Answer) -> dict[str, Any]:
    """Return the answer as plain data."""
    q = answer.question
    return {
        "model": q.architecture.id,
        "deployment": {
            "accelerator": q.accelerator.id,
            "gpus": q.gpus,
            "tp": q.tp,
            "pp": q.pp,
            "ep": q.ep,
            "attention_dp": q.attention_dp,
            "replicas": q.replicas,
            "engine": q.engine.id,
            "weights": q.weights.id,
            "kv_cache": q.kv.id,
        },
        "load": {
            "input_tokens": q.load.input_tokens,
            "output_tokens": q.load.output_tokens,
            "prefix_hit_share": q.load.prefix_hit_share,
            "concurrency": q.concurrency,
            "request_rate_per_s": q.request_rate_per_s,
            "batch": q.batch,
        },
        "estimates": [asdict(item) for item in answer.estimates],
        "limit": answer.limit,
        "evidence": answer.evidence,
        "kv_cache_tokens_per_replica": answer.budget.kv_tokens,
        "warnings": list(answer.warnings),
    }


def _row(item: Estimate) -> tuple[str, str, str]:
    low, high = item.low or 0.0, item.high or 0.0
    return LABELS[item.name], _value(item.value, item.unit), f"{_value(low, item.unit)} to {_value(high, item.unit)}"


def _value(value: float, unit: str) -> str:
    if unit == "ms":
        return format_duration_ms(float(f"{value:.3g}"))
    return f"{float(f'{value:.3g}'):,.10g} {unit}"
