"""Bytes that one tensor class takes in a weight format: what the format converts, and what it leaves in 16 bit."""

from __future__ import annotations

from collections.abc import Sequence

from planner.architecture.model import Component, ModelArchitecture, Tensor
from planner.catalog.schema.formats import WeightFormat
from planner.memory import gguf_mix

TOWERS: frozenset[Component] = frozenset({"vision", "audio", "projector"})
"""Left in 16 bit by every published recipe."""

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

    ``layers`` are the positions of the layers that have it, over which a GGUF mix is averaged. The shape may be the
    share of one GPU; the class decides what is converted.
    """
    if fmt.kind == "gguf":
        return rows * columns * gguf_mix.bytes_per_weight(tensor, fmt, architecture, layers)
    if fmt.bits_per_weight >= FULL_PRECISION_BITS:
        return rows * columns * fmt.bits_per_weight / 8
    if is_quantized(tensor, fmt, mixture=architecture.experts > 0):
        return fmt.tensor_bytes(rows, columns)
    return rows * columns * fmt.unquantized_bits / 8
