"""Number formats of weights and of the KV cache: value bits, metadata, and what stays unquantized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.catalog.schema.base import AsOf, Confidence, Count, Entity, NaturalNumber, Positive, Text

FormatKind = Literal["float", "integer", "gguf"]
Granularity = Literal["none", "tensor", "channel", "group", "block"]
Activations = Literal["fp32", "bf16", "fp16", "fp8", "int8", "fp4", "mxfp8"]
ComputeFormat = Literal["fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp4", "int4"]
"""Keys of an accelerator's peak rates. ``fp16`` and ``bf16`` are the 16-bit tensor-core rates."""

LayerRule = Literal["all", "more-bits", "first-two", "first-four", "first-eighth", "first-sixteenth"]
"""Layers that a GGUF mix treats alike; see :meth:`MixRule.applies`."""


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
class WeightFormat(Entity):
    """How the weights of linear layers are stored and computed with.

    ``bits_per_weight`` counts the value alone; ``bytes_per_weight`` has the metadata too. ``significand_bits``
    includes the implicit leading bit, so a float has 1 + exponent_bits + significand_bits - 1 bits.
    ``specials`` says what the top exponent encodes: ``ieee`` infinities and NaN, ``fn`` only NaN in the all-ones
    pattern (E4M3), ``none`` neither (E2M1).
    """

    id: Text
    name: Text
    kind: FormatKind
    family: Text
    """Key of the quality records; ``16bit`` is the reference itself."""
    bits_per_weight: Positive
    activations: Activations
    """What the other operand of the matrix product is quantized to; ``bf16`` means the model's own 16 bits."""
    compute_format: ComputeFormat
    """The peak rate that holds where the hardware and engine run the format natively."""
    source: Text
    as_of: AsOf
    exponent_bits: NaturalNumber = 0
    significand_bits: NaturalNumber = 0
    specials: Literal["ieee", "fn", "none"] = "none"
    granularity: Granularity = "none"
    metadata: tuple[Metadata, ...] = ()
    unquantized: tuple[str, ...] = ()
    """Components (planner.architecture.model.Component) that stay in ``unquantized_bits``."""
    unquantized_bits: Positive = 16
    types: tuple[BlockType, ...] = ()
    """GGUF tensor types that ``mix`` and ``main_type`` name."""
    main_type: str = ""
    mix: tuple[MixRule, ...] = ()
    compute_only: bool = False
    """A mode of the multipliers (TF32), not a way to store weights."""
    aliases: tuple[str, ...] = ()
    confidence: Confidence = "high"
    notes: str = ""

    @property
    def bytes_per_weight(self) -> float:
        """Bytes per quantized weight with the metadata that grows with the tensor."""
        return (self.bits_per_weight + sum(item.bits_per_weight for item in self.metadata)) / 8

    def tensor_bytes(self, rows: int, columns: int) -> int:
        """Return the exact bytes of a quantized tensor of ``rows`` x ``columns`` weights, metadata included."""
        bits = rows * columns * self.bits_per_weight
        bits += sum(item.bits_of(rows, columns) for item in self.metadata)
        return -(-int(bits) // 8)

    def block_type(self, name: str) -> BlockType:
        """Return the GGUF type of that name. Raises KeyError where the format has none such."""
        for item in self.types:
            if item.name == name:
                return item
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class KvFormat(Entity):
    """How keys and values are cached. A scale, if any, is shared by ``scale_elements`` values."""

    id: Text
    name: Text
    family: Text
    """Key of the quality records; ``16bit`` is the reference itself."""
    bits_per_element: Positive
    source: Text
    as_of: AsOf
    scale_bits: NaturalNumber = 0
    scale_elements: NaturalNumber = 0
    """0: one scale per tensor, too few to count."""
    aliases: tuple[str, ...] = ()
    confidence: Confidence = "high"
    notes: str = ""

    @property
    def bytes_per_element(self) -> float:
        """Bytes per cached value with its share of the scales."""
        shared = self.scale_bits / self.scale_elements if self.scale_elements else 0.0
        return (self.bits_per_element + shared) / 8
