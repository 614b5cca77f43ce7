"""KV cache and recurrent state, worked out on paper for hand-made layers and checked on published models."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.architecture.model import LayerGroup, Mixer, ModelArchitecture
from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.catalog.schema.formats import KvFormat
from planner.memory.kv_cache import kv_cache_bytes, kv_cache_bytes_per_token_per_gpu, state_bytes_per_sequence

FULL = Mixer("full", 8, 2, 64, 64, kv_elements_per_token=256)
SLIDING = Mixer("sliding", 8, 2, 64, 64, kv_elements_per_token=256, window=128)
LATENT = Mixer("mla", 8, 1, 576, 512, kv_elements_per_token=576)
STATE = Mixer("linear", 8, state_elements=4096)


def of(*mixers: Mixer, state_bits: int = 16) -> ModelArchitecture:
    """Return a model of nothing but these mixers, one layer each."""
    groups = tuple(LayerGroup((index,), mixer, ()) for index, mixer in enumerate(mixers))
    return ModelArchitecture("made", "made", 512, 1000, 8192, groups, (), state_bits=state_bits)


def test_tensor_parallelism_splits_heads_and_repeats_them_beyond_their_number(kv16: KvFormat) -> None:
    per_token = [kv_cache_bytes_per_token_per_gpu(of(FULL), kv16, tp) for tp in (1, 2, 4, 8)]
    assert per_token == [512, 256, 256, 256]


def test_a_latent_is_on_every_gpu(kv16: KvFormat) -> None:
    assert {kv_cache_bytes_per_token_per_gpu(of(LATENT), kv16, tp) for tp in (1, 8)} == {1152}


def test_attention_groups_share_only_their_own_gpus(kv16: KvFormat) -> None:
    assert kv_cache_bytes_per_token_per_gpu(of(FULL), kv16, 4, attention_dp=4) == 512


def test_the_fullest_stage_counts(kv16: KvFormat) -> None:
    assert kv_cache_bytes_per_token_per_gpu(of(FULL, FULL, FULL), kv16, 1, 2) == 2 * 512


def test_sliding_layers_stop_at_their_window(kv16: KvFormat) -> None:
    model = of(FULL, SLIDING)
    assert kv_cache_bytes_per_token_per_gpu(model, kv16) == 1024
    assert [kv_cache_bytes(model, kv16, context=tokens) for tokens in (128, 256)] == [1024 * 128, 512 * (256 + 128)]


def test_layers_that_read_anothers_cache_cost_nothing(kv16: KvFormat) -> None:
    assert kv_cache_bytes_per_token_per_gpu(of(FULL, replace(FULL, shares_kv=True)), kv16) == 512


def test_recurrent_state_is_constant_and_in_its_own_type(kv16: KvFormat) -> None:
    assert state_bytes_per_sequence(of(STATE, STATE)) == 2 * 4096 * 2
    assert state_bytes_per_sequence(of(STATE, state_bits=32), tp=4) == 4096
    assert {kv_cache_bytes(of(STATE), kv16, context=tokens, sequences=3) for tokens in (16, 4096)} == {3 * 8192}


def test_lengths_round_up_to_whole_pages(kv16: KvFormat) -> None:
    assert kv_cache_bytes(of(FULL), kv16, context=17) == 32 * 512
    assert kv_cache_bytes(of(FULL), kv16, context=17, block=1) == 17 * 512


def test_a_shared_prefix_is_kept_once(kv16: KvFormat) -> None:
    apart = kv_cache_bytes(of(FULL), kv16, context=1024, sequences=10)
    together = kv_cache_bytes(of(FULL), kv16, context=1024, sequences=10, shared_prefix=512)
    assert apart == 10 * 1024 * 512
    assert together == (512 + 10 * 512) * 512


def test_a_prefix_longer_than_the_window_is_held_as_far_as_the_window_reaches(kv16: KvFormat) -> None:
    """Of 512 shared tokens a window of 128 sees 64 beside 64 of a sequence's own."""
    size = kv_cache_bytes(of(SLIDING), kv16, context=576, sequences=2, shared_prefix=512)
    assert size == (2 * 64 + 64) * 512


def test_indexer_keys_are_8_bit_with_a_scale_whatever_the_cache_is(kv16: KvFormat) -> None:
    indexed = replace(LATENT, indexer_elements_per_token=128)
    assert kv_cache_bytes_per_token_per_gpu(of(indexed), kv16) == 1152 + 132


def test_compressed_entries_grow_beyond_the_window(kv16: KvFormat) -> None:
    compressed = replace(SLIDING, tokens_per_entry=4, entry_elements=512)
    size = kv_cache_bytes(of(compressed), kv16, context=1024)
    assert size == 128 * 512 + 1024 // 4 * 512 * 2


@pytest.mark.parametrize(
    ("name", "bytes_per_token"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 131_072),
        ("meta-llama/Llama-2-7b-hf", 524_288),
        ("deepseek-ai/DeepSeek-V3", 70_272),
        ("openai/gpt-oss-120b", 73_728),
        ("google/gemma-3-27b-it", 507_904),
    ],
)
def test_published_models(name: str, bytes_per_token: int) -> None:
    catalog = load_catalog()
    architecture = resolve_model(name, catalog=catalog)
    assert kv_cache_bytes_per_token_per_gpu(architecture, catalog.kv_formats["bf16"]) == bytes_per_token
