"""vLLM's pool of KV blocks for models whose layers differ: groups of layers that share blocks, and their padding.

Layers of one kind form groups of equal size; a block holds one page of every layer of a group, and all groups draw from
one pool. The size of a group is that of the smallest kind, or of the largest when they differ by less than a quarter;
kinds that it does not divide are padded. Recurrent layers keep one page per sequence, which sets the page: attention
blocks get as many tokens as a state has bytes. Source: vLLM v1/core/kv_cache_utils.py, hybrid KV cache manager.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from planner.architecture.model import ModelArchitecture
from planner.catalog.schema.formats import KvFormat
from planner.memory.kv_cache import BLOCK_TOKENS, layer_bytes_per_token, layer_state_bytes
from planner.memory.sharding import Layout, stage_counts

NEAR = 1.25
"""Kinds whose sizes differ by less than this factor form one group each."""


@dataclass(frozen=True, slots=True)
class Pool:
    """How blocks are shared. ``windows``: per group the tokens it keeps, None for all, 0 for a constant state."""

    block_tokens: int
    block_bytes: float
    """One block: a page of each layer of one group."""
    windows: tuple[int | None, ...]
    states: int = 1
    """Blocks that a sequence takes in a group of recurrent layers."""

    def blocks(self, budget: float) -> int:
        """Return the whole blocks in a budget of bytes."""
        return int(budget // self.block_bytes) if budget > 0 else 0

    def blocks_per_sequence(self, context: int, chunk: int = 0) -> int:
        """Return the blocks that one sequence of ``context`` tokens takes in all groups.

        ``chunk``: tokens of a prefill step, which sliding layers hold beyond their window until it is done.
        """
        total = 0
        for window in self.windows:
            if window == 0:
                total += self.states
            elif window is None:
                total += ceil(context / self.block_tokens)
            else:
                total += min(ceil((window - 1 + chunk) / self.block_tokens) + 1, ceil(context / self.block_tokens))
        return total

    def bytes_for(self, context: int, sequences: float, shared_prefix: int = 0) -> float:
        """Return the bytes of sequences of ``context`` tokens whose first ``shared_prefix`` are the same.

        Groups that keep every token share whole blocks of them; a window has left the prefix behind, and a recurrent
        state is each sequence's own.
        """
        shared = self.windows.count(None) * (min(shared_prefix, context) // self.block_tokens) * self.block_bytes
        return sequences * self.bytes_per_sequence(context) - max(0.0, sequences - 1) * shared

    def bytes_per_sequence(self, context: int) -> float:
        """Return the bytes that one sequence of ``context`` tokens takes once its prefill is done."""
        return self.blocks_per_sequence(context) * self.block_bytes


def pool(
    architecture: ModelArchitecture, kv: KvFormat, layout: Layout, block: int = BLOCK_TOKENS, states: int = 1
) -> Pool | None:
    """Return the pool of a model with several kinds of layers, None where all cached layers are alike.

    Of several pipeline stages the one with the most cached layers counts. ``states``: see :class:`Pool`.
    """
    kinds: dict[int | None, int] = {}
    per_token = state = 0.0
    best: dict[int | None, int] = {}
    sizes = layer_state_bytes(architecture, layout.attention_tp)
    for counts in stage_counts(architecture, layout.pp):
        kinds = {}
        for group, kept_state, count in zip(architecture.layers, sizes, counts, strict=True):
            mixer = group.mixer
            growth = layer_bytes_per_token(mixer, kv, layout.attention_tp)
            if growth:
                kinds[mixer.window] = kinds.get(mixer.window, 0) + count
                per_token = max(per_token, growth)
            elif mixer.state_elements:
                kinds[0] = kinds.get(0, 0) + count
                state = max(state, kept_state)
        if sum(kinds.values()) > sum(best.values()):
            best = kinds
    kept = {kind: count for kind, count in best.items() if count}
    if len(kept) < 2 or not per_token:
        return None
    tokens = max(block, ceil(state / per_token / block) * block)
    small, large = min(kept.values()), max(kept.values())
    size = large if large < NEAR * small else small
    order = sorted(kept, key=lambda kind: -1 if kind is None else kind)
    windows = tuple(kind for kind in order for _ in range(ceil(kept[kind] / size)))
    return Pool(tokens, tokens * per_token * size, windows, states)
