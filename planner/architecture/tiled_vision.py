"""The vision tower of Llama 3.2 (Mllama): tiles with gated position tables, then gated global layers."""

from __future__ import annotations

from collections.abc import Iterator

from planner.architecture.fields import Fields
from planner.architecture.model import Tensor
from planner.architecture.tensors import linear, norm, vector

_RATIOS = 8
"""Aspect ratios of up to four tiles, where ``supported_aspect_ratios`` is silent."""


def tiled_vision(fields: Fields, text_hidden: int) -> Iterator[Tensor]:
    """Yield the tower and its projector."""
    width, inner = fields.integer("hidden_size"), fields.integer("intermediate_size")
    patch, tiles = fields.integer("patch_size", 14), fields.integer("max_num_tiles", 4)
    channels = fields.integer("num_channels", 3)
    patches = (fields.integer("image_size") // patch) ** 2 + 1
    ratios = len(fields.items("supported_aspect_ratios")) or _RATIOS
    yield from linear("vision.patch_embedding", "vision", width, channels * patch * patch, "replicated")
    yield vector("vision.class_token", "vision", width)
    yield Tensor("vision.positions", "vision", patches, width, "replicated", linear=False)
    yield Tensor("vision.tile_positions", "vision", ratios + 1, tiles * patches * width, "replicated", linear=False)
    yield Tensor("vision.tile_embeddings", "vision", ratios + 1, tiles * width, "replicated", count=2, linear=False)
    yield vector("vision.gates", "vision", 3)
    for name in ("pre_norm", "post_norm"):
        yield from norm(f"vision.{name}", width, "layer", "vision")
    local, gated = fields.integer("num_hidden_layers"), fields.integer("num_global_layers", 0, minimum=0)
    depth = local + gated
    for name in ("q_proj", "k_proj", "v_proj"):
        yield from linear(f"vision.{name}", "vision", width, width, "column", count=depth)
    yield from linear("vision.o_proj", "vision", width, width, "row", count=depth)
    yield from linear("vision.fc1", "vision", inner, width, "column", bias=True, count=depth)
    yield from linear("vision.fc2", "vision", width, inner, "row", bias=True, count=depth)
    yield from norm("vision.norm", width, "layer", "vision", count=2 * depth)
    if gated:
        yield vector("vision.layer_gates", "vision", 2, count=gated)
    source = fields.integer("vision_output_dim", width)
    yield from linear("projector", "projector", text_hidden, source, "replicated", bias=True)
