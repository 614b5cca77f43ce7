"""What a model is made of: config.json, safetensors or GGUF header -> one ModelArchitecture."""

from __future__ import annotations

from planner.architecture.counting import count_parameters, kv_bytes_per_token
from planner.architecture.model import ModelArchitecture
from planner.architecture.parser import parse_config

__all__ = ["ModelArchitecture", "count_parameters", "kv_bytes_per_token", "parse_config"]
