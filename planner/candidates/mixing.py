"""Whether fleets are chosen one by one in closed form, or together, and how many may share one service."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from planner.errors import ScenarioError
from planner.scenario.supply import Limits, Objective

if TYPE_CHECKING:
    from planner.scenario import Scenario


_OF_OFFERS = ("spot_interruption", "power_per_rack_w")
"""Limits that say something of each offer alone."""


def refuse_training(scenario: Scenario) -> None:
    """Raise ScenarioError where ``scenario`` is about training, which no fleets serve."""
    if scenario.workload.kind == "training":
        help = "`planner solve` plans it, and says what it considered"
        raise ScenarioError([scenario.document.diagnostic(("workload", "kind"), "is no load to serve", help=help)])


def fleets_of(scenario: Scenario) -> int:
    """Return over how many fleets a service may be spread: what is asked, or 2 where a second may be worth while.

    That is where something is there already, or the load changes, so that a base is reserved and peaks are rented by
    the hour. No limit changes it: a further limit must never make a plan cheaper.
    """
    asked = scenario.search.mix
    if asked is not None:
        return asked
    return 2 if scenario.inventory or scenario.workload.hourly else 1


def joint(scenario: Scenario) -> bool:
    """Say whether fleets have to be chosen together: several of them, or limits over what they take in all.

    Otherwise one uniform fleet carries one service, its size and cost follow from its row alone, and the table knows
    of each row whether it is a plan.
    """
    work = scenario.workload
    together = len(scenario.parts) > 1 or fleets_of(scenario) > 1 or work.hourly or work.sizes
    return bool(
        together
        or any(part.search.disaggregated for part in scenario.parts)
        or scenario.inventory
        or scenario.limits != replace(Limits(), **{name: getattr(scenario.limits, name) for name in _OF_OFFERS})
        or scenario.objective != Objective()
    )
