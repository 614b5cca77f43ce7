"""What can be rented for a training run: an offer at one price kind.

An offer that costs at least as much as another of the same accelerator, size, link, network and price kind can do
nothing that the other cannot, and is cut before anything is computed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.candidates.hardware import offer_tests
from planner.cost import micro_usd
from planner.plan import Rejection
from planner.units import GIB

if TYPE_CHECKING:
    from planner.catalog import Catalog
    from planner.catalog.schema.accelerators import Accelerator
    from planner.catalog.schema.offers import Offer, Price
    from planner.scenario.training import TrainingScenario

BITS_PER_BYTE = 8

NODE_NETWORK_GBPS = 100.0
"""Least network of an instance for a run over several: below the class of 100 Gbit/s, and where it is not known,
gradients of a billion parameters take longer than most steps."""


@dataclass(frozen=True, slots=True)
class Rental:
    """An offer at one price kind. ``fixed_cost``: micro-dollars per hour of one instance."""

    offer: Offer
    price: Price
    accelerator: Accelerator
    fixed_cost: int

    @property
    def id(self) -> str:
        """Offer and price kind, unique."""
        return f"{self.offer.id}:{self.price.kind}"

    @property
    def spans_nodes(self) -> bool:
        """Whether a run may take several instances."""
        return (self.offer.network_gbps or 0.0) >= NODE_NETWORK_GBPS

    @property
    def host_bytes(self) -> float:
        """Memory of the host; where the catalog does not say, as much as its accelerators have: servers have more."""
        if self.offer.ram_gib is not None:
            return self.offer.ram_gib * GIB
        return float(self.accelerator.memory_bytes_usable * self.offer.gpus)

    @property
    def network_gbytes_per_s(self) -> float:
        """GB/s that one GPU sends between instances, in one direction."""
        return (self.offer.network_gbps or 0.0) / BITS_PER_BYTE / self.offer.gpus


def rentals(scenario: TrainingScenario, catalog: Catalog) -> tuple[tuple[Rental, ...], tuple[Rejection, ...]]:
    """Return what may be rented, in the order of ids, and what was cut."""
    search = scenario.search
    tests = [(name, test) for name, test in offer_tests(search).items() if getattr(search, name) is not None]
    asked = search.pricing or ()
    cut: Counter[tuple[str, str]] = Counter()
    best: dict[tuple[object, ...], Rental] = {}
    for offer_id in sorted(catalog.offers):
        offer = catalog.offers[offer_id]
        for price in offer.prices:
            outside = next(
                (name for name, test in tests if not test(offer, price, catalog.accelerators[offer.accelerator])), None
            )
            if outside is not None:
                cut[f"search.{outside}", f"prices outside search.{outside}"] += 1
            elif price.kind == "purchase" or price.usd_per_hour is None:
                cut["purchase-unasked", "purchases: a run rents its hardware"] += 1
            elif price.kind == "spot" and "spot" not in asked:
                cut["spot-unasked", "spot prices, which are used only when search.pricing names them"] += 1
            else:
                found = Rental(offer, price, catalog.accelerators[offer.accelerator], micro_usd(price.usd_per_hour))
                key = (offer.accelerator, offer.gpus, offer.link_domain, offer.network_gbps, price.kind)
                rival = best.get(key)
                if rival is not None:
                    cut["dearer-offer", "offers of the same hardware at a higher price"] += 1
                if rival is None or (found.fixed_cost, found.id) < (rival.fixed_cost, rival.id):
                    best[key] = found
    kept = tuple(sorted(best.values(), key=lambda item: item.id))
    return kept, tuple(Rejection(code, message, count) for (code, message), count in sorted(cut.items()))
