"""GGUF: versions 2 and 3, bytes per tensor type, and an error with the file's name for everything else."""

from __future__ import annotations

import struct
import time
import tracemalloc
from dataclasses import replace

import pytest

from planner.architecture import count_parameters, kv_bytes_per_token
from planner.architecture.checkpoint import read_model
from planner.architecture.gguf import GGML_TYPES, SkippedArray, read_gguf
from planner.catalog import load_catalog
from planner.errors import ArchitectureError
from planner.memory.overview import Question, overview
from planner.memory.weights import weight_bytes

LAYER = 256 * 256 * 2 + 128 * 256 * 2 + 3 * 512 * 256 + 2 * 256
TOTAL = 2 * LAYER + 2 * 160 * 256 + 256


def test_the_tiny_model_is_read(gguf, tmp_path):
    architecture = read_model(gguf.write(tmp_path / "tiny-Q4_K_M.gguf"))
    assert (architecture.id, architecture.model_type) == ("tiny-Q4_K_M", "llama")
    assert count_parameters(architecture).total == TOTAL == architecture.stored.parameters
    assert architecture.native_format == "gguf-q4_k_m"
    assert kv_bytes_per_token(architecture) == 2 * 2 * 2 * 64 * 2
    assert architecture.notes == ()
    assert not architecture.estimated


def test_bytes_are_exact_by_type(gguf, tmp_path):
    stored = read_model(gguf.write(tmp_path / "tiny.gguf")).stored
    quantized = 2 * (LAYER - 2 * 256)
    by_type = {name: (elements, size) for name, elements, size in stored.by_type}
    assert by_type["Q4_K"] == (quantized, quantized // 256 * 144)
    assert by_type["Q6_K"] == (2 * 160 * 256, 2 * 160 * 210)
    assert stored.total_bytes == sum(size for _, size in by_type.values())


def test_version_two_reads_alike(gguf, tmp_path):
    gguf.version = 2
    assert count_parameters(read_model(gguf.write(tmp_path / "tiny.gguf"))).total == TOTAL


def test_a_model_without_output_is_tied(gguf, tmp_path):
    gguf.tensors = [info for info in gguf.tensors if b"output.weight" not in info or b"blk" in info]
    architecture = read_model(gguf.write(tmp_path / "tiny.gguf"))
    assert architecture.tied_embeddings
    assert count_parameters(architecture).total == TOTAL - 160 * 256


def test_tensors_count_where_keys_say_less(gguf, tmp_path):
    for layer in range(2):
        gguf.tensor(f"blk.{layer}.attn_q.bias", [256], 0)
    architecture = read_model(gguf.write(tmp_path / "tiny.gguf"))
    assert count_parameters(architecture).total == TOTAL + 512
    assert any("the header counts" in note for note in architecture.notes)


def test_parts_are_read_together(gguf, tmp_path):
    """llama.cpp splits tensors over files; the first has the keys."""
    from copy import deepcopy

    second = deepcopy(gguf)
    first_half, second_half = gguf.tensors[:10], gguf.tensors[10:]
    gguf.tensors, second.tensors, second.metadata = first_half, second_half, second.metadata[:1]
    for part, name in ((gguf, "m-00001-of-00002.gguf"), (second, "m-00002-of-00002.gguf")):
        part.write(tmp_path / name)
    assert count_parameters(read_model(tmp_path / "m-00001-of-00002.gguf")).total == TOTAL
    (tmp_path / "m-00002-of-00002.gguf").unlink()
    with pytest.raises(ArchitectureError, match=r"m-00002-of-00002\.gguf: is missing"):
        read_model(tmp_path / "m-00001-of-00002.gguf")


def test_long_arrays_are_skipped(gguf, tmp_path):
    gguf.add("tokenizer.ggml.merges", [f"a b{index}" for index in range(5000)])
    header = read_gguf(gguf.write(tmp_path / "tiny.gguf"))
    assert header.metadata["tokenizer.ggml.merges"] == SkippedArray(5000)
    assert len(header.metadata["tokenizer.ggml.tokens"]) == 160


def test_mixture_of_experts(gguf, tmp_path):
    gguf.metadata[0] = gguf.text("general.architecture") + struct.pack("<I", 8) + gguf.text("qwen3moe")
    for key, value in {
        "block_count": 2, "embedding_length": 256, "feed_forward_length": 512, "attention.head_count": 4,
        "attention.head_count_kv": 2, "attention.key_length": 64, "attention.value_length": 64, "expert_count": 8,
        "expert_used_count": 2, "expert_feed_forward_length": 64,
    }.items():  # fmt: skip
        gguf.add(f"qwen3moe.{key}", value)
    gguf.tensors = [info for info in gguf.tensors if b"ffn_gate" not in info and b"ffn_up" not in info]
    gguf.tensors = [info for info in gguf.tensors if b"ffn_down" not in info]
    for layer in range(2):
        gguf.tensor(f"blk.{layer}.ffn_gate_inp.weight", [8, 256], 0)
        gguf.tensor(f"blk.{layer}.ffn_gate_exps.weight", [8, 64, 256], 12)
        gguf.tensor(f"blk.{layer}.ffn_up_exps.weight", [8, 64, 256], 12)
        gguf.tensor(f"blk.{layer}.ffn_down_exps.weight", [8, 256, 64], 8)
        gguf.tensor(f"blk.{layer}.attn_q_norm.weight", [64], 0)
        gguf.tensor(f"blk.{layer}.attn_k_norm.weight", [64], 0)
    architecture = read_model(gguf.write(tmp_path / "moe.gguf"))
    experts = dict(count_parameters(architecture).by_component)["experts_routed"]
    assert experts == 2 * 8 * 3 * 64 * 256
    assert (architecture.experts, architecture.experts_per_token) == (8, 2)
    assert architecture.notes == ()


def cut(data: bytes, at: int) -> bytes:
    return data[:at]


WRONG = {
    "empty": (lambda data: b"", "it has 0 bytes"),
    "another magic": (lambda data: b"GGML" + data[4:], "it starts with b'GGML'"),
    "version 1": (lambda data: data[:4] + struct.pack("<I", 1) + data[8:], "has version 1"),
    "big-endian": (lambda data: data[:4] + struct.pack(">I", 3) + data[8:], "is big-endian"),
    "no weights": (lambda data: data[: len(data) // 4], "is truncated"),
    "cut in the keys": (lambda data: data[:100], "is truncated"),
    "cut in the magic": (lambda data: data[:24], "is truncated"),
    "a billion tensors": (lambda data: data[:8] + struct.pack("<Q", 10**9) + data[16:], "1,000,000,000 tensors"),
    "a billion keys": (lambda data: data[:16] + struct.pack("<Q", 10**9) + data[24:], "1,000,000,000 keys"),
    "a name of 10 GB": (lambda data: data[:24] + struct.pack("<Q", 10**10) + data[32:], "declares a name"),
    "a value of unknown type": (lambda data: data[:52] + struct.pack("<I", 99) + data[56:], "value type 99"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_named(gguf, tmp_path, case):
    spoil, message = WRONG[case]
    path = gguf.write(tmp_path / "broken.gguf")
    path.write_bytes(spoil(path.read_bytes()))
    start = time.perf_counter()
    with pytest.raises(ArchitectureError, match=r"broken\.gguf") as caught:
        read_model(path)
    assert message in str(caught.value)
    assert all(found.help for found in caught.value.diagnostics), "without a remedy"
    assert time.perf_counter() - start < 1


def test_arrays_that_cannot_be_there_cost_no_memory(gguf, tmp_path):
    gguf.metadata.insert(0, gguf.text("x") + struct.pack("<IIQ", 9, 8, 2**60))
    path = gguf.write(tmp_path / "broken.gguf")
    tracemalloc.start()
    with pytest.raises(ArchitectureError, match="declares 1,152,921,504,606,846,976 items"):
        read_gguf(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_nested_arrays_end(gguf, tmp_path):
    gguf.metadata.insert(0, gguf.text("x") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 200)
    with pytest.raises(ArchitectureError, match="value type 9"):
        read_gguf(gguf.write(tmp_path / "broken.gguf"))


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [([2] * 5, 1, "5 dimensions"), ([4, 4], 77, "ggml type 77"), ([4, 100], 12, "no whole blocks of 256"),
     ([2**41, 2], 1, "no shape of a weight")],
)  # fmt: skip
def test_a_wrong_tensor_is_named(gguf, tmp_path, shape, kind, message):
    gguf.tensor("blk.0.strange.weight", shape, kind, size=0)
    with pytest.raises(ArchitectureError, match=message):
        read_gguf(gguf.write(tmp_path / "broken.gguf"))


def test_overlapping_tensors_are_refused(gguf, tmp_path):
    gguf.data = 0
    gguf.tensor("blk.0.again.weight", [256, 256], 1)
    with pytest.raises(ArchitectureError, match="overlaps"):
        read_gguf(gguf.write(tmp_path / "broken.gguf"))


def test_the_architecture_must_be_stated(gguf, tmp_path):
    gguf.metadata.pop(0)
    with pytest.raises(ArchitectureError, match=r"does not state general\.architecture"):
        read_model(gguf.write(tmp_path / "broken.gguf"))


def test_missing_keys_name_the_field(gguf, tmp_path):
    gguf.metadata = [item for item in gguf.metadata if b"block_count" not in item]
    with pytest.raises(ArchitectureError, match="num_hidden_layers: is missing"):
        read_model(gguf.write(tmp_path / "broken.gguf"))


def test_block_types_hold_whole_bytes():
    assert all(weights in (1, 32, 64, 128, 256) and size > 0 for _, weights, size in GGML_TYPES.values())
    assert len({name for name, _, _ in GGML_TYPES.values()}) == len(GGML_TYPES)


def test_a_mix_that_its_recipe_does_not_tell_has_the_bytes_of_the_header(gguf, tmp_path):
    """The tiny file has values and down projections like all others, which llama.cpp's Q4_K_M widens."""
    catalog = load_catalog()
    model = read_model(gguf.write(tmp_path / "tiny.gguf"))
    mixed, other = catalog.formats["gguf-q4_k_m"], catalog.formats["gguf-q6_k"]
    assert model.native_format == mixed.id
    recipe = replace(model, stored=None)
    assert weight_bytes(model, mixed).checkpoint == model.stored.total_bytes != weight_bytes(recipe, mixed).checkpoint
    assert weight_bytes(model, other) == weight_bytes(recipe, other)
    share = model.stored.total_bytes / weight_bytes(recipe, mixed).checkpoint
    for layout in ({"tp": 2}, {"pp": 2}):
        plain = weight_bytes(recipe, mixed, **layout)
        held = weight_bytes(model, mixed, **layout).per_gpu - plain.rotary
        assert held == pytest.approx(share * (plain.per_gpu - plain.rotary), abs=2)
    question = Question(
        mixed, catalog.kv_formats["bf16"], catalog.accelerators["h100-sxm"], catalog.engines["llamacpp"], context=512
    )
    seen = overview(model, question, catalog)
    assert any("fewer bytes than GGUF Q4_K_M has by its recipe" in note for note in seen.notes)
    rule = seen.weights_rule
    assert rule.rule + sum(step.value for step in rule.steps) == pytest.approx(rule.exact, abs=1)


def test_parts_of_a_checkpoint_do_not_stand_for_the_whole(gguf, tmp_path):
    catalog = load_catalog()
    model = read_model(gguf.write(tmp_path / "tiny.gguf"))
    partial = replace(model, stored=replace(model.stored, parameters=model.stored.parameters // 2))
    fmt = catalog.formats["gguf-q4_k_m"]
    assert weight_bytes(partial, fmt) == weight_bytes(replace(model, stored=None), fmt)
