"""The YAML of offers: one file per provider, hardware once per instance type, prices by region.

Each price names one of the file's ``sources``, so that a figure's origin and date are written once and never missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, Field

from planner.catalog.schema.base import AsOf, Confidence, Count, NotNegative, Positive, Text
from planner.catalog.schema.offers import Interconnect, PriceKind
from planner.catalog.sourced import Location
from planner.catalog.validation import STRICT


class _Document(BaseModel):
    model_config = STRICT


class Origin(_Document):
    """Where prices were read, and when."""

    source: Text
    as_of: AsOf
    confidence: Confidence
    notes: str = ""


class PriceRow(_Document):
    """One price. ``from`` names the source; confidence and notes default to those of the source."""

    region: Text
    kind: PriceKind
    origin: Annotated[str, Field(alias="from")]
    usd_per_hour: Positive | None = None
    capex_usd: Positive | None = None
    capex_low_usd: Positive | None = None
    capex_high_usd: Positive | None = None
    currency: Text = "USD"
    native_amount: Positive | None = None
    confidence: Confidence | None = None
    notes: str = ""


class ItemRow(_Document):
    """One part of a bought server, priced like a PriceRow."""

    name: Text
    count: Count
    usd_each: Positive
    origin: Annotated[str, Field(alias="from")]
    usd_low: Positive | None = None
    usd_high: Positive | None = None
    confidence: Confidence | None = None


class Instance(_Document):
    """The hardware of one instance type or server."""

    instance: Text
    accelerator: Text
    gpus: Count
    interconnect: Interconnect
    link_domain: Count
    prices: Annotated[tuple[PriceRow, ...], Field(min_length=1)]
    vcpus: Count | None = None
    ram_gib: Positive | None = None
    network_gbps: NotNegative | None = None
    host_power_w: NotNegative | None = None
    host_power_source: str = ""
    items: tuple[ItemRow, ...] = ()
    notes: str = ""


class ProviderDocument(_Document):
    """One provider: its sources, the country of each region, its instance types."""

    provider: Text
    name: Text
    sources: dict[str, Origin]
    countries: dict[str, Text]
    instances: Annotated[tuple[Instance, ...], Field(min_length=1)]
    notes: str = ""


def expand(document: ProviderDocument) -> Iterator[tuple[dict[str, Any], Location, list[tuple[Location, str, str]]]]:
    """Yield (offer as plain data, its place in the file, problems as (place, message, known words)).

    An offer is one instance type in one region, ``provider/instance/region``; its prices are ordered by kind.
    """
    for index, instance in enumerate(document.instances):
        problems: list[tuple[Location, str, str]] = []
        place: Location = ("instances", index)
        hardware = instance.model_dump(mode="json", exclude_defaults=True, exclude={"prices", "items"})
        items = []
        for number, part in enumerate(instance.items):
            item, wrong = _sourced(document, part, (*place, "items", number))
            items.append(item)
            problems += wrong
        by_region: dict[str, list[dict[str, Any]]] = {}
        for number, price in enumerate(instance.prices):
            where = (*place, "prices", number)
            row, wrong = _sourced(document, price, where)
            problems += wrong
            if price.region not in document.countries:
                problems.append(((*where, "region"), "names no region of `countries`", " ".join(document.countries)))
            known = by_region.setdefault(price.region, [])
            if any(other["kind"] == price.kind for other in known):
                problems.append(((*where, "kind"), f"is the second {price.kind} price in {price.region}", ""))
            del row["region"]
            known.append(row)
        for region, prices in sorted(by_region.items()):
            offer = {
                "id": f"{document.provider}/{instance.instance}/{region}",
                "provider": document.provider,
                **hardware,
                "region": region,
                "country": document.countries.get(region, "any"),
                "prices": sorted(prices, key=lambda item: str(item["kind"])),
            }
            if items:
                offer["items"] = items
            yield offer, place, problems
            problems = []


def _sourced(
    document: ProviderDocument, row: PriceRow | ItemRow, place: Location
) -> tuple[dict[str, Any], list[tuple[Location, str, str]]]:
    data = row.model_dump(mode="json", exclude_defaults=True, exclude={"origin"})
    origin = document.sources.get(row.origin)
    if origin is None:
        return data, [((*place, "from"), "names no source of this file", " ".join(document.sources))]
    data["source"], data["as_of"] = origin.source, origin.as_of
    confidence = row.confidence or origin.confidence
    if confidence != "medium":
        data["confidence"] = confidence
    else:
        data.pop("confidence", None)
    return data, []
