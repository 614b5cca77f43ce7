"""What an engine takes of a GPU beside weights and KV cache, and the options that change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from planner.catalog.schema.accelerators import Accelerator
from planner.catalog.schema.engines import Engine
from planner.memory.shape import ForwardShape
from planner.memory.sharding import Layout

Kernels = Literal["plain", "quantized", "mxfp4"]
"""What runs the weights: 16-bit kernels, kernels for formats below that, or those of MXFP4 experts."""

KERNELS: tuple[Kernels, ...] = get_args(Kernels)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Flags of an engine that decide memory; None leaves the engine's default for the hardware."""

    gpu_memory_utilization: float | None = None
    """vLLM's share of the total, SGLang's ``mem_fraction_static``, TensorRT-LLM's ``free_gpu_memory_fraction``."""
    max_num_batched_tokens: int | None = None
    """Tokens of one step: vLLM's flag of that name, SGLang's ``chunked_prefill_size``, llama.cpp's ``ubatch``."""
    max_num_seqs: int | None = None
    max_model_len: int | None = None
    eager: bool = False
    """No CUDA graphs."""
    attention_dp: int = 1
    block_tokens: int | None = None
    """Tokens per page of the KV cache; 1: contiguous."""
    version: str | None = None
    """The engine's version as it prints it; None: the catalog's."""
    text_only: bool = False
    """Images are switched off, so that the vision encoder is not profiled."""
    offline: bool = False
    """vLLM's ``LLM`` class, whose default batch is larger than the server's."""
    total_bytes: int | None = None
    """What the device offers, where it is known better than the catalog's figure."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One replica on one kind of GPU: everything an engine's accounting looks at."""

    engine: Engine
    accelerator: Accelerator
    shape: ForwardShape
    layout: Layout
    options: EngineOptions
    kernels: Kernels = "plain"

    @property
    def total_bytes(self) -> int:
        """Bytes that the device offers."""
        return self.options.total_bytes or self.accelerator.memory_bytes_usable

    def default(self, name: str, fallback: float) -> float:
        """Return the engine's default of that name for this hardware, from the catalog where it has one."""
        try:
            value = self.engine.default(name, self.accelerator, self.layout.tp * self.layout.pp)
        except LookupError:
            return fallback
        return float(value)


@dataclass(frozen=True, slots=True)
class Runtime:
    """KV budget = ``share_of_rest`` x (``limit`` - weights - ``non_torch`` - ``activation_peak`` - graphs if inside).

    All in bytes on one GPU. ``limit`` is what the engine allows itself; ``formula`` and ``source`` say why.
    """

    total: int
    limit: float
    non_torch: float
    activation_peak: float
    cuda_graphs: float
    graphs_inside: bool
    share_of_rest: float = 1.0
    activation_inside: bool = True
    max_num_batched_tokens: int = 0
    max_num_seqs: int = 0
    embedding_on_host: bool = False
    rotary_tables: bool = True
    """Cosines and sines are computed ahead and kept on the device."""
    loading_bytes: int = 0
    """What the engine's own figure for the weights has beyond their tensors, whatever the model."""
    weighs_free_memory: bool = False
    """The engine's figure for the weights is the fall of free memory, with all that loading leaves behind."""
    limit_formula: str = ""
    activation_formula: str = ""
    source: str = ""

    @property
    def before_weights(self) -> float:
        """What is left for weights and KV cache."""
        inside = self.non_torch + (self.activation_peak if self.activation_inside else 0.0)
        return self.limit - inside - (self.cuda_graphs if self.graphs_inside else 0.0)

    def kv_budget(self, weights: float) -> float:
        """Return the bytes for KV cache once ``weights`` bytes are loaded; negative when they do not fit."""
        rest = self.before_weights - weights
        return rest * self.share_of_rest if rest > 0 else rest
