"""estimate_serving: a table of deployments under a load -> TTFT, TPOT and throughput with intervals and terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.performance import steady_state
from planner.performance.calibration import EVIDENCE, Calibration
from planner.performance.corrections import coordinates
from planner.performance.deployments import Deployments, IntArray, Load
from planner.performance.iteration import least_step_ms
from planner.performance.profile import FloatArray, ModelProfile
from planner.performance.resources import Resources, resources
from planner.performance.situations import situations
from planner.performance.steady_state import KINDS, METRICS, REGIMES, Timing, closed_loop, open_loop, static_batch

LIMITS = ("bandwidth", "compute", "link", "host", "kv")
"""What takes most of a step's time, or holds the batch down."""

SEPARATE_PREFILL = frozenset({"sglang", "lmdeploy"})
"""Engines that stop decoding while they prefill (SGLang without --enable-mixed-chunk, its default)."""
RESERVE_WHOLE = frozenset({"trtllm", "nim"})
"""Engines that start a request only when the cache has room for all of its prompt and output: TensorRT-LLM's capacity
scheduler with its default policy GUARANTEED_NO_EVICT; NIM serves with it. The others evict and recompute."""
CROWDED = 0.8
"""Share of the sequences that a KV cache holds beyond which predictions of TTFT are much worse: on left-out settings
the 95th percentile of measured over predicted is 5, 2.5 from a half on, and 1.4 below."""
KV_SHARE = 0.9
"""Share of device memory that engines give to weights, activations and cache (vLLM's gpu_memory_utilization); that of
the memory which weights leave, where they reserve (TensorRT-LLM's free_gpu_memory_fraction)."""
RESERVE_BYTES = 2.5 * 2**30
"""Activation peak and runtime outside it; only used where the caller gives no KV budget."""


@dataclass(frozen=True, slots=True)
class ServingEstimates:
    """Columns of ``n`` rows. Every figure has its 90 % interval in ``_low``, ``_high``. Throughput is per replica."""

    ttft_mean_ms: FloatArray
    ttft_mean_ms_low: FloatArray
    ttft_mean_ms_high: FloatArray
    ttft_p95_ms: FloatArray
    ttft_p95_ms_low: FloatArray
    ttft_p95_ms_high: FloatArray
    tpot_mean_ms: FloatArray
    tpot_mean_ms_low: FloatArray
    tpot_mean_ms_high: FloatArray
    tpot_p95_ms: FloatArray
    tpot_p95_ms_low: FloatArray
    tpot_p95_ms_high: FloatArray
    output_tok_s: FloatArray
    output_tok_s_low: FloatArray
    output_tok_s_high: FloatArray
    evidence: IntArray
    """Index into :data:`planner.performance.calibration.EVIDENCE`."""
    crowded: NDArray[np.bool_]
    """Whether the KV cache is nearly full, so that waiting for it can hardly be told."""
    limit: IntArray
    """Index into :data:`LIMITS`."""
    terms: Mapping[str, FloatArray]
    """Milliseconds: the parts of one decode step (``tpot_*``) and of the first token (``ttft_*``)."""

    def evidence_name(self, row: int) -> str:
        """Return how near the measurements behind a row are."""
        return EVIDENCE[int(self.evidence[row])]

    def limit_name(self, row: int) -> str:
        """Return what bounds a row."""
        return LIMITS[int(self.limit[row])]


def estimate_serving(
    profile: ModelProfile,
    deployments: Deployments,
    load: Load,
    calibration: Calibration,
    kv_tokens: FloatArray | None = None,
    *,
    request_rate_per_s: FloatArray | None = None,
    static: bool = False,
    prefill_only: bool = False,
) -> ServingEstimates:
    """Estimate every row of ``deployments`` at its ``concurrency`` (closed loop).

    ``kv_tokens`` is what the KV cache of a replica holds, in tokens; without it a rough budget is reckoned. With
    ``request_rate_per_s`` (per replica) requests arrive at random instead, and no more than ``concurrency`` decode at
    once. ``static`` means one batch without a server, ``prefill_only`` a replica that answers with the first token and
    hands the KV cache over.
    """
    kind = "static_batch" if static else "closed_loop"
    found = situations(deployments, (profile.key,))
    coefficients = calibration.coefficients(found)
    work = resources(profile, deployments)
    capacity = kv_capacity(work, load, kv_tokens, reserving(deployments))
    if prefill_only:
        timing = steady_state.prefill_only(work, coefficients, load, deployments.concurrency, capacity)
    elif static:
        timing = static_batch(work, coefficients, load, deployments.concurrency)
    elif request_rate_per_s is not None:
        most = np.minimum(capacity, deployments.concurrency)
        timing = open_loop(work, coefficients, load, request_rate_per_s, most)
    else:
        timing = closed_loop(work, coefficients, load, deployments.concurrency, capacity, mixing(deployments))
    length = np.asarray(load.output_tokens, dtype=np.float64)
    values = (timing.ttft_ms, timing.tpot_ms, timing.output_tok_s)
    near = np.zeros(len(deployments), dtype=bool)
    if not prefill_only:  # what was measured nearby decoded as well
        x = coordinates(deployments, load, timing.running, KINDS.index(kind))
        by, near = calibration.corrected_by(found, x)
        floor = least_tpot_ms(work, load, timing)
        values = corrected(values, by, length, floor, closed=request_rate_per_s is None)
    evidence = calibration.evidence(found, near)
    full = crowded(timing.running, capacity) & (not static)
    regime = np.where(full, REGIMES.index("crowded"), REGIMES.index(kind))
    columns: dict[str, FloatArray] = {}
    names = ("ttft_mean_ms", "tpot_mean_ms", "output_tok_s")
    for metric, name, value in zip(METRICS, names, values, strict=True):
        low, high = calibration.offsets(metric, evidence, regime)
        columns[name], columns[f"{name}_low"], columns[f"{name}_high"] = value, value * low, value * high
        if metric != "throughput":
            # Prefills alone take as long as there are prompts in flight; nothing else spreads them.
            ratio = 1.0 if prefill_only else calibration.percentiles.get(metric, 1.0)
            tail = name.replace("mean", "p95")
            late = value * ratio + (timing.tail_ms if metric == "ttft" else 0.0)
            columns[tail], columns[f"{tail}_low"], columns[f"{tail}_high"] = late, late * low, late * high
    request = np.zeros(len(deployments)) if static else coefficients["request"]
    terms = _terms(timing, request) | {
        "ttft_measured_ms": _difference(values[0], timing.ttft_ms),
        "tpot_measured_ms": values[1] - timing.tpot_ms,
    }
    return ServingEstimates(**columns, evidence=evidence, crowded=full, limit=_limits(timing), terms=terms)


def corrected(
    raw: tuple[FloatArray, FloatArray, FloatArray],
    by: FloatArray,
    output: FloatArray,
    least_tpot: FloatArray,
    *,
    closed: bool = True,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return TTFT, TPOT and throughput, multiplied ``by`` what was measured nearby (metrics x rows).

    In a closed loop throughput follows from the corrected times, and only what is left of it has a correction of its
    own; at a request rate it is the rate. A correction that reaches beyond what was measured stops at ``least_tpot``.
    """
    ttft, tpot, throughput = raw
    new_ttft, new_tpot = ttft * by[0], np.maximum(tpot * by[1], least_tpot)
    if not closed:
        return new_ttft, new_tpot, throughput
    before, after = ttft + tpot * (output - 1.0), new_ttft + new_tpot * (output - 1.0)
    return new_ttft, new_tpot, throughput * before / after * by[2]


def least_tpot_ms(work: Resources, load: Load, timing: Timing) -> FloatArray:
    """Return the roofline of an output token; speculation takes off it what it takes off the step."""
    context = np.maximum(load.input_tokens, 1.0) + np.maximum(load.output_tokens, 1.0) / 2
    share = least_step_ms(work, timing.running / work.stages, context) / timing.decode.total_ms
    return np.asarray((timing.decode.total_ms + timing.speculation_ms) * share)


def _difference(after: FloatArray, before: FloatArray) -> FloatArray:
    """Return after - before; nothing where a queue without end makes both infinite."""
    finite = np.isfinite(before)
    return np.where(finite, np.where(finite, after, 0.0) - np.where(finite, before, 0.0), 0.0)


def mixing(deployments: Deployments) -> NDArray[np.bool_]:
    """Return per row whether the engine puts prompts and decoding sequences into one step."""
    return np.array([engine not in SEPARATE_PREFILL for engine in deployments.engines])[deployments.engine]


def reserving(deployments: Deployments) -> NDArray[np.bool_]:
    """Return per row whether the engine keeps room for a whole request from its start."""
    return np.array([engine in RESERVE_WHOLE for engine in deployments.engines])[deployments.engine]


def crowded(running: FloatArray, capacity: FloatArray) -> NDArray[np.bool_]:
    """Return per row whether the KV cache is nearly full: whether requests wait for it is more than can be told."""
    return np.asarray(running > CROWDED * capacity)


def kv_capacity(work: Resources, load: Load, kv_tokens: FloatArray | None, reserves: NDArray[np.bool_]) -> FloatArray:
    """Return the sequences whose cache fits a replica at once.

    Each holds its prompt and half of its output on average; where the engine ``reserves``, all of both.
    """
    if kv_tokens is None:
        weights, rest = work.resident_bytes, RESERVE_BYTES
        of_memory = KV_SHARE * work.memory_bytes - weights - rest
        of_free = KV_SHARE * (work.memory_bytes - weights - rest)
        free = np.maximum(np.where(reserves, of_free, of_memory), 0.0)
        kv_tokens = free / np.maximum(work.kv_bytes_per_token, 1e-9) * work.attention_groups
    whole = np.maximum(load.input_tokens, 1.0) + np.maximum(load.output_tokens, 1.0)
    held = np.where(reserves, np.maximum(whole, load.context), load.context)
    return np.maximum(kv_tokens / held, 1.0)


def _limits(timing: Timing) -> IntArray:
    step = timing.decode
    prefill = timing.interference_ms
    computing = np.minimum(step.linear_compute_ms / np.maximum(step.linear_memory_ms, 1e-12), 1.0) ** 4
    matrices = step.linear_ms + step.experts_ms + step.head_ms
    shares = np.stack(
        [
            matrices * (1.0 - computing / 2.0) + step.attention_ms + step.elementwise_ms,
            matrices * computing / 2.0 + prefill,
            step.collectives_ms,
            step.host_ms,
        ]
    )
    leading = np.argmax(shares, axis=0)
    return np.where(timing.queueing_ms > 0, LIMITS.index("kv"), leading)


def _terms(timing: Timing, request_ms: FloatArray) -> dict[str, FloatArray]:
    step = timing.decode
    return {
        "tpot_linear_ms": step.linear_ms,
        "tpot_experts_ms": step.experts_ms,
        "tpot_attention_ms": step.attention_ms,
        "tpot_elementwise_ms": step.elementwise_ms,
        "tpot_collectives_ms": step.collectives_ms,
        "tpot_head_ms": step.head_ms,
        "tpot_host_ms": step.host_ms,
        "tpot_speculation_ms": timing.speculation_ms,
        "tpot_interference_ms": timing.interference_ms,
        "ttft_request_ms": request_ms,
        "ttft_prefill_ms": timing.prefill_ms,
        "ttft_scheduling_ms": timing.scheduling_ms,
        "ttft_waiting_ms": timing.waiting_ms,
        "ttft_queueing_ms": timing.queueing_ms,
        "ttft_tail_ms": timing.tail_ms,
    }
