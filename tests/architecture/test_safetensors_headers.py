"""Safetensors: headers are the truth where they are whole, and an error with the file's name where they are not."""

from __future__ import annotations

import json
import struct
import time
import tracemalloc

import pytest

from planner.architecture import count_parameters
from planner.architecture.checkpoint import read_model
from planner.architecture.safetensors import MAX_HEADER_BYTES, read_header, read_index
from planner.errors import ArchitectureError


def framed(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def entry(shape=(2, 2), offsets=(0, 8), dtype="BF16"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


WRONG = {
    "empty": (b"", "no safetensors file"),
    "four bytes": (b"abcd", "no safetensors file"),
    "header of no length": (struct.pack("<Q", 0), "no safetensors file"),
    "header of 10 GB": (struct.pack("<Q", 10 * 1024**3) + b"{}", "declares a header of 10,737,418,240 bytes"),
    "header of 2^64": (struct.pack("<Q", 2**64 - 1) + b"{}", "declares a header"),
    "header longer than the file": (struct.pack("<Q", 1000) + b"{}", "is truncated"),
    "not JSON": (framed(b"{'a': 1}"), "is not JSON"),
    "not UTF-8": (framed(b'{"\xff\xfe": 1}'), "is not UTF-8"),
    "a list": (framed(b"[1, 2]"), "must hold a JSON object"),
    "deep": (framed(b'{"a":' * 5000 + b"1" + b"}" * 5000), "nested more than 32 deep"),
    "moderately deep": (framed(b'{"a":' * 40 + b"1" + b"}" * 40), "nested more than 32 deep"),
    "a number without end": (framed(b'{"a": ' + b"9" * 10_000 + b"}"), "a number"),
    "entry is a number": (framed(b'{"a": 1}'), "no object"),
    "entry without shape": (framed(b'{"a": {"dtype": "F32", "data_offsets": [0, 4]}}'), "shape None"),
    "negative size": (framed(json.dumps({"a": entry([-2, 2])}).encode()) + bytes(8), "shape"),
    "size is true": (framed(json.dumps({"a": entry([True, 2])}).encode()) + bytes(8), "shape"),
    "negative offset": (framed(json.dumps({"a": entry(offsets=[-8, 0])}).encode()) + bytes(8), "data_offsets"),
    "offsets reversed": (framed(json.dumps({"a": entry(offsets=[8, 0])}).encode()) + bytes(8), "data_offsets"),
    "three offsets": (framed(json.dumps({"a": entry(offsets=[0, 8, 9])}).encode()) + bytes(9), "data_offsets"),
    "data cut off": (framed(json.dumps({"a": entry()}).encode()) + bytes(5), "is truncated"),
    "too few bytes": (framed(json.dumps({"a": entry([2, 3])}).encode()) + bytes(8), "do not hold"),
    "shape beyond all memory": (framed(json.dumps({"a": entry([2**40, 2**40])}).encode()) + bytes(8), "do not hold"),
    "unknown dtype": (framed(json.dumps({"a": entry(dtype="Q9")}).encode()) + bytes(8), "dtype 'Q9'"),
    "overlap": (framed(json.dumps({"a": entry(), "b": entry(offsets=[4, 12])}).encode()) + bytes(12), "overlaps"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_named(tmp_path, case):
    data, message = WRONG[case]
    path = tmp_path / "broken.safetensors"
    path.write_bytes(data)
    start = time.perf_counter()
    with pytest.raises(ArchitectureError, match=r"broken\.safetensors") as caught:
        read_header(path)
    assert message in str(caught.value)
    assert all(found.help for found in caught.value.diagnostics), "without a remedy"
    assert time.perf_counter() - start < 1


def test_declared_lengths_cost_no_memory(tmp_path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(struct.pack("<Q", MAX_HEADER_BYTES) + b"{}")
    tracemalloc.start()
    with pytest.raises(ArchitectureError):
        read_header(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ArchitectureError, match=r"nowhere\.safetensors: cannot be read"):
        read_header(tmp_path / "nowhere.safetensors")


def test_tensors_come_in_the_order_of_their_data(safetensors, saved):
    tensors = read_header(safetensors(saved))
    assert [tensor.name for tensor in tensors] == list(saved)
    assert [tensor.shape for tensor in tensors] == [tuple(shape) for _, shape in saved.values()]
    assert sum(tensor.bytes for tensor in tensors) == 2 * sum(tensor.elements for tensor in tensors)


def test_a_directory_agrees_with_its_header(folder, safetensors, saved):
    safetensors(saved)
    architecture = read_model(folder)
    count = count_parameters(architecture)
    assert architecture.stored.parameters == count.total == 82_240
    assert architecture.stored.total_bytes == 2 * count.total
    assert architecture.stored.by_type == (("BF16", count.total, 2 * count.total),)
    assert architecture.notes == ()


def test_the_header_counts_where_the_config_errs(folder, safetensors, saved):
    for layer in range(2):
        saved[f"model.layers.{layer}.self_attn.q_proj.bias"] = ("BF16", [64])
    safetensors(saved)
    architecture = read_model(folder)
    count = count_parameters(architecture)
    assert count.total == architecture.stored.parameters
    assert dict(count.by_component)["attention"] == 2 * (64 * 64 * 2 + 32 * 64 * 2 + 64)
    assert any("the header counts" in note for note in architecture.notes)
    assert architecture.layers[0].mixer.kv_elements_per_token == 64
    assert [group.indices for group in architecture.layers] == [(0, 1)]


def test_layers_that_differ_are_told_apart(folder, safetensors, saved):
    saved["model.layers.1.self_attn.q_proj.bias"] = ("BF16", [64])
    safetensors(saved)
    assert [group.indices for group in read_model(folder).layers] == [(0,), (1,)]


def test_a_head_stored_beside_its_embedding_counts_once(tiny, tmp_path, safetensors, saved):
    (tmp_path / "config.json").write_text(json.dumps({**tiny, "tie_word_embeddings": True}), encoding="utf-8")
    safetensors(saved)
    architecture = read_model(tmp_path)
    assert architecture.stores_tied_head
    assert architecture.stored.parameters - count_parameters(architecture).total == 160 * 64
    assert architecture.notes == ()


def test_mtp_layers_are_counted_apart(tiny, tmp_path, safetensors, saved):
    (tmp_path / "config.json").write_text(json.dumps({**tiny, "num_nextn_predict_layers": 1}), encoding="utf-8")
    layer = {name.replace("layers.1", "layers.2"): what for name, what in saved.items() if "layers.1" in name}
    extra = {
        "model.layers.2.eh_proj.weight": ("BF16", [64, 128]),
        "model.layers.2.enorm.weight": ("BF16", [64]),
        "model.layers.2.hnorm.weight": ("BF16", [64]),
        "model.layers.2.shared_head.norm.weight": ("BF16", [64]),
        "model.layers.2.shared_head.head.weight": ("BF16", [160, 64]),
        "model.layers.2.embed_tokens.weight": ("BF16", [160, 64]),
    }
    safetensors({**saved, **layer, **extra})
    architecture = read_model(tmp_path)
    count = count_parameters(architecture)
    assert architecture.stored.parameters == count.total + count.mtp
    assert count.total == 82_240
    assert architecture.notes == ()


def test_scales_and_packed_weights_are_unpacked(tiny, tmp_path, safetensors, saved):
    """MXFP4 blocks hold two weights per byte; their scales are no parameters."""
    quantized = {**tiny, "quantization_config": {"quant_method": "mxfp4"}}
    (tmp_path / "config.json").write_text(json.dumps(quantized), encoding="utf-8")
    for layer in range(2):
        saved[f"model.layers.{layer}.mlp.up_proj_blocks"] = ("U8", [96, 2, 16])
        saved[f"model.layers.{layer}.mlp.up_proj_scales"] = ("U8", [96, 2])
        del saved[f"model.layers.{layer}.mlp.up_proj.weight"]
    safetensors(saved)
    architecture = read_model(tmp_path)
    assert architecture.native_format == "mxfp4"
    assert architecture.stored.parameters == count_parameters(architecture).total == 82_240
    assert {name: size for name, _, size in architecture.stored.by_type}["U8"] == 2 * 96 * 34


def test_shards_by_index(folder, safetensors, saved):
    names = list(saved)
    parts = {"a.safetensors": names[:10], "b.safetensors": names[10:]}
    for part, keys in parts.items():
        safetensors({key: saved[key] for key in keys}, part)
    index = {
        "metadata": {"total_size": 164_480},
        "weight_map": {key: part for part, keys in parts.items() for key in keys},
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    architecture = read_model(folder)
    assert architecture.stored.files == ("a.safetensors", "b.safetensors")
    assert architecture.stored.parameters == 82_240
    assert architecture == read_model(folder / "model.safetensors.index.json", id=folder.name)

    (folder / "b.safetensors").unlink()
    partial = read_model(folder)
    assert partial.stored.total_bytes == 164_480
    assert count_parameters(partial).total == 82_240
    assert "1 of 2 shards are not here" in partial.notes[0]


WRONG_INDEX = {
    "no map": ({"metadata": {}}, "has no weight_map"),
    "a list": ({"weight_map": ["a"]}, "has no weight_map"),
    "names are numbers": ({"weight_map": {"a": 1}}, "has no weight_map"),
    "outside": ({"weight_map": {"a": "../../etc/passwd"}}, "which is not beside it"),
    "absolute": ({"weight_map": {"a": "/etc/passwd"}}, "which is not beside it"),
    "total is text": ({"weight_map": {}, "metadata": {"total_size": "big"}}, "total_size"),
    "total is negative": ({"weight_map": {}, "metadata": {"total_size": -1}}, "total_size"),
}


@pytest.mark.parametrize("case", WRONG_INDEX)
def test_a_wrong_index_is_named(tmp_path, case):
    content, message = WRONG_INDEX[case]
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ArchitectureError, match=r"index\.json") as caught:
        read_index(path)
    assert message in str(caught.value)


def test_weights_alone_do_not_say_how_they_are_used(safetensors, saved):
    with pytest.raises(ArchitectureError, match=r"needs its config\.json beside it"):
        read_model(safetensors(saved))
