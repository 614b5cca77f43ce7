"""A scenario as it would be with another load."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from planner.scenario.fleet import FleetScenario

if TYPE_CHECKING:
    from planner.scenario import Scenario
    from planner.scenario.workload import Workload

_ROUNDING = 1e-9


def scaled(
    scenario: Scenario, *, load: float = 1.0, lengths: float = 1.0, growth: float | None = None, only: str = ""
) -> Scenario:
    """Return ``scenario`` with ``load`` times the requests, each ``lengths`` times as long, and another ``growth``.

    ``only`` names the service that is meant; left out, all are.
    """

    def changed(work: Workload) -> Workload:
        found = _scaled(work, load, lengths)
        return found if growth is None else replace(found, growth=growth)

    if isinstance(scenario, FleetScenario):
        services = (
            replace(it, workload=changed(it.workload)) if only in ("", it.name) else it for it in scenario.services
        )
        return replace(scenario, services=tuple(services))
    return replace(scenario, workload=changed(scenario.workload))


def _scaled(work: Workload, load: float, lengths: float) -> Workload:
    def longer(tokens: int) -> int:
        return max(round(tokens * lengths), 1)

    sizes = tuple(
        replace(item, input_tokens=longer(item.input_tokens), output_tokens=longer(item.output_tokens))
        for item in work.sizes
    )
    return replace(
        work,
        # The means of classes follow from them.
        input_tokens=0 if sizes else longer(work.input_tokens),
        output_tokens=0 if sizes else longer(work.output_tokens),
        sizes=sizes,
        concurrency=None if work.concurrency is None else ceil(work.concurrency * load - _ROUNDING),
        request_rate_per_s=None if work.request_rate_per_s is None else work.request_rate_per_s * load,
    )
