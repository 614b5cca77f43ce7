"""One deployment under one load: what `planner estimate` answers, as estimates with intervals and terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.performance.calibration import Calibration, load_calibration
from planner.performance.deployments import Deployments, Load, Speculation
from planner.performance.profile import ModelProfile
from planner.performance.serving import estimate_serving
from planner.plan import Estimate, Term

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.catalog.schema.accelerators import Accelerator
    from planner.catalog.schema.engines import Engine
    from planner.catalog.schema.formats import KvFormat, WeightFormat
    from planner.memory.inference import InferenceBudget

TERM_NAMES = {
    "linear": "weights read, or their arithmetic where that is slower",
    "experts": "routed experts read, or their arithmetic",
    "attention": "KV cache read, attention",
    "elementwise": "norms, activations, residuals",
    "collectives": "all-reduce between GPUs",
    "head": "logits and sampling",
    "host": "fixed time per step and layer, launches, scheduling",
    "interference": "prefills of other requests in the same steps",
    "request": "HTTP, tokenising, scheduling",
    "prefill": "the prompt itself",
    "waiting": "prefills of other requests before it",
    "queueing": "waiting for room in the KV cache",
    "speculation": "accepted drafts, less the time to draft",
    "scheduling": "steps before the prompt is scheduled, decoding in the same step",
    "measured": "what runs of this model on this device differ by",
}
ROUNDING_MS = 1e-9
"""Less is what floating point leaves of nothing."""


@dataclass(frozen=True, slots=True)
class Question:
    """One deployment of one model and the load on it. Exactly one of concurrency, request rate and batch is given."""

    architecture: ModelArchitecture
    accelerator: Accelerator
    engine: Engine
    weights: WeightFormat
    kv: KvFormat
    gpus: int
    tp: int
    pp: int
    ep: int
    attention_dp: int
    load: Load
    concurrency: int | None = None
    request_rate_per_s: float | None = None
    batch: int | None = None

    @property
    def replicas(self) -> int:
        """Replicas on all GPUs; the load is spread evenly over them."""
        return self.gpus // (self.tp * self.pp)


@dataclass(frozen=True, slots=True)
class Answer:
    """Estimates of the whole deployment, the memory behind them, and what limits it."""

    question: Question
    estimates: tuple[Estimate, ...]
    limit: str
    evidence: str
    budget: InferenceBudget
    warnings: tuple[str, ...]


def estimate(question: Question, calibration: Calibration | None = None) -> Answer:
    """Predict TTFT, TPOT and throughput. Raises ValueError when the weights leave no room for a KV cache."""
    from planner.memory.inference import inference_budget

    q = question
    replicas = q.replicas
    budget = inference_budget(q.architecture, q.weights, q.kv, q.accelerator, q.engine, tp=q.tp, pp=q.pp, ep=q.ep)
    if not budget.fits:
        raise ValueError(
            f"{q.weights.name} weights leave no room for a KV cache on {q.tp * q.pp} x {q.accelerator.name}: "
            "raise --tp or --pp, or choose a smaller format"
        )
    length = int(float(q.load.input_tokens) + float(q.load.output_tokens))  # scalars here
    kv_tokens = budget.max_concurrency(length) * length
    most = q.concurrency or q.batch or max(int(kv_tokens / length), 1) * replicas
    each = -(-most // replicas)
    deployments = Deployments.of(
        accelerators=(q.accelerator,),
        weight_formats=(q.weights,),
        kv_formats=(q.kv,),
        engines=(q.engine.id,),
        tp=q.tp,
        pp=q.pp,
        ep=q.ep,
        attention_dp=q.attention_dp,
        concurrency=each,
    )
    rate = None if q.request_rate_per_s is None else np.array([q.request_rate_per_s / replicas])
    found = estimate_serving(
        ModelProfile.from_architecture(q.architecture),
        deployments,
        q.load,
        calibration or load_calibration(),
        np.array([kv_tokens]),
        request_rate_per_s=rate,
        static=q.batch is not None,
    )

    def of(name: str, column: str, unit: str, factor: float = 1.0, terms: tuple[Term, ...] = ()) -> Estimate:
        value, low, high = (float(getattr(found, column + end)[0]) * factor for end in ("", "_low", "_high"))
        return Estimate(name, value, unit, low, high, terms)

    def terms_of(metric: str) -> tuple[Term, ...]:
        prefix = f"{metric}_"
        parts = {
            name.removeprefix(prefix).removesuffix("_ms"): float(np.broadcast_to(values, (1,))[0])
            for name, values in found.terms.items()
            if name.startswith(prefix)
        }
        return tuple(
            Term(name, value, "ms", TERM_NAMES.get(name, ""))
            for name, value in parts.items()
            if abs(value) > ROUNDING_MS
        )

    estimates = (
        of("ttft_mean_ms", "ttft_mean_ms", "ms", terms=terms_of("ttft")),
        of("ttft_p95_ms", "ttft_p95_ms", "ms"),
        of("tpot_mean_ms", "tpot_mean_ms", "ms", terms=terms_of("tpot")),
        of("tpot_p95_ms", "tpot_p95_ms", "ms"),
        of("output_tokens_per_second", "output_tok_s", "tok/s", float(replicas)),
        of("output_tokens_per_second_per_gpu", "output_tok_s", "tok/s", replicas / q.gpus),
    )
    evidence = found.evidence_name(0)
    return Answer(
        q,
        estimates,
        found.limit_name(0),
        evidence,
        budget,
        _warnings(q, evidence, each, budget, crowded=bool(found.crowded[0])),
    )


def _warnings(
    question: Question, evidence: str, each: int, budget: InferenceBudget, *, crowded: bool
) -> tuple[str, ...]:
    found = []
    if evidence == "accelerator":
        found.append(
            f"No runs of this model in this format on {question.accelerator.name} with {question.engine.name} were "
            "measured: the prediction rests on other models' runs, and its intervals are as wide as that."
        )
    elif evidence == "pair":
        found.append(
            f"This model was measured with {question.engine.name} on {question.accelerator.name}, but at no load and "
            "layout like this: the intervals are as wide as that."
        )
    elif evidence != "setting":
        found.append(
            f"No runs of {question.engine.name} on {question.accelerator.name} were measured: the prediction rests on "
            f"the {evidence}, and its intervals are as wide as that."
        )
    if question.architecture.estimated:
        found.append("The model's type is not known; its size follows familiar fields and may be off.")
    length = float(question.load.input_tokens) + float(question.load.output_tokens)
    room = budget.max_concurrency(int(length))
    if each > room:
        found.append(
            f"The KV cache of a replica holds {room:,.1f} sequences of {int(length):,} tokens: of {each:,} at once "
            "some wait or are preempted."
        )
    elif crowded:
        found.append(
            f"The KV cache is nearly full with {each:,} sequences: whether requests wait for it can hardly be told, "
            "and the interval of TTFT is as wide as that."
        )
    return tuple(found)


def speculation_of(tokens: int | None, acceptance: float | None) -> Speculation | None:
    """Return the speculation that was asked for. Raises ValueError when only one of the two is given."""
    if tokens is None and acceptance is None:
        return None
    if tokens is None or acceptance is None:
        raise ValueError("speculative decoding needs both the drafted tokens and their acceptance")
    return Speculation(tokens, acceptance)
