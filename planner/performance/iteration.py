"""The time of one engine iteration: the function that every estimate rests on.

A step advances ``decode`` sequences by one token and pushes ``prefill`` prompt tokens through the model. Per GPU

    t = linear + experts + attention + elementwise + collectives + head + host

where linear layers and experts take the p-norm of the time to read their weights and the time to compute (the roofline
with its knee rounded), experts are read as far as they are touched, and collectives and the host add latencies that
no bandwidth hides. A bare roofline lacks the latencies and is twice too fast at high tensor parallelism. No step is
faster than its roofline: each term is at least what the data sheet allows, whatever the coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from planner.performance.profile import FloatArray, Number
from planner.performance.resources import Resources

KNEE = 4.0
"""Exponent of the p-norm that joins memory and compute time; 1 would add them, infinity take the larger."""

AT_PEAK = 1e-3
"""Measured closer to the data sheet than this is at it."""
OVER_PEAK = (
    "weight_read",
    "cache_read",
    "state_read",
    "dense_compute",
    "expert_compute",
    "attention_compute",
    "link",
)
"""Coefficients that stand for time over what the data sheet allows: see :func:`over_peak`."""

Coefficients = Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True)
class StepTime:
    """Milliseconds of one iteration, by what they are spent on."""

    linear_ms: FloatArray
    experts_ms: FloatArray
    attention_ms: FloatArray
    elementwise_ms: FloatArray
    collectives_ms: FloatArray
    head_ms: FloatArray
    host_ms: FloatArray
    linear_compute_ms: FloatArray
    """The compute side of linear layers and experts alone, to tell what bounds them."""
    linear_memory_ms: FloatArray

    @property
    def total_ms(self) -> FloatArray:
        """The whole step."""
        return (
            self.linear_ms
            + self.experts_ms
            + self.attention_ms
            + self.elementwise_ms
            + self.collectives_ms
            + self.head_ms
            + self.host_ms
        )


def step_time(
    r: Resources,
    c: Coefficients,
    *,
    decode: Number,
    context: Number,
    prefill: Number = 0.0,
    prefill_context: Number = 0.0,
    prompts: Number = 0.0,
) -> StepTime:
    """Return the time of one iteration of each deployment.

    ``decode`` sequences attend ``context`` tokens each, ``prefill`` tokens attend ``prefill_context`` on average and
    finish ``prompts`` prompts; all per replica. Under pipeline parallelism the tokens are those of one micro-batch and
    the time is that of its way through all stages.
    """
    c = {**c, **{name: over_peak(c[name]) for name in OVER_PEAK}}
    tokens = decode + prefill
    memory = (r.attention_bytes + r.dense_bytes) / r.bandwidth * c["weight_read"]
    compute = (r.attention_flops + r.dense_flops) * tokens / r.linear_rate * c["dense_compute"]
    touched = touched_share(r, tokens)
    expert_memory = r.expert_bytes / r.bandwidth * knee(token_share(r), touched * c["expert_read"])
    expert_compute = r.expert_flops * tokens / r.expert_rate * c["expert_compute"]
    visits = r.moe_layers * r.experts / r.expert_groups * touched
    head_tokens = decode + prompts
    head = knee(r.head_bytes / r.bandwidth * c["weight_read"], r.head_flops * head_tokens / r.half_rate)
    ring = (r.gpus - 1.0) / r.gpus
    traffic = 2.0 * ring * tokens / r.attention_groups * r.hidden_bytes / r.link_rate * c["link"]
    latency = c["collective"] * np.log2(r.gpus)
    return StepTime(
        linear_ms=knee(memory, compute),
        experts_ms=knee(expert_memory, expert_compute) + visits * c["expert_visit"],
        attention_ms=decode_attention(r, c, decode, context) + prefill_attention(r, c, prefill, prefill_context),
        elementwise_ms=tokens / r.attention_groups * r.layers * r.hidden_bytes / r.bandwidth * c["elementwise"],
        collectives_ms=r.collectives * (latency + traffic),
        head_ms=head,
        host_ms=fixed_ms(r, c) + c["sequence"] * decode / r.attention_groups * r.stages,
        linear_compute_ms=compute + expert_compute,
        linear_memory_ms=memory + expert_memory,
    )


def least_step_ms(r: Resources, decode: Number, context: Number) -> FloatArray:
    """Return the roofline of a decode step: no kernel, no latency and no correction makes it shorter.

    Weights and caches are read once, of experts one token's share, and the products run at peak.
    """
    attended = np.where(r.attended_limit > 0, np.minimum(context, np.maximum(r.attended_limit, 1.0)), context)
    cache = r.full_kv_bytes * attended + r.window_kv_bytes * np.minimum(context, r.window)
    cache = cache + r.indexer_bytes * context + 2.0 * r.state_bytes
    weights = r.attention_bytes + r.dense_bytes + r.head_bytes + r.expert_bytes * token_share(r)
    computed = (r.attention_flops + r.dense_flops) / r.linear_rate + r.expert_flops / r.expert_rate
    return np.maximum((weights + decode * cache) / r.bandwidth, decode * computed)


def fixed_ms(r: Resources, c: Coefficients) -> FloatArray:
    """Return what a step costs however little it does."""
    return c["step"] + launches_ms(r, c)


def launches_ms(r: Resources, c: Coefficients) -> FloatArray:
    """Return the fixed time of all layers: more kernels per layer, more time."""
    layers = c["layer"] * r.layers + c["expert_layer"] * r.moe_layers
    return layers + c["latent_layer"] * r.latent_layers + c["recurrent_layer"] * r.recurrent_layers


def knee(memory_ms: FloatArray, compute_ms: FloatArray) -> FloatArray:
    """Join two bounds smoothly: (a^p + b^p)^(1/p) with p = :data:`KNEE`, written with two square roots."""
    a, b = memory_ms * memory_ms, compute_ms * compute_ms
    return np.sqrt(np.sqrt(a * a + b * b))


def over_peak(coefficient: FloatArray) -> FloatArray:
    """Return time over what the data sheet allows, joined with its bound of 1 like the roofline: (1 + c^p)^(1/p)."""
    return knee(np.ones_like(coefficient), coefficient)


def coefficient_of(over: float) -> float:
    """Return the coefficient whose :func:`over_peak` is ``over``; what is at the data sheet or beyond is barely above.

    >>> round(float(over_peak(np.array(coefficient_of(1.3)))), 9)
    1.3
    """
    return float((max(over, 1.0 + AT_PEAK) ** KNEE - 1.0) ** (1.0 / KNEE))


def token_share(r: Resources) -> FloatArray:
    """Return the share of experts that one token uses: what is read at least, however alike tokens choose."""
    return np.asarray(np.minimum(r.experts_per_token / np.maximum(r.experts, 1.0), 1.0) * np.ones_like(r.gpus))


def touched_share(r: Resources, tokens: Number) -> FloatArray:
    """Return the expected share of experts that ``tokens`` tokens route to: 1 - (1 - k/E)^tokens."""
    experts = np.maximum(r.experts, 1.0)
    miss = np.log1p(-np.minimum(r.experts_per_token / experts, 1.0 - 1e-12))
    return np.asarray(-np.expm1(miss * tokens))


def decode_attention(r: Resources, c: Coefficients, decode: Number, context: Number) -> FloatArray:
    """Return the time to attend: cache bytes against attention FLOPs, plus the indexer's and recurrent states."""
    attended = np.where(r.attended_limit > 0, np.minimum(context, np.maximum(r.attended_limit, 1.0)), context)
    bounded = np.minimum(context, r.window)
    read = decode * (r.full_kv_bytes * attended + r.window_kv_bytes * bounded) / r.bandwidth * c["cache_read"]
    flops = decode * (r.full_decode_flops * attended + r.window_flops * bounded)
    index = decode * r.indexer_bytes * context / r.bandwidth * c["cache_read"]
    state = 2.0 * decode * r.state_bytes / r.bandwidth * c["state_read"]
    return knee(read, flops / r.half_rate * c["attention_compute"]) + index + state


def prefill_attention(r: Resources, c: Coefficients, prefill: Number, context: Number) -> FloatArray:
    """Return the time of ``prefill`` tokens that attend ``context`` tokens each on average."""
    attended = np.where(r.attended_limit > 0, np.minimum(context, np.maximum(r.attended_limit, 1.0)), context)
    flops = r.full_prefill_flops * attended + r.window_flops * np.minimum(context, r.window)
    return prefill * flops / r.half_rate * c["attention_compute"]
