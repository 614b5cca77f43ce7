"""ModelArchitecture: the one description of a model that memory, performance and rules read.

A model is an inventory of tensor classes. Parameter counts, checkpoint bytes per format, bytes per GPU under
TP, PP and EP, and the GEMMs of one decode step all follow from the same list, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Component = Literal[
    "embedding",
    "attention",
    "linear_attention",
    "mamba",
    "convolution",
    "indexer",
    "mlp",
    "router",
    "experts_routed",
    "experts_shared",
    "norm",
    "lm_head",
    "vision",
    "audio",
    "projector",
    "mtp",
    "other",
]
"""What a tensor is for; the rows of a parameter breakdown."""

TOWERS: frozenset[Component] = frozenset({"vision", "audio", "projector"})
"""What reads images and sound: not active for text, and left in 16 bit by every published recipe."""

Split = Literal["column", "row", "kv_heads", "vocab", "experts", "replicated"]
"""How tensor parallelism divides a tensor.

``column``/``row``: by output/input features over TP. ``kv_heads``: over min(TP, KV heads), replicated beyond.
``vocab``: over TP after padding the vocabulary. ``experts``: over TP by width or over EP by expert.
``replicated``: every rank holds all of it.
"""

MixerKind = Literal["full", "sliding", "chunked", "mla", "linear", "mamba", "convolution", "none"]


@dataclass(frozen=True, slots=True)
class Tensor:
    """One class of alike tensors in a layer (or outside the layers).

    ``rows`` x ``columns`` are output and input features; ``columns`` is 1 for vectors (norms, biases).
    ``count`` is how many such tensors there are per layer (experts). ``linear`` says whether it is a matrix of a
    linear layer, that is, one that a weight quantizer may convert; the format decides which of those it does.
    """

    name: str
    component: Component
    rows: int
    columns: int
    split: Split
    count: int = 1
    linear: bool = True

    @property
    def parameters(self) -> int:
        """Elements of all ``count`` tensors."""
        return self.rows * self.columns * self.count


@dataclass(frozen=True, slots=True)
class Mixer:
    """What mixes tokens in a layer, and what it keeps per token or per sequence.

    ``kv_elements_per_token``: elements cached per token and layer, whole model (2 x kv_heads x head_dim; for MLA
    kv_lora_rank + rope_dim). ``indexer_elements_per_token``: keys of a sparse-attention indexer, in elements.
    ``state_elements``: constant elements per sequence (linear attention, Mamba, convolution).
    ``window``: tokens after which a sliding or chunked layer stops growing.
    """

    kind: MixerKind
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    value_head_dim: int = 0
    kv_elements_per_token: int = 0
    indexer_elements_per_token: int = 0
    indexer_top_k: int = 0
    state_elements: int = 0
    window: int | None = None
    shares_kv: bool = False
    """The layer reads another layer's cache and stores none of its own."""
    tokens_per_entry: int = 0
    """Beside its window the layer keeps one compressed entry per so many tokens (DeepSeek-V4); 0: it does not."""
    entry_elements: int = 0
    """Elements of one compressed entry."""

    @property
    def splits_kv(self) -> bool:
        """Whether TP divides the cache (MLA keeps one latent per token on every rank)."""
        return self.kind != "mla"


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """``count`` alike layers. ``indices`` are their positions, so that a pipeline stage knows what it holds."""

    indices: tuple[int, ...]
    mixer: Mixer
    tensors: tuple[Tensor, ...]

    @property
    def count(self) -> int:
        """Number of layers in the group."""
        return len(self.indices)

    @property
    def is_moe(self) -> bool:
        """Whether the layers route tokens to experts."""
        return any(tensor.component == "experts_routed" for tensor in self.tensors)


@dataclass(frozen=True, slots=True)
class ParameterCount:
    """Exact parameter counts, in elements.

    ``total`` counts a tied head once. ``text`` leaves out vision and audio towers. Active parameters per token have
    two definitions in use: with and without the input embedding. ``mtp`` layers are in the checkpoint but not in
    ``total`` unless the publisher counts them; they load only with speculative decoding.
    """

    total: int
    text: int
    active: int
    active_without_embedding: int
    mtp: int
    by_component: tuple[tuple[Component, int], ...]


@dataclass(frozen=True, slots=True)
class StoredTensors:
    """The tensors of a checkpoint as its headers list them: the truth about counts and bytes.

    ``by_type``: (stored type, elements, bytes), sorted; GGUF types by their ggml name, safetensors by dtype.
    ``parameters`` counts elements of the model; packed and metadata tensors (scales, zero points) are left out where
    their names tell.
    """

    total_bytes: int
    parameters: int
    tensors: int
    by_type: tuple[tuple[str, int, int], ...]
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelArchitecture:
    """One model, from whatever described it. All counts are elements; nothing here knows bytes or formats."""

    id: str
    model_type: str
    hidden_size: int
    vocab_size: int
    max_position_embeddings: int
    layers: tuple[LayerGroup, ...]
    outer: tuple[Tensor, ...]
    """Embedding, final norm, head, towers, projectors: what lies outside the layers."""
    mtp: tuple[Tensor, ...] = ()
    tied_embeddings: bool = False
    experts: int = 0
    experts_per_token: int = 0
    shared_experts: int = 0
    rotary_dim: int = 0
    rotary_positions: int = 0
    """Rows of the cosine and sine tables that engines compute ahead, each of ``rotary_dim``; 0: one per position."""
    native_format: str | None = None
    """Catalog id of the format that the checkpoint itself is published in, when it is not 16 bit."""
    source: str = ""
    estimated: bool = False
    """The model_type is not known; counts follow familiar fields and may be off."""
    notes: tuple[str, ...] = ()
    state_bits: int = 16
    """Bits of one element of recurrent state, where the config states another type than the model's own 16 bits."""
    stores_tied_head: bool = False
    """The published checkpoint holds the tied head a second time: its bytes count twice, its parameters once."""
    stored: StoredTensors | None = None
    """What a safetensors or GGUF header says, when the model came from one."""

    @property
    def num_layers(self) -> int:
        """Layers without MTP ones."""
        return sum(group.count for group in self.layers)

    def tensors(self) -> Iterator[tuple[Tensor, int]]:
        """Yield (tensor class, copies in the whole model); MTP left out."""
        for tensor in self.outer:
            yield tensor, 1
        for group in self.layers:
            for tensor in group.tensors:
                yield tensor, group.count
