"""Start-up logs of engines: what they printed beside what the memory model says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from planner.architecture.model import ModelArchitecture
from planner.catalog import Catalog
from planner.catalog.schema.accelerators import Accelerator, Link
from planner.catalog.schema.formats import KvFormat
from planner.memory.accounting import vllm_version
from planner.memory.accounting.runtime import EngineOptions
from planner.memory.inference import InferenceBudget, inference_budget
from planner.memory.validation.devices import find_accelerator
from planner.memory.validation.llamacpp_logs import predict_llamacpp
from planner.memory.validation.log_row import LogRow
from planner.memory.validation.names import find_engine, find_format, find_kv_format, unknown_quantization
from planner.units import GIB

FindModel = Callable[[str], ModelArchitecture | None]

PREDICTED = (
    "predicted_weights_gib_per_gpu",
    "predicted_non_torch_gib",
    "predicted_activation_peak_gib",
    "predicted_kv_cache_gib",
    "predicted_kv_cache_tokens",
    "predicted_max_concurrency",
    "prediction_notes",
)

COMPARED: tuple[tuple[str, str], ...] = (
    ("weights_gib_per_gpu", "predicted_weights_gib_per_gpu"),
    ("activation_peak_gib", "predicted_activation_peak_gib"),
    ("kv_cache_gib", "predicted_kv_cache_gib"),
    ("kv_cache_tokens", "predicted_kv_cache_tokens"),
)
"""(measured column, predicted column)."""


def predict_log(data: Mapping[str, Any], catalog: Catalog, find_model: FindModel) -> dict[str, Any]:
    """Return the predicted columns of one row; what cannot be predicted is absent, and a note says why."""
    row = LogRow(data)
    engine_id = find_engine(row.text("engine"))
    if engine_id is None or engine_id not in catalog.engines:
        return {"prediction_notes": f"engine {row.text('engine')!r} is not known"}
    architecture = find_model(row.text("model"))
    if architecture is None:
        return {"prediction_notes": f"model {row.text('model')!r} is not in the catalog"}
    fmt = _weight_format(row, architecture, engine_id)
    if engine_id == "llamacpp":
        return predict_llamacpp(row, architecture, fmt, _kv_format(row, catalog), catalog)
    if fmt not in catalog.formats:
        return {"prediction_notes": f"no format for {row.text('quantization') or row.text('model')!r}"}
    options = _options(row, engine_id)
    tp, pp = row.integer("tp"), row.integer("pp") or 1
    notes = []
    if tp is None and (row.integer("gpus_visible") or 1) > 1:
        return {"prediction_notes": "how the GPUs were used is not stated"}
    if tp is None:
        tp = 1
        notes.append("TP 1 assumed")
    device, note = _device(row, catalog)
    if note:
        notes.append(note)
    total = row.get("total_gpu_memory_gib")
    if total:
        options = replace(options, total_bytes=round(total * GIB))
    budget = inference_budget(
        architecture,
        catalog.formats[fmt],
        _kv_format(row, catalog),
        device,
        catalog.engines[engine_id],
        tp,
        pp,
        options=options,
    )
    found = _columns(budget, row, engine_id)
    if note in (NOT_STATED, DEDUCED):
        for column in ("predicted_kv_cache_gib", "predicted_kv_cache_tokens", "predicted_max_concurrency"):
            found.pop(column, None)
        logged = row.get("kv_cache_gib")
        if isinstance(logged, int | float) and logged > 0:
            found["predicted_kv_cache_tokens"] = _printed_tokens(
                replace(budget, kv_budget_bytes=int(logged * GIB)), row, engine_id
            )
            notes.append("tokens are those of the logged cache size")
    return {**found, "prediction_notes": "; ".join(notes)}


NOT_STATED = "device not stated"
DEDUCED = "device deduced, not logged"
"""A budget needs the device's name or the total that the log prints. One deduced from the log's own figures would
predict them in a circle."""


def _device(row: LogRow, catalog: Catalog) -> tuple[Accelerator, str]:
    """Return the device of a log and a note where the log does not name it."""
    total = row.get("total_gpu_memory_gib")
    device = find_accelerator(row.text("gpu"), total, catalog)
    if device is None:
        vendor = "AMD" if "rocm" in row.text("engine_version").lower() else "NVIDIA"
        return unknown_device(total or 80.0, vendor), "device known by its memory alone" if total else NOT_STATED
    return device, "" if total or row.data.get("gpu") else DEDUCED


def _columns(budget: InferenceBudget, row: LogRow, engine_id: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "predicted_weights_gib_per_gpu": budget.weights_bytes / GIB,
        "predicted_non_torch_gib": budget.runtime.non_torch / GIB,
        "predicted_activation_peak_gib": budget.runtime.activation_peak / GIB,
    }
    context = row.integer("max_model_len")
    found["predicted_kv_cache_gib"] = budget.kv_budget_bytes / GIB
    found["predicted_kv_cache_tokens"] = _printed_tokens(budget, row, engine_id)
    if context:
        found["predicted_max_concurrency"] = found["predicted_kv_cache_tokens"] / context
    return found


def _printed_tokens(budget: InferenceBudget, row: LogRow, engine_id: str) -> int:
    """Return the token count as the engine's version prints it.

    Decode context parallelism spreads one cache over its ranks. For models whose layers differ, vLLM counts all groups
    alike up to 0.11; from 0.12 it multiplies the sequences that fit by their length.
    """
    shared = budget.pool
    if engine_id != "vllm" or shared is None:
        return budget.kv_tokens * int((row.get("extra") or {}).get("dcp", 1))
    blocks = shared.blocks(budget.kv_budget_bytes)
    version = vllm_version.parse_version(row.text("engine_version") or f"0.{vllm_version.NEWEST}")
    if version.minor < COUNTS_SEQUENCES_SINCE:
        return blocks // len(shared.windows) * shared.block_tokens
    context = budget.max_model_len
    needed = shared.blocks_per_sequence(context, budget.runtime.max_num_batched_tokens)
    return int(blocks / needed * context)


COUNTS_SEQUENCES_SINCE = 12


FP8_WITH_NARROWER_EXPERTS = ("deepseek_v4",)
"""Their config's quant_method, which engines print, is fp8, though it stores the experts in FP4 (expert_dtype)."""


def _weight_format(row: LogRow, architecture: ModelArchitecture, engine_id: str) -> str:
    text = (row.text("quantization"), row.text("model"), row.text("weight_dtype"))
    fmt = find_format(*text)
    if fmt is None and (engine_id == "llamacpp" or any(unknown_quantization(item) for item in text)):
        return ""
    if fmt is None:
        fmt = architecture.native_format or "bf16"
    if fmt.startswith("fp8") and architecture.model_type in FP8_WITH_NARROWER_EXPERTS:
        return architecture.native_format or fmt
    if fmt == "fp8-e4m3" and architecture.model_type.startswith(("qwen3", "deepseek", "minimax", "glm")):
        return "fp8-e4m3-block128"
    return fmt


def _kv_format(row: LogRow, catalog: Catalog) -> KvFormat:
    """Return the cache's format: as logged, deduced where the log says ``auto``, the mean of two for ``K x / V y``."""
    text = row.text("kv_dtype")
    both = re.match(r"K (\S+) / V (\S+)", text)
    if both:
        keys, values = (catalog.kv_formats[find_kv_format(part)] for part in both.groups())
        bits = 8 * (keys.bytes_per_element + values.bytes_per_element) / 2
        return replace(values, id=text, bits_per_element=bits, scale_bits=0, scale_elements=0)
    deduced = str((row.data.get("inferred") or {}).get("kv_dtype") or "") if text in ("", "auto") else ""
    return catalog.kv_formats[find_kv_format(text, deduced)]


def _options(row: LogRow, engine_id: str) -> EngineOptions:
    version = row.text("engine_version") or None
    if engine_id == "vllm" and version is None:
        version = f"0.{vllm_version.NEWEST}"
    return EngineOptions(
        gpu_memory_utilization=row.get("gpu_memory_utilization"),
        max_num_batched_tokens=row.integer("max_num_batched_tokens"),
        max_num_seqs=row.integer("max_num_seqs"),
        max_model_len=row.integer("max_model_len"),
        eager=bool(row.get("enforce_eager")),
        version=version,
    )


def unknown_device(total_gib: float, vendor: str = "NVIDIA") -> Accelerator:
    """Return a device of which only the memory and the vendor are known, without a fast link."""
    name = "unknown"
    return Accelerator(
        name, "unknown device", vendor, name, name, "", name, 2024, name, total_gib, total_gib, 1.0, {},
        Link("none", "none"), "the log's own total", "2026",
    )  # fmt: skip


def predict_logs(rows: Iterable[Mapping[str, Any]], catalog: Catalog, find_model: FindModel) -> list[dict[str, Any]]:
    """Return the rows with their predicted columns, in order."""
    return [{**row, **predict_log(row, catalog, find_model)} for row in rows]
