"""Counts that follow from the inventory: parameters by component, active ones, cache elements per token."""

from __future__ import annotations

from planner.architecture.model import TOWERS, Component, Mixer, ModelArchitecture, ParameterCount


def count_parameters(architecture: ModelArchitecture) -> ParameterCount:
    """Count parameters exactly from the inventory of tensors.

    Active means read for one text token: routed experts count ``experts_per_token / experts``, towers and MTP layers
    not at all. ``active_without_embedding`` leaves out the input embedding unless it also serves as the head.
    """
    by_component: dict[Component, int] = {}
    active = 0
    for tensor, copies in architecture.tensors():
        size = tensor.parameters * copies
        by_component[tensor.component] = by_component.get(tensor.component, 0) + size
        if tensor.component == "experts_routed":
            active += size * architecture.experts_per_token // max(tensor.count, 1)
        elif tensor.component not in TOWERS:
            active += size
    total = sum(by_component.values())
    embedding = 0 if architecture.tied_embeddings else by_component.get("embedding", 0)
    return ParameterCount(
        total=total,
        text=total - sum(by_component.get(name, 0) for name in TOWERS),
        active=active,
        active_without_embedding=active - embedding,
        mtp=sum(tensor.parameters for tensor in architecture.mtp),
        by_component=tuple(sorted(by_component.items())),
    )


def cache_elements(mixer: Mixer, context: int) -> int:
    """Return the elements that one layer caches for a sequence of ``context`` tokens, indexer keys left out."""
    if mixer.shares_kv:
        return 0
    tokens = context if mixer.window is None else min(context, mixer.window)
    entries = context // mixer.tokens_per_entry if mixer.tokens_per_entry else 0
    return mixer.kv_elements_per_token * tokens + mixer.entry_elements * entries


def kv_bytes_per_token(
    architecture: ModelArchitecture, bytes_per_element: float = 2.0, context: int | None = None
) -> float:
    """Return the bytes that one more token adds to the cache of the whole model (TP 1, indexer keys left out).

    Without ``context``: while every layer still grows, that is below the shortest window. With it: at that length,
    where layers past their window no longer grow.
    """
    return sum(_growth(group.mixer, context) * group.count for group in architecture.layers) * bytes_per_element


def _growth(mixer: Mixer, context: int | None) -> float:
    if mixer.shares_kv:
        return 0.0
    entries = mixer.entry_elements / mixer.tokens_per_entry if mixer.tokens_per_entry else 0.0
    grows = context is None or mixer.window is None or context < mixer.window
    return entries + (mixer.kv_elements_per_token if grows else 0)
