"""What one GPU of each pipeline stage holds of a model's tensors, before any sharding over data-parallel ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from planner.architecture.model import LayerGroup, ModelArchitecture, Tensor
from planner.memory.sharding import Layout, group_kv_heads, local_shape, outer_tensors, stage_counts


@dataclass(frozen=True, slots=True)
class Piece:
    """``copies`` x ``count`` tensors of ``rows`` x ``columns`` on one GPU, all of one class."""

    tensor: Tensor
    rows: int
    columns: int
    count: int
    copies: int
    layers: tuple[int, ...] = ()
    """Positions of the layers that have the class; empty outside the layers."""

    @property
    def elements(self) -> int:
        """Parameters on one GPU."""
        return self.rows * self.columns * self.count * self.copies

    @property
    def in_layers(self) -> bool:
        """Whether the tensor belongs to a layer."""
        return bool(self.layers)

    @property
    def is_expert(self) -> bool:
        """Whether it is a routed expert's."""
        return self.tensor.split == "experts"

    @property
    def is_matrix(self) -> bool:
        """Whether it is a weight of a linear layer inside the layers: what adapters and Muon work on."""
        return self.in_layers and self.tensor.linear and self.columns > 1 and self.tensor.component != "router"

    @property
    def is_vocabulary(self) -> bool:
        """Whether it is an embedding or a head."""
        return self.tensor.split == "vocab"


@dataclass(frozen=True)  # without slots: its sums are asked for thousands of times
class Stage:
    """One pipeline stage. ``groups``: the kinds of layers in it with their numbers."""

    index: int
    stages: int
    pieces: tuple[Piece, ...]
    groups: tuple[tuple[LayerGroup, int], ...]

    @property
    def first(self) -> bool:
        """Holds the embedding."""
        return self.index == 0

    @property
    def last(self) -> bool:
        """Holds the head and computes the loss."""
        return self.index == self.stages - 1

    @property
    def layers(self) -> int:
        """Layers of the stage."""
        return sum(count for _, count in self.groups)

    @cached_property
    def everything(self) -> int:
        """Parameters on one GPU."""
        return sum(piece.elements for piece in self.pieces)

    @cached_property
    def experts(self) -> int:
        """Parameters on one GPU that are routed experts'."""
        return sum(piece.elements for piece in self.pieces if piece.is_expert)

    def shared(self, ways: int, expert_ways: int) -> float:
        """Parameters of one rank when everything is divided over its data-parallel ranks."""
        return (self.everything - self.experts) / ways + self.experts / expert_ways

    def elements(self, of: Callable[[Piece], bool] = lambda piece: True) -> int:
        """Parameters on one GPU, of the pieces that ``of`` accepts."""
        return sum(piece.elements for piece in self.pieces if of(piece))

    def sharded(self, ways: int, expert_ways: int, of: Callable[[Piece], bool] = lambda piece: True) -> float:
        """Parameters of one rank when each piece is divided over its data-parallel ranks."""
        return sum(piece.elements / (expert_ways if piece.is_expert else ways) for piece in self.pieces if of(piece))

    @cached_property
    def largest_layer(self) -> int:
        """Parameters on one GPU of the largest single layer."""
        sizes: dict[tuple[int, ...], int] = {}
        for piece in self.pieces:
            if piece.in_layers:
                sizes[piece.layers] = sizes.get(piece.layers, 0) + piece.rows * piece.columns * piece.count
        return max(sizes.values(), default=0)

    def largest_tensor(self, of: Callable[[Piece], bool] = lambda piece: True) -> int:
        """Elements of the largest single tensor on one GPU, of the pieces that ``of`` accepts."""
        return max((piece.rows * piece.columns for piece in self.pieces if of(piece)), default=0)

    def head(self) -> int:
        """Elements of the output head on one GPU: the last vocabulary matrix of the last stage, tied or not; else 0."""
        found = [piece.elements for piece in self.pieces if piece.is_vocabulary]
        return found[-1] if self.last and found else 0


@lru_cache(maxsize=256)
def stages(architecture: ModelArchitecture, layout: Layout) -> tuple[Stage, ...]:
    """Return every pipeline stage with what one GPU of it holds.

    Raises ValueError when there are fewer layers than stages.
    """
    if layout.pp > architecture.num_layers:
        raise ValueError(f"{layout.pp} pipeline stages for {architecture.num_layers} layers")
    found = []
    for index, counts in enumerate(stage_counts(architecture, layout.pp)):
        pieces: list[Piece] = []
        groups: list[tuple[LayerGroup, int]] = []
        for group, count in zip(architecture.layers, counts, strict=True):
            if count:
                groups.append((group, count))
                pieces += (
                    _piece(tensor, group_kv_heads(group), architecture, layout, count, group.indices)
                    for tensor in group.tensors
                )
        pieces += (
            _piece(tensor, 1, architecture, layout, 1, ()) for tensor in outer_tensors(architecture, index, layout.pp)
        )
        found.append(Stage(index, layout.pp, tuple(pieces), tuple(groups)))
    return tuple(found)


def _piece(
    tensor: Tensor, kv_heads: int, architecture: ModelArchitecture, layout: Layout, copies: int, layers: tuple[int, ...]
) -> Piece:
    rows, columns, count = local_shape(tensor, kv_heads, architecture.hidden_size, layout)
    return Piece(tensor, rows, columns, count, copies, layers)


def adapter_elements(pieces: Iterable[Piece], rank: int, targets: tuple[str, ...]) -> int:
    """Parameters of low-rank adapters: ``rank`` x (rows + columns) for each matrix (Hu et al., LoRA, section 4.1).

    Under tensor parallelism each GPU has the adapters of its own share of the matrix.
    """
    return sum(
        rank * (piece.rows + piece.columns) * piece.count * piece.copies
        for piece in pieces
        if piece.is_matrix and (not targets or piece.tensor.name in targets)
    )
