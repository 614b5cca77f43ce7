"""One name for a model in any of the forms that people have: catalog id, alias, path, hub id or the config itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.architecture.model import ModelArchitecture
from planner.architecture.parser import parse_config
from planner.errors import ArchitectureError, Diagnostic

if TYPE_CHECKING:
    from planner.catalog.catalog import Catalog

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_FILE_ENDINGS = (".json", ".safetensors", ".gguf")


def resolve_model(
    reference: str | Mapping[str, Any],
    *,
    catalog: Catalog,
    base_dir: Path | None = None,
    allow_network: bool = False,
) -> ModelArchitecture:
    """Return the architecture that a reference means.

    In this order: a mapping is a config.json or a dump itself; a string is a catalog id or alias, such a mapping in
    braces, a path relative to ``base_dir`` (a directory, config.json, safetensors, index or GGUF file), or a Hugging
    Face id, fetched only with ``allow_network``. Raises ArchitectureError that says what was looked for, and what may
    have been meant.
    """
    if isinstance(reference, Mapping):
        return parse_config(reference, id=str(reference.get("id") or reference.get("_name_or_path") or "inline"))
    known = catalog.resolve("models", reference)
    if known is not None:
        return _from_catalog(known, catalog)
    if reference.lstrip().startswith("{"):
        return resolve_model(_written_out(reference), catalog=catalog)
    path = _existing(reference, base_dir)
    if path is not None:
        from planner.architecture.checkpoint import read_model

        return read_model(path)
    if _HUB_ID.fullmatch(reference) and not reference.endswith(_FILE_ENDINGS) and allow_network:
        from planner.architecture.hub import fetch_model

        return fetch_model(reference)
    raise _unknown(reference, catalog)


def _written_out(text: str) -> dict[str, Any]:
    """Return the mapping that a text in braces means, YAML or JSON. Raises ArchitectureError, which names the place."""
    from planner.source import load_yaml

    return dict(load_yaml(text, name="MODEL", error=ArchitectureError).data)


def _from_catalog(id: str, catalog: Catalog) -> ModelArchitecture:
    return _parsed(id, catalog.digests["models"], catalog)


@lru_cache(maxsize=64)
def _parsed(id: str, digest: str, catalog: Catalog) -> ModelArchitecture:
    from dataclasses import replace

    entry = catalog.models[id]
    architecture = parse_config(entry.config, id=id, source=f"catalog {id}")
    native = None if entry.native_format in ("bf16", "fp16", "fp32") else entry.native_format
    return replace(architecture, native_format=native)


def _existing(reference: str, base_dir: Path | None) -> Path | None:
    """Return the path that the reference names, if something is there."""
    if not reference.strip() or "\0" in reference or len(reference) > 4096:
        return None
    try:
        path = Path(reference).expanduser()
        path = path if path.is_absolute() else (base_dir or Path()) / path
        return path if path.exists() else None
    except (OSError, RuntimeError):
        return None


def _unknown(reference: str, catalog: Catalog) -> ArchitectureError:
    shown = reference if len(reference) < 100 else reference[:97] + "..."
    if reference.endswith(_FILE_ENDINGS) or reference.startswith((".", "/", "~")):
        return ArchitectureError([Diagnostic(f"{shown}: no such file or directory", code="unknown-model")])
    close = catalog.suggest("models", reference)
    close = catalog.resolve("models", close) or close
    remedy = f"did you mean {close!r}?" if close else "`planner catalog list models` shows the known ones"
    if _HUB_ID.fullmatch(reference):
        remedy += f"; `planner catalog add model {shown}` fetches it from the hub"
    return ArchitectureError([Diagnostic(f"the model {shown!r} is not known", code="unknown-model", help=remedy)])
