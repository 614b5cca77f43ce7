"""Which layouts fit into memory, and which of those that span several instances are needed at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.plan import Rejection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.architecture.model import ModelArchitecture
    from planner.candidates.hardware import Pool
    from planner.candidates.space import Layouts

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_NONE = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of layouts, columns of one value per layout."""

    kv_tokens: Ints
    max_sequences: Floats
    """Sequences of the scenario's full length whose cache fits a replica at once."""
    fits: Bools
    """The weights leave room for at least one sequence."""


def fitted(
    architecture: ModelArchitecture, layouts: Layouts, pools: Sequence[Pool], tokens_per_sequence: int
) -> tuple[Layouts, Memory, Ints]:
    """Return the layouts that fit, their memory, and for each the fewest GPUs of one instance that suffice.

    A replica over several instances is for models that one instance cannot hold: stages across the network add time
    and failures. So a layout that spans instances stays only where, with the same accelerator, engine and formats, no
    layout inside one instance fits; the last column says from how many GPUs on one does.
    """
    gpus = degrees_of(layouts)[0] * degrees_of(layouts)[1]
    widest = _widest(layouts, pools)
    spans = gpus > widest
    inside = memory(architecture, layouts.where(~spans), tokens_per_sequence)
    key = _same(layouts)
    least = np.full(int(key.max(initial=0)) + 1, _NONE, dtype=np.int64)
    np.minimum.at(least, key[~spans][inside.fits], gpus[~spans][inside.fits])
    needed = ~spans | (least[key] > widest)
    layouts = layouts.take(
        needed,
        Rejection(
            "one-instance-suffices",
            "a replica over several instances, although one holds it",
            int(np.count_nonzero(~needed)),
        ),
    )
    gpus, spans, key = gpus[needed], spans[needed], key[needed]
    outside = memory(architecture, layouts.where(spans), tokens_per_sequence)
    found = Memory(
        _merged(spans, inside.kv_tokens, outside.kv_tokens),
        _merged(spans, inside.max_sequences, outside.max_sequences),
        _merged(spans, inside.fits, outside.fits),
    )
    cut = Rejection("memory", "the weights leave no room for one sequence", int(np.count_nonzero(~found.fits)))
    fits = found.fits
    kept = Memory(found.kv_tokens[fits], found.max_sequences[fits], fits[fits])
    return layouts.take(fits, cut), kept, least[key[fits]]


def memory(architecture: ModelArchitecture, layouts: Layouts, tokens_per_sequence: int) -> Memory:
    """Return what the KV cache of every layout holds."""
    from planner.memory.table import BudgetColumns, budget_table

    if not len(layouts):
        nothing = np.zeros(0)
        return Memory(nothing.astype(np.int64), nothing, nothing.astype(bool))
    axes = layouts.axes
    tp, pp, ep = degrees_of(layouts)
    columns = BudgetColumns(
        formats=axes.weights,
        kv_formats=axes.kv_formats,
        accelerators=tuple(item.accelerator for item in axes.hardware),
        engines=axes.engines,
        format_index=layouts.weights,
        kv_index=layouts.kv,
        accelerator_index=layouts.hardware,
        engine_index=layouts.engine,
        tp=tp,
        pp=pp,
        ep=ep,
    )
    found = budget_table(architecture, columns, context=tokens_per_sequence)
    return Memory(found["kv_tokens"], found["max_concurrency"], found["fits"])


def degrees_of(layouts: Layouts) -> tuple[Ints, Ints, Ints]:
    """Return tensor, pipeline and expert parallelism of every layout."""
    degrees = layouts.axes.parallelism
    tp, pp, ep = (np.array([getattr(x, name) for x in degrees], dtype=np.int64) for name in ("tp", "pp", "ep"))
    return tp[layouts.parallelism], pp[layouts.parallelism], ep[layouts.parallelism]


def _widest(layouts: Layouts, pools: Sequence[Pool]) -> Ints:
    """[layout]: GPUs of the largest instance that can hold it."""
    axes = layouts.axes
    table = np.zeros((len(axes.hardware), len(axes.parallelism)), dtype=np.int64)
    for (hardware, parallelism), members in layouts.pools.items():
        table[hardware, parallelism] = max(pools[p].offer.gpus for p in members)
    return np.asarray(table[layouts.hardware, layouts.parallelism])


def _same(layouts: Layouts) -> Ints:
    """[layout]: a number that is the same for equal accelerator, engine, weights and KV format."""
    axes = layouts.axes
    names = sorted({item.accelerator.id for item in axes.hardware})
    accelerator = np.array([names.index(item.accelerator.id) for item in axes.hardware], dtype=np.int64)
    key = accelerator[layouts.hardware] * len(axes.engines) + layouts.engine
    key = (key * len(axes.weights) + layouts.weights) * len(axes.kv_formats) + layouts.kv
    return np.asarray(key, dtype=np.int64)


def _merged(second: Bools, at_false: NDArray[Any], at_true: NDArray[Any]) -> NDArray[Any]:
    merged = np.empty(second.shape, dtype=at_false.dtype)
    merged[~second] = at_false
    merged[second] = at_true
    return merged
