"""The plan as data: deployment, estimates, margins, proof, alternatives, what was cut, and what it rests on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from planner import power
from planner.candidates.rule_requirements import PREFIX
from planner.cost import per_month, usd
from planner.plan import Alternative, Margin, Plan, Proof
from planner.solve.alternatives import why_lost
from planner.solve.certainty import PREDICTED, doubts
from planner.solve.figures import estimates, latency
from planner.solve.reasons import reasons
from planner.solve.rule_notes import preferences, rule_warnings
from planner.solve.ties import tied
from planner.solve.wording import broken_counts
from planner.units import format_months

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.cost import Facility
    from planner.plan import Estimate
    from planner.scenario import Scenario
    from planner.solve.details import Detail
    from planner.solve.problem import Outcome


FAR = ("generation", "engine", "prior")
"""Evidence that no run of the engine on the accelerator is part of."""
CAUTIOUS_RECOVERY = 0.98
"""Recovery at the 10th percentile below which a plan warns when no quality is asked for."""


def assemble(
    table: CandidateTable, winner: Detail, rivals: tuple[Detail, ...], outcome: Outcome, effects: tuple[str, ...] = ()
) -> Plan:
    """Return the plan that deploys ``winner``; ``effects`` are sentences on what the scenario's own rules changed."""
    service = table.scenario.name
    model = table.architecture.id
    found = estimates(table, winner)
    native = table.architecture.native_format or "bf16"
    return Plan(
        scenario=table.scenario.name,
        deployments=(winner.deployment(service, model),),
        estimates=found,
        margins=margins(table, winner, found),
        cost_usd_per_hour=usd(winner.cost),
        cost_usd_per_month=per_month(usd(winner.cost)),
        proof=Proof(
            status=outcome.status,
            solver=outcome.solver,
            objective_micro_usd_per_hour=outcome.objective,
            bound_micro_usd_per_hour=outcome.bound,
            gap=outcome.gap,
            candidates=len(table),
            feasible=int(np.count_nonzero(table.feasible)),
            checked=True,
        ),
        alternatives=tuple(
            Alternative(
                deployment=item.deployment(service, model),
                cost_usd_per_month=per_month(usd(item.cost)),
                estimates=latency(table, item),
                reason=tied(why_lost(item, winner, native), item.cost - winner.cost, winner.cost),
            )
            for item in rivals
        ),
        rejected=(*table.rejected, *table.ruled_out, *broken_counts(table)),
        warnings=(*doubts(table, winner.row), *warnings_of(table, winner), *rule_warnings(table, winner.row)),
        reasons=reasons(table, winner, rivals, effects),
        inputs=inputs_of(table, table.scenario),
        preferences=preferences(table, winner.row),
    )


def margins(table: CandidateTable, winner: Detail, found: tuple[Estimate, ...]) -> tuple[Margin, ...]:
    """Return each requirement beside what the plan gives, and the memory beside what the device has."""
    figures = {item.name: item.value for item in found}
    budget = table.scenario.budget
    confidence = table.scenario.sla.confidence
    monthly = per_month(usd(winner.cost))
    actual = {
        "sla.ttft_p50": figures["ttft_p50_ms"],
        "sla.ttft_p95": figures["ttft_p95_ms"],
        "sla.tpot_p95": figures["tpot_p95_ms"],
        "sla.e2e_p95": figures["e2e_p95_ms"],
        "sla.output_tokens_per_second": figures["output_tokens_per_second"],
        "budget.capex": winner.pool.capex_usd * winner.instances,
        "budget.tco": monthly * (budget.horizon_months or 0),
    }
    result = []
    for item in table.requirements:
        value = actual.get(item.id)
        sure = confidence if item.id in PREDICTED else None
        if sure is not None:
            value = float(item.actual(table)[winner.row])
        if item.id == "budget":
            value = usd(winner.cost) if item.unit == "USD/h" else monthly
        if item.id == "budget.tco":
            value = monthly * item.months
        if item.id == "sla.availability":
            value = winner.availability()
        if item.id.startswith(PREFIX) and item.sense != "in":
            value = float(item.actual(table)[winner.row])
        if value is not None:
            result.append(replace(margin(item.id, item.sense, item.limit, value, item.unit), confidence=sure))
    least = table.scenario.quality.min_recovery
    if least is not None and winner.recovery.median is not None:
        result.append(margin("quality.min_recovery", "min", least, winner.recovery.median, "share"))
    usable = float(winner.accelerator.memory_bytes_usable)
    result.append(margin("memory_per_gpu", "max", usable, figures["memory_per_gpu_bytes"], "bytes"))
    return tuple(result)


def margin(requirement: str, sense: str, limit: float, actual: float, unit: str) -> Margin:
    """Return a margin; ``slack`` is what is left, as a share of the limit."""
    left = actual - limit if sense == "min" else limit - actual
    return Margin(requirement, limit, actual, unit, left / limit if limit else 0.0, left >= -1e-9 * abs(limit))


def warnings_of(table: CandidateTable, winner: Detail) -> tuple[str, ...]:
    """Return what a reader of the plan has to know of evidence, quality and prices of one of its fleets."""
    found = []
    evidence = winner.estimated.serving.evidence_name(winner.index)
    if evidence == "accelerator":
        found.append(
            f"The model was not measured with {winner.engine.name} on {winner.accelerator.name} in this format, other "
            "models were: latencies carry over from them, and their intervals are as wide as that."
        )
    if evidence in FAR:
        found.append(
            f"No runs of {winner.engine.name} on {winner.accelerator.name} were measured: latencies are predicted from "
            f"the {evidence}, and their intervals are as wide as that."
        )
    if evidence == "pair":
        found.append(
            f"The model was measured with {winner.engine.name} on {winner.accelerator.name}, but at no load and layout "
            "like this: latencies carry over from others, and their intervals are as wide as that."
        )
    if winner.estimated.serving.crowded[winner.index]:
        found.append(
            "The KV cache is nearly full: whether requests wait for it can hardly be told, and the interval of TTFT is "
            "as wide as that."
        )
    if table.architecture.estimated:
        found.append("The model's type is not known; its size follows familiar fields and may be off.")
    if table.scenario.quality.min_recovery is None and (winner.recovery.p10 or 0.0) < CAUTIOUS_RECOVERY:
        found.append(
            "No quality is asked for, so formats of any recovery are allowed; quality.min_recovery sets a floor."
        )
    if winner.weights.family != "16bit" and not winner.recovery.measured:
        found.append(f"No recovery of {winner.weights.name} was measured at the model's size.")
    if winner.pool.price.confidence in ("low", "estimate"):
        found.append(f"The price of {winner.pool.offer.id} is of low confidence: {winner.pool.price.source}.")
    if winner.pool.price.kind == "purchase" and table.facility is not None:
        found.append(_written_off(table.facility))
        if not power.measured(winner.accelerator.generation):
            found.append(f"Power of {winner.accelerator.name} follows the curve measured on H100.")
    return tuple(found)


def _written_off(facility: Facility) -> str:
    """Say what the cost of bought hardware leaves out: whatever the scenario does not state."""
    missing = ["interest"]
    missing += [] if facility.salvage_share else ["salvage"]
    missing += [] if facility.maintenance_share_per_year else ["maintenance"]
    listed = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
    return f"Purchase is written off over {format_months(facility.horizon_months)} without {listed}."


def inputs_of(table: CandidateTable, scenario: Scenario) -> tuple[tuple[str, str], ...]:
    """Return what a plan rests on: digests of scenario and catalog, versions of planner and solver."""
    import ortools

    from planner import __version__

    return (
        ("scenario", scenario.digest),
        *((f"catalog.{kind}", digest) for kind, digest in sorted(table.catalog.digests.items())),
        ("planner", __version__),
        ("ortools", str(vars(ortools)["__version__"])),
    )
