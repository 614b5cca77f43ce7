"""What is minimised, and what decides ties, as whole coefficients of instances and of running replicas.

The goal is money (micro-dollars per hour), energy (milliwatts) or carbon (nanograms of CO2 per second of a grid at its
yearly mean). Power is that of hosts and accelerators as they are predicted to run, PUE included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.candidates.hardware import Pool
    from planner.catalog import Catalog
    from planner.scenario import Scenario

MILLI = 1000
CARBON_SCALE = 1_000_000 / 3_600_000
"""Micrograms per second of one gram per kWh at one watt: 1e6 ug/g / 3.6e6 Ws/kWh."""

_TIES = {"types": "types", "nodes": "nodes", "energy": "watts", "cost": "money"}


@dataclass(frozen=True, slots=True)
class Goal:
    """Coefficients of pools and options, and the order of ties, in the solver's names."""

    pool: tuple[int, ...]
    option: tuple[int, ...]
    ties: tuple[str, ...]
    counts_preferences: bool


def goal_of(
    scenario: Scenario,
    catalog: Catalog,
    pools: Sequence[Pool],
    costs: Sequence[int],
    replica_costs: Sequence[int],
    replica_watts: Sequence[float],
    replica_pool: Sequence[int],
) -> Goal:
    """Return what ``scenario.objective`` asks for.

    ``costs`` are micro-dollars per hour of an instance of each pool, the last three columns are those of the options.
    """
    first = scenario.objective.first
    if first == "cost":
        ties = tuple(_TIES[name] for name in scenario.objective.ties if name != "cost")
        return Goal(tuple(costs), tuple(replica_costs), ties, True)
    weights = [weight(scenario, catalog, pool) for pool in pools]
    ties = tuple(_TIES[name] for name in scenario.objective.ties if name != "energy" or first != "energy")
    return Goal(
        tuple(round(pool.fixed_watts * each) for pool, each in zip(pools, weights, strict=True)),
        tuple(round(watts * weights[p]) for watts, p in zip(replica_watts, replica_pool, strict=True)),
        tuple(dict.fromkeys(("money", *ties))),
        False,
    )


def weight(scenario: Scenario, catalog: Catalog, pool: Pool) -> float:
    """Return what a watt of ``pool`` counts: milliwatts drawn at the site, or their carbon.

    An offer that does not say in which country it runs, or says one that the catalog does not know, counts with the
    highest PUE and the most carbon of all that it knows: ignorance shall not make a place better than others.
    """
    site = scenario.site.region if pool.price.kind in ("owned", "purchase") else None
    here = catalog.regions.get(site or pool.offer.country)
    regions = tuple(catalog.regions.values()) if here is None else (here,)
    pue = scenario.site.pue if site and scenario.site.pue else max(it.pue.value for it in regions)
    if scenario.objective.first == "energy":
        return MILLI * pue
    return CARBON_SCALE * max(it.carbon_g_per_kwh.value for it in regions) * pue * MILLI
