"""Reading JSON that came from elsewhere: limits on size, depth and numbers, errors that name the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from planner.errors import ArchitectureError, Diagnostic

MAX_CONFIG_BYTES = 8 * 1024**2
"""The largest published config.json has 0.1 MiB, the largest index some 10 MiB (``MAX_INDEX_BYTES``)."""

MAX_INDEX_BYTES = 64 * 1024**2
MAX_DEPTH = 32


_WEIGHTS = (".safetensors", ".gguf")
_FETCH = "the file is damaged or not whole: fetch it again, or give the model's config.json"


def problem(path: Path | str, message: str, remedy: str = "") -> ArchitectureError:
    """Return the error for a file that cannot be read; files of weights are fetched again unless ``remedy`` differs."""
    if not remedy and str(path).endswith(_WEIGHTS):
        remedy = _FETCH
    return ArchitectureError([Diagnostic(message, path=str(path), code="architecture-file", help=remedy)])


def read_json_object(path: Path, limit: int = MAX_CONFIG_BYTES) -> dict[str, Any]:
    """Return the object in a JSON file. Raises ArchitectureError naming the file and what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise problem(path, f"cannot be read: {error.strerror or error}") from error
    if len(data) > limit:
        raise problem(path, f"is larger than {limit // 1024**2} MiB: no model description is")
    return parse_json_object(data, path)


def parse_json_object(data: bytes, path: Path | str) -> dict[str, Any]:
    """Return the object that ``data`` holds; ``path`` is for messages."""
    try:
        value = json.loads(data)
    except UnicodeDecodeError as error:
        raise problem(path, f"is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise problem(path, f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise problem(path, f"is nested more than {MAX_DEPTH} deep") from error
    except ValueError as error:  # numbers of thousands of digits
        raise problem(path, f"holds a number that is no number of a model: {error}") from error
    if not isinstance(value, dict):
        raise problem(path, f"must hold a JSON object, holds {type(value).__name__}")
    if _deeper(value, MAX_DEPTH):
        raise problem(path, f"is nested more than {MAX_DEPTH} deep")
    return value


def _deeper(value: Any, limit: int) -> bool:
    """Whether containers nest more than ``limit`` deep; walks level by level, never recursing."""
    level = [value]
    for _ in range(limit):
        level = [
            item
            for container in level
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True
