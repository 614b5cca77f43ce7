"""Everything that ``planner memory`` tells of a model, computed once: sizes, budget, rules of thumb, where it fits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.architecture import count_parameters, kv_bytes_per_token
from planner.architecture.model import ModelArchitecture, ParameterCount
from planner.catalog import Catalog
from planner.catalog.schema.accelerators import Accelerator
from planner.catalog.schema.engines import Engine
from planner.catalog.schema.formats import KvFormat, WeightFormat
from planner.memory.accounting.runtime import EngineOptions
from planner.memory.asked import refusals, remarks
from planner.memory.fitting import FormatSize, format_sizes
from planner.memory.inference import InferenceBudget, inference_budget
from planner.memory.kv_cache import kv_cache_bytes, state_bytes_per_sequence
from planner.memory.loading import LoadTime, load_times
from planner.memory.rule_of_thumb import Comparison, compare_cache, compare_weights

CURVE = (1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576)
"""Lengths at which the cache is shown, as far as the model goes."""

TENSOR_PARALLEL = (1, 2, 4, 8, 16)
"""Degrees tried where none is asked for."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a model; None leaves a choice to the planner."""

    weights: WeightFormat
    kv: KvFormat
    accelerator: Accelerator
    engine: Engine
    tp: int | None = None
    pp: int = 1
    ep: int = 1
    context: int = 8192
    concurrency: int = 1
    shared_prefix: int = 0
    """Tokens at the start of every sequence that are the same and kept once."""
    options: EngineOptions = EngineOptions()  # noqa: RUF009  (frozen)


@dataclass(frozen=True, slots=True)
class Overview:
    """The answer. All sizes in bytes."""

    architecture: ModelArchitecture
    question: Question
    parameters: ParameterCount
    budget: InferenceBudget
    tp_chosen: bool
    """The degree of tensor parallelism is the least that fits, not one that was asked for."""
    bytes_per_token_bf16: float
    """Of the whole model in 16 bit while every layer still grows (TP 1)."""
    state_bytes_per_sequence: float
    """Constant, of the whole model (TP 1)."""
    curve: tuple[tuple[int, float], ...]
    """(tokens, bytes of one sequence) of the whole model in the KV format asked for, without pages."""
    weights_rule: Comparison
    cache_rule: Comparison
    formats: tuple[FormatSize, ...]
    loading: tuple[LoadTime, ...]
    cache_bytes: float
    """For ``concurrency`` sequences of ``context`` tokens, on one GPU."""
    notes: tuple[str, ...]
    """What reading the model left open, and what will not run as asked."""

    @property
    def max_concurrency(self) -> float:
        """Sequences of the length asked about that fit at once."""
        return self.budget.max_concurrency(self.question.context, shared_prefix=self.question.shared_prefix)

    @property
    def cache_fits(self) -> bool:
        """Whether the sequences asked for fit at once."""
        return self.cache_bytes <= self.budget.kv_budget_bytes


def overview(architecture: ModelArchitecture, question: Question, catalog: Catalog) -> Overview:
    """Return the answer to a question about a model.

    Raises ValueError for degrees and options that the model or the engine does not have, and LookupError for an engine
    whose accounting is not known.
    """
    wrong = list(refusals(architecture, question))
    if wrong:
        raise ValueError("; ".join(wrong))
    budget = _budget(architecture, question)
    kv, context = question.kv, question.context
    longest = architecture.max_position_embeddings or CURVE[-1]
    lengths = sorted({tokens for tokens in CURVE if tokens <= longest} | {context})
    native = architecture.native_format or "bf16"
    return Overview(
        architecture=architecture,
        question=question,
        parameters=count_parameters(architecture),
        budget=budget,
        tp_chosen=question.tp is None,
        bytes_per_token_bf16=kv_bytes_per_token(architecture),
        state_bytes_per_sequence=state_bytes_per_sequence(architecture),
        curve=tuple((tokens, kv_cache_bytes(architecture, kv, context=tokens, block=1)) for tokens in lengths),
        weights_rule=compare_weights(architecture, question.weights, budget),
        cache_rule=compare_cache(architecture, kv, context, kv_cache_bytes(architecture, kv, context=context, block=1)),
        formats=format_sizes(architecture, catalog, kv, context=context, native=native),
        loading=load_times(budget.weights.checkpoint, catalog.storage.values()),
        cache_bytes=budget.bytes_for(context, question.concurrency, shared_prefix=question.shared_prefix),
        notes=(*architecture.notes, *remarks(architecture, question, budget.layout.tp)),
    )


def _budget(architecture: ModelArchitecture, question: Question) -> InferenceBudget:
    """Return the budget at the degree asked for, or at the least that leaves room for one sequence."""
    options = replace(question.options, max_model_len=question.options.max_model_len or question.context)

    def at(tp: int) -> InferenceBudget:
        return inference_budget(
            architecture,
            question.weights,
            question.kv,
            question.accelerator,
            question.engine,
            tp,
            question.pp,
            question.ep,
            options,
        )

    if question.tp is not None:
        return at(question.tp)
    heads = [group.mixer.heads for group in architecture.layers if group.mixer.heads]
    budget = at(1)
    for tp in TENSOR_PARALLEL:
        splits = all(count % tp == 0 for count in heads) and (tp == 1 or question.engine.parallelism.tensor)
        if splits:
            budget = at(tp)
            if budget.max_concurrency(question.context) >= 1:
                break
    return budget
