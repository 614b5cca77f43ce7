"""A model as an entry of the catalog: its config, its exact count, and where both are from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.architecture.counting import count_parameters
from planner.architecture.model import ModelArchitecture
from planner.architecture.parser import parse_config
from planner.architecture.serialize import dump, is_dump

_NOISE = frozenset(
    ("_name_or_path", "transformers_version", "auto_map", "id2label", "label2id", "task_specific_params", "use_cache",
     "bos_token_id", "eos_token_id", "pad_token_id", "initializer_range", "torchscript", "return_dict",
     "time_step_limit")
)  # fmt: skip
"""Fields of a config.json that say nothing of the architecture."""


def model_entry(
    architecture: ModelArchitecture, config: Mapping[str, Any] | None, *, source: str, as_of: str
) -> dict[str, Any]:
    """Return the record of a catalog file for a model that was read from somewhere.

    The config is kept as it was, without noise, where it implies the parameters that were counted; where headers said
    otherwise, or there was no config (GGUF), the architecture itself stands in its place.
    """
    total = count_parameters(architecture).total
    kept = _without_noise(config) if config is not None else None
    if kept is None or count_parameters(parse_config(kept, id=architecture.id)).total != total:
        kept = dump(architecture)
    stored = architecture.stored
    basis = "the tensors in the checkpoint's headers" if stored and stored.tensors else "sum over this config"
    entry: dict[str, Any] = {
        "id": architecture.id,
        "name": architecture.id.split("/")[-1],
        "parameters": total,
        "parameters_basis": basis,
        "source": source,
        "as_of": as_of,
    }
    if architecture.native_format:
        entry["native_format"] = architecture.native_format
    if is_dump(kept):
        entry["config_kind"] = "reconstructed"
    if architecture.notes:
        entry["notes"] = "; ".join(architecture.notes)
    return {**entry, "config": kept}


def _without_noise(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_noise(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if key not in _NOISE
    }


def config_beside(path: Path) -> dict[str, Any] | None:
    """Return the config.json that describes what lies at ``path``, or None where there is none (GGUF)."""
    from planner.architecture.json_file import read_json_object

    if path.suffix == ".json" and not path.name.endswith(".index.json"):
        return read_json_object(path)
    beside = (path if path.is_dir() else path.parent) / "config.json"
    return read_json_object(beside) if path.suffix != ".gguf" and beside.is_file() else None
