"""Bytes of the KV cache and of recurrent state: per token while it grows, and for sequences of a given length."""

from __future__ import annotations

from math import ceil

from planner.architecture.model import Mixer, ModelArchitecture
from planner.catalog.schema.formats import KvFormat
from planner.memory.sharding import Layout, stage_counts

INDEXER_BYTES_PER_ELEMENT = 132 / 128
"""Keys of a sparse-attention indexer are kept in FP8 with one 32-bit scale per 128 (vLLM, SGLang: 132 B a token)."""

STATE_BYTES_PER_ELEMENT = 2.0
"""Recurrent and convolution states are kept in the model's 16 bits unless the engine is told otherwise."""

BLOCK_TOKENS = 16
"""Tokens per page of a paged cache (vLLM's default)."""


def elements_per_token(mixer: Mixer, attention_tp: int) -> float:
    """Return the elements that one layer caches per token on one GPU, indexer keys left out.

    KV heads are split over tensor parallelism and repeated beyond their number; a latent (MLA) is never split.
    """
    if mixer.shares_kv or not mixer.kv_elements_per_token:
        return 0.0
    if not mixer.splits_kv:
        return float(mixer.kv_elements_per_token)
    heads = max(1, mixer.kv_heads)
    return mixer.kv_elements_per_token / heads * ceil(heads / attention_tp)


def _bytes_per_token(mixer: Mixer, kv: KvFormat, attention_tp: int) -> float:
    indexer = 0.0 if mixer.shares_kv else mixer.indexer_elements_per_token * INDEXER_BYTES_PER_ELEMENT
    return elements_per_token(mixer, attention_tp) * kv.bytes_per_element + indexer


def kv_cache_bytes_per_token_per_gpu(
    architecture: ModelArchitecture, kv: KvFormat, tp: int = 1, pp: int = 1, *, attention_dp: int = 1
) -> float:
    """Return the bytes per token on the GPU of the fullest pipeline stage, while every layer still grows."""
    layout = Layout(tp, pp, 1, attention_dp)
    per_layer = [_bytes_per_token(group.mixer, kv, layout.attention_tp) for group in architecture.layers]
    return max(
        sum(size * count for size, count in zip(per_layer, counts, strict=True))
        for counts in stage_counts(architecture, pp)
    )


def state_bytes_per_sequence(
    architecture: ModelArchitecture, tp: int = 1, pp: int = 1, *, attention_dp: int = 1
) -> float:
    """Return the constant bytes per sequence of linear attention, Mamba and convolutions on the fullest GPU."""
    layout = Layout(tp, pp, 1, attention_dp)
    per_layer = [group.mixer.state_elements / layout.attention_tp for group in architecture.layers]
    return STATE_BYTES_PER_ELEMENT * max(
        sum(size * count for size, count in zip(per_layer, counts, strict=True))
        for counts in stage_counts(architecture, pp)
    )


def kv_cache_bytes(
    architecture: ModelArchitecture,
    kv: KvFormat,
    tp: int = 1,
    pp: int = 1,
    context: int = 0,
    sequences: float = 1,
    *,
    attention_dp: int = 1,
    block: int = BLOCK_TOKENS,
    shared_prefix: int = 0,
) -> float:
    """Return the bytes on one GPU for ``sequences`` of ``context`` tokens each: the curve, not only its slope.

    Layers with a window stop growing there; recurrent layers cost a constant. ``block`` rounds lengths up to whole
    pages (1: contiguous). ``shared_prefix`` tokens are kept once for all sequences, as prefix caching does.
    """
    layout = Layout(tp, pp, 1, attention_dp)
    own = max(0, context - shared_prefix)
    best = 0.0
    for counts in stage_counts(architecture, pp):
        total = 0.0
        for group, count in zip(architecture.layers, counts, strict=True):
            mixer = group.mixer
            per_token = _bytes_per_token(mixer, kv, layout.attention_tp)
            window = mixer.window or context
            tokens = sequences * _pages(min(own, window), block)
            tokens += _pages(min(shared_prefix, context, max(0, window - own)), block)
            state = sequences * mixer.state_elements / layout.attention_tp * STATE_BYTES_PER_ELEMENT
            total += count * (per_token * tokens + state)
        best = max(best, total)
    return best


def _pages(tokens: int, block: int) -> int:
    return -(-tokens // block) * block
