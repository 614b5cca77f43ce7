"""What a model is made of: config.json, safetensors or GGUF header -> one ModelArchitecture."""

from __future__ import annotations

from planner.architecture.counting import cache_elements, count_parameters, kv_bytes_per_token
from planner.architecture.model import ModelArchitecture, StoredTensors
from planner.architecture.parser import parse_config
from planner.architecture.resolve import resolve_model
from planner.architecture.serialize import dump, load

__all__ = [
    "ModelArchitecture",
    "StoredTensors",
    "cache_elements",
    "count_parameters",
    "dump",
    "kv_bytes_per_token",
    "load",
    "parse_config",
    "resolve_model",
]
