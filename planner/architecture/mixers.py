"""The mixer of a layer, from its plan. Rare kinds are imported when a config has them: a plan needs one model."""

from __future__ import annotations

from dataclasses import replace

from planner.architecture.attention import softmax_attention
from planner.architecture.facts import Facts
from planner.architecture.fields import Fields
from planner.architecture.layout import LayerPlan
from planner.architecture.model import Mixer, MixerKind, Tensor
from planner.architecture.tensors import vector

CROSS = Facts(qk_norm="head")
"""Attention of the text to an image's tokens, whose keys and values do not grow with the text (Llama 3.2 Vision)."""

_KINDS: dict[str, MixerKind] = {"sliding": "sliding", "chunked": "chunked"}


def build_mixer(fields: Fields, facts: Facts, plan: LayerPlan) -> tuple[Mixer, list[Tensor]]:
    """Return the mixer of a layer and its tensors; ``fields`` are those that hold for the layer."""
    kind, window = plan.mixer, plan.window
    if kind == "none":
        return Mixer("none"), []
    if kind in ("recurrent", "convolution", "parallel"):
        return _with_state(fields, facts, kind)
    if kind == "cross":
        mixer, tensors = softmax_attention(fields, CROSS, "full", None)
        return replace(mixer, kv_elements_per_token=0), [*tensors, vector("cross_gates", "attention", 2)]
    if "o_lora_rank" in fields:
        from planner.architecture.compressed import compressed_attention

        return compressed_attention(fields, kind, window)
    if "kv_lora_rank" in fields:
        from planner.architecture.mla import latent_attention

        return latent_attention(fields, facts, window)
    return softmax_attention(fields, facts, _KINDS.get(kind, "full"), window)


def _with_state(fields: Fields, facts: Facts, kind: str) -> tuple[Mixer, list[Tensor]]:
    from planner.architecture.recurrent import convolution, recurrent_mixer

    if kind == "convolution":
        return convolution(fields, facts)
    state, tensors = recurrent_mixer(fields, facts)
    if kind == "recurrent":
        return state, tensors
    mixer, attention = softmax_attention(fields, facts, "full", None)
    if facts.shared_blocks:
        from planner.architecture.shared_blocks import calling_layer

        attention = list(calling_layer(fields))
    return replace(mixer, state_elements=state.state_elements), attention + tensors
