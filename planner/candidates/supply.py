"""What a scenario says of supply: servers that are owned, quotas that tell offers apart, racks that feed them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from planner.rules.facts import Priced
from planner.scenario.words import OWNED

if TYPE_CHECKING:
    from planner.catalog import Catalog
    from planner.catalog.schema.accelerators import Accelerator
    from planner.catalog.schema.offers import Offer, Price
    from planner.scenario import Scenario
    from planner.scenario.supply import Owned, Quota

SOURCE = "the scenario's inventory"


def owned_prices(scenario: Scenario, catalog: Catalog, today: str) -> list[Priced]:
    """Return what the inventory lists as offers of the provider ``owned``, whose price is what running them costs.

    Link, network and host power are those of an offer that is like them: the one named, or the first in the catalog
    with as many of the same accelerators, servers to buy before instances to rent.
    """
    from planner.catalog.schema.offers import Offer, Price

    region = catalog.regions[scenario.site.region] if scenario.site.region else None
    found = []
    for index, item in enumerate(scenario.inventory):
        like = _like(item, catalog)
        same = [other for other in scenario.inventory[:index] if _named(other) == _named(item)]
        stated = None if item.cost is None else item.cost.to_usd_per_hour(scenario.rates)
        price = Price(kind="owned", source=SOURCE, as_of=today, usd_per_hour=stated, confidence="high")
        offer = Offer(
            id=f"owned/{_named(item)}" + (f"-{len(same) + 1}" if same else ""),
            provider=OWNED,
            instance=_named(item),
            accelerator=item.accelerator,
            gpus=item.gpus_per_node,
            interconnect=like.interconnect if like else "other",
            link_domain=like.link_domain if like else _domain(catalog.accelerators[item.accelerator], item),
            region=region.id if region else "any",
            country=region.country.lower() if region else "any",
            prices=(price,),
            network_gbps=like.network_gbps if like else None,
            host_power_w=like.host_power_w if like else None,
            host_power_source=like.host_power_source if like else "",
        )
        found.append(Priced(offer, price, today))
    return found


def nodes_owned(scenario: Scenario) -> tuple[int, ...]:
    """Return how many servers each entry of the inventory has, in its order."""
    return tuple(item.nodes for item in scenario.inventory)


def quotas_of(scenario: Scenario, offer: Offer, price: Price) -> tuple[bool, ...]:
    """Return, per quota of the scenario, whether it counts instances of ``offer`` at ``price``."""
    return tuple(counts(item, offer, price) for item in scenario.limits.quotas)


def counts(quota: Quota, offer: Offer, price: Price) -> bool:
    """Say whether ``quota`` counts instances of ``offer`` at ``price``; what is owned counts only by accelerator."""
    values = {
        "offer": (offer.id,),
        "accelerator": (offer.accelerator,),
        "provider": (offer.provider,),
        "region": (offer.region, offer.country),
        "pricing": (price.kind,),
    }
    asked = {name: getattr(quota, name) for name in values if getattr(quota, name) is not None}
    return all(value in values[name] for name, value in asked.items())


def stands_in_rack(scenario: Scenario, offer: Offer, price: Price, accelerator: Accelerator) -> bool:
    """Say whether a rack feeds a server of one's own; what is rented stands elsewhere."""
    most = scenario.limits.power_per_rack_w
    if most is None or price.kind not in (OWNED, "purchase"):
        return True
    return (offer.host_power_w or 0.0) + offer.gpus * (accelerator.tdp_w or 0.0) <= most


def _named(item: Owned) -> str:
    return f"{item.gpus_per_node}x-{item.accelerator}"


def _like(item: Owned, catalog: Catalog) -> Offer | None:
    if item.offer is not None:
        return catalog.offers[item.offer]
    alike: Sequence[Offer] = [
        offer
        for offer in catalog.offers.values()
        if offer.accelerator == item.accelerator and offer.gpus == item.gpus_per_node
    ]
    return min(alike, key=lambda offer: (not offer.purchase, offer.id), default=None)


def _domain(accelerator: Accelerator, item: Owned) -> int:
    return min(max(accelerator.link.domain, 1), item.gpus_per_node)
