"""The ids that a scenario names, looked up in the catalog."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.catalog import Catalog
    from planner.scenario import Scenario


def check_scenario(scenario: Scenario, catalog: Catalog) -> None:
    """Check that every format, accelerator, engine, provider and region that a scenario names is in the catalog.

    Raises ScenarioError with each that is not, its line and the id that may have been meant.
    """
    from planner.scenario import check_references

    ids: dict[str, Callable[[], Collection[str]]] = {
        "weights": lambda: catalog.formats.keys(),
        "kv_cache": lambda: catalog.kv_formats.keys(),
        "accelerators": lambda: catalog.accelerators.keys(),
        "engines": lambda: catalog.engines.keys(),
        "providers": lambda: {offer.provider for offer in catalog.offers.values()},
        "regions": lambda: {place for offer in catalog.offers.values() for place in (offer.region, offer.country)},
    }
    asked = {name: known() for name, known in ids.items() if getattr(scenario.search, name) is not None}
    if scenario.site.region is not None:
        asked["region"] = catalog.regions.keys()
    check_references(scenario, asked)
