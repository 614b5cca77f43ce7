from __future__ import annotations

import numpy as np
import pytest

from planner.architecture import resolve_model
from planner.candidates.hardware import Pool, pools
from planner.candidates.parallelism import Parallelism
from planner.candidates.ruling import Ruling
from planner.candidates.sizing import Fleets, Held, size_fleets
from planner.catalog import Catalog
from planner.cost import Facility
from planner.scenario import Scenario, parse_scenario

TEXT = """
name: sizes
model: meta-llama/Llama-3.1-70B-Instruct
workload: {input_tokens: 1000, output_tokens: 100, concurrency: 100}
budget: {horizon: 3 years}
site: {region: us}
search: {accelerators: [h100-sxm], pricing: [%s]}
"""


@pytest.fixture(scope="module")
def eight(catalog) -> Pool:
    return _server(parse_scenario(TEXT % "on-demand"), catalog, None)


def _server(scenario: Scenario, catalog: Catalog, facility: Facility | None) -> Pool:
    architecture = resolve_model(scenario.model, catalog=catalog)
    ruling = Ruling.of(scenario, architecture, catalog, marked=False)
    offered, _ = pools(scenario, catalog, facility, ruling, [Parallelism(1), Parallelism(8)], marked=False)
    return next(pool for pool in offered if pool.offer.gpus == 8)


def size(pool: Pool, capacity: int, gpus: int, availability: float | None = None, share: float = 0.8) -> Fleets:
    return size_fleets(
        (pool,),
        np.array([0]),
        np.array([capacity]),
        np.array([gpus]),
        np.array([share]),
        100,
        Held(availability=availability),
    )


@pytest.mark.parametrize(
    ("capacity", "gpus", "needed", "instances", "replicas"),
    [
        (25, 4, 4, 2, 4),  # two replicas of TP 4 in a node
        (30, 4, 4, 2, 4),
        (40, 4, 3, 2, 4),  # the fourth slot is there anyway
        (13, 1, 8, 1, 8),
        (12, 1, 9, 2, 16),
        (50, 8, 2, 2, 2),
        (50, 16, 2, 4, 2),  # a replica on two nodes
        (100, 3, 1, 1, 2),  # three of eight: two such groups fit a node, not two and two thirds
    ],
)
def test_instances_are_whole(eight: Pool, capacity: int, gpus: int, needed: int, instances: int, replicas: int) -> None:
    found = size(eight, capacity, gpus)
    assert (found.needed[0], found.instances[0], found.replicas[0]) == (needed, instances, replicas)
    assert found.cost[0] == instances * eight.fixed_cost


def test_availability_buys_spares_that_carry_load_as_well(eight: Pool) -> None:
    plain, held = size(eight, 25, 4), size(eight, 25, 4, 0.9999)
    assert held.spare_instances[0] >= 1
    assert held.instances[0] == plain.instances[0] + held.spare_instances[0]
    assert held.replicas[0] == held.instances[0] * 2
    assert held.needed[0] == plain.needed[0]


def test_a_bought_replica_pays_for_the_power_it_draws(catalog) -> None:
    from planner.candidates.site import facility_of

    scenario = parse_scenario(TEXT % "purchase")
    facility = facility_of(scenario, catalog)
    assert facility is not None
    server = _server(scenario, catalog, facility)
    busy, idle = size(server, 25, 4, share=0.8), size(server, 25, 4, share=0.115)
    assert idle.replica_cost[0] == 0
    tdp = server.accelerator.tdp_w or 0.0
    watts = 4 * 4 * tdp * (0.8 - 0.115)
    expected = watts / 1000 * facility.pue * facility.electricity_usd_per_kwh * 1e6
    assert busy.cost[0] - idle.cost[0] == pytest.approx(expected, abs=4)
    assert busy.replicas[0] == busy.needed[0]
