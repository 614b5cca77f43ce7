"""Models on disk: a config.json, a directory, safetensors files or their index, a GGUF file -> ModelArchitecture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.architecture.counting import count_parameters
from planner.architecture.gguf import GgufHeader, read_gguf
from planner.architecture.gguf_config import FILE_TYPES, config_of
from planner.architecture.inventory import from_header
from planner.architecture.json_file import problem, read_json_object
from planner.architecture.model import ModelArchitecture
from planner.architecture.parser import parse_config
from planner.architecture.safetensors import read_index, read_shards
from planner.architecture.stored import StoredTensor, summarize

INDEX = "model.safetensors.index.json"
_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")


def read_model(path: Path, *, id: str = "") -> ModelArchitecture:
    """Return the architecture of what lies at ``path``. Raises ArchitectureError naming the file that is wrong."""
    name = path.name
    if path.is_dir():
        return _directory(path, id or name)
    if not path.exists():
        raise problem(path, "does not exist")
    if name.endswith(".gguf"):
        return _gguf(path, id or path.stem)
    if name.endswith(".index.json"):
        files, total = read_index(path)
        return _safetensors(path.parent, sorted(set(files.values())), total, id or path.parent.name)
    if name.endswith(".safetensors"):
        return _safetensors(path.parent, [name], 0, id or path.stem)
    if name.endswith(".json"):
        return parse_config(read_json_object(path), id=id or path.parent.name, source=str(path))
    raise problem(path, "is no config.json, .safetensors, .index.json or .gguf file and no directory with them")


def _directory(folder: Path, id: str) -> ModelArchitecture:
    if (folder / INDEX).is_file():
        files, total = read_index(folder / INDEX)
        return _safetensors(folder, sorted(set(files.values())), total, id)
    weights = sorted(item.name for item in folder.glob("*.safetensors"))
    if weights:
        return _safetensors(folder, weights, 0, id)
    models = sorted(folder.glob("*.gguf"))
    if models and not (folder / "config.json").is_file():
        return _gguf(models[0], id)
    if (folder / "config.json").is_file():
        return read_model(folder / "config.json", id=id)
    raise problem(folder, "holds no config.json, no safetensors and no GGUF file")


def _safetensors(folder: Path, names: Sequence[str], total_bytes: int, id: str) -> ModelArchitecture:
    config_path = folder / "config.json"
    if not config_path.is_file():
        remedy = "the header has the shapes; heads, windows and routing are in config.json"
        raise problem(folder / names[0], "needs its config.json beside it", remedy)
    config = read_json_object(config_path)
    architecture = parse_config(config, id=id, source=str(config_path))
    tensors, missing = read_shards(folder, names)
    bits = packed_bits(config)
    stored = summarize(tensors, set(names) - set(missing), total_bytes, bits)
    if missing:
        note = f"{len(missing)} of {len(names)} shards are not here: counts follow config.json"
        bytes_known = total_bytes or stored.total_bytes
        return replace(architecture, stored=replace(stored, total_bytes=bytes_known), notes=(*architecture.notes, note))
    return reconcile(replace(architecture, stored=stored), tensors, bits)


def packed_bits(config: Mapping[str, Any]) -> int | None:
    """Return how wide packed weights are, where the quantization says that they are."""
    quantization = config.get("quantization_config")
    if not isinstance(quantization, Mapping):
        return None
    if type(quantization.get("bits")) is int:
        return int(quantization["bits"])
    if quantization.get("quant_method") == "mxfp4" or quantization.get("load_in_4bit"):
        return 4
    if "FP4" in str(quantization.get("quant_algo", "")).upper():
        return 4
    groups = quantization.get("config_groups")
    for group in groups.values() if isinstance(groups, Mapping) else ():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        if isinstance(weights, Mapping) and type(weights.get("num_bits")) is int:
            return int(weights["num_bits"])
    return None


def reconcile(architecture: ModelArchitecture, tensors: Sequence[StoredTensor], bits: int | None) -> ModelArchitecture:
    """Return the architecture with the header's counts: it is the truth where both speak.

    A head stored beside the embedding it is tied to, and MTP layers, are no disagreement.
    """
    if architecture.stored is None or not tensors:
        return architecture
    implied = count_parameters(architecture)
    held = architecture.stored.parameters
    head = next((t.parameters for t in architecture.outer if t.component == "embedding"), 0)
    twice = head if architecture.tied_embeddings else 0
    for extra in (0, implied.mtp):
        if held == implied.total + extra:
            return architecture
        if twice and held == implied.total + extra + twice:
            return replace(architecture, stores_tied_head=True)
    changed = from_header(architecture, tensors, bits)
    counted = count_parameters(changed).total
    note = f"config.json implies {implied.total:,} parameters, the header holds {counted:,}: the header counts"
    return replace(changed, notes=(*architecture.notes, note), estimated=False)


def _gguf(path: Path, id: str) -> ModelArchitecture:
    files = _gguf_parts(path)
    headers = [read_gguf(part) for part in files]
    header = GgufHeader(headers[0].version, headers[0].metadata, [t for part in headers for t in part.tensors])
    config = config_of(header, path)
    architecture = parse_config(config, id=id, source=str(path))
    file_type = header.metadata.get("general.file_type")
    stored = summarize(header.tensors, [part.name for part in files])
    architecture = replace(
        architecture,
        stored=stored,
        native_format=FILE_TYPES.get(file_type) if type(file_type) is int else None,
    )
    return reconcile(architecture, header.tensors, None)


def _gguf_parts(path: Path) -> list[Path]:
    """Return all parts of a split file, the first leading; those that are missing are an error."""
    found = _SPLIT.search(path.name)
    if not found:
        return [path]
    stem, count = path.name[: found.start()], int(found[2])
    parts = [path.with_name(f"{stem}-{index:05}-of-{count:05}.gguf") for index in range(1, min(count, 999) + 1)]
    for part in parts:
        if not part.is_file():
            raise problem(part, f"is missing: {path.name} is one of {count} parts")
    return parts
