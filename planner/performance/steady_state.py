"""From the time of one iteration to TTFT, TPOT and throughput under a load.

Closed loop: ``concurrency`` clients send their next request when the last is answered, all at once in the beginning,
as ``vllm bench serve --max-concurrency``, genai-perf and InferenceMAX do. Every prompt's prefill delays the others:
decoding sequences by interference, waiting prompts by queueing. The wait is that of a fluid queue: in each wave ``N``
prompts of cost ``C`` arrive within a window that starts at zero (the burst) and widens as requests of unequal length
drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from planner.performance.deployments import Load
from planner.performance.iteration import Coefficients, StepTime, fixed_ms, launches_ms, step_time
from planner.performance.profile import FloatArray
from planner.performance.resources import Resources

Metric = Literal["ttft", "tpot", "throughput"]
METRICS: tuple[Metric, ...] = ("ttft", "tpot", "throughput")
"""What is predicted: milliseconds, milliseconds, and output tokens per second of a replica."""
KINDS = ("closed_loop", "static_batch", "max_throughput")
"""Kinds of runs, by the names of published tables: a server under load, a batch without a server, a saturated queue."""
REGIMES = (*KINDS, "crowded")
"""What intervals are told apart by: the kinds of runs, and a server whose KV cache is nearly full."""
TOKEN_BUDGET = 8192.0
"""Tokens that one step may prefill: vLLM's max_num_batched_tokens and TensorRT-LLM's max_num_tokens on servers."""
WAVES = 8
"""Waves that are followed; later ones are like the last."""
BISECTIONS = 18
"""Halvings of the logarithm of the batch: from a thousandth to thousands within 0.01 %."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Means over a whole run, per replica. ``running`` sequences decode at once; the others wait."""

    ttft_ms: FloatArray
    tpot_ms: FloatArray
    output_tok_s: FloatArray
    running: FloatArray
    decode: StepTime
    prefill_ms: FloatArray
    """The request's own prefill, alone on the machine."""
    tail_ms: FloatArray
    """What the prefill of a long prompt takes beyond that of the mean one (``Load.tail_input_tokens``)."""
    prefill_cost_ms: FloatArray
    """Machine time that one prompt takes when prompts are packed into full steps."""
    speculation_ms: FloatArray
    """What speculation takes off each output token: not positive."""
    scheduling_ms: FloatArray
    """Steps that pass, and decoding that shares the step, before the first token."""
    waiting_ms: FloatArray
    queueing_ms: FloatArray
    """Waiting because the KV cache is full."""
    interference_ms: FloatArray
    """What others' prefills add to each output token."""
    utilisation: FloatArray
    """Share of machine time spent on prefill."""


def prefill_step_ms(
    r: Resources, c: Coefficients, tokens: FloatArray, prompts: FloatArray, prompt: FloatArray
) -> FloatArray:
    """Return the time to prefill ``prompts`` prompts that bring ``tokens`` new tokens together, on an idle machine.

    Beyond the token budget it takes several steps; each launches its kernels one by one, as no CUDA graph fits it.
    """
    steps = np.ceil(tokens / TOKEN_BUDGET)
    once = step_time(
        r, c, decode=0.0, context=0.0, prefill=tokens, prefill_context=prompt / 2, prompts=prompts
    ).total_ms
    return once + (steps - 1.0) * fixed_ms(r, c) + steps * c["eager"] * launches_ms(r, c)


def closed_loop(
    r: Resources, c: Coefficients, load: Load, concurrency: FloatArray, capacity: FloatArray, mixes: NDArray[np.bool_]
) -> Timing:
    """Return the means of a run in which ``concurrency`` requests are always in flight.

    ``capacity`` is the number of sequences whose cache fits; what exceeds it queues. ``mixes`` says which engines put
    prompts and decoding sequences into one step (vLLM, TensorRT-LLM); the others stop decoding for a prefill (SGLang).
    """
    shape = np.ones_like(r.gpus)
    prompt = np.maximum(load.input_tokens * shape, 1.0)
    tokens = np.maximum(prompt * (1.0 - load.prefix_hit_share), 1.0)
    output = np.maximum(load.output_tokens * shape, 1.0)
    running = np.minimum(concurrency, np.maximum(capacity, 1.0))
    decode = step_time(r, c, decode=running / r.stages, context=load.context * shape)
    decode_ms = _speculate(decode.total_ms, load)
    most = np.maximum(TOKEN_BUDGET / tokens, 1.0)
    packed = prefill_step_ms(r, c, tokens * most, most, prompt) / most / r.stages
    alone = prefill_step_ms(r, c, tokens, np.ones_like(tokens), prompt)
    shared = np.where(mixes, fixed_ms(r, c) + np.minimum(decode.linear_memory_ms, alone), 0.0)
    extra = np.maximum(alone - shared, packed * r.stages) / r.stages
    together = np.clip(running / output * extra / decode_ms, 1.0, most)
    cost = packed + (extra - packed) / together
    interference = cost * np.maximum(running - 1.0, 0.0) / output * c["interference"]
    tpot = decode_ms + interference
    duration = output * tpot
    waiting = _waves(running, packed, duration, load) * c["waiting"]
    busy = np.where(running > 1, decode_ms, 0.0)
    ttft = c["request"] + alone + np.where(mixes, np.maximum(busy - shared, 0.0), 0.0) + c["missed"] * busy + waiting
    queueing = np.maximum(concurrency - running, 0.0) / running * (ttft + duration)
    total = ttft + queueing + tpot * (output - 1.0)
    throughput = concurrency * output / total * 1e3
    return Timing(
        ttft_ms=ttft + queueing,
        tpot_ms=tpot,
        output_tok_s=throughput,
        running=running,
        decode=decode,
        prefill_ms=alone,
        tail_ms=_tail_ms(r, c, load, alone),
        prefill_cost_ms=cost,
        speculation_ms=decode_ms - decode.total_ms,
        scheduling_ms=ttft - c["request"] - alone - waiting,
        waiting_ms=waiting,
        queueing_ms=queueing,
        interference_ms=interference,
        utilisation=running * cost / np.maximum(total, 1e-9),
    )


def prefill_only(r: Resources, c: Coefficients, load: Load, concurrency: FloatArray, capacity: FloatArray) -> Timing:
    """Return the means of a replica that prefills and hands over, with ``concurrency`` prompts always in flight.

    Nothing decodes, so no pace but that of the prefills themselves holds clients back: a prompt waits for all others,
    and N of them pass in the time of N prefills in full steps.
    """
    shape = np.ones_like(r.gpus)
    prompt = np.maximum(load.input_tokens * shape, 1.0)
    tokens = np.maximum(prompt * (1.0 - load.prefix_hit_share), 1.0)
    running = np.minimum(concurrency, np.maximum(capacity, 1.0))
    most = np.maximum(TOKEN_BUDGET / tokens, 1.0)
    packed = prefill_step_ms(r, c, tokens * most, most, prompt) / most / r.stages
    alone = prefill_step_ms(r, c, tokens, np.ones_like(tokens), prompt)
    waiting = (running - 1.0) * packed
    ttft = c["request"] + alone + waiting
    queueing = np.maximum(concurrency - running, 0.0) / running * ttft
    nothing = np.zeros_like(ttft)
    return Timing(
        ttft_ms=ttft + queueing,
        tpot_ms=nothing,
        output_tok_s=concurrency / (ttft + queueing) * 1e3,
        running=running,
        decode=step_time(r, c, decode=0.0, context=0.0),
        prefill_ms=alone,
        tail_ms=_tail_ms(r, c, load, alone),
        prefill_cost_ms=packed,
        speculation_ms=nothing,
        scheduling_ms=nothing,
        waiting_ms=waiting,
        queueing_ms=queueing,
        interference_ms=nothing,
        utilisation=running * packed / ttft,
    )


def _tail_ms(r: Resources, c: Coefficients, load: Load, alone: FloatArray) -> FloatArray:
    """Return what the prefill of the long prompts takes beyond ``alone``, that of the mean one."""
    if load.tail_input_tokens is None:
        return np.zeros_like(alone)
    prompt = np.maximum(load.tail_input_tokens * np.ones_like(alone), 1.0)
    tokens = np.maximum(prompt * (1.0 - load.prefix_hit_share), 1.0)
    return np.maximum(prefill_step_ms(r, c, tokens, np.ones_like(alone), prompt) - alone, 0.0)


def _speculate(decode_ms: FloatArray, load: Load) -> FloatArray:
    """Return time per accepted token under speculation."""
    plan = load.speculation
    if plan is None:
        return decode_ms
    return decode_ms * (1.0 + plan.tokens * plan.draft_share) / plan.tokens_per_step


def _waves(running: FloatArray, cost: FloatArray, duration: FloatArray, load: Load) -> FloatArray:
    """Return the mean wait of a prompt for the prefills before it, over all waves of the run."""
    work = running * cost
    total = (running - 1.0) / 2.0 * cost
    window = work
    drift = (load.length_spread + 0.03) * duration
    crowd = 0.63 * np.sqrt(np.maximum(running, 1.0))
    for _ in range(1, WAVES):
        arrivals = np.sqrt(window * window + drift * drift)
        busy = work / np.maximum(arrivals, 1e-12)
        overload = np.maximum(work - arrivals, 0.0) / 2.0
        random = np.minimum(busy / (2.0 * np.maximum(1.0 - busy, 0.02)), crowd) * cost * (running > 1)
        total = total + overload + random
        window = np.maximum(arrivals, work)
    return total / WAVES


def open_loop(r: Resources, c: Coefficients, load: Load, rate_per_s: FloatArray, capacity: FloatArray) -> Timing:
    """Return the means when requests arrive at random at ``rate_per_s`` per replica (Poisson).

    By Little's law the sequences that decode at once, N = rate x output x TPOT(N), are found by bisection; a prompt
    waits as in an M/D/1 queue whose server is the share of time that decoding leaves. Where the rate exceeds what the
    replica can sustain, TTFT is infinite: the queue grows without end.
    """
    shape = np.ones_like(r.gpus)
    prompt = np.maximum(load.input_tokens * shape, 1.0)
    tokens = np.maximum(prompt * (1.0 - load.prefix_hit_share), 1.0)
    output = np.maximum(load.output_tokens * shape, 1.0)
    rate = rate_per_s * shape / 1e3
    cost = prefill_step_ms(r, c, tokens, np.ones_like(tokens), prompt) / r.stages
    busy = np.minimum(rate * cost, 1.0)
    most = np.maximum(capacity, 1.0)

    def tpot_at(running: FloatArray) -> tuple[FloatArray, StepTime]:
        step = step_time(r, c, decode=running / r.stages, context=load.context * shape)
        decode_ms = _speculate(step.total_ms, load)
        return decode_ms / np.maximum(1.0 - busy * np.minimum(c["interference"], 1.0), 1e-3), step

    low, high = np.full_like(most, 1e-3), most
    for _ in range(BISECTIONS):
        middle = np.sqrt(low * high)
        tpot, _ = tpot_at(middle)
        short = middle < rate * output * tpot
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    running = np.sqrt(low * high)
    tpot, decode = tpot_at(running)
    decode_ms = _speculate(decode.total_ms, load)
    stable = (busy < 1.0) & (running < 0.999 * most)
    waiting = busy * cost / (2.0 * np.maximum(1.0 - busy, 1e-3)) * c["waiting"]
    alone = cost * r.stages
    base = c["request"] + alone + waiting + (1.0 + c["missed"]) * decode_ms * np.minimum(running, 1.0)
    full, _ = tpot_at(most)
    return Timing(
        ttft_ms=np.where(stable, base, np.inf),
        tpot_ms=np.where(stable, tpot, full),
        output_tok_s=np.where(stable, rate * output, most / full) * 1e3,
        running=np.where(stable, running, most),
        decode=decode,
        prefill_ms=alone,
        tail_ms=_tail_ms(r, c, load, alone),
        prefill_cost_ms=cost,
        speculation_ms=decode_ms - decode.total_ms,
        scheduling_ms=base - c["request"] - alone - waiting,
        waiting_ms=waiting,
        queueing_ms=np.where(stable, 0.0, np.inf),
        interference_ms=tpot - decode_ms,
        utilisation=busy,
    )


def static_batch(r: Resources, c: Coefficients, load: Load, batch: FloatArray) -> Timing:
    """Return the times of one batch without a server: a joint prefill, then ``output_tokens`` steps in step."""
    shape = np.ones_like(r.gpus)
    prompt = np.maximum(load.input_tokens * shape, 1.0)
    output = np.maximum(load.output_tokens * shape, 1.0)
    tokens = batch * prompt
    prefill = prefill_step_ms(r, c, tokens, batch, prompt)
    decode = step_time(r, c, decode=batch / r.stages, context=load.context * shape)
    total = prefill + decode.total_ms * (output - 1.0)
    nothing = np.zeros_like(total)
    return Timing(
        ttft_ms=prefill,
        tpot_ms=decode.total_ms,
        output_tok_s=batch * output / total * 1e3,
        running=batch,
        decode=decode,
        prefill_ms=prefill,
        tail_ms=nothing,
        prefill_cost_ms=prefill / batch,
        speculation_ms=nothing,
        scheduling_ms=nothing,
        waiting_ms=nothing,
        queueing_ms=nothing,
        interference_ms=nothing,
        utilisation=prefill / total,
    )


def saturated(r: Resources, c: Coefficients, load: Load, capacity: FloatArray) -> FloatArray:
    """Return output tokens per second with the batch always full: in-flight batching of a queue that never empties."""
    shape = np.ones_like(r.gpus)
    prompt = np.maximum(load.input_tokens * shape, 1.0)
    output = np.maximum(load.output_tokens * shape, 1.0)
    running = np.maximum(capacity, 1.0)
    decode = step_time(r, c, decode=running / r.stages, context=load.context * shape).total_ms
    most = np.maximum(TOKEN_BUDGET / prompt, 1.0)
    cost = prefill_step_ms(r, c, prompt * most, most, prompt) / most / r.stages
    return np.asarray(running * output / (running * cost + output * decode) * 1e3)
