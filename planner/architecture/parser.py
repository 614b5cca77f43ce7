"""config.json -> ModelArchitecture: reads conventions, asks the family table only for what no field says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planner.architecture.attention import rotary_width
from planner.architecture.class_defaults import ESSENTIAL, class_defaults
from planner.architecture.counting import count_parameters
from planner.architecture.facts import Facts
from planner.architecture.feedforward import dense, mixture
from planner.architecture.fields import Fields
from planner.architecture.identify import identify
from planner.architecture.layout import LayerPlan, plan_layers
from planner.architecture.mixers import build_mixer
from planner.architecture.model import LayerGroup, Mixer, ModelArchitecture, Tensor
from planner.architecture.nested import ConfigParts, split_config
from planner.architecture.quantization import native_format
from planner.architecture.residual import layer_extras, layer_norms, outer_extras
from planner.architecture.rotary import rotary_positions
from planner.architecture.tensors import linear, norm, vector
from planner.errors import ArchitectureError

MAX_PARAMETERS = 10**15
"""A thousand trillion: beyond it a config is a mistake."""


def parse_config(config: Mapping[str, Any], *, id: str, source: str = "") -> ModelArchitecture:
    """Return the architecture that a config.json describes, or that ``dump`` wrote.

    Raises ArchitectureError naming every field that is missing or makes no sense.
    """
    if not isinstance(config, Mapping):
        raise ArchitectureError(f"{source or id}: a model config is a mapping of fields, not {type(config).__name__}")
    if config.get("schema") is not None:
        from planner.architecture.serialize import is_dump, load

        if is_dump(config):
            return load(config, source=source or id)
    parts = split_config(config)
    facts, model_type, notes = identify(parts)
    fields = Fields(parts.text, source=source or id, prefix=parts.prefix, defaults=dict(facts.defaults))
    if parts.prefix and any(name not in fields for name in ESSENTIAL):
        filled = fields.fill(class_defaults(*parts.types))
        stated = [name for name in ESSENTIAL if name in filled]
        notes += [f"{parts.prefix}{name} is absent: the class default {fields.raw(name)} holds" for name in stated]
    hidden = fields.integer("hidden_size")
    vocab = _vocabulary(fields, parts, notes)
    plans = plan_layers(fields, facts)
    fields.check()
    layers = _groups(fields, facts, plans)
    fields.check()
    tied = parts.tied if parts.tied is not None else fields.flag("tie_word_embeddings", facts.tied)
    outer = list(_outer(fields, facts, hidden, vocab, len(plans), tied))
    certain = facts.known
    if parts.composite or parts.vision or parts.audio:
        from planner.architecture.towers import towers

        beside = towers(parts, hidden, fields)
        outer += beside.tensors
        notes += beside.notes
        certain = certain and beside.certain
    fields.check()
    architecture = ModelArchitecture(
        id=id,
        model_type=model_type,
        hidden_size=hidden,
        vocab_size=vocab,
        max_position_embeddings=fields.integer("max_position_embeddings", 0, minimum=0),
        layers=layers,
        outer=tuple(outer),
        mtp=_mtp(fields, layers, vocab),
        tied_embeddings=tied,
        stores_tied_head=tied and facts.stores_tied_head,
        experts=fields.integer("num_experts", 0, minimum=0),
        experts_per_token=fields.integer("num_experts_per_tok", 0, minimum=0),
        shared_experts=fields.integer("num_shared_experts", 0, minimum=0),
        rotary_dim=rotary_width(fields, facts),
        rotary_positions=rotary_positions(fields),
        state_bits=32 if fields.text("mamba_ssm_dtype") == "float32" else 16,
        native_format=native_format(config),
        source=source,
        estimated=not certain,
        notes=tuple(notes),
    )
    total = count_parameters(architecture).total
    if not 0 < total <= MAX_PARAMETERS:
        fields.problem("hidden_size", f"together with the other sizes it implies {total:,} parameters")
    fields.check()
    return architecture


def _vocabulary(fields: Fields, parts: ConfigParts, notes: list[str]) -> int:
    """Return the rows of the embedding: the vocabulary, or room for an image token beyond it, in steps of 64."""
    vocab = fields.integer("vocab_size")
    token = parts.whole.get("image_token_index", parts.whole.get("image_token_id"))
    crossed = fields.items("cross_attention_layers")  # has rows of its own for them
    if parts.vision and not crossed and isinstance(token, int) and vocab <= token < vocab + 64:
        notes.append(f"vocab_size {vocab} has no row for image token {token}: padded by 64")
        return vocab + 64
    return vocab


def _mtp(fields: Fields, layers: tuple[LayerGroup, ...], vocab: int) -> tuple[Tensor, ...]:
    if not fields.integer("num_nextn_predict_layers", 0, minimum=0):
        return ()
    from planner.architecture.mtp import mtp_tensors

    return tuple(mtp_tensors(fields, layers, vocab))


def _groups(fields: Fields, facts: Facts, plans: tuple[LayerPlan, ...]) -> tuple[LayerGroup, ...]:
    """Build each distinct plan once."""
    places: dict[LayerPlan, list[int]] = {}
    for index, plan in enumerate(plans):
        places.setdefault(plan, []).append(index)
    return tuple(
        LayerGroup(tuple(indices), *_layer(fields.overlay(plan.overrides), facts, plan))
        for plan, indices in places.items()
    )


def _layer(fields: Fields, facts: Facts, plan: LayerPlan) -> tuple[Mixer, tuple[Tensor, ...]]:
    mixer, tensors = build_mixer(fields, facts, plan)
    if plan.feedforward == "moe":
        tensors += mixture(fields, facts)
    elif plan.feedforward == "dense":
        tensors += dense(fields, facts)
    blocks = (plan.mixer != "none") + (plan.feedforward != "none")
    tensors += layer_norms(fields, facts, blocks)
    tensors += layer_extras(fields)
    return mixer, tuple(tensors)


def _outer(fields: Fields, facts: Facts, hidden: int, vocab: int, layers: int, tied: bool) -> Iterator[Tensor]:
    """Yield what lies outside the layers of the language model."""
    width = fields.integer("word_embed_proj_dim", hidden)
    rows = vocab + (8 if fields.items("cross_attention_layers") else 0)  # Mllama's reserved image tokens
    yield Tensor("embed_tokens", "embedding", rows, width, "vocab", linear=False)
    if width != hidden:
        yield from linear("project_in", "other", hidden, width, "replicated")
        yield from linear("project_out", "other", width, hidden, "replicated")
    if facts.learned_positions is not None:
        rows = fields.integer("max_position_embeddings") + facts.learned_positions
        yield Tensor("embed_positions", "embedding", rows, hidden, "replicated", linear=False)
    if facts.embedding_norm:
        yield from norm("embedding_norm", hidden, facts.norm)
    if facts.final_norm:
        yield from norm("final_norm", hidden, facts.norm)
    if facts.shared_blocks:
        from planner.architecture.shared_blocks import shared_blocks

        yield from shared_blocks(fields, facts)
    yield from outer_extras(fields, layers)
    if not tied:
        yield from linear("lm_head", "lm_head", vocab, hidden, "vocab")
    if facts.head_bias if facts.head_bias is not None else fields.flag("lm_head_bias"):
        yield vector("lm_head.bias", "lm_head", vocab, "vocab")
