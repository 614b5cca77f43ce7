"""What one GPU holds when an engine serves a model: the terms, the KV budget and what it is enough for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor

from planner.architecture.model import ModelArchitecture
from planner.catalog.schema.accelerators import Accelerator
from planner.catalog.schema.engines import Engine
from planner.catalog.schema.formats import KvFormat, WeightFormat
from planner.memory.accounting import llamacpp, sglang, transformers, trtllm, vllm
from planner.memory.accounting.runtime import EngineOptions, Runtime, Setting
from planner.memory.kv_cache import (
    BLOCK_TOKENS,
    kv_cache_bytes,
    kv_cache_bytes_per_token_per_gpu,
    state_bytes_per_sequence,
)
from planner.memory.shape import forward_shape
from planner.memory.sharding import Layout
from planner.memory.weights import WeightBytes, weight_bytes
from planner.plan import Term

ACCOUNTS: dict[str, Callable[[Setting], Runtime]] = {
    "vllm": vllm.account,
    "sglang": sglang.account,
    "trtllm": trtllm.account,
    "llamacpp": llamacpp.account,
    "transformers": transformers.account,
}
"""Engine id -> its way of dividing a GPU."""

SINGLE_TOKEN_PAGES = frozenset({"sglang", "llamacpp", "transformers"})
"""Engines whose cache has no pages of several tokens by default."""


@dataclass(frozen=True, slots=True)
class InferenceBudget:
    """Bytes on the fullest GPU of a replica. ``terms`` add up to the share of the device that the engine uses."""

    architecture: ModelArchitecture
    kv: KvFormat
    layout: Layout
    weights: WeightBytes
    runtime: Runtime
    weights_bytes: int
    kv_budget_bytes: int
    """For the KV cache; 0 or less when the weights leave nothing."""
    kv_bytes_per_token: float
    """On one GPU, while every layer still grows."""
    block: int
    terms: tuple[Term, ...]

    @property
    def fits(self) -> bool:
        """Whether anything is left for a KV cache."""
        return self.kv_budget_bytes > 0

    @property
    def kv_tokens(self) -> int:
        """Tokens of one long sequence's worth of cache that the budget holds, rounded down to whole pages.

        Layers with a window are counted as growing, so this is what a model holds in many short sequences.
        """
        if self.kv_budget_bytes <= 0 or not self.kv_bytes_per_token:
            return 0
        return floor(self.kv_budget_bytes / (self.kv_bytes_per_token * self.block)) * self.block

    def max_concurrency(self, context: int) -> float:
        """Return how many sequences of ``context`` tokens fit at once, windows and recurrent state considered."""
        if self.kv_budget_bytes <= 0:
            return 0.0
        one = kv_cache_bytes(
            self.architecture,
            self.kv,
            self.layout.tp,
            self.layout.pp,
            context,
            attention_dp=self.layout.attention_dp,
            block=self.block,
        )
        return self.kv_budget_bytes / one if one else float("inf")


def inference_budget(
    architecture: ModelArchitecture,
    fmt: WeightFormat,
    kv: KvFormat,
    accelerator: Accelerator,
    engine: Engine,
    tp: int = 1,
    pp: int = 1,
    ep: int = 1,
    options: EngineOptions | None = None,
) -> InferenceBudget:
    """Return how an engine divides the memory of one GPU of a replica, as the engine itself accounts for it.

    Raises ValueError for degrees below 1 and LookupError for an engine whose accounting is not known.
    """
    options = options or EngineOptions()
    if engine.id not in ACCOUNTS:
        raise LookupError(f"no memory accounting for engine {engine.id!r}; known: {', '.join(sorted(ACCOUNTS))}")
    layout = Layout(tp, pp, ep, options.attention_dp)
    runtime = ACCOUNTS[engine.id](Setting(engine, accelerator, forward_shape(architecture, layout), layout, options))
    weights = weight_bytes(architecture, fmt, tp, pp, ep, attention_dp=options.attention_dp)
    loaded = loaded_bytes(weights, runtime, architecture)
    budget = int(runtime.kv_budget(loaded))
    return InferenceBudget(
        architecture=architecture,
        kv=kv,
        layout=layout,
        weights=weights,
        runtime=runtime,
        weights_bytes=loaded,
        kv_budget_bytes=budget,
        kv_bytes_per_token=kv_cache_bytes_per_token_per_gpu(
            architecture, kv, tp, pp, attention_dp=options.attention_dp
        ),
        block=1 if engine.id in SINGLE_TOKEN_PAGES else BLOCK_TOKENS,
        terms=_terms(runtime, loaded, budget),
    )


def loaded_bytes(weights: WeightBytes, runtime: Runtime, architecture: ModelArchitecture) -> int:
    """Return the weights that the device holds; llama.cpp leaves the input embedding on the host unless it is tied."""
    if runtime.embedding_on_host and not architecture.tied_embeddings:
        return weights.per_gpu - sum(local for name, _, local in weights.by_component if name == "embedding")
    return weights.per_gpu


def _terms(runtime: Runtime, loaded: int, budget: int) -> tuple[Term, ...]:
    terms = [Term("weights", loaded, "bytes", "share of the fullest GPU", "tensor by tensor")]
    if runtime.non_torch:
        terms.append(Term("non-torch", runtime.non_torch, "bytes", "CUDA, NCCL, all-reduce buffers", runtime.source))
    if runtime.activation_inside:
        terms.append(
            Term("activation peak", runtime.activation_peak, "bytes", runtime.activation_formula, runtime.source)
        )
    if runtime.graphs_inside and runtime.cuda_graphs:
        terms.append(Term("CUDA graphs", runtime.cuda_graphs, "bytes", "captured sizes x layers", runtime.source))
    terms.append(Term("KV cache", budget, "bytes", runtime.limit_formula, runtime.source))
    return tuple(terms)


def state_per_sequence(budget: InferenceBudget) -> float:
    """Return the recurrent state of one sequence on one GPU, in bytes."""
    layout = budget.layout
    return state_bytes_per_sequence(budget.architecture, layout.tp, layout.pp, attention_dp=layout.attention_dp)
