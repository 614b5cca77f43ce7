"""``planner memory`` as plain data, for scripts: complete, with stable names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planner.memory.overview import Overview
    from planner.memory.rule_of_thumb import Comparison


def memory_data(view: Overview) -> dict[str, Any]:
    """Return the overview as JSON-ready data; sizes in bytes, shares of one."""
    budget, question, runtime = view.budget, view.question, view.budget.runtime
    return {
        "model": view.architecture.id,
        "source": view.architecture.source,
        "estimated": view.architecture.estimated,
        "notes": list(view.notes),
        "parameters": {
            "total": view.parameters.total,
            "text": view.parameters.text,
            "active": view.parameters.active,
            "active_without_embedding": view.parameters.active_without_embedding,
            "mtp": view.parameters.mtp,
            "by_component": dict(view.parameters.by_component),
        },
        "weights": {
            "format": question.weights.id,
            "checkpoint_bytes": budget.weights.checkpoint,
            "mtp_bytes": budget.weights.mtp,
            "by_component": [
                {"component": name, "checkpoint_bytes": total, "bytes_per_gpu": local}
                for name, total, local in budget.weights.by_component
            ],
        },
        "weights_bytes_per_gpu": budget.weights_bytes,
        "kv_cache_budget_bytes_per_gpu": budget.kv_budget_bytes,
        "kv_cache_tokens": budget.kv_tokens,
        "kv_cache": {
            "format": question.kv.id,
            "bytes_per_token_bf16": view.bytes_per_token_bf16,
            "bytes_per_token_per_gpu": budget.kv_bytes_per_token,
            "state_bytes_per_sequence": view.state_bytes_per_sequence,
            "curve": [{"context": tokens, "bytes_per_sequence": size} for tokens, size in view.curve],
        },
        "deployment": {
            "engine": question.engine.id,
            "engine_version": question.options.version or question.engine.version,
            "accelerator": question.accelerator.id,
            "tp": budget.layout.tp,
            "pp": budget.layout.pp,
            "ep": budget.layout.ep,
            "attention_dp": budget.layout.attention_dp,
            "tp_chosen": view.tp_chosen,
            "max_num_batched_tokens": runtime.max_num_batched_tokens,
            "max_num_seqs": runtime.max_num_seqs,
            "block_tokens": budget.block,
        },
        "budget": {
            "total_bytes": runtime.total,
            "limit_bytes": runtime.limit,
            "limit": runtime.limit_formula,
            "non_torch_bytes": runtime.non_torch,
            "activation_peak_bytes": runtime.activation_peak,
            "cuda_graphs_bytes": runtime.cuda_graphs,
            "cuda_graphs_inside": runtime.graphs_inside,
            "terms": [
                {"name": term.name, "bytes": term.value, "formula": term.formula, "source": term.source}
                for term in budget.terms
            ],
            "fits": budget.fits,
        },
        "concurrency": {
            "context": question.context,
            "shared_prefix": question.shared_prefix,
            "max": view.max_concurrency,
            "asked": question.concurrency,
            "asked_bytes_per_gpu": view.cache_bytes,
            "asked_fits": view.cache_fits,
        },
        "rules_of_thumb": [_comparison(view.weights_rule), _comparison(view.cache_rule)],
        "formats": [
            {
                "id": item.id,
                "name": item.name,
                "checkpoint_bytes": item.checkpoint_bytes,
                "bits_per_weight": item.bits_per_weight,
                "saving": item.saving,
                "recovery_median": item.recovery_median,
                "recovery_p10": item.recovery_p10,
                "recovery_measured": item.recovery_measured,
                "fits_on": [
                    {"accelerator": place.accelerator, "gpus": place.gpus, "engine": place.engine}
                    for place in item.places
                ],
            }
            for item in view.formats
        ],
        "loading": [
            {
                "storage": time.storage,
                "seconds": time.seconds,
                "gbytes_per_s": time.gbytes_per_s,
                "overhead_share": time.overhead_share,
                "measured": time.measured,
            }
            for time in view.loading
        ],
    }


def _comparison(item: Comparison) -> dict[str, Any]:
    return {
        "name": item.name,
        "formula": item.formula,
        "rule_bytes": item.rule,
        "steps": [{"name": step.name, "bytes": step.value, "why": step.why} for step in item.steps],
        "exact_bytes": item.exact,
    }
