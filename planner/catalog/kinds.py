"""The kinds of entity: their directory, their class, and what reads them back from plain data.

Nothing here imports pydantic or YAML; a kind's classes are imported when its first entity is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Record = dict[str, Any]
"""An entity as plain data: what YAML holds once validated, and what the cache keeps."""

KINDS: tuple[str, ...] = (
    "accelerators",
    "engines",
    "formats",
    "kv_formats",
    "models",
    "offers",
    "quality",
    "regions",
    "storage",
)


def decoder(kind: str) -> Callable[[Record], Any]:
    """Return the function that turns a record of that kind into its entity. The record is used up."""
    return _DECODERS[kind]()


def entity_class(kind: str) -> type:
    """Return the dataclass of a kind."""
    from importlib import import_module

    module, name = _CLASSES[kind]
    found: type = getattr(import_module(f"planner.catalog.schema.{module}"), name)
    return found


_CLASSES: dict[str, tuple[str, str]] = {
    "accelerators": ("accelerators", "Accelerator"),
    "engines": ("engines", "Engine"),
    "formats": ("formats", "WeightFormat"),
    "kv_formats": ("formats", "KvFormat"),
    "models": ("models", "ModelEntry"),
    "offers": ("offers", "Offer"),
    "quality": ("quality", "QualityFamily"),
    "regions": ("places", "Region"),
    "storage": ("places", "StorageClass"),
}


def _nested(record: Record, **readers: Callable[[Any], Any]) -> Record:
    """Replace the values of nested fields by what their readers make of them; absent fields keep their default."""
    for name, reader in readers.items():
        if name in record:
            record[name] = reader(record[name])
    return record


def _many(reader: Callable[[Any], Any]) -> Callable[[list[Any]], tuple[Any, ...]]:
    return lambda items: tuple([reader(item) for item in items])


def _accelerators() -> Callable[[Record], Any]:
    from planner.catalog.schema.accelerators import Accelerator, Link, Pcie

    def read(record: Record) -> Any:
        _nested(record, link=lambda item: Link(**item), pcie=lambda item: Pcie(**item), aliases=tuple)
        return Accelerator(**record)

    return read


def _engines() -> Callable[[Record], Any]:
    from planner.catalog.schema.engines import Engine, Parallelism, Setting, SettingRule, Support

    def rule(item: Record) -> Any:
        return SettingRule(**_nested(item, accelerators=tuple, not_accelerators=tuple))

    def support(item: Record) -> Any:
        return Support(**_nested(item, formats=tuple, generations=tuple))

    def read(record: Record) -> Any:
        _nested(
            record,
            parallelism=lambda item: Parallelism(**item),
            weights=_many(support),
            kv_cache=_many(support),
            settings=_many(lambda item: Setting(**_nested(item, rules=_many(rule)))),
            aliases=tuple,
        )
        return Engine(**record)

    return read


def _formats() -> Callable[[Record], Any]:
    from planner.catalog.schema.formats import WeightFormat
    from planner.catalog.schema.recipes import BlockType, Metadata, MixRule, WidthRule

    metadata = _many(lambda item: Metadata(**item))
    width = {"components": tuple, "tensors": tuple, "models": tuple, "metadata": metadata}

    def read(record: Record) -> Any:
        _nested(
            record,
            metadata=metadata,
            widths=_many(lambda item: WidthRule(**_nested(item, **width))),
            types=_many(lambda item: BlockType(**item)),
            mix=_many(lambda item: MixRule(**_nested(item, tensors=tuple))),
            unquantized=tuple,
            aliases=tuple,
        )
        return WeightFormat(**record)

    return read


def _kv_formats() -> Callable[[Record], Any]:
    from planner.catalog.schema.formats import KvFormat

    return lambda record: KvFormat(**_nested(record, aliases=tuple))


def _models() -> Callable[[Record], Any]:
    from planner.catalog.schema.models import ModelEntry

    return lambda record: ModelEntry(**_nested(record, aliases=tuple))


def _offers() -> Callable[[Record], Any]:
    from planner.catalog.schema.offers import CostItem, Offer, Price

    def read(record: Record) -> Any:
        record["prices"] = tuple([Price(**item) for item in record["prices"]])
        if "items" in record:
            record["items"] = tuple([CostItem(**item) for item in record["items"]])
        return Offer(**record)

    return read


def _quality() -> Callable[[Record], Any]:
    from planner.catalog.schema.quality import QualityFamily, SizeRecord

    def read(record: Record) -> Any:
        _nested(record, records=_many(lambda item: SizeRecord(**item)), sources=tuple, methods=tuple)
        return QualityFamily(**record)

    return read


def _regions() -> Callable[[Record], Any]:
    from planner.catalog.schema.places import Figure, Region

    def figure(item: Record) -> Any:
        return Figure(**item)

    def read(record: Record) -> Any:
        figures = ("electricity_usd_per_kwh", "pue", "colocation_usd_per_kw_month", "carbon_g_per_kwh")
        return Region(**_nested(record, **dict.fromkeys(figures, figure)))

    return read


def _storage() -> Callable[[Record], Any]:
    from planner.catalog.schema.places import StorageClass

    return lambda record: StorageClass(**record)


_DECODERS: dict[str, Callable[[], Callable[[Record], Any]]] = {
    "accelerators": _accelerators,
    "engines": _engines,
    "formats": _formats,
    "kv_formats": _kv_formats,
    "models": _models,
    "offers": _offers,
    "quality": _quality,
    "regions": _regions,
    "storage": _storage,
}
