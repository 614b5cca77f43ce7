"""Law: whatever stands in a row of measurements, it is predicted, explained by a note, or refused as unreadable."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalog import load_catalog
from planner.errors import InputError
from planner.memory.validation import is_memory_rows, validate_memory

words = st.sampled_from(
    (
        "vllm", "sglang", "llama.cpp", "trt", "0.6.4", "V1 (2026-01)", "meta-llama/Llama-3.1-8B-Instruct",
        "gpt-oss-20b", "Qwen3-Next-80B-A3B", "awq", "fp8", "nvfp4", "Q4_K_M", "K q8_0 / V q4_0", "auto", "H100",
        "8x A100 (class)", "RTX 3090 + RTX 4090", "transformers 4.46", "GPTQ-Int4", "MLX 4bit", "FP8 block128 + MTP",
        "MiB", "", "\x00", "é" * 300,
    )
)  # fmt: skip
cells = st.one_of(
    st.none(), st.booleans(), words, st.text(max_size=12), st.integers(-2, 10**7), st.floats(), st.lists(st.integers()),
    st.dictionaries(st.sampled_from(("tp", "kv_dtype", "dcp", "gpu")), st.one_of(words, st.integers(-1, 64))),
)  # fmt: skip
COLUMNS = {
    "start-up logs": (
        *("engine", "engine_version", "model", "weight_dtype", "quantization", "kv_dtype", "gpu", "tp", "pp", "extra"),
        *("gpus_visible", "max_model_len", "max_num_seqs", "max_num_batched_tokens", "enforce_eager", "inferred"),
        *("gpu_memory_utilization", "total_gpu_memory_gib", "kv_cache_gib", "kv_cache_tokens", "weights_gib_per_gpu"),
    ),
    "checkpoints": ("id", "base", "format", "total_bytes"),
    "scripts": ("model", "input_len", "gen_len", "quantization", "n_gpus", "gpu_memory", "unit", "engine", "batch"),
}


@settings(max_examples=150)
@given(st.data(), st.sampled_from(tuple(COLUMNS)))
def test_rows_never_crash(data: st.DataObject, kind: str) -> None:
    likely = {"engine": "vllm", "model": "meta-llama/Llama-3.1-8B-Instruct", "kv_cache_gib": 1.0, "total_bytes": 1}
    row = {name: likely.get(name) for name in COLUMNS[kind]}
    row |= data.draw(st.dictionaries(st.sampled_from(COLUMNS[kind]), cells, max_size=5))
    if kind == "start-up logs" and data.draw(st.booleans()):
        row["inferred"] = data.draw(st.dictionaries(st.sampled_from(COLUMNS[kind]), cells, max_size=3))
    try:
        (predicted,), errors = validate_memory([row], kind, load_catalog())  # type: ignore[arg-type]
    except InputError:
        return
    assert is_memory_rows([row]) is not None
    assert all(predicted[name] is value or predicted[name] == value for name, value in row.items() if value is None)
    answered = any(name.startswith("predicted_") for name in predicted)
    assert answered or predicted["prediction_notes"]
    assert all(item.predicted <= item.measured for item in errors)
