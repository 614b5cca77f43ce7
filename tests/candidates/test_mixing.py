"""When fleets are chosen together, and over how many a service may be spread."""

from __future__ import annotations

from typing import Any

import pytest

from planner.candidates.mixing import fleets_of, joint, refuse_training
from planner.errors import ScenarioError
from planner.scenario import load_scenario

OWN = [{"accelerator": "h100-sxm", "nodes": 1, "cost": "1 USD/h"}]
QUOTA = [{"accelerator": "l40s", "gpus": 4}]
SPOT = {"search.pricing": ["on-demand", "spot"]}
RATE = {"workload.concurrency": None, "workload.request_rate": "9/s"}


@pytest.mark.parametrize(
    ("changes", "fleets", "together"),
    [
        ({}, 1, False),
        ({"search.mix": 1}, 1, False),
        ({"search.mix": 3}, 3, True),
        ({"inventory": OWN}, 2, True),
        ({"inventory": OWN, "search.mix": 1}, 1, True),
        ({"limits.quotas": QUOTA}, 1, True),
        ({**SPOT, "limits.spot_share": "50%", "search.mix": 2}, 2, True),
        ({**SPOT, "limits.spot_interruption": "10%"}, 1, False),
        ({"limits.power_per_rack": "20 kW"}, 1, False),
        ({"limits.nodes": 4}, 1, True),
        ({"limits.types": 1}, 1, True),
        ({"limits.power": "20 kW"}, 1, True),
        ({"workload.hourly": ["50%"] * 23 + ["100%"]}, 2, True),
        ({"objective.first": "energy"}, 1, True),
        ({"objective.ties": ["nodes"]}, 1, True),
        ({"objective.within": "5%"}, 1, True),
        ({"sla.spare_nodes": 1}, 1, False),
        ({**RATE, "search.disaggregated": True}, 1, True),
    ],
)
def test_what_needs_fleets_to_be_chosen_together(changes: dict[str, Any], fleets: int, together: bool, asked) -> None:
    scenario = asked(changes)
    assert (fleets_of(scenario), joint(scenario)) == (fleets, together)


def test_services_are_always_chosen_together(two) -> None:
    assert joint(two())
    assert [fleets_of(part) for part in two().parts] == [1, 1]
    assert [fleets_of(part) for part in two({"search.mix": 2}).parts] == [2, 2]


def test_a_training_run_is_no_load_to_serve(root) -> None:
    scenario = load_scenario(root / "scenarios" / "training" / "7b-full.yaml")
    with pytest.raises(ScenarioError, match="is no load to serve"):
        refuse_training(scenario)
