"""What can be bought or rented for a scenario: pools (an offer at one price kind) and the hardware that they bring.

A pool that costs at least as much as another of the same accelerator, size, link and price kind, of which no rule,
quota or goal can say anything else, is cut before anything is estimated: it can do nothing that the other cannot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner import cost, power
from planner.candidates.availability import unavailability
from planner.candidates.supply import nodes_owned, owned_prices, quotas_of, stands_in_rack
from planner.cost import Facility
from planner.plan import Rejection
from planner.rules.facts import Priced
from planner.scenario.words import OWNED

if TYPE_CHECKING:
    from planner.candidates.parallelism import Parallelism
    from planner.candidates.ruling import Ruling
    from planner.catalog import Catalog
    from planner.catalog.schema.accelerators import Accelerator
    from planner.catalog.schema.offers import Offer, Price
    from planner.scenario import Scenario


COMMITTED = frozenset({"reserved-1y", "reserved-3y", "purchase", OWNED})
"""Ways to pay for instances whatever the hour's load is."""


@dataclass(frozen=True, slots=True)
class Pool:
    """An offer at one price kind, with what one instance costs. Money in micro-dollars per hour, power in W."""

    offer: Offer
    price: Price
    accelerator: Accelerator
    fixed_cost: int
    """Of one instance, whether replicas run on it or not."""
    replica_cost_per_watt: float
    """Of each watt beyond idle; zero for rent, where power is in the price."""
    capex_usd: float
    fixed_watts: float
    """Host and idle accelerators."""
    rated_watts: float
    """Host and accelerators at TDP."""
    active_watts: float
    """From idle to TDP, of one accelerator."""
    down: float
    """Share of time that an instance is down."""
    terms: tuple[tuple[str, float], ...]
    """What the fixed cost consists of: (name, dollars per hour)."""
    holds: tuple[int, ...]
    """Indices of the degrees of parallelism that rules allow on it."""
    nodes: int | None = None
    """How many instances there are; None where only quotas and budgets say."""

    @property
    def id(self) -> str:
        """Offer and price kind, unique."""
        return f"{self.offer.id}:{self.price.kind}"

    @property
    def committed(self) -> bool:
        """Whether it is paid for in every hour, used or not."""
        return self.price.kind in COMMITTED


def pools(
    scenario: Scenario,
    catalog: Catalog,
    facility: Facility | None,
    ruling: Ruling,
    degrees: Sequence[Parallelism],
    *,
    marked: bool,
) -> tuple[tuple[Pool, ...], tuple[Rejection, ...]]:
    """Return the pools worth considering, in catalog order, and what was cut.

    ``degrees`` are the ways to spread a replica; ``ruling`` says which of them a pool may hold. With ``marked`` true
    nothing is cut for what the scenario's ``search`` leaves out, so that a conflict can say what an opened search would
    give.
    """
    cut: Counter[tuple[str, str]] = Counter()
    listed: list[Priced] = []
    searched = () if marked else _search_tests(scenario)
    tests = (*searched, *_unasked(scenario))
    owned = owned_prices(scenario, catalog, ruling.asked.today)
    nodes = dict(zip((priced.offer.id for priced in owned), nodes_owned(scenario), strict=True))
    for offer in (*(priced.offer for priced in owned), *(catalog.offers[name] for name in sorted(catalog.offers))):
        device = catalog.accelerators[offer.accelerator]
        for price in offer.prices:
            reason = next((key for key, allowed in tests if not allowed(offer, price, device)), None)
            if reason is not None:
                cut[reason] += 1
            elif price.kind == "purchase" and not device.tdp_w:
                cut["unknown-power", "bought accelerators whose power is not in the catalog"] += 1
            elif not stands_in_rack(scenario, offer, price, device):
                cut["limits.power_per_rack", "servers that draw more than a rack feeds"] += 1
            else:
                listed.append(Priced(offer, price, ruling.asked.today))
    verdicts = ruling.of_prices(listed, catalog.accelerators, degrees)
    best: dict[tuple[object, ...], Pool] = {}
    for index in np.flatnonzero(~verdicts.cut).tolist():
        offer, price = listed[index].offer, listed[index].price
        pool = _pool(offer, price, catalog.accelerators[offer.accelerator], facility, verdicts.holds[index])
        pool = replace(pool, nodes=nodes.get(offer.id))
        key: tuple[object, ...] = (
            offer.accelerator,
            offer.gpus,
            offer.link_domain,
            price.kind,
            verdicts.signature[index],
            offer.id if price.kind == OWNED else quotas_of(scenario, offer, price),
            _beside_money(scenario, offer),
        )
        if marked:
            key += (
                offer.provider if scenario.search.providers else "",
                (offer.country, offer.region) if scenario.search.regions else "",
            )
        rival = best.get(key)
        if rival is not None:
            cut["dearer-offer", "offers of the same hardware at a higher price"] += 1
        if rival is None or (pool.fixed_cost, pool.id) < (rival.fixed_cost, rival.id):
            best[key] = pool
    kept = tuple(sorted(best.values(), key=lambda pool: pool.id))
    counted = (Rejection(code, message, count) for (code, message), count in sorted(cut.items()))
    return kept, (*counted, *verdicts.rejected)


def _beside_money(scenario: Scenario, offer: Offer) -> tuple[object, ...]:
    """Return what tells offers of the same hardware apart where not only money decides: their grid, their hosts."""
    if scenario.objective.first != "cost":
        return offer.country, offer.host_power_w
    return () if scenario.limits.power_w is None else (offer.host_power_w,)


Test = tuple[tuple[str, str], Callable[["Offer", "Price", "Accelerator"], bool]]


def _search_tests(scenario: Scenario) -> tuple[Test, ...]:
    return tuple(
        ((f"search.{name}", f"prices outside search.{name}"), test)
        for name, test in offer_tests(scenario.search).items()
        if getattr(scenario.search, name) is not None
    )


def _unasked(scenario: Scenario) -> tuple[Test, ...]:
    """Return what ``pricing: any`` does not mean: instances that may be taken away, and purchases without a site."""
    asked = scenario.search.pricing or ()
    return (
        (
            ("spot-unasked", "spot prices, which are used only when search.pricing names them"),
            lambda offer, price, device: price.kind != "spot" or "spot" in asked,
        ),
        (
            ("purchase-unasked", "purchases, which need budget.horizon and site.region"),
            lambda offer, price, device: price.kind != "purchase" or scenario.considers_purchase,
        ),
    )


def offer_tests(search: object) -> dict[str, Callable[[Offer, Price, Accelerator], bool]]:
    """Return, per search key about offers, whether a price passes it; only for keys that are given.

    What is owned is not searched for: only its accelerator may be outside of what is wanted.
    """

    def among(key: str, *values: str) -> bool:
        asked = getattr(search, key)
        return asked is None or any(value in asked for value in values)

    def offered(key: str, price: Price, *values: str) -> bool:
        return price.kind == OWNED or among(key, *values)

    return {
        "accelerators": lambda offer, price, device: among("accelerators", device.id),
        "vendors": lambda offer, price, device: among("vendors", device.vendor.lower()),
        "pricing": lambda offer, price, device: offered("pricing", price, price.kind),
        "providers": lambda offer, price, device: offered("providers", price, offer.provider),
        "regions": lambda offer, price, device: offered("regions", price, offer.region, offer.country),
    }


def _pool(
    offer: Offer, price: Price, accelerator: Accelerator, facility: Facility | None, holds: tuple[int, ...]
) -> Pool:
    tdp = accelerator.tdp_w or 0.0
    active = tdp * (1.0 - power.IDLE_SHARE_OF_TDP)
    owned = price.kind in ("purchase", OWNED)
    fixed_watts = (offer.host_power_w or 0.0) + offer.gpus * tdp * power.IDLE_SHARE_OF_TDP
    rated = (offer.host_power_w or 0.0) + offer.gpus * tdp
    per_watt = 0.0
    if price.capex_usd is not None and facility is not None:
        capex = price.capex_usd
        terms: tuple[tuple[str, float], ...] = (
            ("purchase", cost.amortised_usd_per_hour(capex, facility.horizon_months, facility.salvage_share)),
            ("idle power", cost.power_usd_per_hour(fixed_watts, facility)),
            ("colocation", cost.colocation_usd_per_hour(rated, facility)),
            ("maintenance", cost.maintenance_usd_per_hour(capex, facility.maintenance_share_per_year)),
        )
        per_watt = cost.power_usd_per_hour(1.0, facility)
    elif price.kind == OWNED and price.usd_per_hour is None and facility is not None:
        capex = 0.0
        terms = (
            ("idle power", cost.power_usd_per_hour(fixed_watts, facility)),
            ("colocation", cost.colocation_usd_per_hour(rated, facility)),
        )
        per_watt = cost.power_usd_per_hour(1.0, facility)
    else:
        capex = 0.0
        terms = (("running cost" if price.kind == OWNED else "rent", price.usd_per_hour or 0.0),)
    return Pool(
        offer=offer,
        price=price,
        accelerator=accelerator,
        fixed_cost=cost.micro_usd(sum(value for _, value in terms)),
        replica_cost_per_watt=per_watt,
        capex_usd=capex,
        fixed_watts=fixed_watts,
        rated_watts=rated,
        active_watts=active,
        down=unavailability(offer.gpus, accelerator.generation, owned=owned),
        terms=tuple((name, value) for name, value in terms if value),
        holds=holds,
    )
