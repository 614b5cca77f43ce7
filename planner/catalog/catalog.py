"""The Catalog: what exists, read once, each kind decoded when it is first asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from planner.catalog import cache
from planner.catalog.files import catalog_roots, scan
from planner.catalog.kinds import KINDS, decoder

if TYPE_CHECKING:
    from planner.catalog.quality import Quality
    from planner.catalog.schema.accelerators import Accelerator
    from planner.catalog.schema.engines import Engine
    from planner.catalog.schema.formats import KvFormat, WeightFormat
    from planner.catalog.schema.models import ModelEntry
    from planner.catalog.schema.offers import Offer
    from planner.catalog.schema.places import Region, StorageClass
    from planner.catalog.schema.quality import QualityFamily

_LAZY = "models"
"""The kind whose entities are decoded one by one: a plan needs one model, and their configurations are long."""

_loaded: dict[str, Catalog] = {}


class _LazyEntities(Mapping[str, Any]):
    """Entities that are decoded when they are looked up. Sorted by id."""

    def __init__(self, kind: str, lines: Mapping[str, bytes]) -> None:
        self._kind, self._lines = kind, lines
        self._decoded: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._decoded:
            self._decoded[key] = decoder(self._kind)(json.loads(self._lines[key]))
        return self._decoded[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, key: object) -> bool:
        return key in self._lines


class Catalog:
    """Read-only mappings of id to entity, in sorted order, and a sha256 of each kind's content (``digests``)."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        header = json.loads(lines[0])
        self.digests: Mapping[str, str] = MappingProxyType(header["digests"])
        self._names: dict[str, dict[str, str]] = header["names"]
        self._lines: dict[str, bytes] = dict(zip(header["kinds"], lines[1:], strict=False))
        ids = header["lazy"]
        self._lazy: dict[str, bytes] = dict(zip(ids, lines[1 + len(header["kinds"]) :], strict=True))

    def _entities(self, kind: str) -> Mapping[str, Any]:
        read = decoder(kind)
        return MappingProxyType({record["id"]: read(record) for record in json.loads(self._lines[kind])})

    @cached_property
    def accelerators(self) -> Mapping[str, Accelerator]:
        """Devices."""
        return self._entities("accelerators")

    @cached_property
    def engines(self) -> Mapping[str, Engine]:
        """Inference engines."""
        return self._entities("engines")

    @cached_property
    def formats(self) -> Mapping[str, WeightFormat]:
        """Formats of weights."""
        return self._entities("formats")

    @cached_property
    def kv_formats(self) -> Mapping[str, KvFormat]:
        """Formats of the KV cache."""
        return self._entities("kv_formats")

    @cached_property
    def models(self) -> Mapping[str, ModelEntry]:
        """Models; each is decoded when it is looked up."""
        return _LazyEntities(_LAZY, self._lazy)

    @cached_property
    def offers(self) -> Mapping[str, Offer]:
        """What can be rented or bought."""
        return self._entities("offers")

    @cached_property
    def regions(self) -> Mapping[str, Region]:
        """Power prices, PUE and colocation."""
        return self._entities("regions")

    @cached_property
    def storage(self) -> Mapping[str, StorageClass]:
        """Where weights are loaded from."""
        return self._entities("storage")

    @cached_property
    def quality_families(self) -> Mapping[str, QualityFamily]:
        """The evidence behind ``quality``."""
        return self._entities("quality")

    @cached_property
    def quality(self) -> Quality:
        """Recovery of quantized models."""
        from planner.catalog.quality import Quality

        return Quality(self.quality_families, self.formats, self.kv_formats)

    def entities(self, kind: str) -> Mapping[str, Any]:
        """Return the mapping of a kind by its name (``quality``: the families). Raises KeyError for an unknown kind."""
        if kind not in KINDS:
            raise KeyError(kind)
        found: Mapping[str, Any] = getattr(self, "quality_families" if kind == "quality" else kind)
        return found

    def resolve(self, kind: str, name: str) -> str | None:
        """Return the id that ``name`` means in a kind: an id or an alias, in any case; None for neither."""
        return self._names[kind].get(name.casefold())

    def suggest(self, kind: str, name: str) -> str:
        """Return the id or alias that may have been meant by an unknown ``name``, or ''."""
        from planner.source import closest

        return closest(name, [*self.entities(kind), *self._names[kind]])


def load_catalog(roots: Sequence[Path] | None = None) -> Catalog:
    """Return the catalog of the given directories, by default the shipped one and the user's own.

    Comes from the cache where no file has changed since. Raises CatalogError with every problem of every file.
    """
    roots = tuple(roots) if roots is not None else catalog_roots()
    files, key = scan(roots, KINDS)
    if key not in _loaded:
        scope = "\0".join(str(root) for root in roots)
        lines = cache.read("catalog", scope, key)
        if lines is None:
            fresh = _compile(files)
            cache.write("catalog", scope, key, fresh)
            lines = [line.encode() for line in fresh]
        _loaded.clear()
        _loaded[key] = Catalog(lines)
    return _loaded[key]


def _compile(files: Sequence[Any]) -> list[str]:
    """Return the catalog as lines of JSON: digests and names, one line per kind, one per entity of the lazy kind."""
    from planner.catalog.reading import digest, read_records

    records = read_records(files)
    eager = [kind for kind in KINDS if kind != _LAZY]
    header = {
        "digests": {kind: digest(records[kind]) for kind in KINDS},
        "names": {kind: _names(records[kind]) for kind in KINDS},
        "kinds": eager,
        "lazy": [record["id"] for record in records[_LAZY]],
    }
    return [json.dumps(part) for part in (header, *(records[kind] for kind in eager), *records[_LAZY])]


def _names(records: Sequence[dict[str, Any]]) -> dict[str, str]:
    names = {str(record["id"]).casefold(): str(record["id"]) for record in records}
    for record in records:
        for alias in record.get("aliases", ()):
            names.setdefault(str(alias).casefold(), str(record["id"]))
    return names
