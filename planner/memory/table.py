"""The memory side of the candidate table: budgets of many rows at once.

Work is done once per distinct combination of what matters, then gathered: weights per (format, tp, pp, ep), cache per
(KV format, tp, pp), the engine's share per (accelerator, engine, tp, pp, ep).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from planner.architecture.model import ModelArchitecture
from planner.catalog.schema.accelerators import Accelerator
from planner.catalog.schema.engines import Engine
from planner.catalog.schema.formats import KvFormat, WeightFormat
from planner.memory.accounting.runtime import KERNELS, EngineOptions, Runtime, Setting
from planner.memory.inference import account, engine_pool, kernels_of, page_tokens
from planner.memory.kept import Same, kept
from planner.memory.kv_cache import kv_cache_bytes, kv_cache_bytes_per_token_per_gpu
from planner.memory.loading_overhead import casts_experts, loading_overhead
from planner.memory.padding import ExpertPadding, expert_padding
from planner.memory.shape import forward_shape
from planner.memory.sharding import Layout
from planner.memory.weights import StoredWeights, WeightBytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BudgetColumns:
    """Rows as columns of equal length; each ``*_index`` points into the tuple of its kind."""

    formats: tuple[WeightFormat, ...]
    kv_formats: tuple[KvFormat, ...]
    accelerators: tuple[Accelerator, ...]
    engines: tuple[Engine, ...]
    format_index: Ints
    kv_index: Ints
    accelerator_index: Ints
    engine_index: Ints
    tp: Ints
    pp: Ints
    ep: Ints


def budget_table(
    architecture: ModelArchitecture, columns: BudgetColumns, *, context: int, options: EngineOptions | None = None
) -> dict[str, Any]:
    """Return arrays, one value per row: bytes on the fullest GPU, tokens, sequences, and whether it fits.

    Keys: ``weights_bytes, non_torch_bytes, activation_bytes, cuda_graphs_bytes, kv_budget_bytes, limit_bytes,
    total_bytes`` (float64), ``kv_bytes_per_token``, ``kv_bytes_per_sequence`` (one of ``context`` tokens),
    ``kv_tokens`` (int64, whole pages; where layers differ, in sequences of ``context``), ``max_concurrency`` (sequences
    of ``context`` tokens) and ``fits`` (bool: at least one of them).
    Raises LookupError for an engine whose accounting is not known.
    """
    import numpy as np

    options = options or EngineOptions()
    dp = options.attention_dp
    tp, pp, ep = columns.tp, columns.pp, columns.ep

    by_format = np.array([KERNELS.index(kernels_of(fmt, architecture)) for fmt in columns.formats], dtype=np.int64)
    by_engine = np.array([engine.id == "vllm" for engine in columns.engines], dtype=np.int64)  # others do not ask
    kernels = by_format[columns.format_index] * by_engine[columns.engine_index]
    shape = cache(lambda *degrees: forward_shape(architecture, Layout(*degrees)))

    def runtime(accelerator: int, engine: int, tp: int, pp: int, ep: int, kernel: int) -> Runtime:
        device, kind = columns.accelerators[accelerator], columns.engines[engine]
        setting = Setting(kind, device, shape(tp, pp, ep), Layout(tp, pp, ep, dp), options, KERNELS[kernel])
        return account(setting)

    runtimes, where = _distinct(runtime, columns.accelerator_index, columns.engine_index, tp, pp, ep, kernels)

    paddings: list[ExpertPadding | None] = [None]
    pad_of = np.zeros((len(columns.engines), len(columns.formats), len(columns.accelerators)), dtype=np.int64)
    for place in np.ndindex(*pad_of.shape):
        engine, fmt, device = columns.engines[place[0]], columns.formats[place[1]], columns.accelerators[place[2]]
        padding = expert_padding(engine.id, fmt.id, device)
        if padding not in paddings:
            paddings.append(padding)
        pad_of[place] = paddings.index(padding)
    pads = pad_of[columns.engine_index, columns.format_index, columns.accelerator_index]
    stored = cache(lambda fmt: StoredWeights(architecture, columns.formats[fmt]))

    def under(fmt: int, tp: int, pp: int, ep: int, pad: int) -> WeightBytes:
        layout, padding = Layout(tp, pp, ep, dp), paddings[pad]
        key = ("weights", Same(columns.formats[fmt]), layout, padding)
        return kept(architecture, key, lambda: stored(fmt).under(layout, padding))

    weights, weights_at = _distinct(under, columns.format_index, tp, pp, ep, pads)
    plain = np.array([item.per_gpu for item in weights], dtype=np.float64)[weights_at]
    embedding = np.array([_embedding(item, architecture) for item in weights], dtype=np.float64)[weights_at]
    on_host = _gather(runtimes, where, lambda item: item.embedding_on_host)
    rotary = np.array([item.rotary for item in weights], dtype=np.float64)[weights_at]
    plain -= rotary * (1.0 - _gather(runtimes, where, lambda item: item.rotary_tables))
    loaded = plain + _gather(runtimes, where, lambda item: item.loading_bytes) - on_host * embedding
    loaded += _left_by_loading(
        architecture, columns, dp, _gather(runtimes, where, lambda item: item.weighs_free_memory)
    )
    rest = _gather(runtimes, where, lambda item: item.before_weights) - loaded
    budget = np.where(rest > 0, rest * _gather(runtimes, where, lambda item: item.share_of_rest), rest)

    def sequence(kv: int, engine: int, tp: int, pp: int) -> tuple[float, float, bool, int]:
        form, kind, layout = columns.kv_formats[kv], columns.engines[engine], Layout(tp, pp, 1, dp)
        page = page_tokens(kind, options)
        shared = engine_pool(architecture, form, kind, layout, options)
        growth = kv_cache_bytes_per_token_per_gpu(architecture, form, tp, pp, attention_dp=dp)
        if shared is not None:
            return growth, shared.bytes_per_sequence(context), True, page
        one = kv_cache_bytes(architecture, form, tp, pp, context, attention_dp=dp, block=page)
        return growth, one, False, page

    caches, caches_at = _distinct(sequence, columns.kv_index, columns.engine_index, tp, pp)
    per_token = np.array([item[0] for item in caches], dtype=np.float64)[caches_at]
    per_sequence = np.array([item[1] for item in caches], dtype=np.float64)[caches_at]
    differ = np.array([item[2] for item in caches], dtype=np.bool_)[caches_at]
    pages = np.array([item[3] for item in caches], dtype=np.int64)[caches_at]
    usable = np.maximum(budget, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        concurrency = np.where(per_sequence > 0, usable / per_sequence, np.where(usable > 0, np.inf, 0.0))
        tokens = np.where(per_token > 0, np.floor(usable / (per_token * pages)) * pages, 0.0)
        tokens = np.where(differ & (per_sequence > 0), np.floor(concurrency * context), tokens)
    return {
        "weights_bytes": loaded,
        "non_torch_bytes": _gather(runtimes, where, lambda item: item.non_torch),
        "activation_bytes": _gather(runtimes, where, lambda item: item.activation_peak),
        "cuda_graphs_bytes": _gather(runtimes, where, lambda item: item.cuda_graphs),
        "limit_bytes": _gather(runtimes, where, lambda item: item.limit),
        "total_bytes": _gather(runtimes, where, lambda item: item.total),
        "kv_budget_bytes": budget,
        "kv_bytes_per_token": per_token,
        "kv_bytes_per_sequence": per_sequence,
        "kv_tokens": tokens.astype(np.int64),
        "max_concurrency": concurrency,
        "fits": concurrency >= 1.0,
    }


def _embedding(weights: WeightBytes, architecture: ModelArchitecture) -> int:
    """Return the bytes of the input embedding that an engine may leave on the host."""
    if architecture.tied_embeddings:
        return 0
    return weights.held_by(("embedding",))[1]


def _left_by_loading(architecture: ModelArchitecture, columns: BudgetColumns, dp: int, asked: Floats) -> Floats:
    """Return the bytes that loading leaves behind in rows whose engine weighs them, 0 in others."""
    import numpy as np

    rows = np.flatnonzero(asked)
    extra: Floats = np.zeros(len(asked), dtype=np.float64)
    if len(rows):
        casts = np.array([casts_experts(device) for device in columns.accelerators], dtype=np.int64)

        def overhead(fmt: int, tp: int, pp: int, ep: int, cast: int) -> int:
            form, layout, casts = columns.formats[fmt], Layout(tp, pp, ep, dp), bool(cast)
            key = ("loading", Same(form), layout, casts)
            return kept(architecture, key, lambda: loading_overhead(architecture, form, layout, casts=casts))

        found, where = _distinct(
            overhead,
            columns.format_index[rows], columns.tp[rows], columns.pp[rows], columns.ep[rows],
            casts[columns.accelerator_index[rows]],
        )  # fmt: skip
        extra[rows] = np.array(found, dtype=np.float64)[where]
    return extra


def _distinct(compute: Callable[..., T], *keys: Ints) -> tuple[list[T], Ints]:
    """Return ``compute`` of each distinct combination of the keys, and for every row which of them it has."""
    import numpy as np

    code = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        code = code * (int(key.max(initial=0)) + 1) + key
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    return [compute(*(int(key[row]) for key in keys)) for row in first], inverse


def _gather(runtimes: Sequence[Runtime], where: Ints, value: Callable[[Runtime], float]) -> Floats:
    import numpy as np

    gathered: Floats = np.array([value(item) for item in runtimes], dtype=np.float64)[where]
    return gathered
