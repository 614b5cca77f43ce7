"""What a recipe does to which tensor: scales beside the weights, GGUF mixes, widths that differ by role or layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.catalog.schema.base import Count, Entity, NaturalNumber, Positive, Text

LayerRule = Literal["all", "more-bits", "first-two", "first-four", "first-eighth", "first-sixteenth"]
"""Layers that a GGUF mix treats alike; see :meth:`MixRule.applies`."""

WidthLayers = Literal["all", "first-five", "every-fifth", "before-attention"]
"""Layers by position from 0; ``before-attention``: those that stand right before a layer of full attention."""


@dataclass(frozen=True, slots=True)
class Metadata(Entity):
    """One kind of value stored beside the weights, such as a scale.

    Shared by ``rows`` x ``columns`` weights (output x input features); 0 means the whole extent, so 0 x 0 is one per
    tensor, 1 x 0 one per output channel, 1 x 128 one per group of 128 inputs. ``flat`` > 0 means one per that many
    weights of the flattened tensor instead.
    """

    name: Text
    bits: Positive
    rows: NaturalNumber = 0
    columns: NaturalNumber = 0
    flat: NaturalNumber = 0

    def bits_of(self, rows: int, columns: int) -> float:
        """Return the bits that a tensor of ``rows`` x ``columns`` weights needs for this metadata."""
        if self.flat:
            return -(-rows * columns // self.flat) * self.bits
        down = -(-rows // self.rows) if self.rows else 1
        across = -(-columns // self.columns) if self.columns else 1
        return down * across * self.bits

    @property
    def bits_per_weight(self) -> float:
        """Bits per weight in a large tensor; 0 for what is kept per tensor or per channel."""
        shared = self.flat or self.rows * self.columns
        return self.bits / shared if shared else 0.0


@dataclass(frozen=True, slots=True)
class BlockType(Entity):
    """A GGUF tensor type: ``weights`` values stored in ``bytes`` bytes, scales included."""

    name: Text
    weights: Count
    bytes: Count

    @property
    def bytes_per_weight(self) -> float:
        """Bytes per weight; exact, as GGUF rows are whole blocks."""
        return self.bytes / self.weights


@dataclass(frozen=True, slots=True)
class MixRule(Entity):
    """Tensors that a GGUF mix stores in another type than its main one. Of several rules that match, the first holds.

    ``tensors`` are GGUF tensor names without block number and suffix: ``output``, ``token_embd``, ``attn_v``,
    ``ffn_down`` ... Expert tensors (``ffn_down_exps``) follow the name without ``_exps``. What llama.cpp decides by the
    model as well (eight experts, grouped queries in 80 layers, tied embeddings) is in ``planner.memory.gguf_mix``.
    """

    tensors: tuple[str, ...]
    type: Text
    layers: LayerRule = "all"
    vocabulary: NaturalNumber = 0
    """Least vocabulary of the models that the rule is for."""

    def applies(self, layer: int, layers: int) -> bool:
        """Return whether the tensor of layer ``layer`` (from 0) of ``layers`` is meant.

        ``more-bits`` is llama.cpp's ``use_more_bits``: the first and last eighth and every third layer between.
        """
        match self.layers:
            case "more-bits":
                eighth = layers // 8
                return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
            case "first-two":
                return layer < 2
            case "first-four":
                return layer < 4
            case "first-eighth":
                return layer < layers // 8
            case "first-sixteenth":
                return layer < layers // 16
            case "all":
                return True


@dataclass(frozen=True, slots=True)
class WidthRule(Entity):
    """Tensors that a recipe stores in ``bits`` of their own; 16 leaves them. Of several that match, the first holds.

    A tensor matches by its component, and by the last part of its name, the beginning of the model's type and its layer
    where the rule names any. ``mixture`` confines the rule to layers that route tokens to experts.
    """

    components: tuple[str, ...]
    bits: Positive
    tensors: tuple[str, ...] = ()
    layers: WidthLayers = "all"
    models: tuple[str, ...] = ()
    mixture: bool = False
    metadata: tuple[Metadata, ...] = ()
    """Beside these tensors, where it is not the format's own."""
