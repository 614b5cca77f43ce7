"""GGUF files: which type each tensor of a mix is stored in, as llama.cpp's quantizer decides it.

Source of the rules: llama.cpp, src/llama-quant.cpp (llama_tensor_get_type) and convert_hf_to_gguf.py. The mix of a
format is data of the catalog; here is what depends on the model: names, fused projections, row lengths, sizes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from planner.architecture.model import TOWERS, ModelArchitecture, Tensor
from planner.catalog.schema.formats import WeightFormat

SMALL_TENSOR_BYTES = 4.0
"""Norms, biases, routers, convolutions and other small tensors stay in 32 bit."""

TOWER_MATRIX_BYTES = 2.0
"""The converter writes towers to a file of their own (mmproj), with matrices in 16 bit whatever the mix is."""

BLOCKS: dict[str, tuple[int, int]] = {
    "F32": (1, 4),
    "F16": (1, 2),
    "BF16": (1, 2),
    "Q8_0": (32, 34),
    "Q6_K": (256, 210),
    "Q5_K": (256, 176),
    "Q5_1": (32, 24),
    "Q5_0": (32, 22),
    "IQ4_NL": (32, 18),
}
"""Weights and bytes of the blocks that models and row lengths bring in (ggml-common.h); a mix names its own."""

FALLBACKS: dict[str, str] = {
    "Q2_K": "IQ4_NL",
    "Q3_K": "IQ4_NL",
    "IQ4_XS": "IQ4_NL",
    "Q4_K": "Q5_0",
    "Q5_K": "Q5_1",
    "Q6_K": "Q8_0",
}
"""Super-blocks have 256 weights; a tensor whose rows they do not divide takes this type instead."""

HEADER_BYTES_PER_TOKEN = 35
"""Bytes of a GGUF header per vocabulary entry: the tokenizer. 23 for SentencePiece, 35 to 61 for BPE with merges."""

NAMES: dict[str, str] = {
    "embed_tokens": "token_embd",
    "lm_head": "output",
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "q_a_proj": "attn_q_a",
    "q_b_proj": "attn_q_b",
    "kv_a_proj": "attn_kv_a_mqa",
    "kv_b_proj": "attn_kv_b",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}

FUSED_QKV = frozenset(
    {
        "phi3",
        "phimoe",
        "phi",
        "phi-msft",
        "falcon",
        "mpt",
        "gpt2",
        "gpt_neox",
        "gpt_bigcode",
        "bloom",
        "qwen",
        "chatglm",
    }
)
"""Architectures whose queries, keys and values are one tensor, ``attn_qkv``, in llama.cpp."""


REPEATS_HEAD = frozenset({"mpt", "gpt2", "gpt_bigcode"})
"""Architectures whose tied head the converter writes a second time, as ``output``."""


def gguf_name(tensor: Tensor, model_type: str) -> str:
    """Return the GGUF name of a tensor class without block number and suffix; experts and shared experts included."""
    last = tensor.name.rsplit(".", 1)[-1]
    if tensor.component == "attention" and model_type in FUSED_QKV and last in ("q_proj", "k_proj", "v_proj"):
        return "attn_qkv"
    if tensor.component == "attention" and last == "gate_proj":
        return "attn_gate"
    name = NAMES.get(last, last)
    suffix = {"experts_routed": "_exps", "experts_shared": "_shexp"}.get(tensor.component, "")
    return name + suffix


def quantized_in_gguf(tensor: Tensor) -> bool:
    """Return whether llama.cpp quantizes a tensor at all: matrices and the embedding, but no routers, no towers."""
    if tensor.component in ("router", "norm") or tensor.component in TOWERS or tensor.columns == 1:
        return False
    return tensor.linear or tensor.component == "embedding"


def bytes_per_weight(
    tensor: Tensor, fmt: WeightFormat, architecture: ModelArchitecture, layers: Sequence[int] = ()
) -> float:
    """Return the mean bytes per weight of a tensor class over the ``layers`` that have it (empty: outside layers)."""
    if tensor.component in TOWERS:
        return TOWER_MATRIX_BYTES if tensor.columns > 1 else SMALL_TENSOR_BYTES
    if not quantized_in_gguf(tensor):
        return SMALL_TENSOR_BYTES
    names = [gguf_name(tensor, architecture.model_type)]
    if names == ["token_embd"] and architecture.tied_embeddings and not architecture.stores_tied_head:
        names = ["token_embd", "output"] if architecture.model_type in REPEATS_HEAD else ["output"]
    types = Counter(_type(name, fmt, architecture, layer) for name in names for layer in (layers or (0,)))
    total = sum(count * _block_bytes(kind, tensor.columns, fmt) for kind, count in types.items())
    return total / max(1, len(layers))


def _type(name: str, fmt: WeightFormat, architecture: ModelArchitecture, layer: int) -> str:
    """Return the type of the tensor in one layer, before row lengths are looked at."""
    base = name.removesuffix("_exps").removesuffix("_shexp")
    chosen = fmt.main_type
    for rule in fmt.mix:
        named = name in rule.tensors or base in rule.tensors
        if named and architecture.vocab_size >= rule.vocabulary and rule.applies(layer, architecture.num_layers):
            chosen = rule.type
            break
    return _by_model(base, chosen, architecture)


def _by_model(base: str, chosen: str, architecture: ModelArchitecture) -> str:
    """Return what llama.cpp takes instead in models of eight experts, and in its "70B" (80 layers, grouped queries)."""
    if chosen in WIDE:
        return chosen
    if architecture.experts == 8:
        if base in ("attn_k", "attn_v"):
            return "Q8_0"
        if base == "attn_output" and chosen in ("Q2_K", "Q3_K", "Q4_K", "IQ4_XS"):
            return "Q5_K"
    if base == "attn_v" and chosen in ("Q3_K", "Q4_K") and architecture.num_layers == 80 and _grouped(architecture):
        return "Q5_K"
    return chosen


WIDE = frozenset({"F32", "F16", "BF16", "Q8_0"})
"""Types that no rule widens."""


def _grouped(architecture: ModelArchitecture) -> bool:
    return any(group.mixer.kv_heads != group.mixer.heads for group in architecture.layers)


def _block_bytes(kind: str, columns: int, fmt: WeightFormat) -> float:
    """Return the bytes per weight of a type, or of what it falls back to, for rows of ``columns`` weights."""
    weights, size = _block(kind, fmt)
    if columns % weights:
        weights, size = _block(FALLBACKS.get(kind, "F16"), fmt)
    if columns % weights:
        weights, size = BLOCKS["F16"]
    return size / weights


def _block(kind: str, fmt: WeightFormat) -> tuple[int, int]:
    if kind in BLOCKS:
        return BLOCKS[kind]
    block = fmt.block_type(kind)
    return block.weights, block.bytes
