"""Streams carry each service once, by every way to divide it, in every hour of a common cycle."""

from __future__ import annotations

import numpy as np
import pytest

from planner.candidates.streams import streams_of
from planner.errors import ScenarioError

WEEK = ["10%"] * 120 + ["100%"] * 48
SIZES = [
    {"input_tokens": 300, "output_tokens": 100, "share": "70%"},
    {"input_tokens": 6000, "output_tokens": 400, "share": "30%"},
]


def test_a_service_of_one_size_is_one_stream(asked, catalog) -> None:
    found = streams_of(asked(), catalog)
    assert [(item.id, item.service) for item in found.streams] == [("small", "small")]
    assert (found.choices, found.cycle, found.joint) == ((), 1, False)
    assert found.streams[0].rows.all()
    assert found.demand(0) == found.streams[0].demand


def test_hours_of_all_services_repeat_in_a_common_cycle(two, catalog) -> None:
    scenario = two()
    chat, code = (
        {"name": item.name, "model": item.model, "workload": load, "sla": {"tpot_p95": "60ms"}}
        for item, load in zip(
            scenario.services,
            (
                {
                    "input_tokens": 1000,
                    "output_tokens": 200,
                    "concurrency": 1000,
                    "hourly": ["50%"] * 12 + ["100%"] * 12,
                },
                {"input_tokens": 1500, "output_tokens": 300, "request_rate": "4/s", "hourly": WEEK},
            ),
            strict=True,
        )
    )
    found = streams_of(two({"services": [chat, code]}), catalog)
    assert found.cycle == 168
    day, week = found.demand(0), found.demand(1)
    assert len(day) == len(week) == 168
    assert day[:24] == day[144:]
    assert max(day) == day[23] == 2 * day[0]
    assert week[0] < week[167]
    constant = streams_of(
        two({"services": [chat, {**code, "workload": {**code["workload"], "hourly": ["100%"] * 24}}]})
    )
    assert constant.cycle == 24
    assert len(set(constant.demand(1))) == 1


def test_ways_to_divide_a_service_are_told_by_its_streams(asked, catalog) -> None:
    sized = asked({"workload": {"concurrency": 600, "sizes": SIZES}})
    found = streams_of(sized, catalog)
    assert [item.id for item in found.streams] == [
        "small", "small/up to 400 tokens", "small/6,400 tokens and more",
    ]  # fmt: skip
    assert found.choices == (((0,), (1, 2)),)
    assert {item.part.of for item in found.streams[1:]} == {2}


def test_each_family_of_stages_is_a_way_and_shares_its_tables(asked, catalog) -> None:
    apart = asked(
        {"workload.concurrency": None, "workload.request_rate": "30/s", "search.disaggregated": True,
         "search.weights": None}
    )  # fmt: skip
    found = streams_of(apart, catalog)
    ((whole, *ways),) = found.choices
    assert whole == (0,)
    assert len(ways) >= 2
    assert len(found.evaluated) == 3
    assert len(found.tables) == 1 + 2 * len(ways)
    for index in (1, 2):
        stages = [stream for stream in found.streams[1:] if stream.table is found.streams[index].table]
        assert (np.sum([stream.rows for stream in stages], axis=0) <= 1).all()
        assert len({stream.family for stream in stages}) == len(ways)


def test_every_service_has_its_own_demand_and_search(two, catalog) -> None:
    found = streams_of(two(), catalog)
    assert [item.service for item in found.streams] == ["chat", "code"]
    assert [item.table.architecture.id for item in found.streams] == ["Qwen/Qwen3-8B", "Qwen/Qwen3-32B"]
    assert found.joint
    narrowed = two().services
    only = [{"name": it.name, "model": it.model, "workload": {"input_tokens": 9, "output_tokens": 9, "concurrency": 9}}
            for it in narrowed]  # fmt: skip
    only[0]["search"] = {"accelerators": ["l40s"]}
    tables = streams_of(two({"services": only}), catalog).tables
    assert [{pool.offer.accelerator for pool in table.pools} for table in tables] == [{"l40s"}, {"l40s", "h100-sxm"}]


def test_one_table_is_asked_of_one_service_only(two, catalog) -> None:
    from planner.candidates import evaluate

    with pytest.raises(ScenarioError, match="are several, and one is asked for"):
        evaluate(two(), catalog)
