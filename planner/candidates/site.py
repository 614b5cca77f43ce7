"""Where bought servers of a scenario run: its region's power and PUE, and the horizon of the purchase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.cost import DEFAULT_HORIZON_MONTHS, Facility

if TYPE_CHECKING:
    from planner.catalog import Catalog
    from planner.scenario import Scenario


def facility_of(scenario: Scenario, catalog: Catalog) -> Facility | None:
    """Return the site of a scenario on power of its own; None where no region is named, so that nothing is bought.

    Purchases are written off over the budget's horizon, or ``DEFAULT_HORIZON_MONTHS`` without one.
    """
    if scenario.site.region is None:
        return None
    site = scenario.site
    region = catalog.regions[scenario.site.region]
    price = region.electricity_usd_per_kwh.value
    if site.electricity_per_kwh is not None:
        price = site.electricity_per_kwh.to_usd(scenario.rates)
    return Facility(
        electricity_usd_per_kwh=price,
        pue=site.pue or region.pue.value,
        horizon_months=scenario.budget.horizon_months or DEFAULT_HORIZON_MONTHS,
        region=region.id,
        colocation_usd_per_kw_month=None
        if site.colocation_per_kw is None
        else site.colocation_per_kw.to_usd_per_month(scenario.rates),
        maintenance_share_per_year=site.maintenance_share,
        salvage_share=site.salvage_share,
        source="the scenario's site"
        if site.electricity_per_kwh is not None
        else f"{region.electricity_usd_per_kwh.source} ({region.electricity_usd_per_kwh.as_of})",
    )
