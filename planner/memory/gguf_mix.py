"""GGUF files: which type each tensor of a mix is stored in, as llama.cpp's quantizer decides it.

Source of the rules: llama.cpp, src/llama-quant.cpp (llama_tensor_get_type) and convert_hf_to_gguf.py. The mix of a
format is data of the catalog; here is what depends on the model: names, fused projections, row lengths, sizes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from planner.architecture.model import ModelArchitecture, Tensor
from planner.catalog.schema.formats import WeightFormat

SMALL_TENSOR_BYTES = 4.0
"""Norms, biases, routers, convolutions and other small tensors stay in 32 bit."""

FALLBACKS: dict[str, tuple[int, int]] = {
    "Q2_K": (32, 18),
    "Q3_K": (32, 18),
    "IQ4_XS": (32, 18),
    "Q4_K": (32, 22),
    "Q5_K": (32, 24),
    "Q6_K": (32, 34),
}
"""Super-blocks have 256 weights. Where they do not divide the rows: block of the type taken instead, and its bytes
(IQ4_NL for the first three, then Q5_0, Q5_1 and Q8_0)."""

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
    """Return whether llama.cpp quantizes a tensor at all: matrices, and the embedding, but not what decides routing."""
    if tensor.component in ("router", "norm", "convolution") or tensor.columns == 1:
        return False
    return tensor.linear or tensor.component == "embedding"


def bytes_per_weight(
    tensor: Tensor, fmt: WeightFormat, architecture: ModelArchitecture, layers: Sequence[int] = ()
) -> float:
    """Return the mean bytes per weight of a tensor class over the ``layers`` that have it (empty: outside layers)."""
    if not quantized_in_gguf(tensor):
        return SMALL_TENSOR_BYTES
    name = gguf_name(tensor, architecture.model_type)
    if tensor.component == "embedding" and architecture.tied_embeddings:
        name = "output"
    types = Counter(_type(name, fmt, architecture, layer) for layer in (layers or (0,)))
    total = sum(count * _bytes(kind, tensor.columns, fmt) for kind, count in types.items())
    return total / max(1, len(layers))


def _type(name: str, fmt: WeightFormat, architecture: ModelArchitecture, layer: int) -> str:
    """Return the type's name for one tensor of one layer, before row lengths are looked at."""
    base = name.removesuffix("_exps").removesuffix("_shexp")
    chosen = fmt.main_type
    for rule in fmt.mix:
        if (name in rule.tensors or base in rule.tensors) and rule.applies(layer, architecture.num_layers):
            chosen = rule.type
            break
    if base == "attn_v" and architecture.num_layers == 80 and chosen in ("Q3_K", "Q4_K") and _grouped(architecture):
        return "Q5_K"
    if architecture.experts == 8 and chosen not in ("F16", "BF16", "F32", "Q8_0"):
        if base in ("attn_k", "attn_v"):
            return "Q8_0"
        if base == "attn_output" and chosen == "Q4_K":
            return "Q5_K"
    return chosen


def _grouped(architecture: ModelArchitecture) -> bool:
    return any(group.mixer.kv_heads != group.mixer.heads for group in architecture.layers)


BLOCKS: dict[str, tuple[int, int]] = {
    "F32": (1, 4),
    "F16": (1, 2),
    "BF16": (1, 2),
    "Q8_0": (32, 34),
    "Q6_K": (256, 210),
    "Q5_K": (256, 176),
    "Q5_0": (32, 22),
    "Q5_1": (32, 24),
    "Q4_K": (256, 144),
    "Q4_0": (32, 18),
    "Q4_1": (32, 20),
    "Q3_K": (256, 110),
    "Q2_K": (256, 84),
    "IQ4_XS": (256, 136),
    "IQ4_NL": (32, 18),
    "IQ3_S": (256, 110),
    "IQ3_XXS": (256, 98),
    "MXFP4": (32, 17),
}
"""Weights and bytes of a block (ggml-common.h)."""


def _bytes(kind: str, columns: int, fmt: WeightFormat) -> float:
    weights, size = BLOCKS.get(kind) or (fmt.block_type(kind).weights, fmt.block_type(kind).bytes)
    if columns % weights and kind in FALLBACKS:
        weights, size = FALLBACKS[kind]
    if columns % weights:
        weights, size = BLOCKS["F16"]
    return size / weights
