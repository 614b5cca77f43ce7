"""Regions with power prices, and storage classes."""

from __future__ import annotations

from dataclasses import dataclass

from planner.catalog.schema.base import AsOf, Confidence, Entity, NotNegative, Positive, Text


@dataclass(frozen=True, slots=True)
class Figure(Entity):
    """A number with its origin; the field that holds it names the unit."""

    value: Positive
    source: Text
    as_of: AsOf
    confidence: Confidence = "medium"
    low: Positive | None = None
    high: Positive | None = None
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Region(Entity):
    """Where bought servers run: power per kWh, PUE, or colocation per kW and month (never both at once)."""

    id: Text
    name: Text
    country: Text
    electricity_usd_per_kwh: Figure
    pue: Figure
    colocation_usd_per_kw_month: Figure
    carbon_g_per_kwh: Figure
    """Grams of CO2 equivalent per kWh that its grid generates, mean of a year, lifecycle included."""
    source: Text
    as_of: AsOf
    currency: Text = "USD"
    notes: str = ""


@dataclass(frozen=True, slots=True)
class StorageClass(Entity):
    """Where weights are loaded from. Load time = bytes / rate x (1 + overhead_share)."""

    id: Text
    name: Text
    read_gbytes_per_s: Positive
    overhead_share: NotNegative
    """Added to the pure transfer for deserialising and copying; 0 where the rate was measured end to end."""
    measured: bool
    source: Text
    as_of: AsOf
    confidence: Confidence = "medium"
    notes: str = ""

    def load_seconds(self, weight_bytes: float) -> float:
        """Return the seconds to bring ``weight_bytes`` into the accelerators of one replica."""
        return weight_bytes / (self.read_gbytes_per_s * 1e9) * (1 + self.overhead_share)
