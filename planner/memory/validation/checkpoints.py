"""Sizes of published checkpoints: bytes of the files beside what the formats' recipes give."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from planner.architecture.model import TOWERS, ModelArchitecture
from planner.catalog import Catalog
from planner.memory.gguf_mix import HEADER_BYTES_PER_TOKEN
from planner.memory.validation.names import find_format
from planner.memory.weights import weight_bytes

FindModel = Callable[[str], ModelArchitecture | None]

PREDICTED = ("predicted_total_bytes", "prediction_notes")

COMPARED: tuple[tuple[str, str], ...] = (("total_bytes", "predicted_total_bytes"),)

NO_RECIPE = ("ud-", "dq", "dynamic", "dwq", "mixed_", "iq1", "iq2")
"""Mixes that choose types layer by layer from measurements; the nearest plain recipe stands in and a note says so."""

RECIPES = ("mlx-dq3_k_m", "mlx-dq4plus")
"""Mixes by layer whose recipe is known."""

_BITS_IN_NAME = re.compile(r"\d[- ]?bit|bf16|fp\d+|mxfp|q\d")


def predict_checkpoints(
    rows: Iterable[Mapping[str, Any]], catalog: Catalog, find_model: FindModel
) -> list[dict[str, Any]]:
    """Return the rows with the bytes that the format's recipe gives the base model, in order."""
    return [{**row, **predict_checkpoint(row, catalog, find_model)} for row in rows]


def predict_checkpoint(row: Mapping[str, Any], catalog: Catalog, find_model: FindModel) -> dict[str, Any]:
    """Return the predicted columns of one row; what cannot be predicted is absent, and a note says why."""
    name, written = (
        str(row.get("id") or row.get("model") or ""),
        str(row.get("format") or row.get("quantization") or ""),
    )
    architecture = next(
        (found for text in (row.get("base"), name) if isinstance(text, str) and (found := find_model(text))), None
    )
    if architecture is None:
        return {"prediction_notes": f"model {row.get('base') or name!r} is not in the catalog"}
    fmt = checkpoint_format(written, name, architecture.native_format)
    if fmt is None or fmt not in catalog.formats:
        return {"prediction_notes": f"no recipe for {written!r}"}
    notes = []
    if fmt not in RECIPES and any(mark in f"{written} {name}".lower() for mark in NO_RECIPE):
        notes.append(f"chosen layer by layer; {fmt} stands in")
    weights = weight_bytes(architecture, catalog.formats[fmt])
    total = weights.checkpoint
    if catalog.formats[fmt].kind == "gguf":
        total -= weights.held_by(TOWERS)[0]
        if name.endswith(".gguf"):
            total += HEADER_BYTES_PER_TOKEN * architecture.vocab_size
    if "mtp" in written.lower():
        total += weights.mtp
    return {"predicted_total_bytes": total, "prediction_notes": "; ".join(notes)}


def checkpoint_format(written: str, name: str, native: str | None = None) -> str | None:
    """Return the format id of a checkpoint, from the format as written and its name; ``native`` is the publisher's own.

    MLX files say their number format in the name where they are not plain integers. A name without any is that of the
    publisher's own files; those in NVFP4 are taken for the publisher's too, whose recipe leaves more in 16 bit.
    """
    text, short = written.lower(), name.rsplit("/", 1)[-1].lower()
    if text.startswith("mlx"):
        if native is not None and not _BITS_IN_NAME.search(short):
            return native
        if "mxfp4" in short and "mxfp4-q8" not in short:
            return "mlx-mxfp4"
        if re.search(r"nvfp4|dq3_k_m|dq4plus", short):
            return find_format(short)
        return find_format(f"{written} gs32" if "gs32" in short else written)
    if text.startswith("mxfp4 experts"):
        return "mxfp4"
    return find_format(written, name)
