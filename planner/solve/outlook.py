"""A plan beside what is not known yet: a price by the token, a load that grows, and the cost of being wrong."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log
from typing import TYPE_CHECKING

import numpy as np

from planner.errors import Infeasible
from planner.plan import Comparison, Growth
from planner.solve.scaled import scaled
from planner.units import HOURS_PER_MONTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates import CandidateTable
    from planner.candidates.streams import Streams
    from planner.plan import Plan
    from planner.scenario import Scenario
    from planner.scenario.future import ApiPrice

AHEAD = 8.0
"""Times today's load up to which room is looked for: six years of growth by 40 %."""
_SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600
_MILLION = 1_000_000


def with_outlook(plan: Plan, streams: Streams) -> Plan:
    """Return ``plan`` with what its scenario asks about the future, and as it is where it asks nothing."""
    scenario = streams.scenario
    if scenario.uncertainty.anything:
        plan = _with_regrets(plan, streams)
    if any(part.workload.growth for part in scenario.parts):
        plan = replace(plan, growth=_growth(plan, streams))
    if scenario.compare:
        plan = replace(plan, comparisons=tuple(_beside(plan, item, streams) for item in scenario.compare))
    return plan


def _beside(plan: Plan, price: ApiPrice, streams: Streams) -> Comparison:
    """Return what the scenario's load costs by the token, averaged over the hours of its cycle."""
    scenario = streams.scenario
    total = prompts = outputs = 0.0
    for part in scenario.parts:
        stream = next(item for item in streams.streams if item.service == part.name)
        lengths = stream.table.demand.lengths
        hourly = part.workload.hourly or (1.0,)
        generated = _generated(plan, part) * sum(hourly) / len(hourly) / max(hourly)
        into, out = price.usd_per_million(part.workload.prefix_hit_share, scenario.rates)
        read = generated / lengths.output_tokens * lengths.input_tokens
        prompts += read * into
        outputs += generated * out
        total += (read * into + generated * out) * _SECONDS_PER_MONTH / _MILLION
    first = price.usd_per_million(scenario.parts[0].workload.prefix_hit_share, scenario.rates)
    return Comparison(price.name, total, *first, break_even=plan.cost_usd_per_month / total if total else inf)


def _generated(plan: Plan, part: Scenario) -> float:
    """Return the output tokens per second of a service in its busiest hour."""
    mine = next((item.estimates for item in plan.services if item.service == part.name), ()) or plan.estimates
    return next(item.value for item in mine if item.name == "output_tokens_per_second")


def _growth(plan: Plan, streams: Streams) -> Growth:
    """Return how long the plan lasts; the service that grows fastest beside its headroom decides."""
    from planner.candidates.streams import streams_of
    from planner.solve.pipeline import solved

    scenario = streams.scenario
    ahead = streams_of(scaled(_plain(scenario), load=AHEAD), streams.catalog)
    tightest = (inf, 0.0, 0.0)
    for part in scenario.parts:
        rate = part.workload.growth
        room = _headroom(plan, streams, ahead, part)
        if rate:
            tightest = min(tightest, (12 * log(1.0 + room) / log(1.0 + rate), room, rate))
    months, room, rate = tightest
    later = scenario
    for part in scenario.parts:
        later = scaled(later, load=1.0 + part.workload.growth, only=part.name)
    try:
        then = solved(_plain(later), streams.catalog, alternatives=0, solver=None)
    except Infeasible:
        return Growth(rate, room, months, None, "")
    held = [f"{item.instances} x {item.offer}" for item in then.holdings or then.deployments]
    return Growth(rate, room, months, then.cost_usd_per_month, ", ".join(held))


def _headroom(plan: Plan, streams: Streams, ahead: Streams, part: Scenario) -> float:
    """Return the share by which a service's load may grow on the replicas that the plan runs in the busiest hour.

    ``ahead`` are the streams at :data:`AHEAD` times the load: at the load itself no batch is larger than it is.
    """
    from planner.solve.regret import layouts_of, of_layouts

    room = inf
    for stream, later in zip(streams.streams, ahead.streams, strict=True):
        mine = [
            item for item in plan.deployments
            if item.service == stream.service == part.name and item.requests == stream.part.label
        ]  # fmt: skip
        if not mine:
            continue
        table = _fully_refined(later.table)
        carried = 0
        for item in mine:
            rows = np.flatnonzero(of_layouts(table, layouts_of([item])) & _held(table))
            carried += item.replicas * int(table.fleets.capacity[rows].max(initial=0))
        room = min(room, carried / stream.table.demand.amount - 1.0)
    return max(room, 0.0)


def _fully_refined(table: CandidateTable) -> CandidateTable:
    """Return ``table`` with the most that a replica carries, where only what saves a replica was looked for."""
    from planner.candidates.evaluation import refined
    from planner.candidates.refine import batches_carrying_more

    if table.demand.concurrency is None:
        return table
    shared = replace(table, demand=replace(table.demand, shared=True))
    return refined(shared, lambda now: batches_carrying_more(now, _held(now)))


def _held(table: CandidateTable) -> NDArray[np.bool_]:
    """[row]: everything that is asked of a replica holds; what is asked of all of them together is left out."""
    asked = np.array([not item.of_plan for item in table.requirements], dtype=bool)
    return ~np.asarray(table.broken[asked].any(axis=0))


def _plain(scenario: Scenario) -> Scenario:
    """Return ``scenario`` without what it asks about the future, and without a budget of today."""
    from planner.scenario.future import Uncertainty
    from planner.scenario.sections import Budget

    budget = Budget(horizon_months=scenario.budget.horizon_months, rates=scenario.budget.rates)
    plain = scaled(scenario, growth=0.0)
    return replace(plain, uncertainty=Uncertainty(), compare=(), budget=budget)


def _with_regrets(plan: Plan, streams: Streams) -> Plan:
    from planner.solve.regret import layouts_of, regrets

    # Alternatives of several fleets tell what they hold, not how it is laid out.
    told = [item for item in plan.alternatives if not item.holdings]
    layouts = [layouts_of(plan.deployments), *(layouts_of([item.deployment]) for item in told)]
    own, *others = regrets(streams.scenario, streams.catalog, layouts)
    by_rival = dict(zip(map(id, told), others, strict=True))
    rivals = tuple(replace(item, regrets=by_rival.get(id(item), ())) for item in plan.alternatives)
    return replace(plan, regrets=own, alternatives=rivals)
