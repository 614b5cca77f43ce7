"""Bytes that one tensor class takes in a weight format: what the format converts, and what it leaves in 16 bit."""

from __future__ import annotations

from collections.abc import Sequence

from planner.architecture.model import TOWERS, Component, ModelArchitecture, Tensor
from planner.catalog.schema.formats import WeightFormat
from planner.catalog.schema.recipes import WidthRule
from planner.memory import gguf_mix

FULL_PRECISION_BITS = 16
"""At or above this a format stores every tensor alike: it is a data type, not a quantization."""


MTP_ROLES: dict[str, Component] = {
    "embed_tokens": "embedding",
    "shared_head": "lm_head",
    "router": "router",
    "eh_proj": "projector",
}
"""Tensors of a multi-token-prediction layer that recipes treat as their namesakes outside it (DeepSeek-V3's files)."""

EXPERTS_ONLY = ("mxfp4",)
"""Formats whose published mixtures of experts (gpt-oss) convert the routed experts alone."""

FIRST_LAYERS = 5
EVERY_LAYERS = 5


def is_quantized(tensor: Tensor, fmt: WeightFormat, *, mixture: bool = False) -> bool:
    """Return whether the format converts a tensor class of a model; ``mixture``: the model routes to experts."""
    if fmt.bits_per_weight >= FULL_PRECISION_BITS:
        return False
    if mixture and fmt.id in EXPERTS_ONLY and tensor.component != "experts_routed":
        return False
    role = tensor.component
    if role == "mtp":
        role = MTP_ROLES.get(tensor.name.rpartition(".")[2], role)
    matrix = tensor.linear or role == "embedding"
    if not matrix or role in fmt.unquantized or role in TOWERS:
        return False
    return _groups_fit(tensor.columns, fmt)


def converts(tensor: Tensor, fmt: WeightFormat, architecture: ModelArchitecture) -> bool:
    """Return whether the format stores a tensor class of a model in fewer than 16 bits, in most layers that have it."""
    if fmt.bits_per_weight >= FULL_PRECISION_BITS:
        return False
    for rule in _rules_for(tensor, fmt, architecture):
        if rule.layers == "all" and (not rule.mixture or architecture.experts):
            return rule.bits < FULL_PRECISION_BITS
    return fmt.kind == "gguf" or is_quantized(tensor, fmt, mixture=architecture.experts > 0)


def differs_by_width(fmt: WeightFormat, architecture: ModelArchitecture) -> bool:
    """Return whether some tensors of the model have bits of their own in the format."""
    return any(_rules_for(tensor, fmt, architecture) for tensor, _ in architecture.tensors())


def _groups_fit(columns: int, fmt: WeightFormat) -> bool:
    """Quantizers leave a matrix alone whose input features do not make whole groups."""
    return fmt.granularity != "group" or all(not columns % item.columns for item in fmt.metadata if item.columns)


def bytes_per_copy(
    tensor: Tensor,
    rows: int,
    columns: int,
    fmt: WeightFormat,
    architecture: ModelArchitecture,
    layers: Sequence[int] = (),
) -> float:
    """Return the bytes of one tensor of ``rows`` x ``columns`` of a class (one of its ``count``), metadata included.

    ``layers`` are the positions of the layers that have it, over which a recipe that differs by layer is averaged. The
    shape may be the share of one GPU; the class decides what is converted.
    """
    if fmt.kind == "gguf":
        return rows * columns * gguf_mix.bytes_per_weight(tensor, fmt, architecture, layers)
    if fmt.bits_per_weight >= FULL_PRECISION_BITS:
        return rows * columns * fmt.bits_per_weight / 8
    if is_quantized(tensor, fmt, mixture=architecture.experts > 0):
        usual: float = fmt.tensor_bytes(rows, columns)
    else:
        usual = rows * columns * fmt.unquantized_bits / 8
    rules = _rules_for(tensor, fmt, architecture)
    if not rules:
        return usual
    routed, before = _routed_and_before_attention(architecture)
    places = layers or (OUTSIDE,)
    total = 0.0
    for layer in places:
        holding = (rule for rule in rules if _holds(rule, layer, routed, before))
        total += _width_bytes(next(holding, None), rows, columns, fmt, usual)
    return total / len(places)


OUTSIDE = -1
"""Stands for the place of a tensor outside the layers."""


def _rules_for(tensor: Tensor, fmt: WeightFormat, architecture: ModelArchitecture) -> list[WidthRule]:
    """Return the rules that speak of a tensor class of a model, whatever its layer."""
    last = tensor.name.rpartition(".")[2]
    return [
        rule
        for rule in fmt.widths
        if tensor.component in rule.components
        and (not rule.tensors or last in rule.tensors)
        and (not rule.models or architecture.model_type.startswith(rule.models))
        and (tensor.linear or rule.bits >= FULL_PRECISION_BITS)
    ]


def _holds(rule: WidthRule, layer: int, routed: frozenset[int], before: frozenset[int]) -> bool:
    """Return whether a rule that speaks of the tensor holds in a layer."""
    if rule.mixture and layer not in routed:
        return False
    match rule.layers:
        case "all":
            return True
        case "first-five":
            return 0 <= layer < FIRST_LAYERS
        case "every-fifth":
            return layer >= 0 and layer % EVERY_LAYERS == 0
        case "before-attention":
            return layer in before


def _width_bytes(rule: WidthRule | None, rows: int, columns: int, fmt: WeightFormat, usual: float) -> float:
    if rule is None:
        return usual
    if rule.bits >= FULL_PRECISION_BITS:
        return rows * columns * rule.bits / 8
    return fmt.tensor_bytes(rows, columns, rule)


def _routed_and_before_attention(architecture: ModelArchitecture) -> tuple[frozenset[int], frozenset[int]]:
    """Return the positions of layers that route to experts, and of those right before a layer of full attention."""
    groups = architecture.layers
    routed = frozenset(index for group in groups if group.is_moe for index in group.indices)
    full = frozenset(index - 1 for group in groups if group.mixer.kind == "full" for index in group.indices)
    return routed, full
