"""The memory side of the candidate table: budgets of many rows at once.

Work is done once per distinct combination of what matters, then gathered: weights per (format, tp, pp, ep), cache per
(KV format, tp, pp), the engine's share per (accelerator, engine, tp, pp, ep).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from planner.architecture.model import ModelArchitecture
from planner.catalog.schema.accelerators import Accelerator
from planner.catalog.schema.engines import Engine
from planner.catalog.schema.formats import KvFormat, WeightFormat
from planner.memory.accounting.runtime import EngineOptions, Runtime, Setting
from planner.memory.inference import ACCOUNTS, SINGLE_TOKEN_PAGES, loaded_bytes
from planner.memory.kv_cache import BLOCK_TOKENS, kv_cache_bytes, kv_cache_bytes_per_token_per_gpu
from planner.memory.shape import forward_shape
from planner.memory.sharding import Layout
from planner.memory.weights import weight_bytes

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
    ``kv_tokens`` (int64, whole pages), ``max_concurrency`` (sequences of ``context`` tokens) and ``fits`` (bool).
    Raises LookupError for an engine whose accounting is not known.
    """
    import numpy as np

    options = options or EngineOptions()
    dp = options.attention_dp
    tp, pp, ep = columns.tp, columns.pp, columns.ep

    def runtime_of(accelerator: int, engine: int, tp: int, pp: int, ep: int) -> Runtime:
        kind = columns.engines[engine]
        if kind.id not in ACCOUNTS:
            raise LookupError(f"no memory accounting for engine {kind.id!r}")
        layout = Layout(tp, pp, ep, dp)
        shape = forward_shape(architecture, layout)
        return ACCOUNTS[kind.id](Setting(kind, columns.accelerators[accelerator], shape, layout, options))

    runtimes, where = _distinct(runtime_of, columns.accelerator_index, columns.engine_index, tp, pp, ep)
    weights, weights_at = _distinct(
        lambda fmt, tp, pp, ep: weight_bytes(architecture, columns.formats[fmt], tp, pp, ep, attention_dp=dp),
        columns.format_index, tp, pp, ep,
    )  # fmt: skip
    plain = np.array([item.per_gpu for item in weights], dtype=np.float64)[weights_at]
    host = Runtime(0, 0, 0, 0, 0, False, embedding_on_host=True)
    lean = np.array([loaded_bytes(item, host, architecture) for item in weights], dtype=np.float64)[weights_at]
    loaded = np.where(_gather(runtimes, where, lambda item: item.embedding_on_host).astype(bool), lean, plain)
    rest = _gather(runtimes, where, lambda item: item.before_weights) - loaded
    budget = np.where(rest > 0, rest * _gather(runtimes, where, lambda item: item.share_of_rest), rest)

    page = np.array([1 if engine.id in SINGLE_TOKEN_PAGES else BLOCK_TOKENS for engine in columns.engines])
    pages = page[columns.engine_index]
    caches, caches_at = _distinct(
        lambda kv, tp, pp, page: (
            kv_cache_bytes_per_token_per_gpu(architecture, columns.kv_formats[kv], tp, pp, attention_dp=dp),
            kv_cache_bytes(architecture, columns.kv_formats[kv], tp, pp, context, attention_dp=dp, block=page),
        ),
        columns.kv_index, tp, pp, pages,
    )  # fmt: skip
    per_token = np.array([item[0] for item in caches], dtype=np.float64)[caches_at]
    per_sequence = np.array([item[1] for item in caches], dtype=np.float64)[caches_at]
    usable = np.maximum(budget, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        tokens = np.where(per_token > 0, np.floor(usable / (per_token * pages)) * pages, 0.0)
        concurrency = np.where(per_sequence > 0, usable / per_sequence, np.inf)
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
