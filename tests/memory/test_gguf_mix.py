"""Which type llama.cpp gives each tensor: by role, by layer, by row length and by model."""

from __future__ import annotations

import pytest

from planner.architecture.model import ModelArchitecture, Tensor
from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.gguf_mix import bytes_per_weight, gguf_name
from planner.memory.weights import weight_bytes

Q4_K, Q5_K, Q6_K, Q8_0, Q5_0, F16, F32 = 144 / 256, 176 / 256, 210 / 256, 34 / 32, 22 / 32, 2.0, 4.0


def of(name: str) -> ModelArchitecture:
    return resolve_model(name, catalog=load_catalog())


def size(name: str, tensor: str, fmt: str = "gguf-q4_k_m", layer: int | None = None) -> float:
    """Return the bytes per weight of a tensor class, in one layer where ``layer`` is given."""
    architecture = of(name)
    if layer is None:
        found = next(item for item in architecture.outer if item.name == tensor)
        return bytes_per_weight(found, load_catalog().formats[fmt], architecture)
    group = next(group for group in architecture.layers if layer in group.indices)
    found = next(item for item in group.tensors if item.name == tensor)
    return bytes_per_weight(found, load_catalog().formats[fmt], architecture, (layer,))


LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.mark.parametrize(
    ("tensor", "layer", "expected"),
    [
        ("lm_head", None, Q6_K),
        ("embed_tokens", None, Q4_K),
        ("final_norm", None, F32),
        ("q_proj", 0, Q4_K),
        ("v_proj", 0, Q6_K),
        ("v_proj", 10, Q4_K),
        ("down_proj", 6, Q6_K),
        ("down_proj", 31, Q6_K),
    ],
)
def test_q4_k_m_widens_values_and_down_projections_in_some_layers(
    tensor: str, layer: int | None, expected: float
) -> None:
    assert size(LLAMA, tensor, layer=layer) == expected


def test_a_tied_embedding_is_stored_as_the_head() -> None:
    assert size("meta-llama/Llama-3.2-1B-Instruct", "embed_tokens") == Q6_K


def test_converters_that_repeat_the_head_store_both() -> None:
    assert size("mosaicml/mpt-7b", "embed_tokens") == Q4_K + Q6_K


def test_eight_experts_take_keys_and_values_in_8_bit() -> None:
    mixtral = "mistralai/Mixtral-8x7B-v0.1"
    assert [size(mixtral, name, layer=10) for name in ("k_proj", "v_proj", "o_proj")] == [Q8_0, Q8_0, Q5_K]


def test_eighty_layers_with_grouped_queries_widen_values() -> None:
    assert size("meta-llama/Llama-2-70b-chat-hf", "v_proj", layer=16) == Q5_K


def test_rows_that_make_no_super_blocks_fall_back() -> None:
    """Qwen2.5-0.5B: hidden 896 = 3.5 x 256, so Q4_K becomes Q5_0 and Q6_K becomes Q8_0."""
    small = "Qwen/Qwen2.5-0.5B"
    assert size(small, "q_proj", layer=10) == Q5_0
    assert size(small, "embed_tokens") == Q8_0


def test_routers_and_norms_stay_in_32_bit() -> None:
    assert size("Qwen/Qwen3-30B-A3B", "router", layer=0) == F32


def test_fused_projections_go_by_their_common_name() -> None:
    query = Tensor("q_proj", "attention", 64, 64, "column")
    assert gguf_name(query, "phi3") == "attn_qkv"
    assert gguf_name(query, "llama") == "attn_q"
    assert gguf_name(Tensor("experts.up_proj", "experts_routed", 64, 64, "experts"), "mixtral") == "ffn_up_exps"


def test_towers_have_a_file_of_their_own_in_16_bit() -> None:
    """Gemma-3-27B Q4_K_M: 15,773.97 MiB in the buffer that ik_llama.cpp prints, without the tower (discussion 334)."""
    catalog = load_catalog()
    gemma = of("google/gemma-3-27b-it")
    weights = weight_bytes(gemma, catalog.formats["gguf-q4_k_m"])
    towers = sum(size for name, size, _ in weights.by_component if name in ("vision", "projector"))
    assert towers / 2 == pytest.approx(417e6, rel=0.05)  # parameters of SigLIP
    assert (weights.per_gpu - weights.rotary - towers) / 2**20 == pytest.approx(15_773.97, rel=1e-4)


def test_the_fork_gives_values_more_and_queries_fewer_bits_in_llama_3_alone() -> None:
    """Llama-3.1-8B Q5_K_S of ik_llama.cpp: 4,941.00 MiB beside the embedding (its issue 103)."""
    fork = "gguf-q5_k_s-ik"
    assert [size(LLAMA, name, fork, 3) for name in ("q_proj", "k_proj", "v_proj")] == [Q4_K, Q5_K, Q6_K]
    assert [size("mistralai/Mistral-7B-v0.1", name, fork, 3) for name in ("q_proj", "v_proj")] == [Q5_K, Q5_K]
    weights = weight_bytes(of(LLAMA), load_catalog().formats[fork])
    held = weights.checkpoint - weights.held_by(("embedding",))[0]
    assert held / 2**20 == pytest.approx(4_941.0, rel=1e-4)
