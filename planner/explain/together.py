"""How a plan of several fleets follows, and why it is not another one: the problem solved again with what is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.mixing import fleets_of
from planner.candidates.streams import streams_of
from planner.cost import per_month, usd
from planner.errors import Infeasible
from planner.explain.causes import Cause
from planner.explain.derivation import Step, asked_line, left_out, memory_line, sum_line
from planner.explain.why_not import WhyNot, narrowed_to
from planner.plan import Alternative, Plan
from planner.scenario.supply import Quota
from planner.solve import ALTERNATIVES, solve
from planner.solve.choice import ChosenSolver
from planner.solve.figures import estimates
from planner.solve.fleet import fleet_problem
from planner.solve.joint import chosen_together, solved_choice
from planner.solve.placement import deployment, details_of, holdings
from planner.solve.problem import UNLIMITED
from planner.solve.ties import tie_ppm
from planner.units import format_percent, format_usd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.streams import Stream, Streams
    from planner.catalog import Catalog
    from planner.explain.wanted import Wanted
    from planner.scenario import Scenario
    from planner.solve.details import Detail
    from planner.solve.placement import Choice, Placement


def derived_together(scenario: Scenario, catalog: Catalog | None = None) -> tuple[Step, ...]:
    """Return the derivation of a plan of several fleets. Raises Infeasible where it has none, and InputError."""
    streams = streams_of(scenario, catalog)
    choice, _ = chosen_together(streams)
    plan = solve(scenario, streams.catalog, alternatives=ALTERNATIVES)
    details = details_of(choice)
    steps = [Step("Asked", tuple(line for table in streams.evaluated for line in asked_line(table)))]
    steps.extend(Step(f"Left out of {stream.name}", left_out(stream.table)) for stream in streams.apart)
    steps.extend(_fleet(streams, choice, item, detail) for item, detail in zip(choice.placements, details, strict=True))
    steps.append(Step("Cost", tuple(_bill(choice))))
    steps.append(Step("Chosen", plan.reasons))
    return tuple(steps)


def _fleet(streams: Streams, choice: Choice, item: Placement, detail: Detail) -> Step:
    stream, pool = streams.streams[item.stream], choice.pools[item.pool]
    found = {it.name: it for it in estimates(stream.table, detail)}
    many = f"{min(item.replicas)} to {item.peak}" if len(set(item.replicas)) > 1 else f"{item.peak}"
    return Step(
        f"{stream.id} on {pool.offer.id}",
        (
            f"{many} replicas on {detail.degrees.gpus} GPUs carry {format_percent(item.share, 0)} of the busiest hour; "
            f"each may have {detail.allowed_batch:,} sequences and then has {detail.batch:,}.",
            *memory_line(found["memory_per_gpu_bytes"]),
            sum_line(found["ttft_p95_ms"], "TTFT p95"),
            sum_line(found["tpot_p95_ms"], "TPOT p95"),
        ),
    )


def _bill(choice: Choice) -> Iterator[str]:
    for item in holdings(choice):
        count = f"{min(item.instances_by_hour)} to {item.instances}" if item.instances_by_hour else f"{item.instances}"
        yield f"{count} x {item.offer} ({item.pricing}): {format_usd(item.cost_usd_per_month, 'month')}."
    yield f"All of it: {format_usd(per_month(usd(1) * choice.cost), 'month')}."


def why_not_together(scenario: Scenario, wanted: Wanted, catalog: Catalog) -> WhyNot:
    """Return why a plan of several fleets does not use only what is wanted; every service is narrowed to it.

    The narrowed scenario is solved: its plan is beaten on cost, or what stands against it is its conflict.
    """
    plan = _solved(scenario, catalog)
    best = _told(plan) if plan is not None else None
    narrowed = _narrowed(scenario, wanted)
    if narrowed is None:
        cause = Cause("search", "the scenario's search allows nothing of that")
        return WhyNot(wanted, "impossible", 0, 0, None, best, (cause,))
    streams = streams_of(narrowed, catalog)
    masks = [_on_offers(stream, wanted) for stream in streams.streams]
    matching = sum(int(mask.sum()) for mask in masks)
    rows = [stream.table.feasible & mask for stream, mask in zip(streams.streams, masks, strict=True)]
    feasible = sum(int(mask.sum()) for mask in rows)
    fleet = fleet_problem(streams, tie_ppm(streams), rows)
    found = solved_choice(streams, fleet, fleet.problem, ChosenSolver())
    if found is None:
        return WhyNot(wanted, "rejected", matching, feasible, None, best, tuple(_against(narrowed, wanted, catalog)))
    other = _of_choice(found[0])
    if plan is None or other.holdings == plan.holdings:
        return WhyNot(wanted, "chosen", matching, feasible, other, best, ())
    reason = _beaten(other.cost_usd_per_month, plan)
    return WhyNot(wanted, "beaten", matching, feasible, replace(other, reason=reason), best, ())


def _on_offers(stream: Stream, wanted: Wanted) -> NDArray[np.bool_]:
    """[row]: of the stream, and on the offers that are wanted; the rest of it the search has seen to."""
    offers = wanted.of("offers")
    allowed = np.array([offers is None or pool.offer.id in offers for pool in stream.table.pools], dtype=bool)
    return np.asarray(stream.rows & allowed[stream.table.pool])


def _against(narrowed: Scenario, wanted: Wanted, catalog: Catalog) -> Iterator[Cause]:
    if wanted.of("offers") is not None:
        yield Cause("offer", "nothing on it alone carries everything within what is asked")
        return
    try:
        solve(narrowed, catalog, alternatives=0)
    except Infeasible as ending:
        yield from (Cause("conflict", text) for text in ending.conflict.because)


def _beaten(cost: float, plan: Plan) -> str:
    """Return what the plan has before another; money need not be what is wanted first."""
    more = cost - plan.cost_usd_per_month
    change = f"{format_usd(abs(more), 'month')} ({format_percent(abs(more) / plan.cost_usd_per_month)})"
    reason = f"costs {change} {'more' if more >= 0 else 'less'}"
    return reason if plan.goal == "cost" else f"{reason}, and the plan needs no more {plan.goal}"


def _solved(scenario: Scenario, catalog: Catalog) -> Plan | None:
    try:
        return solve(scenario, catalog, alternatives=0)
    except Infeasible:
        return None


def _narrowed(scenario: Scenario, wanted: Wanted) -> Scenario | None:
    """Return the scenario with the search of every service narrowed; None where it allows nothing of that.

    An offer that is wanted gets a quota of its own, which binds nothing: what has one is not left out as dearer than
    another of the same hardware. So that quotas do not change over how many fleets a service may be spread, that is
    stated.
    """
    quotas = tuple(Quota(offer=str(name), nodes=UNLIMITED) for name in wanted.of("offers") or ())
    limits = replace(scenario.limits, quotas=(*scenario.limits.quotas, *quotas))
    most = max(fleets_of(part) for part in scenario.parts)
    scenario = replace(scenario, limits=limits, search=replace(scenario.search, mix=most))
    whole = narrowed_to(scenario.search, wanted)
    if whole is None:
        return None
    if "services" not in {f.name for f in fields(scenario)}:
        return replace(scenario, search=whole)
    services: Sequence[object] = scenario.services  # type: ignore[attr-defined]  # a scenario with several has them
    found = [narrowed_to(item.search, wanted) for item in services]  # type: ignore[attr-defined]
    if None in found:
        return None
    changed = tuple(replace(item, search=search) for item, search in zip(services, found, strict=True))  # type: ignore[type-var]
    return replace(scenario, search=whole, services=changed)  # type: ignore[call-arg]


def _told(plan: Plan) -> Alternative:
    return Alternative(plan.deployments[0], plan.cost_usd_per_month, (), "", name="together", holdings=plan.holdings)


def _of_choice(choice: Choice) -> Alternative:
    first = deployment(choice, choice.placements[0], details_of(choice)[0])
    monthly = per_month(usd(1) * choice.cost)
    return Alternative(first, monthly, (), "", name="together", holdings=holdings(choice))
