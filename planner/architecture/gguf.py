"""GGUF headers: key-value metadata and tensor infos, no weights read (github.com/ggml-org/ggml, docs/gguf.md)."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.architecture.json_file import problem
from planner.architecture.stored import StoredTensor
from planner.errors import ArchitectureError

MAX_KEYS = 65_536
MAX_TENSORS = 262_144
MAX_NAME = 65_535
KEPT_ITEMS = 4096
"""Longer arrays (vocabularies) are measured and skipped; per-layer lists are far shorter."""

GGML_TYPES: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
}  # fmt: skip
"""ggml type -> (name, weights per block, bytes per block), from ggml.h and ggml-common.h."""

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True, slots=True)
class SkippedArray:
    """An array whose items were not kept; only its length matters here."""

    length: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says before its weights."""

    version: int
    metadata: dict[str, Any]
    tensors: list[StoredTensor]


def read_gguf(path: Path) -> GgufHeader:
    """Return the header of a GGUF file of version 2 or 3.

    The file is mapped, not read: memory grows with the metadata kept, not with what the file declares.
    Raises ArchitectureError naming the file when it is truncated, corrupt, or of another byte order or version.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size < 24:
                raise problem(path, f"is no GGUF file: it has {size} bytes")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Reader(path, data, size).header()
    except OSError as error:
        raise problem(path, f"cannot be read: {error.strerror or error}") from error


_CONVERT = "convert the model anew with llama.cpp's convert_hf_to_gguf.py, or give its config.json"


class _Reader:
    """A cursor over the mapped file; every step checks that the bytes are there."""

    def __init__(self, path: Path, data: mmap.mmap, size: int) -> None:
        self.path, self.data, self.size, self.at = path, data, size, 0

    def fail(self, message: str, remedy: str = "") -> ArchitectureError:
        return problem(self.path, message, remedy)

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > self.size:
            raise self.fail(f"is truncated: byte {end:,} is wanted, the file has {self.size:,}")
        start, self.at = self.at, end
        return self.data[start:end]

    def scalar(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.take(struct.calcsize(code)))[0]

    def string(self, limit: int = MAX_NAME) -> str:
        length = self.scalar("Q")
        if length > limit:
            raise self.fail(f"declares a name of {length:,} bytes at byte {self.at:,}; at most {limit:,} are read")
        return self.take(length).decode("utf-8", errors="replace")

    def skip_string(self) -> None:
        length = self.scalar("Q")
        if length > self.size - self.at:
            raise self.fail(f"is truncated: a string of {length:,} bytes at byte {self.at:,}")
        self.at += length

    def header(self) -> GgufHeader:
        magic = self.take(4)
        if magic != b"GGUF":
            raise self.fail(f"is no GGUF file: it starts with {magic!r}", _CONVERT)
        version = self.scalar("I")
        if version not in (2, 3):
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
            reason = "is big-endian" if swapped in (2, 3) else f"has version {version}"
            raise self.fail(f"{reason}; little-endian versions 2 and 3 are read", _CONVERT)
        tensors, keys = self.scalar("Q"), self.scalar("Q")
        if keys > MAX_KEYS or tensors > MAX_TENSORS:
            raise self.fail(f"declares {tensors:,} tensors and {keys:,} keys; no model has so many")
        metadata: dict[str, Any] = {}
        for _ in range(keys):
            name = self.string()
            metadata[name] = self.value(self.scalar("I"), name)
        infos = [self.tensor() for _ in range(tensors)]
        self._check_data(infos, metadata)
        return GgufHeader(version, metadata, infos)

    def value(self, kind: int, name: str, depth: int = 0) -> Any:
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind])
        if kind == _STRING:
            return self._text()
        if kind != _ARRAY or depth > 2:
            raise self.fail(f"key {name!r:.80}: value type {kind} is not known")
        item, length = self.scalar("I"), self.scalar("Q")
        return self._array(item, length, name, depth)

    def _text(self) -> str:
        """Return a string value; templates of some length are skipped."""
        start = self.at
        length = self.scalar("Q")
        self.at = start
        if length > MAX_NAME:
            self.skip_string()
            return ""
        return self.string()

    def _array(self, item: int, length: int, name: str, depth: int) -> Any:
        width = struct.calcsize(_SCALARS[item]) if item in _SCALARS else 8
        if length * width > self.size - self.at:
            raise self.fail(f"is truncated: key {name!r:.80} declares {length:,} items")
        if length <= KEPT_ITEMS:
            return [self.value(item, name, depth + 1) for _ in range(length)]
        if item in _SCALARS:
            self.at += length * width
        else:
            skip: Callable[[], Any] = self.skip_string if item == _STRING else lambda: self.value(item, name, depth + 1)
            for _ in range(length):
                skip()
        return SkippedArray(length)

    def tensor(self) -> StoredTensor:
        name = self.string(limit=1024)
        dimensions = self.scalar("I")
        if dimensions > 4:
            raise self.fail(f"tensor {name!r:.80} has {dimensions} dimensions")
        shape = tuple(self.scalar("Q") for _ in range(dimensions))
        kind, offset = self.scalar("I"), self.scalar("Q")
        if kind not in GGML_TYPES:
            raise self.fail(f"tensor {name!r:.80}: ggml type {kind} is not known")
        if any(side > 2**40 for side in shape):
            raise self.fail(f"tensor {name!r:.80}: shape {shape} is no shape of a weight")
        label, weights, size = GGML_TYPES[kind]
        tensor = StoredTensor(name, tuple(reversed(shape)), label, 0, offset)
        if tensor.elements % weights:
            raise self.fail(f"tensor {name!r:.80}: {tensor.elements:,} values are no whole blocks of {weights}")
        return StoredTensor(name, tensor.shape, label, tensor.elements // weights * size, offset)

    def _check_data(self, infos: list[StoredTensor], metadata: dict[str, Any]) -> None:
        alignment = metadata.get("general.alignment", 32)
        if type(alignment) is not int or not 0 < alignment <= 2**20:
            raise self.fail(f"general.alignment {alignment!r:.20} is not a number of bytes")
        start = -(-self.at // alignment) * alignment
        end = 0
        for tensor in sorted(infos, key=lambda info: info.begin):
            if tensor.begin < end:
                raise self.fail(f"tensor {tensor.name!r:.80} overlaps the one before it")
            end = tensor.begin + tensor.bytes
        if start + end > self.size:
            raise self.fail(f"is truncated: its tensors end at byte {start + end:,}, the file at {self.size:,}")
