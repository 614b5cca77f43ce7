"""Checkpoint headers made to order: right ones to read, wrong ones to refuse."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

TINY = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 160,
    "max_position_embeddings": 512,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
}

WIDTHS = {"BF16": 2, "F32": 4, "F8_E4M3": 1, "U8": 1, "I32": 4}


def tiny_tensors(layers: int = 2) -> dict[str, tuple[str, list[int]]]:
    """The tensors that transformers saves for TINY: name -> (dtype, shape)."""
    found: dict[str, tuple[str, list[int]]] = {
        "model.embed_tokens.weight": ("BF16", [160, 64]),
        "model.norm.weight": ("BF16", [64]),
        "lm_head.weight": ("BF16", [160, 64]),
    }
    for layer in range(layers):
        prefix = f"model.layers.{layer}"
        found |= {
            f"{prefix}.self_attn.q_proj.weight": ("BF16", [64, 64]),
            f"{prefix}.self_attn.k_proj.weight": ("BF16", [32, 64]),
            f"{prefix}.self_attn.v_proj.weight": ("BF16", [32, 64]),
            f"{prefix}.self_attn.o_proj.weight": ("BF16", [64, 64]),
            f"{prefix}.mlp.gate_proj.weight": ("BF16", [96, 64]),
            f"{prefix}.mlp.up_proj.weight": ("BF16", [96, 64]),
            f"{prefix}.mlp.down_proj.weight": ("BF16", [64, 96]),
            f"{prefix}.input_layernorm.weight": ("BF16", [64]),
            f"{prefix}.post_attention_layernorm.weight": ("BF16", [64]),
        }
    return found


def elements(shape: list[int]) -> int:
    """The product of the sides."""
    product = 1
    for side in shape:
        product *= side
    return product


@pytest.fixture
def tiny() -> dict[str, Any]:
    """The config of a Llama of 75,000 parameters."""
    return dict(TINY)


@pytest.fixture
def saved() -> dict[str, tuple[str, list[int]]]:
    """The tensors of the tiny model's checkpoint."""
    return tiny_tensors()


@pytest.fixture
def safetensors(tmp_path: Path) -> Callable[..., Path]:
    """Write a .safetensors file of zeros, of which the header is what matters."""

    def write(tensors: Mapping[str, tuple[str, list[int]]], name: str = "model.safetensors") -> Path:
        header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
        at = 0
        for key, (dtype, shape) in tensors.items():
            size = elements(shape) * WIDTHS[dtype]
            header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
            at += size
        text = json.dumps(header).encode()
        path = tmp_path / name
        path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(at))
        return path

    return write


@pytest.fixture
def folder(tmp_path: Path, tiny: dict[str, Any]) -> Path:
    """A directory with the tiny model's config.json."""
    (tmp_path / "config.json").write_text(json.dumps(tiny), encoding="utf-8")
    return tmp_path


class GgufFile:
    """A GGUF file in the making; every part may be falsified before it is written."""

    def __init__(self) -> None:
        self.magic, self.version = b"GGUF", 3
        self.metadata: list[bytes] = []
        self.tensors: list[bytes] = []
        self.data = 0
        self.counts: tuple[int, int] | None = None

    def text(self, value: str) -> bytes:
        """A string with its length before it."""
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def add(self, key: str, value: Any) -> None:
        """Add a key: text, truth value, whole number or list of one of them."""
        self.metadata.append(self.text(key) + self._typed(value))

    def _typed(self, value: Any) -> bytes:
        if isinstance(value, str):
            return struct.pack("<I", 8) + self.text(value)
        if isinstance(value, bool):
            return struct.pack("<I?", 7, value)
        if isinstance(value, int):
            return struct.pack("<II", 4, value)
        items = b"".join(self.text(item) if isinstance(item, str) else struct.pack("<I", item) for item in value)
        kind = 8 if value and isinstance(value[0], str) else 4
        return struct.pack("<IIQ", 9, kind, len(value)) + items

    def tensor(self, name: str, shape: list[int], kind: int = 1, size: int | None = None) -> None:
        """Add a tensor with output features first; ggml counts its sides the other way round."""
        sides = list(reversed(shape))
        info = self.text(name) + struct.pack("<I", len(sides)) + b"".join(struct.pack("<Q", side) for side in sides)
        self.tensors.append(info + struct.pack("<IQ", kind, self.data))
        blocks = {0: (1, 4), 1: (1, 2), 8: (32, 34), 12: (256, 144), 14: (256, 210)}
        weights, width = blocks.get(kind, (1, 2))
        self.data += -(-(size if size is not None else elements(shape) // weights * width) // 32) * 32

    def write(self, path: Path) -> Path:
        """Write header and zeros."""
        tensors, keys = self.counts or (len(self.tensors), len(self.metadata))
        head = self.magic + struct.pack("<IQQ", self.version, tensors, keys)
        head += b"".join(self.metadata) + b"".join(self.tensors)
        path.write_bytes(head + bytes(-len(head) % 32 + self.data))
        return path


@pytest.fixture
def gguf() -> GgufFile:
    """A right GGUF file of the tiny model, with Q4_K where its rows allow it."""
    file = GgufFile()
    file.add("general.architecture", "llama")
    file.add("general.file_type", 15)
    for key, value in {
        "block_count": 2, "embedding_length": 256, "feed_forward_length": 512, "context_length": 512,
        "attention.head_count": 4, "attention.head_count_kv": 2, "rope.dimension_count": 64,
    }.items():  # fmt: skip
        file.add(f"llama.{key}", value)
    file.add("tokenizer.ggml.tokens", [f"token{index}" for index in range(160)])
    file.tensor("token_embd.weight", [160, 256], 14)
    file.tensor("output_norm.weight", [256], 0)
    file.tensor("output.weight", [160, 256], 14)
    file.tensor("rope_freqs.weight", [32], 0)
    for layer in range(2):
        for name, shape in {
            "attn_q": [256, 256], "attn_k": [128, 256], "attn_v": [128, 256], "attn_output": [256, 256],
            "ffn_gate": [512, 256], "ffn_up": [512, 256], "ffn_down": [256, 512],
        }.items():  # fmt: skip
            file.tensor(f"blk.{layer}.{name}.weight", shape, 12)
        file.tensor(f"blk.{layer}.attn_norm.weight", [256], 0)
        file.tensor(f"blk.{layer}.ffn_norm.weight", [256], 0)
    return file
