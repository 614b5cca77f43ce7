"""Safetensors headers, alone or by index: names, shapes and bytes of every tensor, no weights read.

Format: 8 bytes little-endian header length, then JSON, then data (github.com/huggingface/safetensors).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from planner.architecture.json_file import MAX_INDEX_BYTES, parse_json_object, problem, read_json_object
from planner.architecture.stored import StoredTensor

MAX_HEADER_BYTES = 25_000_000
"""The format allows 100 MB; the longest published headers have some 10 MB. Parsed JSON takes ten times its text."""

BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
    "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


def read_header(path: Path) -> list[StoredTensor]:
    """Return the tensors of one .safetensors file in the order of their data.

    Raises ArchitectureError naming the file when it is truncated, lies about its lengths, or is not of the format.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
            length = int.from_bytes(head, "little")
            if len(head) < 8 or length < 2:
                raise problem(path, f"is no safetensors file: {size} bytes, a header of {length}")
            if length > MAX_HEADER_BYTES:
                raise problem(path, f"declares a header of {length:,} bytes; at most {MAX_HEADER_BYTES:,} are read")
            if length > size - 8:
                raise problem(path, f"is truncated: declares a header of {length:,} bytes, has {size - 8:,}")
            text = file.read(length)
    except OSError as error:
        raise problem(path, f"cannot be read: {error.strerror or error}") from error
    entries = parse_json_object(text, path)
    entries.pop("__metadata__", None)
    tensors = [_tensor(path, name, entry, size - 8 - length) for name, entry in entries.items()]
    tensors.sort(key=lambda tensor: (tensor.begin, tensor.name))
    end = 0
    for tensor in tensors:
        if tensor.begin < end:
            raise problem(path, f"tensor {tensor.name!r} overlaps the one before it")
        end = max(end, tensor.begin + tensor.bytes)
    return tensors


def _tensor(path: Path, name: str, entry: Any, available: int) -> StoredTensor:
    if not isinstance(entry, Mapping):
        raise problem(path, f"tensor {name!r:.80}: the header entry is no object")
    shape, offsets, dtype = entry.get("shape"), entry.get("data_offsets"), entry.get("dtype")
    if not _naturals(shape) or len(shape) > 8:
        raise problem(path, f"tensor {name!r:.80}: shape {shape!r:.60} is not a list of sizes")
    if not _naturals(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise problem(path, f"tensor {name!r:.80}: data_offsets {offsets!r:.60} are not [begin, end]")
    if offsets[1] > available:
        raise problem(path, f"is truncated: tensor {name!r:.80} ends at {offsets[1]:,}, the data at {available:,}")
    bits = BITS.get(str(dtype))
    if bits is None:
        raise problem(path, f"tensor {name!r:.80}: dtype {dtype!r:.20} is not known")
    tensor = StoredTensor(name, tuple(shape), str(dtype), offsets[1] - offsets[0], offsets[0])
    if tensor.elements * bits != tensor.bytes * 8:
        raise problem(path, f"tensor {name!r:.80}: {tensor.bytes:,} bytes do not hold {tensor.elements:,} x {dtype}")
    return tensor


def _naturals(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def read_index(path: Path) -> tuple[dict[str, str], int]:
    """Return (tensor name -> file name, total bytes) of a model.safetensors.index.json. File names stay beside it."""
    index = read_json_object(path, MAX_INDEX_BYTES)
    files, metadata = index.get("weight_map"), index.get("metadata")
    if not isinstance(files, dict) or not all(isinstance(name, str) for name in files.values()):
        raise problem(path, "has no weight_map of tensor names to file names")
    for name in sorted(set(files.values())):
        if Path(name).name != name:
            raise problem(path, f"weight_map names {name!r:.80}, which is not beside it")
    total = metadata.get("total_size", 0) if isinstance(metadata, dict) else 0
    if isinstance(total, float) and total.is_integer():
        total = int(total)
    if type(total) is not int or total < 0:
        raise problem(path, f"metadata.total_size must be a number of bytes, is {total!r:.40}")
    return files, total


def read_shards(folder: Path, names: Iterable[str]) -> tuple[list[StoredTensor], list[str]]:
    """Return the tensors of the shards that are present, and the names of those that are missing."""
    tensors: list[StoredTensor] = []
    missing = []
    for name in sorted(set(names)):
        if (folder / name).is_file():
            tensors += read_header(folder / name)
        else:
            missing.append(name)
    return tensors, missing
