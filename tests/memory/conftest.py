"""Small hand-made models and formats, so that every expected figure can be worked out on paper."""

from __future__ import annotations

import pytest

from planner.architecture.model import LayerGroup, Mixer, ModelArchitecture, Tensor
from planner.catalog.schema.accelerators import Accelerator, Link
from planner.catalog.schema.engines import Engine, Parallelism
from planner.catalog.schema.formats import KvFormat, Metadata, WeightFormat


def llama(
    layers: int = 32,
    hidden: int = 4096,
    heads: int = 32,
    kv_heads: int = 8,
    width: int = 14336,
    vocab: int = 128256,
    head_dim: int = 128,
    positions: int = 131072,
    tied: bool = False,
) -> ModelArchitecture:
    """Return a Llama; by default Llama-3.1-8B."""
    mixer = Mixer("full", heads, kv_heads, head_dim, head_dim, kv_elements_per_token=2 * kv_heads * head_dim)
    tensors = (
        Tensor("q_proj", "attention", heads * head_dim, hidden, "column"),
        Tensor("k_proj", "attention", kv_heads * head_dim, hidden, "kv_heads"),
        Tensor("v_proj", "attention", kv_heads * head_dim, hidden, "kv_heads"),
        Tensor("o_proj", "attention", hidden, heads * head_dim, "row"),
        Tensor("gate_proj", "mlp", width, hidden, "column"),
        Tensor("up_proj", "mlp", width, hidden, "column"),
        Tensor("down_proj", "mlp", hidden, width, "row"),
        Tensor("norm", "norm", hidden, 1, "replicated", count=2, linear=False),
    )
    outer = [
        Tensor("embed_tokens", "embedding", vocab, hidden, "vocab", linear=False),
        Tensor("final_norm", "norm", hidden, 1, "replicated", linear=False),
    ]
    if not tied:
        outer.append(Tensor("lm_head", "lm_head", vocab, hidden, "vocab"))
    return ModelArchitecture(
        id="llama",
        model_type="llama",
        hidden_size=hidden,
        vocab_size=vocab,
        max_position_embeddings=positions,
        layers=(LayerGroup(tuple(range(layers)), mixer, tensors),),
        outer=tuple(outer),
        tied_embeddings=tied,
        rotary_dim=head_dim,
    )


@pytest.fixture
def llama_8b() -> ModelArchitecture:
    """Llama-3.1-8B: 8,030,261,248 parameters."""
    return llama()


@pytest.fixture
def bf16() -> WeightFormat:
    return WeightFormat("bf16", "BF16", "float", "16bit", 16, "bf16", "bf16", "IEEE", "2026", 8, 8)


@pytest.fixture
def awq() -> WeightFormat:
    metadata = (Metadata("scale", 16, 1, 128), Metadata("zero", 4, 1, 128))
    return WeightFormat(
        "int4-awq-g128",
        "AWQ",
        "integer",
        "int4",
        4,
        "bf16",
        "bf16",
        "AWQ",
        "2026",
        granularity="group",
        metadata=metadata,
        unquantized=("embedding", "lm_head", "norm", "router"),
    )


@pytest.fixture
def kv16() -> KvFormat:
    return KvFormat("bf16", "16 bit", "16bit", 16, "model", "2026")


@pytest.fixture
def h100() -> Accelerator:
    return Accelerator(
        "h100-sxm", "H100 SXM", "NVIDIA", "Hopper", "hopper", "9.0", "SXM5", 2022, "HBM3", 80.0, 79.18, 3350.0,
        {"bf16": 989.0}, Link("NVLink4", "switch", 450.0, 8), "data sheet", "2026",
    )  # fmt: skip


@pytest.fixture
def vllm() -> Engine:
    return Engine("vllm", "vLLM", "0.19.0", True, Parallelism(True, True, True, True, True), (), (), (), "docs", "2026")
