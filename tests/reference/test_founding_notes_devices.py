"""Worked examples of the founding notes about what a device holds: sums for one server, devices per size, GPU table."""

from __future__ import annotations

from functools import cache

import pytest

from planner.architecture.model import ModelArchitecture
from planner.architecture.resolve import resolve_model
from planner.catalog import Catalog, load_catalog
from planner.memory.accounting.runtime import EngineOptions
from planner.memory.inference import InferenceBudget, inference_budget
from planner.memory.rule_of_thumb import rule_bytes
from planner.memory.weights import weight_bytes
from planner.training.memory import training_memory
from planner.training.parallel import Parallel
from planner.training.setup import TrainingSetup
from planner.units import GB, GIB, MIB

LLAMA_2_70B, LLAMA_2_7B = "meta-llama/Llama-2-70b-chat-hf", "meta-llama/Llama-2-7b-hf"


@cache
def catalog() -> Catalog:
    return load_catalog()


@cache
def model(name: str) -> ModelArchitecture:
    return resolve_model(name, catalog=catalog())


def served(name: str, fmt: str, device: str, tp: int = 1, engine: str = "vllm", **options: int) -> InferenceBudget:
    shelf = catalog()
    return inference_budget(
        model(name), shelf.formats[fmt], shelf.kv_formats["bf16"], shelf.accelerators[device], shelf.engines[engine],
        tp, options=EngineOptions(**options),
    )  # fmt: skip


# Note 1: Llama-2-70B on A100 80GB


def test_the_noted_parts_of_a_layer() -> None:
    """Keys and values are an eighth of what the note multiplies out, and the MLP has a third matrix."""
    group = model(LLAMA_2_70B).layers[0]
    sizes = {tensor.name: tensor.parameters for tensor in group.tensors}
    assert sizes["q_proj"] * 3 == pytest.approx(201e6, rel=0.002)  # the note's QKV
    assert sizes["o_proj"] == pytest.approx(67e6, rel=0.002)
    assert {sizes[name] for name in ("gate_proj", "up_proj", "down_proj")} == {8192 * 28672}
    assert sizes["up_proj"] == pytest.approx(235e6, rel=0.001)
    assert sizes["k_proj"] + sizes["v_proj"] == sizes["q_proj"] / 4
    norms = sum(tensor.parameters for tensor in group.tensors if tensor.component == "norm")
    assert norms == 2 * 8192 == 16384  # "about 16K"


def test_the_noted_sum_of_one_server() -> None:
    """140 of weights, 0.5 of cache, 2 to 5, 1, and 1 to 2: 145 to 150 GB, which one device of 80 cannot hold."""
    low, high = 140 + 0.5 + 2 + 1 + 1, 140 + 0.5 + 5 + 1 + 2
    assert (low, high) == (144.5, 148.5)
    assert not served(LLAMA_2_70B, "bf16", "a100-sxm-80").fits
    two = served(LLAMA_2_70B, "bf16", "a100-sxm-80", tp=2, max_model_len=2048, max_num_seqs=1)
    assert two.fits  # 70 GB each, as noted
    used = 2 * (sum(term.value for term in two.terms if term.name != "KV cache")) + two.bytes_for(2048) * 2
    assert low - 5 < used / GB < high


def test_int8_and_int4_on_one_device_of_80_gb() -> None:
    """70 + 10 = 80 "just fits" and 35 + 10 = 45 leaves room: the first by a little more than nothing."""
    eight, four = (
        served(LLAMA_2_70B, fmt, "a100-sxm-80", max_model_len=2048, max_num_seqs=8)
        for fmt in ("int8-w8a8", "int4-awq-g128")
    )
    assert 0 < eight.kv_budget_bytes / GB < 8
    assert 30 < four.kv_budget_bytes / GB < 45


def test_metadata_of_int8_and_int4() -> None:
    """Noted: 0.5 to 1 GB for INT8, 1 to 2 GB for INT4. A scale per channel is far less, groups of 128 are right."""
    shelf, llama = catalog(), model(LLAMA_2_70B)
    converted = 68_976_648_192 - 2 * 32000 * 8192 - 161 * 8192
    plain = 2 * (68_976_648_192 - converted)
    eight = weight_bytes(llama, shelf.formats["int8-w8a8"]).checkpoint - plain - converted
    four = weight_bytes(llama, shelf.formats["int4-awq-g128"]).checkpoint - plain - converted / 2
    assert 0 < eight / GB < 0.05
    assert 1 < four / GB < 2


def test_eight_thousand_channels_are_kilobytes() -> None:
    """8,192 scales of 4 B are 32 KiB for one matrix, not 32 MB; those of all 560 matrices together are near it."""
    assert 8192 * 4 == 32 * 1024
    channels = sum(
        tensor.rows * tensor.count * copies for tensor, copies in model(LLAMA_2_70B).tensors() if tensor.linear
    )
    assert 25e6 < 4 * channels < 32e6


def test_mixed_precision_costs_what_the_wide_tensors_weigh() -> None:
    """Noted: 1 to 5 GB. Embedding and head in 16 bit cost 0.79 GB over 4 bits."""
    wide = 2 * 32000 * 8192 * (16 - 4) / 8
    assert wide / GB == pytest.approx(0.786, abs=0.001)
    two_layers = 2 * 855_654_400 * (16 - 4) / 8
    assert 1 < (wide + two_layers) / GB < 5


@pytest.mark.parametrize(
    ("parameters", "bits", "devices", "each_gb"),
    [
        (7e9, 16, 1, 24),  # RTX 3090 / 4090
        (33e9, 16, 2, 40),
        (70e9, 16, 2, 80),
        (175e9, 16, 5, 80),
    ],
)
def test_devices_that_the_tables_recommend(parameters: float, bits: int, devices: int, each_gb: int) -> None:
    """Weights fit by the rule, with at least a tenth left, and fewer devices of that kind would not do."""
    weights = rule_bytes(parameters, bits) / GB
    assert weights <= devices * each_gb * 0.9
    assert devices == 1 or weights > (devices - 1) * each_gb


def test_33b_needs_more_room_than_two_devices_of_40_gb_have_to_spare() -> None:
    """66 of 80 GB leave 14 by the rule; vLLM's 0.92 of what CUDA reports leaves a cache of some thousand tokens."""
    found = served("huggyllama/llama-30b", "bf16", "a100-sxm-40", tp=2, max_model_len=2048)
    assert found.fits
    assert 0 < found.kv_budget_bytes * 2 / GB < 14


# Note 2: activations and attention


def test_activations_are_no_fixed_share() -> None:
    """Noted: 20 to 30 % of the total. 2 % for a prompt of 2,048 tokens, as noted for two dozen at once."""

    def share(tokens: int) -> float:
        found = served(LLAMA_2_7B, "bf16", "h100-sxm", engine="transformers", max_num_batched_tokens=tokens)
        peak = found.runtime.activation_peak
        return peak / (peak + found.weights_bytes)

    assert share(2048) == pytest.approx(0.019, abs=0.001)
    assert 0.2 < share(24 * 2048) < 0.3


def test_flash_attention_saves_more_the_longer_the_context() -> None:
    """Noted: 20 %. It leaves out scores that grow with the square of the length."""

    def saved(length: int) -> float:
        totals = [
            training_memory(
                model(LLAMA_2_7B),
                TrainingSetup(sequence_length=length, checkpointing="none", flash_attention=flash),
            ).device_bytes
            for flash in (True, False)
        ]
        return 1 - totals[0] / totals[1]

    assert saved(512) < 0.2 < saved(4096)


# Note 4: fine-tuning on more devices


def test_a_7b_trains_in_20_to_30_gb_a_device_when_states_are_sharded() -> None:
    """Right on four devices with ZeRO-3 or eight with ZeRO-2, both with activation checkpointing."""

    def device_gb(ranks: int, sharding: str) -> float:
        setup = TrainingSetup(
            sequence_length=2048, checkpointing="full", parallel=Parallel(dp=ranks, sharding=sharding)
        )
        return training_memory(model(LLAMA_2_7B), setup).device_bytes / GB

    assert device_gb(1, "zero3") > 100
    assert 20 < device_gb(4, "zero3") < 30
    assert 20 < device_gb(8, "zero2") < 30


# Note 3: the table of GPUs


@pytest.mark.parametrize(
    ("device", "gb", "terabytes_per_s", "noted_tflops", "fmt", "dense"),
    [
        ("h100-sxm", 80, 3.35, 1979, "bf16", 989.5),  # noted with sparsity
        ("h100-sxm", 80, 3.35, 3958, "fp8", 1979.0),
        ("a100-sxm-40", 40, 1.555, 624, "bf16", 312.0),
        ("a100-sxm-80", 80, 2.039, 624, "bf16", 312.0),
        ("h200-sxm", 141, 4.8, None, "bf16", 989.5),
        ("a30", 24, 0.933, None, "bf16", 165.0),
        ("l40s", 48, 0.864, 733, "bf16", 362.0),
        ("h20-96", 96, 4.0, 2368, "bf16", 148.0),  # 8 x 296: FP8 of a whole node
    ],
)
def test_gpus_of_the_table(
    device: str, gb: float, terabytes_per_s: float, noted_tflops: float | None, fmt: str, dense: float
) -> None:
    item = catalog().accelerators[device]
    assert item.memory_gb_marketed == gb
    assert item.bandwidth_gbytes_per_s == pytest.approx(1000 * terabytes_per_s, rel=0.01)
    assert item.tflops[fmt] == pytest.approx(dense, rel=0.002)
    if noted_tflops is not None:
        assert noted_tflops / item.tflops[fmt] == pytest.approx(2 if device != "h20-96" else 16, rel=0.03)


def test_what_is_on_the_box_is_not_what_a_program_may_use() -> None:
    """Noted: a little less than marked. 80 GB are 74.5 GiB on paper, and an H100 offers 79.18 GiB of its 80 GiB."""
    item = catalog().accelerators["h100-sxm"]
    decimal = rule_bytes(80e9, 8) / GIB
    assert decimal == pytest.approx(74.5, abs=0.01)
    assert item.memory_bytes_usable / MIB == pytest.approx(79.18 * 1024, abs=1)
