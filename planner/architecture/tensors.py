"""Small constructors for tensor classes, so that builders read like the model's own module list."""

from __future__ import annotations

from collections.abc import Iterator

from planner.architecture.facts import NormKind
from planner.architecture.model import Component, Split, Tensor


def linear(
    name: str, component: Component, rows: int, columns: int, split: Split, *, bias: bool = False, count: int = 1
) -> Iterator[Tensor]:
    """Yield a matrix of ``rows`` outputs by ``columns`` inputs, and its bias where it has one.

    The bias of a row-split matrix is added once, after the all-reduce, so every rank keeps it whole.
    """
    yield Tensor(name, component, rows, columns, split, count)
    if bias:
        yield Tensor(f"{name}.bias", component, rows, 1, "replicated" if split == "row" else split, count, linear=False)


def vector(name: str, component: Component, size: int, split: Split = "replicated", count: int = 1) -> Tensor:
    """Return a vector or another small array that no weight quantizer touches."""
    return Tensor(name, component, size, 1, split, count, linear=False)


def norm(name: str, size: int, kind: NormKind, component: Component = "norm", count: int = 1) -> Iterator[Tensor]:
    """Yield the parameters of one norm over ``size`` features."""
    if kind != "none":
        yield vector(name, component, size, count=count)
    if kind == "layer":
        yield vector(f"{name}.bias", component, size, count=count)
