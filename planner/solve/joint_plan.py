"""The plan of several fleets as data: what is held, what each service gets, what all of it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from planner.cost import per_month, usd
from planner.plan import Alternative, Plan, Preference, Proof, Rejection, ServiceResult
from planner.solve.assemble import inputs_of, warnings_of
from planner.solve.joint_figures import plan_estimates, service_estimates
from planner.solve.joint_margins import plan_margins, service_margins
from planner.solve.joint_words import load_words, reasons_of
from planner.solve.placement import deployment, details_of, holdings
from planner.solve.rule_notes import preferences, rule_warnings
from planner.solve.wording import broken_counts
from planner.units import HOURS_PER_MONTH

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.scenario import Scenario
    from planner.solve.details import Detail
    from planner.solve.placement import Choice
    from planner.solve.problem import Outcome


def assemble_joint(
    choice: Choice, outcome: Outcome, rivals: Sequence[Alternative], effects: Sequence[str] = ()
) -> Plan:
    """Return the plan that takes ``choice``; ``effects`` are sentences on what the scenario's own rules changed."""
    streams = choice.streams
    details = details_of(choice)
    held = holdings(choice)
    monthly = per_month(usd(1) * choice.cost)
    services = tuple(_service(choice, details, part) for part in streams.scenario.parts)
    margins = plan_margins(choice, held, monthly)
    estimates = plan_estimates(choice, details, held, services)
    if len(services) == 1:
        # What is said of the only service is said of the plan; the service keeps its load.
        (only,) = services
        estimates = (*(it for it in only.estimates if it.name != "power_w"), *estimates)
        margins = (*only.margins, *margins)
        services = (replace(only, estimates=(), margins=()),)
    deployments = tuple(
        deployment(choice, item, detail) for item, detail in zip(choice.placements, details, strict=True)
    )
    tables = streams.evaluated
    return Plan(
        scenario=streams.scenario.name,
        deployments=deployments,
        estimates=estimates,
        margins=margins,
        cost_usd_per_hour=monthly / HOURS_PER_MONTH,
        cost_usd_per_month=monthly,
        proof=Proof(
            status=outcome.status,
            solver=outcome.solver,
            objective_micro_usd_per_hour=round(outcome.objective / choice.hours),
            bound_micro_usd_per_hour=round(outcome.bound / choice.hours),
            gap=outcome.gap,
            candidates=sum(len(table) for table in tables),
            feasible=sum(int(np.count_nonzero(table.feasible)) for table in tables),
            checked=True,
        ),
        alternatives=tuple(rivals),
        rejected=_rejected(tables),
        warnings=tuple(
            dict.fromkeys((*_untied(choice, outcome), *_formats(choice, details), *_warnings(choice, details)))
        ),
        reasons=(*reasons_of(choice, held, monthly, outcome, rivals), *effects),
        inputs=inputs_of(tables[0], streams.scenario),
        holdings=held,
        services=services,
        goal=streams.scenario.objective.first,
        preferences=_preferred(choice),
    )


def _preferred(choice: Choice) -> tuple[Preference, ...]:
    """Return what preferences add to the objective, summed over the fleets; nothing where not money is least."""
    if choice.streams.scenario.objective.first != "cost":
        return ()
    found: dict[tuple[str, str], float] = {}
    for item in choice.placements:
        for it in preferences(choice.streams.tables[item.stream], item.row):
            found[it.rule, it.message] = found.get((it.rule, it.message), 0.0) + it.usd_per_month
    return tuple(Preference(rule, message, monthly) for (rule, message), monthly in found.items())


def _rejected(tables: Iterable[CandidateTable]) -> tuple[Rejection, ...]:
    """Return what was ruled out, summed over the streams."""
    counts: dict[tuple[str, str], int] = {}
    for table in tables:
        alone = [item for item in broken_counts(table) if not item.reason.startswith("budget")]
        for item in (*table.rejected, *table.ruled_out, *alone):
            counts[item.reason, item.message] = counts.get((item.reason, item.message), 0) + item.count
    return tuple(Rejection(reason, message, count) for (reason, message), count in counts.items())


def _warnings(choice: Choice, details: Sequence[Detail]) -> Iterable[str]:
    several = len(choice.streams.scenario.parts) > 1
    for item, detail in zip(choice.placements, details, strict=True):
        stream = choice.streams.streams[item.stream]
        table = stream.table
        said = [*warnings_of(table, detail), *rule_warnings(table, item.row)]
        yield from (f"{stream.service}: {text}" if several else text for text in said)


def _untied(choice: Choice, outcome: Outcome) -> Iterable[str]:
    """Warn where plans that count as equal were asked for and not looked at."""
    if choice.streams.scenario.objective.within and not outcome.ties_broken:
        yield "There are too many candidates to look for a simpler plan within objective.within: this is the cheapest."


def _formats(choice: Choice, details: Sequence[Detail]) -> Iterable[str]:
    """Warn where requests of one service are answered from weights in different formats."""
    for service in choice.streams.scenario.parts:
        formats = {
            detail.weights.id
            for item, detail in zip(choice.placements, details, strict=True)
            if choice.streams.streams[item.stream].service == service.name
        }
        if len(formats) > 1:
            listed = " and ".join(sorted(formats))
            yield f"{service.name} is served in {listed}: the same request may be answered differently by its fleets."


def _service(choice: Choice, details: Sequence[Detail], scenario: Scenario) -> ServiceResult:
    streams = choice.streams
    fleets = [
        (streams.streams[item.stream].table, detail)
        for item, detail in zip(choice.placements, details, strict=True)
        if streams.streams[item.stream].service == scenario.name
    ]
    estimates = service_estimates(fleets)
    return ServiceResult(
        service=scenario.name,
        model=fleets[0][0].architecture.id,
        load=load_words(scenario),
        estimates=estimates,
        margins=service_margins(scenario, fleets, {item.name: item for item in estimates}),
        hourly=scenario.workload.hourly or (),
    )
