"""Logs of llama.cpp, which allocates its cache as asked: its whole cache, and the weights of the first device."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from planner.architecture.model import TOWERS, ModelArchitecture
from planner.catalog import Catalog
from planner.catalog.schema.formats import KvFormat
from planner.memory.accounting.runtime import EngineOptions
from planner.memory.inference import inference_budget
from planner.memory.kv_cache import kv_cache_bytes
from planner.memory.validation.log_row import LogRow
from planner.units import GIB

ANY_DEVICE = "h100-sxm"
"""Weights, cache and compute buffer do not depend on the device."""

WINDOWS_SINCE = "2025-06"
"""Builds before this month, and the ik_llama.cpp fork, keep every token of sliding layers."""

FORK_SUFFIX = "-ik"
"""Ends the ids of mixes that the quantizer of ik_llama.cpp makes differently; its users mostly make their own files."""

ELSEWHERE = re.compile(r"experts on cpu|row split", re.IGNORECASE)
"""Weights that are not on the device whose buffer the log prints."""


def predict_llamacpp(
    row: LogRow, architecture: ModelArchitecture, format_id: str, kv: KvFormat, catalog: Catalog
) -> dict[str, Any]:
    """Return the predicted columns; without a known format the cache alone.

    The cache has as many tokens as the engine was told to hold: they are an input here, not a prediction.
    """
    found: dict[str, Any] = {}
    notes = []
    fork = catalog.formats.get(f"{format_id}{FORK_SUFFIX}") if _is_fork(row) else None
    fmt = fork or catalog.formats.get(format_id)
    tokens = row.integer("kv_cache_tokens") or row.integer("max_model_len")
    if tokens:
        cached = architecture if _keeps_windows(row) else without_windows(architecture)
        found["predicted_kv_cache_gib"] = kv_cache_bytes(cached, kv, context=tokens, block=1) / GIB
    if fmt is None:
        notes.append(f"no format for {row.text('quantization') or row.text('model')!r}")
    elif ELSEWHERE.search(row.text("gpu")):
        notes.append("weights are elsewhere than on one GPU")
    else:
        devices = row.integer("gpus_visible") or 1
        batch = row.integer("max_num_batched_tokens")
        options = EngineOptions(max_num_batched_tokens=min(batch, 512) if batch else None)
        engine, device = catalog.engines["llamacpp"], catalog.accelerators[ANY_DEVICE]
        budget = inference_budget(architecture, fmt, kv, device, engine, pp=devices, options=options)
        towers = budget.weights.held_by(TOWERS)[1]  # their file has a buffer and a line of its own
        found["predicted_weights_gib_per_gpu"] = (budget.weights_bytes - towers) / GIB
        found["predicted_activation_peak_gib"] = budget.runtime.activation_peak / GIB
    return {**found, "prediction_notes": "; ".join(notes)}


def _keeps_windows(row: LogRow) -> bool:
    date = re.search(r"20\d\d-\d\d", row.text("engine_version"))
    return not _is_fork(row) and not (date and date[0] < WINDOWS_SINCE)


def _is_fork(row: LogRow) -> bool:
    return "ik_llama" in row.text("engine_version") + row.text("engine")


def without_windows(architecture: ModelArchitecture) -> ModelArchitecture:
    """Return the model as an engine sees it that caches sliding layers like full ones."""
    groups = (
        replace(group, mixer=replace(group.mixer, window=None)) if group.mixer.window else group
        for group in architecture.layers
    )
    return replace(architecture, layers=tuple(groups))
