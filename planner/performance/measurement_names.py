"""How tables of measurements name things, in the catalog's words: engines, formats, accelerators, caches, campaigns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.catalog import Catalog
    from planner.catalog.schema.accelerators import Accelerator

_ENGINES = (
    ("nim", "nim"),
    ("lmdeploy", "lmdeploy"),
    ("vllm", "vllm"),
    ("sglang", "sglang"),
    ("llama.cpp", "llamacpp"),
    ("llamacpp", "llamacpp"),
    ("exllama", "exllama"),
    ("mlc", "mlc"),
    ("tgi", "tgi"),
    ("hf ", "hf"),
)
"""Beginnings of an engine's name in tables -> its id. TensorRT-LLM is told by how it was run, see :func:`engine_id`."""
_FORMATS = {
    "fp16": "bf16",
    "bf16": "bf16",
    "bfloat16": "bf16",
    "": "bf16",
    "fp8": "fp8-e4m3",
    "int4": "int4-awq-g128",
    "awq-int4": "int4-awq-g128",
    "gptq-4bit-g128": "int4-gptq-g128",
    "int8": "int8-w8a8",
}
"""How tables write a format, where the catalog's aliases do not know it. FP16 and BF16 run alike."""
FP8_CACHES = frozenset({"trtllm", "nim"})
"""Engines that run checkpoints in FP8 and FP4 with the FP8 cache that these calibrate, where a table does not say:
NIM's runs hold twice the sequences that a cache of 16 bits would."""
_EXL2 = re.compile(r"exl2-([0-9.]+)bpw")
_STATED_SOURCES = (
    ("inferencex", "inferencex"),
    ("silicon", "silicon"),
    ("ml-energy", "mlenergy"),
    ("sgl-cookbook", "sgl-cookbook"),
    ("nim.csv", "nim"),
    ("trt_llm_0_9", "dli"),
)


class RowError(ValueError):
    """A row cannot be compared; the text says why."""


def engine_id(name: str, kind: str) -> str:
    """Return the key of an engine. TensorRT-LLM's benchmark of one static batch is another thing than its server."""
    lower = name.lower()
    if lower.startswith(("tensorrt", "trtllm", "trt-llm")):
        return "trtllm" if kind == "max_throughput" else "trtllm-static"
    return next((id for beginning, id in _ENGINES if lower.startswith(beginning)), lower or "vllm")


def weights_id(name: str, catalog: Catalog) -> str:
    """Return the catalog id of a format as tables write it; EXL2's mixed widths come as ``exl2-4.0bpw``."""
    lower = name.strip().lower()
    if _EXL2.fullmatch(lower):
        return lower
    found = _FORMATS.get(lower) or catalog.resolve("formats", lower)
    if found is None:
        raise RowError(f"the format {name!r} is not known; `planner catalog list formats` shows the known ones")
    return found


def accelerator_id(name: str, catalog: Catalog) -> str:
    """Return the catalog id of an accelerator."""
    found = catalog.resolve("accelerators", name)
    if found is None:
        raise RowError(
            f"the accelerator {name!r} is not known; `planner catalog list accelerators` shows the known ones"
        )
    return found


def campaign_of(source: str) -> str:
    """Return who measured: versions, tuning and harness are alike within a campaign."""
    for part, name in _STATED_SOURCES:
        if part in source:
            return name
    if "perf-overview" in source and "0.9.0" not in source:
        return "trtllm-bench"
    return source.split()[0].split("@")[0] if source.split() else "unnamed"


def kv_cache_id(stated: str, engine: str, weights: str, *, by_recipe: bool = False) -> str:
    """Return the cache's format: as stated, else FP8 where the engine or the recipe runs such a checkpoint so."""
    if stated:
        return "fp8" if stated.startswith("fp8") else "bf16"
    calibrated = engine in FP8_CACHES and weights.startswith(("fp8", "nvfp4"))
    return "fp8" if calibrated or by_recipe else "bf16"


def recipe_has_fp8_cache(model: str, accelerator: Accelerator, engine: str, weights: str) -> bool:
    """Whether InferenceX serves such a checkpoint with an FP8 cache.

    By its scripts (https://github.com/SemiAnalysisAI/InferenceX/tree/1fc5d73c/benchmarks): on Blackwell nearly all, on
    Hopper those of TensorRT-LLM, and of vLLM but for gpt-oss. What they leave out has run more sequences at once than a
    16-bit cache holds (MiniMax-M2.5 on B200).
    """
    if weights.startswith("bf16"):
        return False
    return accelerator.generation == "blackwell" or engine == "trtllm" or (engine == "vllm" and "gpt-oss" not in model)
