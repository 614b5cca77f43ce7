"""What people call models, formats and devices in their logs."""

from __future__ import annotations

import pytest

from planner.catalog import load_catalog
from planner.memory.validation.devices import find_accelerator
from planner.memory.validation.names import ModelNames, find_engine, find_format, find_kv_format, model_key


@pytest.fixture(scope="module")
def names() -> ModelNames:
    return ModelNames(load_catalog())


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"),
        ("unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit", "meta-llama/Llama-3.1-8B-Instruct"),
        ("neuralmagic/Meta-Llama-3.1-70B-Instruct-FP8", "meta-llama/Llama-3.1-70B-Instruct"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "meta-llama/Llama-3.1-70B-Instruct"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", "Qwen/Qwen2.5-14B"),
        ("Qwen3-30B-A3B-UD-Q4_K_XL.gguf", "Qwen/Qwen3-30B-A3B"),
        ("openhermes-2.5-mistral-7b.Q4_K_S.gguf", "mistralai/Mistral-7B-v0.1"),
        ("mlx-community/GLM-4.7-6bit", "zai-org/GLM-4.5"),
        ("gpt-oss-120b", "openai/gpt-oss-120b"),
    ],
)
def test_models_by_many_names(names: ModelNames, name: str, model_id: str) -> None:
    assert names.find(name) == model_id


@pytest.mark.parametrize("name", ["", "my-model", "nobody/unheard-of-13B-thing", "Llama"])
def test_names_that_mean_no_model_are_not_guessed(names: ModelNames, name: str) -> None:
    assert names.find(name) is None


def test_words_that_say_how_a_model_is_stored_do_not_count() -> None:
    assert model_key("TheBloke/Llama-2-7B-Chat-AWQ") == model_key("meta-llama/Llama-2-7b-hf")


@pytest.mark.parametrize(
    ("texts", "fmt"),
    [
        (("awq", "x", "fp16"), "int4-awq-g128"),
        ((None, "model.Q4_K_M.gguf"), "gguf-q4_k_m"),
        (("MLX 4bit",), "mlx-4bit"),
        (("fp8 block",), "fp8-e4m3-block128"),
        ((None, "Meta-Llama-3.1-8B-Instruct", "bf16"), "bf16"),
        ((None, "Meta-Llama-3.1-8B-Instruct", None), None),
    ],
)
def test_formats(texts: tuple[str | None, ...], fmt: str | None) -> None:
    assert find_format(*texts) == fmt


@pytest.mark.parametrize(("texts", "kv"), [(("auto", "fp8"), "fp8"), (("fp8_e5m2",), "fp8"), ((None, "q8_0"), "q8_0")])
def test_cache_formats(texts: tuple[str | None, ...], kv: str) -> None:
    assert find_kv_format(*texts) == kv


@pytest.mark.parametrize(("text", "engine"), [("TensorRT-LLM 0.17", "trtllm"), ("ollama", "llamacpp"), ("?", None)])
def test_engines(text: str, engine: str | None) -> None:
    assert find_engine(text) == engine


@pytest.mark.parametrize(
    ("name", "total", "device"),
    [
        ("NVIDIA H100 80GB HBM3", None, "h100-sxm"),
        ("NVIDIA H100 PCIe", None, "h100-pcie"),
        ("NVIDIA H200", None, "h200-sxm"),
        ("NVIDIA A100-SXM4-40GB", None, "a100-sxm-40"),
        ("NVIDIA A100 80GB PCIe", None, "a100-pcie-80"),
        ("A100", None, "a100-sxm-80"),
        ("A100", 39.4, "a100-sxm-40"),
        ("NVIDIA GeForce RTX 4090", None, "rtx4090"),
        ("4090", None, "rtx4090"),
        ("NVIDIA RTX A6000", None, "a6000"),
        ("NVIDIA RTX 6000 Ada Generation", None, "rtx6000ada"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", None, "rtxpro6000-ws"),
        ("Tesla V100-SXM2-32GB", None, "v100-sxm2-32"),
        ("Tesla T4", None, "t4"),
        ("NVIDIA H20-3e", None, "h20-141"),
        ("NVIDIA L40S", None, "l40s"),
        ("NVIDIA L4", None, "l4"),
        ("AMD Instinct MI300X", None, "mi300x"),
        ("DGX Spark", None, "gb10"),
        ("H200", 139.81, "h200-sxm"),
        (None, 79.19, "h100-sxm"),
        (None, 12.345, None),
        ("H100 80GB class", None, None),
        ("Jetson Orin NX 16GB", None, None),
    ],
)
def test_devices_by_name_or_by_what_they_report(name: str | None, total: float | None, device: str | None) -> None:
    found = find_accelerator(name, total, load_catalog())
    assert (found.id if found else None) == device
