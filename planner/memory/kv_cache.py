"""Bytes of the KV cache and of recurrent state: per token while it grows, and for sequences of a given length."""

from __future__ import annotations

from math import ceil

from planner.architecture.model import Mixer, ModelArchitecture
from planner.catalog.schema.formats import KvFormat
from planner.memory.sharding import Layout, stage_counts

INDEXER_BYTES_PER_ELEMENT = 132 / 128
"""Keys of a sparse-attention indexer are kept in FP8 with one 32-bit scale per 128 (vLLM, SGLang: 132 B a token)."""

BLOCK_TOKENS = 16
"""Tokens per page of a paged cache (vLLM's default)."""


def local_elements(mixer: Mixer, elements: int, attention_tp: int) -> float:
    """Return how many of ``elements`` that belong to a layer's KV heads one GPU holds.

    Heads are split over tensor parallelism and repeated beyond their number; a latent (MLA) is never split.
    """
    if not mixer.splits_kv:
        return float(elements)
    heads = max(1, mixer.kv_heads)
    return elements / heads * ceil(heads / attention_tp)


def layer_bytes_per_token(mixer: Mixer, kv: KvFormat, attention_tp: int) -> float:
    """Return the bytes that one more token adds to one layer on one GPU while its window is not full."""
    if mixer.shares_kv:
        return 0.0
    own = local_elements(mixer, mixer.kv_elements_per_token, attention_tp) * kv.bytes_per_element
    return own + _lasting_bytes_per_token(mixer, kv, attention_tp)


def _lasting_bytes_per_token(mixer: Mixer, kv: KvFormat, attention_tp: int) -> float:
    """Return what a token adds beyond any window: indexer keys and its share of a compressed entry."""
    entries = 0.0
    if mixer.tokens_per_entry:
        entries = local_elements(mixer, mixer.entry_elements, attention_tp) / mixer.tokens_per_entry
    return entries * kv.bytes_per_element + mixer.indexer_elements_per_token * INDEXER_BYTES_PER_ELEMENT


def layer_bytes(mixer: Mixer, kv: KvFormat, attention_tp: int, own: int, shared: int, sequences: float) -> float:
    """Return the growing bytes of a layer on one GPU: sequences of ``own`` tokens beside ``shared`` ones kept once."""
    if mixer.shares_kv:
        return 0.0
    lasting = _lasting_bytes_per_token(mixer, kv, attention_tp)
    windowed = layer_bytes_per_token(mixer, kv, attention_tp) - lasting
    window = own + shared if mixer.window is None else mixer.window
    held = sequences * min(own, window) + min(shared, max(0, window - own))
    return windowed * held + lasting * (sequences * own + shared)


def kv_cache_bytes_per_token_per_gpu(
    architecture: ModelArchitecture, kv: KvFormat, tp: int = 1, pp: int = 1, *, attention_dp: int = 1
) -> float:
    """Return the bytes per token on the GPU of the fullest pipeline stage, while every layer still grows."""
    ways = Layout(tp, pp, 1, attention_dp).attention_tp
    per_layer = [layer_bytes_per_token(group.mixer, kv, ways) for group in architecture.layers]
    return max(
        sum(size * count for size, count in zip(per_layer, counts, strict=True))
        for counts in stage_counts(architecture, pp)
    )


def state_bytes_per_sequence(
    architecture: ModelArchitecture, tp: int = 1, pp: int = 1, *, attention_dp: int = 1
) -> float:
    """Return the constant bytes per sequence of linear attention, Mamba and convolutions on the fullest GPU."""
    per_layer = layer_state_bytes(architecture, Layout(tp, pp, 1, attention_dp).attention_tp)
    return max(
        sum(size * count for size, count in zip(per_layer, counts, strict=True))
        for counts in stage_counts(architecture, pp)
    )


def layer_state_bytes(architecture: ModelArchitecture, attention_tp: int) -> list[float]:
    """Return, per group of layers, the bytes of one sequence's recurrent state in one layer on one GPU."""
    return [group.mixer.state_elements / attention_tp * architecture.state_bits / 8 for group in architecture.layers]


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
    ways = Layout(tp, pp, 1, attention_dp).attention_tp
    shared = _pages(min(shared_prefix, context), block)
    own = _pages(max(0, context - shared_prefix), block)
    state = layer_state_bytes(architecture, ways)
    per_layer = [
        layer_bytes(group.mixer, kv, ways, own, shared, sequences) + sequences * kept
        for group, kept in zip(architecture.layers, state, strict=True)
    ]
    return max(
        sum(size * count for size, count in zip(per_layer, counts, strict=True))
        for counts in stage_counts(architecture, pp)
    )


def _pages(tokens: int, block: int) -> int:
    return -(-tokens // block) * block
