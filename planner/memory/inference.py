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
from planner.memory.accounting.runtime import EngineOptions, Kernels, Runtime, Setting
from planner.memory.accounting.vllm_version import states_per_sequence
from planner.memory.kv_cache import BLOCK_TOKENS, kv_cache_bytes, kv_cache_bytes_per_token_per_gpu
from planner.memory.kv_pool import Pool, pool
from planner.memory.loading_overhead import casts_experts, loading_overhead
from planner.memory.padding import expert_padding
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

PAGE_TOKENS: dict[str, int] = {"vllm": BLOCK_TOKENS, "sglang": 1, "trtllm": 32, "llamacpp": 1, "transformers": 1}
"""Engine id -> tokens per page of its cache; 1: not paged, or in pages of single tokens."""


@dataclass(frozen=True, slots=True)
class InferenceBudget:
    """Bytes on the fullest GPU of a replica. ``terms`` add up to the share of the device that the engine uses."""

    architecture: ModelArchitecture
    kv: KvFormat
    layout: Layout
    weights: WeightBytes
    runtime: Runtime
    weights_bytes: int
    left_by_loading: int
    """Of ``weights_bytes``, what is no weight: idle segments, copies and kernels, where the engine weighs them too."""
    kv_budget_bytes: int
    """For the KV cache; 0 or less when the weights leave nothing."""
    kv_bytes_per_token: float
    """On one GPU, while every layer still grows."""
    block: int
    pool: Pool | None
    """How vLLM shares blocks among kinds of layers; None where they are alike or the engine has no such pool."""
    max_model_len: int
    """The longest sequence: the option, else what the model can."""
    terms: tuple[Term, ...]

    @property
    def fits(self) -> bool:
        """Whether anything is left for a KV cache."""
        return self.kv_budget_bytes > 0

    @property
    def kv_tokens(self) -> int:
        """Tokens that the budget holds, rounded down to whole pages.

        Where layers differ (windows, recurrent state), in sequences of ``max_model_len``, as vLLM prints it.
        """
        if self.kv_budget_bytes <= 0:
            return 0
        if self.pool is not None:
            return floor(self.max_concurrency(self.max_model_len) * self.max_model_len)
        if not self.kv_bytes_per_token:
            return 0
        return floor(self.kv_budget_bytes / (self.kv_bytes_per_token * self.block)) * self.block

    def bytes_for(self, context: int, sequences: float = 1, *, shared_prefix: int = 0) -> float:
        """Return the bytes of cache and state on one GPU for sequences of ``context`` tokens each."""
        if self.pool is not None:
            return self.pool.bytes_for(context, sequences, shared_prefix)
        layout = self.layout
        return kv_cache_bytes(
            self.architecture,
            self.kv,
            layout.tp,
            layout.pp,
            context,
            sequences,
            attention_dp=layout.attention_dp,
            block=self.block,
            shared_prefix=shared_prefix,
        )

    def max_concurrency(self, context: int, *, shared_prefix: int = 0) -> float:
        """Return how many sequences of ``context`` tokens fit at once, windows and recurrent state considered.

        ``shared_prefix`` tokens at their start are the same for all and kept once.
        """
        if self.kv_budget_bytes <= 0:
            return 0.0
        one = self.bytes_for(context, shared_prefix=shared_prefix)
        if not shared_prefix:
            return self.kv_budget_bytes / one if one else float("inf")
        more = self.bytes_for(context, 2, shared_prefix=shared_prefix) - one
        if self.kv_budget_bytes < one:
            return self.kv_budget_bytes / one
        return 1 + (self.kv_budget_bytes - one) / more if more else float("inf")


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
    layout = Layout(tp, pp, ep, options.attention_dp)
    runtime = runtime_of(architecture, fmt, accelerator, engine, layout, options)
    padding = expert_padding(engine.id, fmt.id, accelerator)
    weights = weight_bytes(architecture, fmt, tp, pp, ep, attention_dp=options.attention_dp, padding=padding)
    overhead = 0
    if runtime.weighs_free_memory:
        overhead = loading_overhead(architecture, fmt, layout, casts=casts_experts(accelerator))
    loaded = loaded_bytes(weights, runtime, architecture) + overhead
    budget = int(runtime.kv_budget(loaded))
    block = page_tokens(engine, options)
    return InferenceBudget(
        architecture=architecture,
        kv=kv,
        layout=layout,
        weights=weights,
        runtime=runtime,
        weights_bytes=loaded,
        left_by_loading=overhead + runtime.loading_bytes,
        kv_budget_bytes=budget,
        kv_bytes_per_token=kv_cache_bytes_per_token_per_gpu(
            architecture, kv, tp, pp, attention_dp=options.attention_dp
        ),
        block=block,
        pool=engine_pool(architecture, kv, engine, layout, options),
        max_model_len=options.max_model_len or architecture.max_position_embeddings or DEFAULT_CONTEXT,
        terms=_terms(runtime, loaded, budget),
    )


def engine_pool(
    architecture: ModelArchitecture, kv: KvFormat, engine: Engine, layout: Layout, options: EngineOptions
) -> Pool | None:
    """Return how the engine shares blocks among kinds of layers; None for models or engines without such a pool."""
    if engine.id != "vllm":
        return None
    states = states_per_sequence(options.version or engine.version)
    return pool(architecture, kv, layout, page_tokens(engine, options), states)


def page_tokens(engine: Engine, options: EngineOptions) -> int:
    """Return the tokens per page of the engine's cache: the option, else the engine's own."""
    return options.block_tokens or PAGE_TOKENS[engine.id]


DEFAULT_CONTEXT = 8192
"""Where neither an option nor the model limits sequences."""


def runtime_of(
    architecture: ModelArchitecture,
    fmt: WeightFormat,
    accelerator: Accelerator,
    engine: Engine,
    layout: Layout,
    options: EngineOptions,
) -> Runtime:
    """Return what an engine takes of a GPU beside weights and cache.

    Raises LookupError for an engine whose accounting is not known.
    """
    shape = forward_shape(architecture, layout)
    return account(Setting(engine, accelerator, shape, layout, options, kernels=kernels_of(fmt, architecture)))


def account(setting: Setting) -> Runtime:
    """Return how the setting's engine divides a GPU. Raises LookupError for one whose accounting is not known."""
    accounts = ACCOUNTS.get(setting.engine.id)
    if accounts is None:
        known = ", ".join(sorted(ACCOUNTS))
        raise LookupError(f"no memory accounting for engine {setting.engine.id!r}; known: {known}")
    return accounts(setting)


def kernels_of(fmt: WeightFormat, architecture: ModelArchitecture) -> Kernels:
    """Return what runs a model's weights in this format."""
    if fmt.id == "mxfp4" and architecture.experts:
        return "mxfp4"
    return "quantized" if fmt.bits_per_weight < SIXTEEN_BITS else "plain"


SIXTEEN_BITS = 16


def loaded_bytes(weights: WeightBytes, runtime: Runtime, architecture: ModelArchitecture) -> int:
    """Return the weights that the device holds, as the engine prints them.

    llama.cpp leaves the input embedding on the host unless it is tied. What loading leaves behind, which SGLang weighs
    too, is added by ``loading_overhead``.
    """
    held = weights.per_gpu + runtime.loading_bytes - (0 if runtime.rotary_tables else weights.rotary)
    if runtime.embedding_on_host and not architecture.tied_embeddings:
        return held - weights.held_by(("embedding",))[1]
    return held


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
