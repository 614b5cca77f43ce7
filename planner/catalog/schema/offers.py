"""Offers: what can be rented or bought, whole, with its prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.catalog.schema.base import AsOf, Confidence, Count, Entity, NotNegative, Positive, Text

PriceKind = Literal["on-demand", "reserved-1y", "reserved-3y", "spot", "purchase", "owned"]
"""``owned`` is what running a server costs that is there already; scenarios have such prices, catalogs have not."""
Interconnect = Literal["none", "pcie", "nvlink-bridge", "nvlink-mesh", "nvswitch", "nvl72", "infinity-fabric", "other"]


@dataclass(frozen=True, slots=True)
class Price(Entity):
    """One price of the whole instance or server; rent per hour, or capital expenditure for ``purchase``.

    ``native_amount`` is the figure as printed, in ``currency``. A purchase given as a range has its middle as
    ``capex_usd`` and the ends beside it.
    """

    kind: PriceKind
    source: Text
    as_of: AsOf
    usd_per_hour: Positive | None = None
    capex_usd: Positive | None = None
    capex_low_usd: Positive | None = None
    capex_high_usd: Positive | None = None
    currency: Text = "USD"
    native_amount: Positive | None = None
    confidence: Confidence = "medium"
    notes: str = ""


@dataclass(frozen=True, slots=True)
class CostItem(Entity):
    """One part of a bought server: ``count`` x ``usd_each`` (the middle of ``usd_low`` and ``usd_high``)."""

    name: Text
    count: Count
    usd_each: Positive
    source: Text
    as_of: AsOf
    usd_low: Positive | None = None
    usd_high: Positive | None = None
    confidence: Confidence = "medium"

    @property
    def usd(self) -> float:
        """Cost of all ``count``."""
        return self.count * self.usd_each


@dataclass(frozen=True, slots=True)
class Offer(Entity):
    """An instance type in one region of a provider, or a server to buy. Always taken whole."""

    id: Text
    provider: Text
    instance: Text
    accelerator: Text
    gpus: Count
    interconnect: Interconnect
    link_domain: Count
    """GPUs that reach each other over the fast link; 1 where PCIe connects them, 72 in an NVL72 rack."""
    region: Text
    country: Text
    """ISO 3166 code in lower case; ``any`` where the provider has one list price; ``eu`` and the like where unsaid."""
    prices: tuple[Price, ...]
    vcpus: Count | None = None
    ram_gib: Positive | None = None
    network_gbps: NotNegative | None = None
    host_power_w: NotNegative | None = None
    """Power of a bought server beyond its accelerators' TDP, at full load."""
    host_power_source: str = ""
    items: tuple[CostItem, ...] = ()
    """What the price of a bought server is composed of; empty where one price covers all."""
    notes: str = ""

    @property
    def purchase(self) -> bool:
        """Whether it is bought rather than rented."""
        return self.provider == "purchase"

    def price(self, kind: str) -> Price | None:
        """Return the price of that kind, or None where there is none."""
        for item in self.prices:
            if item.kind == kind:
                return item
        return None
