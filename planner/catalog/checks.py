"""What must hold between entities: references resolve, sums add up, nothing is defined twice.

Each check yields the problems it finds and assumes nothing of the others. A record that failed validation is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import get_args

from planner.architecture.model import Component
from planner.catalog.kinds import decoder
from planner.catalog.schema.accelerators import Accelerator
from planner.catalog.sourced import Records
from planner.errors import Diagnostic

_COMPONENTS = frozenset(get_args(Component))
_CAPEX_TOLERANCE_USD = 1.0


def check(records: Records) -> list[Diagnostic]:
    """Return the problems of all checks, in no order."""
    return [problem for rule in CHECKS for problem in rule(records)]


def check_for_shared_names(records: Records) -> Iterator[Diagnostic]:
    """An alias names one entity of its kind, and is no other's id. Case makes no difference."""
    for kind in records:
        entities = records[kind]
        owners = {name.casefold(): name for name in entities}
        for name, item in entities.items():
            for index, alias in enumerate(item.record.get("aliases", ())):
                owner = owners.setdefault(alias.casefold(), name)
                if owner != name or alias == name:
                    yield item.problem(("aliases", index), f"{alias!r} already means {owner}", code="duplicate-alias")


def check_for_format_arithmetic(records: Records) -> Iterator[Diagnostic]:
    """A float's bits are sign, exponent and fraction; a GGUF type's block is its value bits and metadata."""
    for item in records["formats"].values():
        record = item.record
        exponent, significand = record.get("exponent_bits", 0), record.get("significand_bits", 0)
        if exponent and record["bits_per_weight"] != exponent + significand:
            message = f"sign, {exponent} exponent and {significand - 1} fraction bits make {exponent + significand}"
            yield item.problem(("bits_per_weight",), message, code="wrong-sum")
        for index, component in enumerate(record.get("unquantized", ())):
            if component not in _COMPONENTS:
                yield item.unknown(("unquantized", index), component, "component", _COMPONENTS)
        types = {entry["name"]: entry for entry in record.get("types", ())}
        for index, rule in enumerate(record.get("mix", ())):
            if rule["type"] not in types:
                yield item.unknown(("mix", index, "type"), rule["type"], "type of this format", types)
        if record["kind"] == "gguf":
            main = types.get(record.get("main_type", ""))
            if main is None:
                yield item.unknown(("main_type",), record.get("main_type", ""), "type of this format", types)
                continue
            bytes_per_weight = decoder("formats")(deepcopy(record)).bytes_per_weight
            if abs(bytes_per_weight - main["bytes"] / main["weights"]) > 1e-12:
                message = f"with metadata {bytes_per_weight} bytes per weight, but {main['name']} has "
                yield item.problem(
                    ("bits_per_weight",), f"{message}{main['bytes'] / main['weights']}", code="wrong-sum"
                )


def check_for_offers(records: Records) -> Iterator[Diagnostic]:
    """Offers name a known accelerator, have prices of their sort, and their parts add up to what they cost."""
    accelerators = records["accelerators"]
    seen: set[tuple[str, object]] = set()
    for item in records["offers"].values():
        record, key = item.record, (item.file.path, item.place)
        purchase = record["provider"] == "purchase"
        if not records.knows("accelerators", record["accelerator"]) and key not in seen:
            yield item.unknown(("accelerator",), record["accelerator"], "accelerator", accelerators)
        if record["link_domain"] > record["gpus"] and record["interconnect"] != "nvl72" and key not in seen:
            yield item.problem(("link_domain",), f"is more than its {record['gpus']} GPUs", code="wrong-value")
        seen.add(key)
        for price in record["prices"]:
            if (price["kind"] == "purchase") != purchase or ("capex_usd" in price) != purchase:
                wanted = "capex_usd of kind purchase" if purchase else "usd_per_hour"
                yield item.problem((), f"the {price['kind']} price must be {wanted}", code="wrong-value")
            if purchase != ("usd_per_hour" not in price):
                yield item.problem((), f"the {price['kind']} price has a rent per hour or lacks it", code="wrong-value")
            total = sum(part["count"] * part["usd_each"] for part in record.get("items", ()))
            if total and abs(total - price.get("capex_usd", 0)) > _CAPEX_TOLERANCE_USD:
                yield item.problem(("items",), f"add up to {total:.0f} USD, not to capex_usd", code="wrong-sum")


def check_for_engine_support(records: Records) -> Iterator[Diagnostic]:
    """Engines name known formats and generations, and say of each pair one thing."""
    generations = {str(item.record["generation"]) for item in records["accelerators"].values()}
    for item in records["engines"].values():
        for section, kind in (("weights", "formats"), ("kv_cache", "kv_formats")):
            said: dict[tuple[str, str, float], int] = {}
            for index, row in enumerate(item.record[section]):
                for place, name in enumerate(row["formats"]):
                    if not records.knows(kind, name):
                        yield item.unknown((section, index, "formats", place), name, "format", records[kind])
                for place, name in enumerate(row["generations"]):
                    if name not in generations and not records.has_broken("accelerators"):
                        yield item.unknown((section, index, "generations", place), name, "generation", generations)
                for name in row["formats"]:
                    for generation in row["generations"]:
                        pair = (name, generation, row.get("min_compute_capability", 0))
                        if pair in said:
                            message = f"{name} on {generation} was spoken of before"
                            yield item.problem((section, index), message, code="duplicate-id")
                        said[pair] = index


def check_for_engine_defaults(records: Records) -> Iterator[Diagnostic]:
    """A default has a value on every accelerator, for a replica of one device and of eight."""
    read = decoder("accelerators")
    devices: list[Accelerator] = [read(deepcopy(item.record)) for item in records["accelerators"].values()]
    known = {device.id for device in devices}
    for item in records["engines"].values():
        for index, setting in enumerate(decoder("engines")(deepcopy(item.record)).settings):
            named = {name for rule in setting.rules for name in (*rule.accelerators, *rule.not_accelerators)}
            for name in sorted(named - known):
                if records.knows("accelerators", name):
                    continue
                yield item.unknown(("settings", index, "rules"), name, "accelerator", known)
            for device in devices:
                if not all(any(rule.applies(device, gpus) for rule in setting.rules) for gpus in (1, 8)):
                    message = f"{setting.name} has no value on {device.id}"
                    yield item.problem(("settings", index, "rules"), message, code="incomplete")
                    break


def check_for_families(records: Records) -> Iterator[Diagnostic]:
    """A quality family speaks of formats that exist, and its size classes come once each, with p10 not above median."""
    families = {str(item.record["family"]) for kind in ("formats", "kv_formats") for item in records[kind].values()}
    for name, item in records["quality"].items():
        family = name.removesuffix("-perplexity")
        if family not in families and not (records.has_broken("formats") or records.has_broken("kv_formats")):
            yield item.unknown(("id",), family, "family of any format", families)
        classes = [row["size_class"] for row in item.record["records"]]
        for index, row in enumerate(item.record["records"]):
            if row["size_class"] in classes[:index]:
                yield item.problem(("records", index), f"{row['size_class']} comes twice", code="duplicate-id")
            if not row["min"] <= row["p10"] <= row["median"] <= row["max"]:
                yield item.problem(("records", index), "min <= p10 <= median <= max does not hold", code="wrong-value")


def check_for_native_formats(records: Records) -> Iterator[Diagnostic]:
    """A model was published in a known format."""
    for item in records["models"].values():
        name = item.record.get("native_format", "bf16")
        if not records.knows("formats", name):
            yield item.unknown(("native_format",), name, "format", records["formats"])


CHECKS: tuple[Callable[[Records], Iterator[Diagnostic]], ...] = (
    check_for_shared_names,
    check_for_format_arithmetic,
    check_for_offers,
    check_for_engine_support,
    check_for_engine_defaults,
    check_for_families,
    check_for_native_formats,
)
