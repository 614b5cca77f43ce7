"""How the plan follows from the scenario, step by step with its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates import evaluate
from planner.candidates.mixing import joint, refuse_training
from planner.cost import per_month, usd
from planner.errors import Infeasible
from planner.solve import ALTERNATIVES
from planner.solve.alternatives import ranked, rival_rows
from planner.solve.conflict import conflict_of
from planner.solve.details import details
from planner.solve.figures import estimates
from planner.solve.fleet import widest
from planner.solve.reasons import limiting, reasons
from planner.units import HOURS_PER_MONTH, format_bytes_gib, format_duration_ms, format_usd

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.catalog import Catalog
    from planner.plan import Estimate
    from planner.scenario import Scenario
    from planner.solve.details import Detail


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what is derived, and the sentences that derive it."""

    title: str
    lines: tuple[str, ...]


def derived(scenario: Scenario, catalog: Catalog | None = None) -> tuple[Step, ...]:
    """Return the derivation of the plan of ``scenario``. Raises Infeasible where it has none, and InputError."""
    refuse_training(scenario)
    if joint(scenario):
        from planner.explain.together import derived_together

        return derived_together(scenario, catalog)
    table = evaluate(scenario, catalog)
    rows = ranked(table)
    if not rows.size:
        raise Infeasible(conflict_of(scenario, table.catalog))
    row = widest(table, int(rows[0]))
    winner, *rivals = details(table, [row, *rival_rows(table, row, ALTERNATIVES)])
    return derivation(table, winner, tuple(rivals))


def derivation(table: CandidateTable, winner: Detail, rivals: tuple[Detail, ...]) -> tuple[Step, ...]:
    """Return the steps from what is asked to what the plan costs, and why nothing else won."""
    found = {item.name: item for item in estimates(table, winner)}
    return (
        Step("Asked", asked_line(table)),
        Step("Left out", left_out(table)),
        Step("Memory", memory_line(found["memory_per_gpu_bytes"])),
        Step("Batch", _batch(table, winner)),
        Step("Fleet", _fleet(table, winner)),
        Step("Latency", (sum_line(found["ttft_p95_ms"], "TTFT p95"), sum_line(found["tpot_p95_ms"], "TPOT p95"))),
        Step("Cost", _cost(winner)),
        Step("Chosen", reasons(table, winner, rivals)),
    )


def asked_line(table: CandidateTable) -> tuple[str, ...]:
    """Return what a table has to carry."""
    demand = table.demand
    load = (
        f"{demand.concurrency:,} requests are in flight at any time"
        if demand.concurrency is not None
        else f"{demand.request_rate_per_s:g} requests arrive per second"
    )
    lengths = demand.lengths
    tokens = f"each with {lengths.input_tokens:,.0f} tokens in and {lengths.output_tokens:,.0f} out"
    return (f"{table.architecture.id}: {load}, {tokens}, {demand.tokens_per_sequence:,} in the KV cache at the end.",)


def left_out(table: CandidateTable) -> tuple[str, ...]:
    """Return what was cut of a table, by reason."""
    lines = [f"{item.count:,} by {item.reason}: {item.message}." for item in table.rejected]
    feasible = int(np.count_nonzero(table.feasible))
    counts = np.count_nonzero(table.broken, axis=1).tolist()
    for item, count in zip(table.requirements, counts, strict=True):
        if count:
            lines.append(f"{count:,} of the {len(table):,} candidates left break {item.id}.")
    return (*lines, f"{feasible:,} of {len(table):,} candidates hold every requirement.")


def memory_line(budget: Estimate) -> tuple[str, ...]:
    """Return the memory of the fullest GPU as a sum."""
    terms = " + ".join(f"{term.name.replace('_', ' ')} {format_bytes_gib(term.value)}" for term in budget.terms)
    return (f"On the fullest GPU: {terms} = {format_bytes_gib(budget.value)}.",)


def _batch(table: CandidateTable, winner: Detail) -> tuple[str, ...]:
    replica = f"a replica on {winner.degrees.gpus} x {winner.accelerator.name}"
    limit = limiting(table, winner.row)
    return (f"With every requirement held, {replica} may have {winner.allowed_batch:,} sequences; {limit} sets that.",)


def _fleet(table: CandidateTable, winner: Detail) -> tuple[str, ...]:
    demand, offer = table.demand, winner.pool.offer
    if demand.concurrency is not None:
        why = f"ceil({demand.concurrency:,} / {winner.allowed_batch:,}) = {winner.needed:,} replicas carry the load"
    else:
        why = f"{winner.needed:,} replicas answer {demand.request_rate_per_s:g} requests per second"
    whole = f"{winner.instances:,} whole instances of {offer.gpus} GPUs hold {winner.replicas:,}"
    spare = f", {winner.spare_instances} of them spare" if winner.spare_instances else ""
    return (f"{why}; {whole}{spare}.", f"Each replica then has {winner.batch:,} sequences.")


def sum_line(estimate: Estimate, name: str) -> str:
    """Return a latency as a sum."""
    terms = " + ".join(f"{term.name} {format_duration_ms(term.value)}" for term in estimate.terms)
    return f"{name}: {terms} = {format_duration_ms(estimate.value)}."


def _cost(winner: Detail) -> tuple[str, ...]:
    instance = format_usd(usd(winner.pool.fixed_cost), "hour")
    bill = format_usd(per_month(usd(winner.cost)), "month")
    running = winner.cost - winner.instances * winner.pool.fixed_cost
    load = f" + {format_usd(per_month(usd(running)), 'month')} of power for the load" if running else ""
    return (f"{winner.instances} x {instance} x {HOURS_PER_MONTH} h{load} = {bill}.",)
