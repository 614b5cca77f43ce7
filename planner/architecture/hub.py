"""Config and headers from the Hugging Face hub, through huggingface_hub (extra ``hub``), only when asked to."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from planner.architecture.checkpoint import INDEX, packed_bits, reconcile
from planner.architecture.json_file import problem, read_json_object
from planner.architecture.model import ModelArchitecture
from planner.architecture.parser import parse_config
from planner.architecture.stored import StoredTensor, summarize
from planner.errors import MissingExtra


def fetch_model(repository: str, revision: str | None = None) -> ModelArchitecture:
    """Return the architecture of a hub repository: its config.json, and its safetensors headers where they can be read.

    Files are cached by huggingface_hub. Raises MissingExtra without the package, ArchitectureError without network,
    access or config.json.
    """
    config, source = fetch_config(repository, revision)
    architecture = parse_config(config, id=repository, source=source)
    tensors, total = _headers(repository, revision)
    if not tensors:
        return architecture
    bits = packed_bits(config)
    stored = summarize(tensors, [INDEX], total, bits)
    return reconcile(replace(architecture, stored=stored), tensors, bits)


def fetch_config(repository: str, revision: str | None = None) -> tuple[dict[str, Any], str]:
    """Return (config.json, its address with the commit)."""
    hub = _package()
    if not _answers():
        reason = "cannot be fetched from the hub: its address is not found"
        raise problem(repository, reason, "check the network, or pass a local directory or config.json")
    try:
        path = Path(hub.hf_hub_download(repository, "config.json", revision=revision))
    except Exception as error:  # the package raises a family of its own on top of several HTTP libraries
        raise problem(repository, *_reason(error)) from error
    commit = path.parent.name if path.parent.parent.name == "snapshots" else revision or "main"
    return read_json_object(path), f"huggingface.co/{repository}/blob/{commit}/config.json"


def _package() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise MissingExtra("huggingface_hub", "hub", "reading a model from the Hugging Face hub") from error
    return huggingface_hub


def _answers() -> bool:
    """Whether the hub's name resolves. Without a network the package would try for half a minute before it says so."""
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True  # a proxy resolves names where we may not
    host = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co").hostname
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return False
    return True


def _headers(repository: str, revision: str | None) -> tuple[list[StoredTensor], int]:
    """Return the tensors that the hub's safetensors headers list, or none: many repositories have none."""
    try:
        metadata = _package().get_safetensors_metadata(repository, revision=revision)
    except Exception:  # no safetensors, no access to them or no network any more: the config suffices
        return [], 0
    tensors = [
        StoredTensor(name, tuple(info.shape), info.dtype, info.data_offsets[1] - info.data_offsets[0])
        for file in metadata.files_metadata.values()
        for name, info in file.tensors.items()
    ]
    return tensors, sum(tensor.bytes for tensor in tensors)


def _reason(error: Exception) -> tuple[str, str]:
    """Return what went wrong and what to do, in words of the user's world."""
    name = type(error).__name__
    if "Gated" in name:
        return "is gated on the hub", "accept its licence there and log in with `hf auth login`"
    if "NotFound" in name and "Entry" in name and "Local" not in name:
        return "has no config.json on the hub", "pass the path of a GGUF or safetensors file instead"
    if "RepositoryNotFound" in name:
        return "is not on the hub, or not for you", "check the name, or log in with `hf auth login`"
    return f"cannot be fetched from the hub ({name})", "check the network, or pass a local directory or config.json"
