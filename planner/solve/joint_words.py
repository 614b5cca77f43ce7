"""What is said of plans of several fleets. Sentences keep fixed forms, so that they can be translated by pattern."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from planner.cost import per_month, usd
from planner.units import format_percent, format_usd

if TYPE_CHECKING:
    from planner.plan import Alternative, Holding
    from planner.scenario import Scenario
    from planner.solve.placement import Choice
    from planner.solve.problem import Outcome

_ROUNDING = 1e-6
"""Relative: money is rounded to micro-dollars per instance."""


def load_words(scenario: Scenario) -> str:
    """Return ``200 requests at a time, 2,048 tokens in, 512 out``."""
    work = scenario.workload
    if work.concurrency is not None:
        load = f"{work.concurrency:,} requests at a time"
    else:
        load = f"{work.request_rate_per_s:g} requests per second"
    if work.sizes:
        return f"{load}, {len(work.sizes)} classes of size"
    return f"{load}, {work.input_tokens:,} tokens in, {work.output_tokens:,} out"


def reasons_of(
    choice: Choice, held: Sequence[Holding], monthly: float, outcome: Outcome, rivals: Sequence[Alternative]
) -> tuple[str, ...]:
    """Return why the plan is as it is, most important first."""
    return (
        _least(choice, monthly, outcome),
        *(
            f"{item.name[:1].upper()}{item.name[1:]}, {_beside(item, monthly)}."
            for item in rivals
            if item.name and ", " not in item.name
        ),
        *_parts(choice),
        *_divided(choice),
        *_shared(held),
        *_changing(choice, held),
        *_inventory(held),
    )


def _least(choice: Choice, monthly: float, outcome: Outcome) -> str:
    tables = choice.streams.evaluated
    feasible = sum(int(np.count_nonzero(table.feasible)) for table in tables)
    total = sum(len(table) for table in tables)
    cost = format_usd(monthly, "month")
    first = choice.streams.scenario.objective.first
    if first != "cost":
        return f"No plan of the {feasible:,} feasible candidates needs less {first}; it costs {cost}."
    least = per_month(usd(1) * outcome.objective / choice.hours)
    if monthly > least * (1 + _ROUNDING):
        share = format_percent(monthly / least - 1)
        of = f"of the {feasible:,} feasible candidates costs, of {total:,} evaluated."
        return f"{cost} is within {share} of the least that any combination {of}"
    proven = "is the least that any combination" if outcome.gap <= 0 else "is the least found for any combination"
    return f"{cost} {proven} of the {feasible:,} feasible candidates costs, of {total:,} evaluated."


def _beside(item: Alternative, monthly: float) -> str:
    more = item.cost_usd_per_month - monthly
    if abs(more) < 0.005:
        return "the cheapest plan costs the same"
    return f"the cheapest plan costs {format_usd(abs(more), 'month')} {'more' if more > 0 else 'less'}"


def _parts(choice: Choice) -> Iterable[str]:
    """Say of each service whose requests are divided, which of them run where."""
    for service in choice.streams.scenario.parts:
        mine: dict[str, list[str]] = {}
        for item in choice.placements:
            stream = choice.streams.streams[item.stream]
            if stream.service == service.name and stream.part.label:
                mine.setdefault(stream.part.label, []).append(choice.pools[item.pool].offer.id)
        if mine:
            said = "; ".join(f"{label} on {' and '.join(offers)}" for label, offers in mine.items())
            yield f"The requests of {service.name} are divided: {said}."


def _divided(choice: Choice) -> Iterable[str]:
    """Say of each stream that several fleets carry, which share is whose."""
    for index, stream in enumerate(choice.streams.streams):
        mine = [item for item in choice.placements if item.stream == index]
        if len(mine) < 2:
            continue
        parts = [
            f"{format_percent(item.share, 0)} on {choice.pools[item.pool].offer.id} "
            f"({choice.pools[item.pool].price.kind})"
            for item in sorted(mine, key=lambda item: -item.share)
        ]
        said = f"{stream.id} runs {' and '.join(parts)}."
        yield f"In the busiest hour {said}" if choice.hours > 1 else said


def _shared(held: Sequence[Holding]) -> Iterable[str]:
    for item in held:
        if len(item.services) > 1:
            yield f"{' and '.join(item.services)} share {item.instances} x {item.offer}."


def _changing(choice: Choice, held: Sequence[Holding]) -> Iterable[str]:
    if choice.hours == 1:
        return
    fixed = [item for item in held if not item.instances_by_hour]
    moving = [item for item in held if item.instances_by_hour]
    if fixed:
        yield f"The base of the load, held in every hour: {', '.join(f'{it.instances} x {it.offer}' for it in fixed)}."
    for item in moving:
        few, many = min(item.instances_by_hour), max(item.instances_by_hour)
        yield f"{item.offer} follows the load: {few} to {many} instances in {choice.hours} hours."


def _inventory(held: Sequence[Holding]) -> Iterable[str]:
    for item in held:
        if item.pricing == "owned":
            many = "are owned and cost" if item.instances > 1 else "is owned and costs"
            yield f"{item.instances} x {item.offer} {many} what running {'them' if item.instances > 1 else 'it'} does."
