"""Vision and audio encoders beside the language model, and the projectors between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planner.architecture.class_defaults import class_defaults
from planner.architecture.fields import Fields
from planner.architecture.model import Tensor
from planner.architecture.nested import ConfigParts
from planner.architecture.projectors import Joint, projector
from planner.architecture.tensors import linear, norm, vector
from planner.architecture.tiled_vision import tiled_vision
from planner.architecture.tower_facts import PROJECTORS, TOWERS, TowerFacts, infer_tower

WHISPER_LIKE = frozenset(
    ("whisper", "qwen2_audio_encoder", "qwen2_5_omni_audio_encoder", "voxtral_encoder", "glmasr_encoder")
)
"""Audio towers that are Whisper's encoder, with or without its position table."""

_ENDINGS = re.compile(r"(_model|_encoder)$")


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of one tower."""

    width: int
    depth: int
    inner: int
    heads: int
    head_dim: int
    patch: int


@dataclass(slots=True)
class Towers:
    """What stands beside the language model. ``certain``: all of it is of known types and counted."""

    tensors: list[Tensor]
    notes: list[str]
    certain: bool = True

    def doubt(self, note: str) -> None:
        """Note what is estimated or left out."""
        self.notes.append(note)
        self.certain = False


def towers(parts: ConfigParts, text_hidden: int, text: Fields) -> Towers:
    """Return the towers of a config; problems of their fields are noted in ``text``."""
    found = Towers([], [])
    vision = parts.vision
    if vision is None and parts.composite and not parts.states_vision:
        vision = class_defaults(*[f"{name}.vision_config" for name in parts.types]) or None
        if vision:
            found.notes.append("vision_config is absent: the vision tower has its class's default size")
    if vision:
        fields = Fields(vision, source=text.source, prefix="vision_config.", problems=text.problems)
        fields.fill(class_defaults(str(vision.get("model_type")), *[f"{name}_vision" for name in parts.types]))
        _add_vision(found, fields, parts, vision, text_hidden)
    if parts.audio:
        fields = Fields(parts.audio, source=text.source, prefix="audio_config.", problems=text.problems)
        if any(name in fields for name in ("encoder_layers", "max_source_positions")):
            found.tensors += _whisper(fields, parts, text_hidden)
            if str(parts.audio.get("model_type")) not in WHISPER_LIKE:
                found.doubt("the audio tower is of no known type: it is counted as a Whisper encoder")
        else:
            found.doubt("the audio tower is of no known type and is not counted")
    if not vision and parts.composite and "patch_size" in parts.whole:  # Fuyu projects patches without a tower
        found.tensors += _bare_patches(Fields(parts.whole, source=text.source, problems=text.problems), text_hidden)
    for name in parts.further:
        found.doubt(f"{name} describes a part that is not counted")
    return found


def _bare_patches(whole: Fields, text_hidden: int) -> Iterator[Tensor]:
    columns = whole.integer("num_channels", 3) * whole.integer("patch_size") ** 2
    yield from linear("vision.patch_projection", "projector", text_hidden, columns, "replicated", bias=True)


def _add_vision(found: Towers, fields: Fields, parts: ConfigParts, vision: Mapping[str, Any], text_hidden: int) -> None:
    facts, known = _facts(parts, vision)
    if not known and not any(name in fields for name in ("num_hidden_layers", "depth", "vt_num_hidden_layers")):
        found.doubt("the vision tower is of no known type and is not counted")
        return
    if not known:
        found.doubt("the vision tower is of no known type: its size follows familiar fields")
    if facts.gated_tiles:
        found.tensors += tiled_vision(fields, text_hidden)
        return
    kind = facts.projector or next((PROJECTORS[name] for name in parts.types if name in PROJECTORS), "")
    if known and not kind:
        found.doubt("the projector behind the vision tower is of no known type: counted as a two-layer MLP")
    found.tensors += _vision(fields, facts, parts, text_hidden, kind or "mlp")


def _facts(parts: ConfigParts, vision: Mapping[str, Any]) -> tuple[TowerFacts, bool]:
    stated = vision.get("model_type")
    for name in (str(stated),) if stated else parts.types:
        found = TOWERS.get(_ENDINGS.sub("", name))
        if found:
            return found, True
    return infer_tower(vision), False


def _first(fields: Fields, names: tuple[str, ...], default: int | None = None) -> int:
    for name in names:
        if name in fields:
            return fields.integer(name)
    return fields.integer(names[0], default)


def _shape(fields: Fields, facts: TowerFacts) -> Shape:
    width = _first(fields, ("embed_dim", "vt_hidden_size", "width", "hidden_size"))
    depth = _first(fields, ("num_hidden_layers", "depth", "vt_num_hidden_layers", "layers"))
    heads = _first(fields, ("num_attention_heads", "vt_num_attention_heads", "heads"), 16)
    inner = int(width * fields.number("mlp_ratio", 4.0))
    if facts.mlp_width != "mlp_ratio":
        inner = _first(fields, (facts.mlp_width, "vt_intermediate_size"), inner)
    patch = fields.integer("patch_size", 14)  # square, also where it is a list of two
    channels = _first(fields, ("num_channels", "in_channels", "in_chans"), 3)
    frames = fields.integer("temporal_patch_size", 1) if facts.temporal else 1
    return Shape(
        width, depth, inner, heads, fields.integer("head_dim", width // heads), channels * frames * patch * patch
    )


def _vision(fields: Fields, facts: TowerFacts, parts: ConfigParts, text_hidden: int, kind: str) -> Iterator[Tensor]:
    shape = _shape(fields, facts)
    yield from linear("vision.patch_embedding", "vision", shape.width, shape.patch, "replicated", bias=facts.patch_bias)
    rows = _positions(fields, facts)
    if rows:
        yield Tensor("vision.positions", "vision", rows, shape.width, "replicated", linear=False)
    if facts.class_token:
        yield vector("vision.class_token", "vision", shape.width)
    yield from norm("vision.pre_norm", shape.width, facts.pre_norm, "vision")
    yield from norm("vision.post_norm", shape.width, facts.post_norm, "vision")
    yield from _layer("vision.", shape, facts, fields)
    if facts.pooling_head and fields.flag("vision_use_head", True):
        yield from _pooling_head(shape)
    yield from projector(kind, Joint(fields, parts, shape.width, text_hidden))


def _positions(fields: Fields, facts: TowerFacts) -> int:
    if facts.positions == "none":
        return 0
    if facts.positions == "stated":
        for name in ("num_position_embeddings", "num_patches"):
            if name in fields:
                return fields.integer(name)
        if "position_embedding_size" in fields:
            return 2 * fields.integer("position_embedding_size")
        for stem in ("pos_emb", "init_pos_emb"):
            if f"{stem}_height" in fields:
                return fields.integer(f"{stem}_height") * fields.integer(f"{stem}_width")
        if "max_position_embeddings" in fields:
            return fields.integer("max_position_embeddings")
    side = fields.integer("image_size") // fields.integer("patch_size", 14)
    return side * side + facts.class_token


def _layer(prefix: str, shape: Shape, facts: TowerFacts, fields: Fields) -> Iterator[Tensor]:
    """Yield the tensors of all layers of a tower at once, ``count`` being its depth."""
    depth, width = shape.depth, shape.width
    heads, keys = shape.heads * shape.head_dim, fields.integer("num_key_value_heads", shape.heads) * shape.head_dim
    bias = fields.flag("attention_bias", fields.flag("qkv_bias", facts.qkv_bias))
    yield from linear(f"{prefix}q_proj", "vision", heads, width, "column", bias=bias, count=depth)
    yield from linear(f"{prefix}k_proj", "vision", keys, width, "column", bias=bias and facts.key_bias, count=depth)
    yield from linear(f"{prefix}v_proj", "vision", keys, width, "column", bias=bias, count=depth)
    yield from linear(f"{prefix}o_proj", "vision", width, heads, "row", bias=facts.o_bias, count=depth)
    if facts.gated:
        yield from linear(
            f"{prefix}gate_proj", "vision", shape.inner, width, "column", bias=facts.mlp_bias, count=depth
        )
    yield from linear(f"{prefix}fc1", "vision", shape.inner, width, "column", bias=facts.mlp_bias, count=depth)
    yield from linear(f"{prefix}fc2", "vision", width, shape.inner, "row", bias=facts.mlp_bias, count=depth)
    yield from norm(f"{prefix}norm", width, facts.norm, "vision", count=facts.norms * depth)
    if facts.layer_scale:
        yield vector(f"{prefix}layer_scale", "vision", width, count=2 * depth)
    if facts.qk_norm:
        yield vector(f"{prefix}qk_norm", "vision", shape.head_dim, count=2 * depth)


def _pooling_head(shape: Shape) -> Iterator[Tensor]:
    width = shape.width
    yield vector("vision.head.probe", "vision", width)
    yield from linear("vision.head.in_proj", "vision", 3 * width, width, "replicated", bias=True)
    yield from linear("vision.head.out_proj", "vision", width, width, "replicated", bias=True)
    yield from norm("vision.head.norm", width, "layer", "vision")
    yield from linear("vision.head.fc1", "vision", shape.inner, width, "replicated", bias=True)
    yield from linear("vision.head.fc2", "vision", width, shape.inner, "replicated", bias=True)


def _whisper(fields: Fields, parts: ConfigParts, text_hidden: int) -> Iterator[Tensor]:
    """Yield a Whisper encoder (arXiv:2212.04356): two convolutions, positions, layers without key bias."""
    width = _first(fields, ("d_model", "hidden_size"))
    depth = _first(fields, ("encoder_layers", "num_hidden_layers"))
    inner = _first(fields, ("encoder_ffn_dim", "intermediate_size"), 4 * width)
    heads = _first(fields, ("encoder_attention_heads", "num_attention_heads"), 16)
    bins = fields.integer("num_mel_bins", 128)
    shape = Shape(width, depth, inner, heads, width // heads, 0)
    facts = TowerFacts(key_bias=False)
    audio = [
        *linear("conv1", "audio", width, 3 * bins, "replicated", bias=True),
        *linear("conv2", "audio", width, 3 * width, "replicated", bias=True),
        *norm("final_norm", width, "layer", "audio"),
    ]
    positions = 0 if "n_window" in fields else fields.integer("max_source_positions", 1500)
    if positions:
        audio.append(Tensor("positions", "audio", positions, width, "replicated", linear=False))
    yield from audio
    for tensor in _layer("", shape, facts, Fields({}, source=fields.source)):
        yield Tensor(
            f"audio.{tensor.name}", "audio", tensor.rows, tensor.columns, tensor.split, tensor.count, tensor.linear
        )
    yield from projector("audio", Joint(fields, parts, width, text_hidden))
