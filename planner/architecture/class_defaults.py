"""Values that transformers' configuration classes take for fields which a config.json leaves out.

``class_defaults.json`` holds them by model_type, as declared in transformers 5.23 (Apache-2.0); the test suite's
oracle script writes it anew. Published multimodal configs lean on them: Gemma 3 states neither heads nor vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ESSENTIAL = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
"""Without one of these a config relies on its class."""


@cache
def _table() -> dict[str, dict[str, Any]]:
    path = Path(__file__).with_name("class_defaults.json")
    table: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return table


def class_defaults(*model_types: str) -> Mapping[str, Any]:
    """Return the declared defaults of the first of the types that is known, else nothing."""
    table = _table()
    for name in model_types:
        if name in table:
            return table[name]
    return {}
