"""What the intervals of predictions mean for a plan: which limits it might miss, and what certainty would cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from planner.cost import per_month, usd
from planner.solve.wording import NAMES
from planner.units import format_percent, format_usd

if TYPE_CHECKING:
    from planner.candidates import CandidateTable

SURE = 0.9
"""The confidence that a warning names: nine of ten plans hold."""
PREDICTED = ("sla.ttft_p50", "sla.ttft_p95", "sla.tpot_p95", "sla.e2e_p95", "sla.output_tokens_per_second")
"""Requirements on predictions, which have intervals."""


def doubts(table: CandidateTable, row: int) -> tuple[str, ...]:
    """Return a warning when the plan of ``row`` holds by the best estimate only; nothing where confidence is asked.

    The price is that of the cheapest fleet among the rows at hand, which were refined around the best estimate: a plan
    solved with ``sla.confidence`` may be cheaper.
    """
    from planner.candidates.requirements import requirements

    scenario = table.scenario
    if scenario.sla.confidence is not None or not any(item.id in PREDICTED for item in table.requirements):
        return ()
    surer = replace(scenario, sla=replace(scenario.sla, confidence=SURE))
    strict = {item.id: item for item in requirements(surer, marked=False) if item.id in PREDICTED}
    shaky = [NAMES[name] for name, item in strict.items() if bool(item.broken(table)[row])]
    if not shaky:
        return ()
    kept = np.array([item.id not in strict for item in table.requirements], dtype=bool)
    holds = ~np.asarray(table.broken[kept].any(axis=0))
    for item in strict.values():
        holds &= ~item.broken(table)
    names = ", ".join(shaky)
    percent = format_percent(SURE)
    if not holds.any():
        return (f"Held by the best estimate only: {names}. No candidate holds every limit at {percent} confidence.",)
    least = format_usd(per_month(usd(int(table.fleets.cost[holds].min()))), "month")
    return (
        f"Held by the best estimate only: {names}. At {percent} confidence a plan costs at most {least}: "
        f"sla.confidence asks for it.",
    )
