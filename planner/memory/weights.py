"""Bytes of a model's weights in a format: in the checkpoint, and on the GPU that holds most of them."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace

from planner.architecture.counting import count_parameters
from planner.architecture.model import Component, ModelArchitecture, Tensor
from planner.catalog.schema.formats import WeightFormat
from planner.memory.padding import ExpertPadding
from planner.memory.sharding import Layout, group_kv_heads, local_shape, outer_tensors, stage_counts
from planner.memory.storage import bytes_per_copy

SIXTEEN_BITS = 16

ROTARY_BYTES = 2
"""Engines keep cosine and sine of every position and rotary feature in the model's 16-bit type."""


@dataclass(frozen=True, slots=True)
class WeightBytes:
    """What the weights take. ``by_component``: (component, bytes in the checkpoint, bytes on the fullest GPU)."""

    checkpoint: int
    """All tensors once, without MTP layers, which load only with speculative decoding."""
    mtp: int
    per_gpu: int
    """On the GPU that holds most: its share, what every GPU repeats, and the rotary table."""
    rotary: int
    by_component: tuple[tuple[Component, int, int], ...]

    def held_by(self, components: Container[str]) -> tuple[int, int]:
        """Return the bytes that some components take in the checkpoint, and on the fullest GPU."""
        found = [(size, local) for name, size, local in self.by_component if name in components]
        return sum(size for size, _ in found), sum(local for _, local in found)


def weight_bytes(
    architecture: ModelArchitecture,
    fmt: WeightFormat,
    tp: int = 1,
    pp: int = 1,
    ep: int = 1,
    *,
    attention_dp: int = 1,
    padding: ExpertPadding | None = None,
) -> WeightBytes:
    """Return the bytes of the weights in ``fmt`` under TP, PP and EP, tensor class by tensor class.

    ``padding`` is what the engine adds to experts as it loads them. Raises ValueError for degrees below 1.
    """
    return StoredWeights(architecture, fmt).under(Layout(tp, pp, ep, attention_dp), padding)


class StoredWeights:
    """A model in a format. Asked for many layouts, it computes what they have in common once."""

    __slots__ = ("_architecture", "_checkpoint", "_format", "_local", "_mtp", "_rotary", "header_share")

    def __init__(self, architecture: ModelArchitecture, fmt: WeightFormat) -> None:
        self._architecture, self._format = architecture, fmt
        self._local: dict[tuple[Layout, ExpertPadding | None], list[list[tuple[Component, float]]]] = {}
        checkpoint: dict[Component, float] = {}
        (counts,) = stage_counts(architecture, 1)
        _add_layers(checkpoint, self._layers(Layout(), None), counts)
        for tensor in (*outer_tensors(architecture, 0, 1), *_second_head(architecture)):
            _add(checkpoint, tensor.component, class_bytes(tensor, fmt, architecture, Layout(), 1))
        mtp = sum(class_bytes(tensor, fmt, architecture, Layout(), 1) for tensor in architecture.mtp)
        self.header_share = _header_share(architecture, fmt, sum(checkpoint.values()) + mtp)
        self._checkpoint = {name: size * self.header_share for name, size in checkpoint.items()}
        self._mtp = round(mtp * self.header_share)
        positions = architecture.rotary_positions or architecture.max_position_embeddings
        self._rotary = positions * architecture.rotary_dim * ROTARY_BYTES

    def under(self, layout: Layout, padding: ExpertPadding | None = None) -> WeightBytes:
        """Return the bytes in the checkpoint and on the fullest GPU of a layout."""
        local = self._layers(replace(layout, pp=1), padding)
        fullest = max(self._stages(local, layout), key=lambda held: sum(held.values()))
        return WeightBytes(
            checkpoint=round(sum(self._checkpoint.values())),
            mtp=self._mtp,
            per_gpu=round(sum(fullest.values())) + self._rotary,
            rotary=self._rotary,
            by_component=tuple(
                (name, round(size), round(fullest.get(name, 0))) for name, size in sorted(self._checkpoint.items())
            ),
        )

    def _stages(self, local: list[list[tuple[Component, float]]], layout: Layout) -> Iterator[dict[Component, float]]:
        """Yield, per pipeline stage, what one of its GPUs holds by component."""
        for stage, counts in enumerate(stage_counts(self._architecture, layout.pp)):
            held: dict[Component, float] = {}
            _add_layers(held, local, counts)
            for tensor in outer_tensors(self._architecture, stage, layout.pp):
                _add(held, tensor.component, class_bytes(tensor, self._format, self._architecture, layout, 1))
            yield {name: size * self.header_share for name, size in held.items()}

    def _layers(self, layout: Layout, padding: ExpertPadding | None) -> list[list[tuple[Component, float]]]:
        """Return, per group of layers, (component, bytes in one layer on one GPU) of its tensor classes."""
        key = (layout, padding)
        if key not in self._local:
            fmt, architecture = self._format, self._architecture
            self._local[key] = [
                [
                    (
                        tensor.component,
                        class_bytes(tensor, fmt, architecture, layout, group_kv_heads(group), group.indices, padding),
                    )
                    for tensor in group.tensors
                ]
                for group in architecture.layers
            ]
        return self._local[key]


def _header_share(architecture: ModelArchitecture, fmt: WeightFormat, recipe: float) -> float:
    """Return the bytes that the checkpoint's own headers list over those of the format's recipe; 1 where none speak.

    Quantizers mix types in ways that a format's name does not tell ("dynamic" GGUF, layers left in 16 bit). Where the
    whole checkpoint is at hand in the format asked about, its bytes are known, and every class gets its share of them.
    16-bit checkpoints have no recipe that could be off, and engines cast those of 32 bit as they load them.
    """
    stored = architecture.stored
    if stored is None or fmt.id != architecture.native_format or fmt.bits_per_weight >= SIXTEEN_BITS:
        return 1.0
    whole = stored.total_bytes and stored.parameters >= count_parameters(architecture).text
    return stored.total_bytes / recipe if whole and recipe else 1.0


def _second_head(architecture: ModelArchitecture) -> tuple[Tensor, ...]:
    """Return the tied head that a checkpoint stores a second time; engines load it once."""
    if not architecture.stores_tied_head:
        return ()
    return tuple(
        Tensor("lm_head", "lm_head", tensor.rows, tensor.columns, "vocab")
        for tensor in architecture.outer
        if tensor.component == "embedding" and tensor.split == "vocab"
    )


def class_bytes(
    tensor: Tensor,
    fmt: WeightFormat,
    architecture: ModelArchitecture,
    layout: Layout,
    kv_heads: int,
    layers: tuple[int, ...] = (),
    padding: ExpertPadding | None = None,
) -> float:
    """Return the bytes that all ``count`` tensors of a class take on one GPU, in one layer."""
    rows, columns, count = local_shape(tensor, kv_heads, architecture.hidden_size, layout, padding)
    return count * bytes_per_copy(tensor, rows, columns, fmt, architecture, layers)


def _add_layers(
    into: dict[Component, float], groups: list[list[tuple[Component, float]]], counts: tuple[int, ...]
) -> None:
    for tensors, count in zip(groups, counts, strict=True):
        for component, size in tensors:
            _add(into, component, size * count)


def _add(into: dict[Component, float], component: Component, size: float) -> None:
    into[component] = into.get(component, 0.0) + size
