"""Tensors as checkpoint headers list them, and what they add up to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from planner.architecture.model import StoredTensors

_METADATA = re.compile(
    r"(scale_inv|weight_scale(_2)?|input_scale|output_scale|[kv]_scale|_scales|\.scales|\.biases|qzeros|zero_point|g_idx"
    r"|weight_shape|absmax|quant_map|quant_state\S*|e_score_correction_bias|inv_freq|rotary_emb\S*|masked_bias"
    r"|rope_freqs\S*|rope_factors\S*|exp_probs_b(\.bias)?)$"
)
"""Names of what quantizers and modelling code store beside the parameters. F8_E8M0 holds nothing but scales."""

_CONTAINERS = {"I32": 32, "U8": 8, "I8": 8, "U32": 32}
_PACKED = re.compile(r"(qweight|weight_packed|_blocks|\.weight|_proj)$")


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a checkpoint. ``begin`` is its place in the data; ``shape`` has output features first."""

    name: str
    shape: tuple[int, ...]
    type: str
    bytes: int
    begin: int = 0

    @property
    def elements(self) -> int:
        """Elements as stored; packed values count once per container."""
        return prod(self.shape)

    @property
    def is_metadata(self) -> bool:
        """Whether it is a scale, a zero point or a buffer, not a parameter."""
        return self.type == "F8_E8M0" or bool(_METADATA.search(self.name))

    def parameters(self, packed_bits: int | None) -> int:
        """Return the parameters it holds, none when it is metadata; ``packed_bits`` wide ones share a container."""
        if self.is_metadata:
            return 0
        container = _CONTAINERS.get(self.type)
        if packed_bits and container and _PACKED.search(self.name):
            return self.elements * container // packed_bits
        return self.elements


def summarize(
    tensors: Sequence[StoredTensor], files: Iterable[str], total_bytes: int = 0, packed_bits: int | None = None
) -> StoredTensors:
    """Return what the tensors add up to; ``total_bytes`` is an index's own sum, for shards that are not here."""
    by_type: dict[str, tuple[int, int]] = {}
    for tensor in tensors:
        elements, size = by_type.get(tensor.type, (0, 0))
        by_type[tensor.type] = (elements + tensor.elements, size + tensor.bytes)
    return StoredTensors(
        total_bytes=max(total_bytes, sum(size for _, size in by_type.values())),
        parameters=sum(tensor.parameters(packed_bits) for tensor in tensors),
        tensors=len(tensors),
        by_type=tuple((name, *sums) for name, sums in sorted(by_type.items())),
        files=tuple(sorted(files)),
    )
