"""Totals of plain transformers scripts: GPU memory for a prompt and an answer, as published speed tables have it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from planner.architecture.model import ModelArchitecture
from planner.catalog import Catalog
from planner.memory.accounting.transformers import HIDDEN_COPIES
from planner.memory.kv_cache import kv_cache_bytes
from planner.memory.shape import forward_shape
from planner.memory.sharding import Layout
from planner.memory.weights import weight_bytes
from planner.units import GB, GIB, MIB

FindModel = Callable[[str], ModelArchitecture | None]

PREDICTED = ("predicted_gpu_memory", "prediction_notes")

COMPARED: tuple[tuple[str, str], ...] = (("gpu_memory", "predicted_gpu_memory"),)

UNITS: tuple[tuple[str, int], ...] = (("mib", MIB), ("gib", GIB), ("gb", GB), ("mb", 10**6))

RESIDENT_SINCE = (4, 50)
"""Tables made with transformers before this print the peak of the run; later ones what is allocated at its end."""

WORKSPACE_BYTES = 30 * MIB
"""cuBLAS workspace, the last token's logits in 32 bit and rounding of the allocator, on each GPU."""

FORMATS: tuple[tuple[str, str], ...] = (
    (r"gptq.?int8|int8", "int8-gptq-g128"),
    (r"gptq", "int4-gptq-g128"),
    (r"awq|int4", "int4-awq-g128"),
    (r"fp8", "fp8-e4m3-block128"),
    (r"bf16|fp16", "bf16"),
)
"""How the tables write their formats."""


def predict_scripts(rows: Iterable[Mapping[str, Any]], catalog: Catalog, find_model: FindModel) -> list[dict[str, Any]]:
    """Return the rows with the predicted memory in each row's own unit, in order."""
    return [{**row, **predict_script(row, catalog, find_model)} for row in rows]


def predict_script(row: Mapping[str, Any], catalog: Catalog, find_model: FindModel) -> dict[str, Any]:
    """Return the predicted columns of one row; what cannot be predicted is absent, and a note says why."""
    architecture = find_model(str(row.get("model") or ""))
    if architecture is None:
        return {"prediction_notes": f"model {row.get('model')!r} is not in the catalog"}
    written = str(row.get("quantization") or "bf16").lower()
    fmt = next((name for pattern, name in FORMATS if re.search(pattern, written)), None)
    if fmt is None or fmt not in catalog.formats:
        return {"prediction_notes": f"no format for {row.get('quantization')!r}"}
    unit = next((size for name, size in UNITS if name in str(row.get("unit") or "gib").lower()), GIB)
    run = Script(
        prompt=int(row.get("input_len") or 0),
        answer=int(row.get("gen_len") or 0),
        batch=int(row.get("batch") or 1),
        gpus=int(row.get("n_gpus") or 1),
    )
    predict = peak_bytes if _version(str(row.get("engine") or "")) < RESIDENT_SINCE else resident_bytes
    return {"predicted_gpu_memory": predict(architecture, catalog, fmt, run) / unit, "prediction_notes": ""}


@dataclass(frozen=True, slots=True)
class Script:
    """One run: tokens of the prompt and of the answer, sequences at once, and the GPUs that the layers are dealt to."""

    prompt: int
    answer: int
    batch: int = 1
    gpus: int = 1


def resident_bytes(architecture: ModelArchitecture, catalog: Catalog, fmt: str, run: Script) -> float:
    """Return what PyTorch has allocated over all GPUs at the end of a run: weights, cache and small change."""
    kv = catalog.kv_formats["bf16"]
    end = kv_cache_bytes(architecture, kv, context=run.prompt + run.answer, sequences=run.batch, block=1)
    return _held(architecture, catalog, fmt) + end + WORKSPACE_BYTES * run.gpus


def peak_bytes(architecture: ModelArchitecture, catalog: Catalog, fmt: str, run: Script) -> float:
    """Return the largest allocation of a run, summed over GPUs.

    The later of three moments counts: loading (a tied head that AWQ files hold a second time), reading the prompt (its
    cache, and on every GPU one layer's activations), and the last token (cache of everything).
    """
    kv = catalog.kv_formats["bf16"]
    held = _held(architecture, catalog, fmt)
    shape = forward_shape(architecture, Layout())
    layer = 2.0 * run.batch * run.prompt * (shape.mlp + HIDDEN_COPIES * shape.hidden)
    begin = kv_cache_bytes(architecture, kv, context=run.prompt, sequences=run.batch, block=1)
    end = kv_cache_bytes(architecture, kv, context=run.prompt + run.answer, sequences=run.batch, block=1)
    loading = _tied_head_bytes(architecture) if "awq" in fmt else 0
    return held + max(begin + layer * run.gpus, end, loading) + WORKSPACE_BYTES * run.gpus


def _held(architecture: ModelArchitecture, catalog: Catalog, fmt: str) -> float:
    """Return the weights as transformers keeps them: no rotary table, an untied head in FP8, scratch for GPTQ.

    ExLlama, which runs GPTQ, keeps room for the largest matrix in 16 bit.
    """
    weights = weight_bytes(architecture, catalog.formats[fmt])
    held = float(weights.per_gpu - weights.rotary)
    if fmt.startswith("fp8"):
        held += _tied_head_bytes(architecture)
    if fmt == "int4-gptq-g128":
        held += 2 * max((t.rows * t.columns for group in architecture.layers for t in group.tensors), default=0)
    return held


def _tied_head_bytes(architecture: ModelArchitecture) -> int:
    """Return the bytes of a tied head in 16 bit; 0 for a model with a head of its own."""
    return 2 * architecture.vocab_size * architecture.hidden_size if architecture.tied_embeddings else 0


def _version(engine: str) -> tuple[int, int]:
    found = re.search(r"(\d+)\.(\d+)", engine)
    return (int(found[1]), int(found[2])) if found else RESIDENT_SINCE
