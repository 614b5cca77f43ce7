"""config.json -> ModelArchitecture: reads conventions, asks the family table only for what no field says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.architecture.attention import softmax_attention
from planner.architecture.facts import Facts
from planner.architecture.families import FAMILIES
from planner.architecture.feedforward import dense, mixture
from planner.architecture.fields import Fields
from planner.architecture.layout import LayerPlan, plan_layers
from planner.architecture.mla import latent_attention
from planner.architecture.model import LayerGroup, ModelArchitecture, Tensor
from planner.architecture.tensors import layer_norms, linear, norm
from planner.errors import ArchitectureError


def parse_config(config: Mapping[str, Any], *, id: str, source: str = "") -> ModelArchitecture:
    """Return the architecture that a config.json describes.

    Raises ArchitectureError naming every field that is missing or makes no sense.
    """
    if not isinstance(config, Mapping):
        raise ArchitectureError(f"{source or id}: a model config is a mapping of fields, not {type(config).__name__}")
    model_type = config.get("model_type")
    facts = FAMILIES.get(model_type) if isinstance(model_type, str) else None
    notes: list[str] = []
    if facts is None:
        facts = Facts(known=False)
        notes.append(f"model_type {model_type!r} is not known: counts follow the familiar fields")
    fields = Fields(config, source=source or id)
    hidden = fields.integer("hidden_size")
    vocab = fields.integer("vocab_size")
    fields.integer("num_attention_heads")
    plans = plan_layers(fields, facts)
    fields.check()
    groups = _groups(fields, facts, plans)
    tied = fields.flag("tie_word_embeddings", facts.tied)
    outer: list[Tensor] = [Tensor("embed_tokens", "embedding", vocab, hidden, "vocab", linear=False)]
    outer += norm("final_norm", hidden, facts.norm)
    if not tied:
        outer += linear("lm_head", "lm_head", vocab, hidden, "vocab")
    fields.check()
    return ModelArchitecture(
        id=id,
        model_type=str(model_type or ""),
        hidden_size=hidden,
        vocab_size=vocab,
        max_position_embeddings=fields.integer("max_position_embeddings", 0, minimum=0),
        layers=groups,
        outer=tuple(outer),
        tied_embeddings=tied,
        experts=fields.integer("num_experts", 0, minimum=0),
        experts_per_token=fields.integer("num_experts_per_tok", 0, minimum=0),
        source=source,
        estimated=not facts.known,
        notes=tuple(notes),
    )


def _groups(fields: Fields, facts: Facts, plans: tuple[LayerPlan, ...]) -> tuple[LayerGroup, ...]:
    places: dict[LayerPlan, list[int]] = {}
    for index, plan in enumerate(plans):
        places.setdefault(plan, []).append(index)
    hidden = fields.integer("hidden_size")
    groups = []
    for plan, indices in places.items():
        layer = fields.overlay(plan.overrides)
        if plan.mixer == "mla":
            mixer, tensors = latent_attention(layer, facts)
        else:
            mixer, tensors = softmax_attention(layer, facts, plan.mixer, plan.window)
        tensors += mixture(layer, facts) if plan.feedforward == "moe" else dense(layer, facts)
        tensors += layer_norms(facts, hidden, facts.layer_norms)
        groups.append(LayerGroup(tuple(indices), mixer, tuple(tensors)))
    return tuple(groups)
