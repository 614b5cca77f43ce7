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

    check_references(scenario, ids_of(catalog))


def ids_of(catalog: Catalog) -> Callable[[str], Collection[str]]:
    """Return what lists the ids of a kind: only the kinds of which a scenario names one are decoded."""

    def places() -> Collection[str]:
        return {place for offer in catalog.offers.values() for place in (offer.region, offer.country)}

    def providers() -> Collection[str]:
        return {offer.provider for offer in catalog.offers.values()}

    kinds: dict[str, Callable[[], Collection[str]]] = {
        "weights": lambda: catalog.formats.keys(),
        "kv_cache": lambda: catalog.kv_formats.keys(),
        "accelerators": lambda: catalog.accelerators.keys(),
        "vendors": lambda: {item.vendor.lower() for item in catalog.accelerators.values()},
        "engines": lambda: catalog.engines.keys(),
        "providers": providers,
        "regions": places,
        "offers": lambda: catalog.offers.keys(),
        "sites": lambda: catalog.regions.keys(),
    }
    return lambda kind: kinds[kind]()
