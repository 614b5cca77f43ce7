"""The columns of memory measurements that hold numbers, truth values or nested facts, whichever file they came from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from planner.errors import Diagnostic, MeasurementError

COUNTS = frozenset(
    {
        *("tp", "pp", "dp", "gpus_visible", "n_gpus", "max_model_len", "max_num_seqs", "max_num_batched_tokens"),
        *("dcp", "batch", "input_len", "gen_len", "kv_cache_tokens", "total_bytes"),
    }
)
"""Whole numbers above zero, ``input_len`` and ``gen_len`` zero or more."""

DEGREES = frozenset({"tp", "pp", "dp", "dcp", "gpus_visible", "n_gpus"})
MOST_DEVICES = 4096
"""Nobody spreads one replica over more; beyond it a cell is a mistake."""

SIZES = frozenset(
    {
        *("gpu_memory_utilization", "weights_gib_per_gpu", "non_torch_gib", "activation_peak_gib", "kv_cache_gib"),
        *("max_concurrency", "cuda_graph_gib", "total_gpu_memory_gib", "gpu_memory"),
    }
)
"""Numbers; an engine that runs out prints negative ones."""

TRUTHS = frozenset({"enforce_eager", "model_stated", "engine_version_stated", "exact_bytes"})
NESTED = frozenset({"inferred", "extra"})
MAY_BE_ZERO = frozenset({"input_len", "gen_len"})

_TRUTH = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


def typed_rows(rows: Sequence[Mapping[str, Any]], path: str = "") -> list[dict[str, Any]]:
    """Return the rows with numbers as numbers, as a JSON file has them, where a CSV file has text.

    Raises MeasurementError with every cell that cannot be read.
    """
    problems: list[Diagnostic] = []
    typed = []
    for number, row in enumerate(rows, 1):
        new = dict(row)
        for name, value in row.items():
            if value is None:
                continue
            try:
                new[name] = _read(name, value)
            except ValueError as error:
                where = f"row {number}" + (f" ({row['id']})" if row.get("id") else "")
                problems.append(Diagnostic(f"{where}: {name} {error}", path=path, code="measurements"))
        typed.append(new)
    if problems:
        raise MeasurementError(problems)
    return typed


def _read(name: str, value: Any) -> Any:
    if name in COUNTS or name in SIZES:
        number = _number(value)
        if name in SIZES:
            return number
        if number != int(number) or number < (0 if name in MAY_BE_ZERO else 1):
            raise ValueError(f"must be a whole number above zero, is {value!r:.40}")
        if name in DEGREES and number > MOST_DEVICES:
            raise ValueError(f"must be at most {MOST_DEVICES}, is {value!r:.40}")
        return int(number)
    if name in TRUTHS and isinstance(value, str):
        truth = _TRUTH.get(value.strip().lower())
        if truth is None:
            raise ValueError(f"must be true or false, is {value!r:.40}")
        return truth
    if name in NESTED:
        return _nested(value)
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"must be a number, is {value!r:.40}")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"must be a number, is {value!r:.40}") from None
    if not isfinite(number):
        raise ValueError(f"must be a finite number, is {value!r:.40}")
    return number


def _nested(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    facts = {name: item for name, item in value.items() if item is not None and name not in NESTED}
    return {name: _read(name, item) for name, item in facts.items()}
