"""What a model is made of: config.json, safetensors or GGUF header -> one ModelArchitecture.

The names below are imported when they are first used: most of the planner needs the model alone, not its readers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "ModelArchitecture": "model",
    "StoredTensors": "model",
    "cache_elements": "counting",
    "count_parameters": "counting",
    "dump": "serialize",
    "kv_bytes_per_token": "counting",
    "load": "serialize",
    "parse_config": "parser",
    "resolve_model": "resolve",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
