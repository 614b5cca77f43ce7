"""Number formats of weights and of the KV cache: value bits, metadata, and what stays unquantized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.catalog.schema.base import AsOf, Confidence, Entity, NaturalNumber, Positive, Text
from planner.catalog.schema.recipes import BlockType, Metadata, MixRule, WidthRule

FormatKind = Literal["float", "integer", "gguf"]
Granularity = Literal["none", "tensor", "channel", "group", "block"]
Activations = Literal["fp32", "bf16", "fp16", "fp8", "int8", "fp4", "mxfp8"]
ComputeFormat = Literal["fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp4", "int4"]
"""Keys of an accelerator's peak rates. ``fp16`` and ``bf16`` are the 16-bit tensor-core rates."""


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
    widths: tuple[WidthRule, ...] = ()
    """Tensors that the recipe stores in bits of their own, beside what ``unquantized`` leaves."""
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

    def tensor_bytes(self, rows: int, columns: int, width: WidthRule | None = None) -> int:
        """Return the exact bytes of a quantized tensor of ``rows`` x ``columns`` weights, metadata included.

        ``width`` is the rule that gives it bits of its own, if one does.
        """
        bits = rows * columns * (width.bits if width else self.bits_per_weight)
        metadata = width.metadata if width and width.metadata else self.metadata
        bits += sum(item.bits_of(rows, columns) for item in metadata)
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
