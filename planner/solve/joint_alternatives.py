"""Other plans of several fleets: the best that does without something that the plan rests on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from planner.cost import per_month, usd
from planner.plan import Alternative
from planner.progress import note
from planner.solve.figures import LATENCIES
from planner.solve.joint import solved_choice
from planner.solve.joint_figures import service_estimates
from planner.solve.placement import Choice, deployment, details_of, holdings
from planner.solve.prune import restrict
from planner.solve.ties import tied
from planner.units import format_usd

if TYPE_CHECKING:
    from planner.candidates.hardware import Pool
    from planner.candidates.streams import Streams
    from planner.solve.fleet import FleetProblem
    from planner.solve.problem import Problem, Solver


def rivals(
    streams: Streams, fleet: FleetProblem, choice: Choice, solver: Solver, count: int
) -> tuple[Alternative, ...]:
    """Return up to ``count`` plans, cheapest first, each the best of all that lack some traits of ``choice``.

    Of the plan every trait is left out in turn. Where that gives too few, the same is done to what was found.
    """
    found: list[Alternative] = []
    seen = {_signature(choice)}
    open_: list[tuple[str, FleetProblem, Choice]] = [("", replace(fleet, problem=_untied(fleet.problem)), choice)]
    while open_ and len(found) < count:
        before, known, of = open_.pop(0)
        for name, variant in _variants(known, of):
            note(f"a plan is found; what else is possible {name}")
            answer = solved_choice(streams, variant, variant.problem, solver)
            if answer is None:
                continue
            other, _ = answer
            if _signature(other) in seen:
                continue
            seen.add(_signature(other))
            told = f"{before}, {name}" if before else name
            found.append(_alternative(told, other, choice))
            open_.append((told, variant, other))
        open_.sort(key=lambda item: item[2].cost)
    return tuple(sorted(found, key=lambda item: (item.cost_usd_per_month, item.name))[:count])


def _untied(problem: Problem) -> Problem:
    return replace(problem, tie_ppm=0, ties=())


def _variants(fleet: FleetProblem, choice: Choice) -> Iterator[tuple[str, FleetProblem]]:
    problem = fleet.problem
    used = [choice.pools[p] for p in choice.used_pools]
    streams = [item.stream for item in choice.placements]
    divided = [index for index, stream in enumerate(choice.streams.streams) if stream.part.label]
    if set(streams) & set(divided):
        yield "without dividing requests", _without(fleet, divided)
    accelerators = sorted({pool.offer.accelerator for pool in used})
    if len(accelerators) > 1:
        yield "with one type of accelerator", replace(fleet, problem=replace(problem, max_kinds=1))
    if len(set(streams)) < len(streams):
        services = tuple(replace(item, max_options=1) for item in problem.services)
        yield "with one fleet per service", replace(fleet, problem=replace(problem, services=services))
    for name in accelerators:
        yield f"without {name}", _less(fleet, lambda pool, name=name: pool.offer.accelerator == name)  # type: ignore[misc]
    for kind in sorted({pool.price.kind for pool in used} - {"on-demand"}):
        what = "what is owned" if kind == "owned" else f"{kind} prices"
        yield f"without {what}", _less(fleet, lambda pool, kind=kind: pool.price.kind == kind)  # type: ignore[misc]


def _without(fleet: FleetProblem, streams: Collection[int]) -> FleetProblem:
    """Return ``fleet`` without the options of some streams, so that no way that needs them is left."""
    kept = [o for o, service in enumerate(fleet.problem.options.service) if service not in streams]
    return replace(fleet, problem=restrict(fleet.problem, kept), rows=tuple(fleet.rows[o] for o in kept))


def _less(fleet: FleetProblem, gone: Callable[[Pool], bool]) -> FleetProblem:
    """Return ``fleet`` without the pools of which ``gone`` is true."""
    pools = fleet.problem.pools
    most = tuple(0 if gone(pool) else limit for pool, limit in zip(fleet.pools, pools.max_instances, strict=True))
    return replace(fleet, problem=replace(fleet.problem, pools=replace(pools, max_instances=most)))


def _signature(choice: Choice) -> tuple[object, ...]:
    return tuple((choice.pools[p].id, choice.instances[p]) for p in choice.used_pools)


def _alternative(name: str, other: Choice, plan: Choice) -> Alternative:
    details = details_of(other)
    first = other.placements[0]
    streams = other.streams.streams
    fleets = [
        (streams[item.stream].table, detail)
        for item, detail in zip(other.placements, details, strict=True)
        if streams[item.stream].service == streams[first.stream].service
    ]
    more = per_month(usd(1) * (other.cost - plan.cost))
    share = more / per_month(usd(1) * plan.cost) if plan.cost else 0.0
    change = (
        "costs the same"
        if abs(more) < 0.005
        else (f"costs {format_usd(abs(more), 'month')} ({abs(share):.1%}) {'more' if more > 0 else 'less'}")
    )
    return Alternative(
        deployment=deployment(other, first, details[0]),
        cost_usd_per_month=per_month(usd(1) * other.cost),
        estimates=tuple(item for item in service_estimates(fleets) if item.name in LATENCIES),
        reason=tied(f"{change}: the cheapest {name}", more, per_month(usd(1) * plan.cost)),
        name=name,
        holdings=holdings(other),
    )
