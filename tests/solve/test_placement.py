"""A solution in the words of its tables says what the solution says: shares, hours, holdings."""

from __future__ import annotations

import pytest

from planner.candidates.streams import streams_of
from planner.solve.fleet import fleet_problem
from planner.solve.joint import chosen_together
from planner.solve.placement import Choice, details_of, holdings
from planner.solve.problem import Solution
from planner.solve.solver import CpSatSolver

DAY = {"workload.hourly": ["20%"] * 8 + ["100%"] * 16}
OWN = {"inventory": [{"accelerator": "h100-sxm", "nodes": 1, "gpus_per_node": 8}], "site.region": "us"}


@pytest.fixture(scope="module", params=["day", "shared"])
def choice(request, asked, two, catalog) -> Choice:
    quota = {"limits.quotas": [{"accelerator": "l40s", "gpus": 5}]}
    scenario = asked(DAY, quota) if request.param == "day" else two(OWN, quota)
    return chosen_together(streams_of(scenario, catalog))[0]


def test_shares_of_each_stream_are_one(choice) -> None:
    for stream in {item.stream for item in choice.placements}:
        assert sum(item.share for item in choice.placements if item.stream == stream) == pytest.approx(1)


def test_the_cost_is_that_of_its_holdings(choice) -> None:
    assert sum(item.cost_usd_per_month for item in holdings(choice)) == pytest.approx(choice.cost / 1e6 * 730)
    assert choice.peak_cost >= choice.cost - 1


def test_instances_hold_the_replicas_of_every_hour(choice) -> None:
    for pool in choice.used_pools:
        size = choice.pools[pool].offer.gpus
        mine = [item for item in choice.placements if item.pool == pool]
        for hour, count in enumerate(choice.instances[pool]):
            assert sum(item.replicas[hour] * item.gpus for item in mine) <= count * size
    assert all(len(counts) == choice.hours for counts in choice.instances)


def test_what_runs_carries_the_load_of_every_hour(choice) -> None:
    for index in range(len(choice.streams.streams)):
        mine = [item for item in choice.placements if item.stream == index]
        table = choice.streams.tables[index]
        for hour, demand in enumerate(choice.streams.demand(index)):
            assert sum(item.replicas[hour] * int(table.fleets.capacity[item.row]) for item in mine) >= demand


def test_details_are_told_in_the_order_of_placements(choice) -> None:
    details = details_of(choice)
    assert [item.row for item in details] == [item.row for item in choice.placements]
    assert [item.pool.id for item in details] == [choice.pools[item.pool].id for item in choice.placements]


def test_a_solution_with_more_than_is_needed_is_told_as_it_is(asked, catalog) -> None:
    from planner.solve.placement import choice_of

    streams = streams_of(asked({"limits.nodes": 99}), catalog)
    fleet = fleet_problem(streams)
    best = CpSatSolver().solve(fleet.problem).solution
    more = Solution(best.replicas, tuple(tuple(n + 1 if n else 0 for n in counts) for counts in best.instances))
    few, many = (holdings(choice_of(streams, fleet, it)) for it in (best, more))
    assert many[0].instances == few[0].instances + 1
    assert many[0].utilisation < few[0].utilisation
