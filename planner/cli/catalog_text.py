"""Entities of the catalog as tables, as text and as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from planner.report.layout import table, wrap

COLUMNS = 100
_ORIGIN = ("notes", "source", "sources", "as_of", "confidence")
"""Fields that say where the others come from; shown last."""

Column = tuple[str, str, Callable[[Any], str]]
"""Heading, alignment, cell."""


def _number(value: float | None, digits: int = 0) -> str:
    return "" if not value else f"{value:,.{digits}f}"


def _price(kind: str) -> Callable[[Any], str]:
    def cell(offer: Any) -> str:
        price = offer.price(kind)
        if price is None:
            return ""
        return f"{price.capex_usd:,.0f}" if kind == "purchase" else f"{price.usd_per_hour:,.2f}"

    return cell


def _rate(*formats: str) -> Callable[[Any], str]:
    return lambda device: _number(next((device.tflops[name] for name in formats if name in device.tflops), None))


def _recoveries(family: Any) -> str:
    return "  ".join(f"{row.size_class} {row.median:.1%}/{row.p10:.1%} ({row.n})" for row in family.records)


_ID: Column = ("id", "l", lambda entity: str(entity.id))

_TABLES: dict[str, tuple[Column, ...]] = {
    "accelerators": (
        _ID,
        ("generation", "l", lambda device: device.generation),
        ("GiB", "r", lambda device: f"{'~' * device.memory_usable_estimated}{device.memory_gib_usable:.2f}"),
        ("GB/s", "r", lambda device: _number(device.bandwidth_gbytes_per_s)),
        ("16 bit", "r", _rate("bf16", "fp16")),
        ("fp8", "r", _rate("fp8")),
        ("int8", "r", _rate("int8")),
        ("fp4 TFLOPS", "r", _rate("fp4")),
        ("link GB/s", "r", lambda device: _number(device.link.gbytes_per_s_one_way)),
        ("domain", "r", lambda device: str(device.link.domain)),
        ("W", "r", lambda device: _number(device.tdp_w)),
    ),
    "engines": (
        _ID,
        ("version", "l", lambda engine: engine.version),
        ("serves", "l", lambda engine: "yes" if engine.serving else "no"),
        ("spreads by", "l", lambda engine: ", ".join(name for name, has in _slots(engine.parallelism) if has is True)),
        ("formats", "r", lambda engine: str(len({name for row in engine.weights for name in row.formats}))),
    ),
    "formats": (
        _ID,
        ("bits/weight", "r", lambda item: f"{item.bytes_per_weight * 8:.4g}"),
        ("activations", "l", lambda item: item.activations),
        ("computes in", "l", lambda item: item.compute_format),
        ("scales per", "l", lambda item: item.granularity),
        ("quality of", "l", lambda item: item.family),
        ("aliases", "l", lambda item: ", ".join(item.aliases)),
    ),
    "kv_formats": (
        _ID,
        ("bytes/element", "r", lambda item: f"{item.bytes_per_element:.4g}"),
        ("quality of", "l", lambda item: item.family),
        ("aliases", "l", lambda item: ", ".join(item.aliases)),
    ),
    "models": (
        _ID,
        ("parameters", "r", lambda model: f"{model.parameters:,}"),
        ("published in", "l", lambda model: model.native_format),
        ("config", "l", lambda model: model.config_kind),
        ("aliases", "l", lambda model: ", ".join(model.aliases)),
    ),
    "offers": (
        _ID,
        ("GPUs", "r", lambda offer: str(offer.gpus)),
        ("accelerator", "l", lambda offer: offer.accelerator),
        ("linked", "r", lambda offer: str(offer.link_domain) if offer.link_domain > 1 else ""),
        ("on demand", "r", _price("on-demand")),
        ("1 year", "r", _price("reserved-1y")),
        ("3 years", "r", _price("reserved-3y")),
        ("spot $/h", "r", _price("spot")),
        ("purchase $", "r", _price("purchase")),
        ("as of", "l", lambda offer: max(price.as_of for price in offer.prices)),
    ),
    "quality": (
        _ID,
        ("metric", "l", lambda family: family.metric),
        ("median/p10 (n) by size", "l", _recoveries),
    ),
    "regions": (
        _ID,
        ("name", "l", lambda region: region.name),
        ("$/kWh", "r", lambda region: f"{region.electricity_usd_per_kwh.value:.3f}"),
        ("PUE", "r", lambda region: f"{region.pue.value:.2f}"),
        ("colocation $/kW/month", "r", lambda region: f"{region.colocation_usd_per_kw_month.value:.1f}"),
    ),
    "storage": (
        _ID,
        ("GB/s", "r", lambda storage: f"{storage.read_gbytes_per_s:g}"),
        ("overhead", "r", lambda storage: f"{storage.overhead_share:.0%}"),
        ("measured", "l", lambda storage: "yes" if storage.measured else "no"),
        ("name", "l", lambda storage: storage.name),
    ),
}


def entity_table(kind: str, entities: Sequence[Any]) -> list[str]:
    """Return the entities of a kind in columns; a column that is empty throughout is left out."""
    columns = [column for column in _TABLES[kind] if column is _ID or any(column[2](entity) for entity in entities)]
    rows = [[heading for heading, _, _ in columns]]
    rows += [[cell(entity) for _, _, cell in columns] for entity in entities]
    return table(rows, "".join(side for _, side, _ in columns))


def entity_text(kind: str, entity: Any) -> list[str]:
    """Return an entity's fields, one per line, nested ones indented; then what follows from them, and the origin."""
    lines = [f"{entity.id}  ({kind})"]
    stated = dict(_stated(entity))
    for name, value in stated.items():
        if name not in ("id", *_ORIGIN):
            lines += _field(name, value, 1)
    for name, value in _derived(entity):
        lines += _field(name, value, 1)
    for name in _ORIGIN:
        if name in stated:
            lines += _field(name, stated[name], 1)
    return lines


def plain_entity(entity: Any) -> dict[str, Any]:
    """Return an entity as JSON data: its fields, and the properties that follow from them."""
    plain = {name: _plain(value) for name, value in _slots(entity)}
    return {**plain, **dict(_derived(entity))}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return plain_entity(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _slots(entity: Any) -> Iterator[tuple[str, Any]]:
    for item in fields(entity):
        yield item.name, getattr(entity, item.name)


def _stated(entity: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields that are not at their default; what a file would say."""
    for item in fields(entity):
        value = getattr(entity, item.name)
        empty = value is None or value == "" or value == () or value == {}
        if not empty and (item.default is MISSING or value != item.default):
            yield item.name, value


def _derived(entity: Any) -> Iterator[tuple[str, Any]]:
    for name, member in vars(type(entity)).items():
        if isinstance(member, property):
            yield name, getattr(entity, name)


def _field(name: str, value: Any, depth: int) -> list[str]:
    indent = "  " * depth
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        rows = [f"{indent}{name}:"]
        for item in value:
            rows += _wrapped(f"{indent}  - ", _inline(item))
        return rows
    if is_dataclass(value):
        return _wrapped(f"{indent}{name}: ", _inline(value))
    if isinstance(value, Mapping):
        return _wrapped(f"{indent}{name}: ", ", ".join(f"{key} {_scalar(item)}" for key, item in value.items()))
    if isinstance(value, tuple):
        return _wrapped(f"{indent}{name}: ", ", ".join(_scalar(item) for item in value))
    return _wrapped(f"{indent}{name}: ", _scalar(value))


def _inline(entity: Any) -> str:
    parts = []
    for name, value in _stated(entity):
        if isinstance(value, tuple):
            value = "; ".join(_inline(item) if is_dataclass(item) else _scalar(item) for item in value)
        parts.append(f"{name} {_scalar(value)}")
    return ", ".join(parts)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.10g}"
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)


def _wrapped(head: str, text: str) -> list[str]:
    first, *rest = wrap(text, COLUMNS - len(head)) or [""]
    return [head + first, *(" " * len(head) + line for line in rest)]
