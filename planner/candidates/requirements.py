"""What a scenario requires, as objects that say of each row whether it holds, with which figure, and what was asked.

Every requirement is independent of the others, with one exception: availability adds spare instances, so without it a
fleet is smaller and cheaper. ``sizing`` is therefore done again when a conflict asks what dropping it would give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.availability import availability
from planner.candidates.hardware import offer_tests
from planner.candidates.space import quality_masks
from planner.cost import DEFAULT_HORIZON_MONTHS, usd
from planner.performance.confidence import at_confidence
from planner.units import HOURS_PER_MONTH, MICRO_USD_PER_USD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.space import Layouts
    from planner.candidates.table import CandidateTable
    from planner.scenario import Scenario

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of a scenario.

    ``actual`` gives the figure of every row in ``unit``; ``sense`` is ``max`` or ``min`` for a limit on that figure, or
    ``in`` for a choice, where the figure is 1 inside and 0 outside.
    """

    id: str
    sense: str
    limit: float
    unit: str
    actual: Callable[[CandidateTable], Floats]
    asked: str = ""
    """What a choice allows, as words."""
    months: int = 0
    """Of a total over time: how many."""
    of_plan: bool = False
    """Whether it limits a sum over everything that is bought and run, so that no fleet breaks or holds it alone."""

    @property
    def ceiling(self) -> float:
        """The limit with a part in a thousand million added: sums of money are equal when they differ by less."""
        return self.limit * (1.0 + 1e-9)

    @property
    def most_micro_usd_per_hour(self) -> int | None:
        """The limit as the solver counts money, where it is one on the running cost; None otherwise."""
        if self.id not in ("budget", "budget.peak", "budget.tco"):
            return None
        hours = {"USD/h": 1, "USD/month": HOURS_PER_MONTH}.get(self.unit, self.months * HOURS_PER_MONTH)
        return floor(self.ceiling / hours * MICRO_USD_PER_USD)

    def broken(self, table: CandidateTable) -> Bools:
        """[row]: the requirement does not hold. A figure that is not known (NaN) breaks it."""
        actual = self.actual(table)
        if self.sense == "max":
            return ~(actual <= self.ceiling)
        return ~(actual >= self.limit)


def requirements(scenario: Scenario, *, marked: bool, stage: str = "") -> tuple[Requirement, ...]:
    """Return the scenario's requirements, in the order in which reports list them.

    Of the stages of a request, prefill decides the first token alone and decode all that comes after it. ``marked``
    adds those that otherwise cut before a row exists: quality and the restrictions of ``search``.
    """
    found = [*_latency(scenario, stage), *_availability(scenario), *_budget(scenario)]
    if marked:
        found += [*_quality(scenario), *_search(scenario)]
    return tuple(found)


def _latency(scenario: Scenario, stage: str) -> list[Requirement]:
    """Return the limits on predictions, which hold with ``sla.confidence`` or else by the best estimate."""
    sla = scenario.sla
    sure = sla.confidence
    found = []
    per_configuration: Sequence[tuple[str, float | None, str]] = (
        ("ttft_p50", sla.ttft_p50_ms, "ttft_mean_ms"),
        ("ttft_p95", sla.ttft_p95_ms, "ttft_p95_ms"),
        ("tpot_p95", sla.tpot_p95_ms, "tpot_p95_ms"),
        ("e2e_p95", sla.e2e_p95_ms, "e2e_p95_ms"),
    )
    for name, limit, column in per_configuration:
        if limit is None or (stage == "prefill" and not name.startswith("ttft")):
            continue
        read = _estimated(column, "high", sure)
        if name.startswith("ttft"):
            read = _of_the_limit(read)
        elif name.startswith("e2e") and stage == "decode":
            read = _after(read, sla.ttft_p95_ms or 0.0)
        found.append(Requirement(f"sla.{name}", "max", limit, "ms", read))
    if sla.output_tokens_per_second is not None and stage != "prefill":
        floor = float(sla.output_tokens_per_second)
        found.append(Requirement("sla.output_tokens_per_second", "min", floor, "tok/s", _throughput(sure)))
    return found


Read = Callable[["CandidateTable"], "Floats"]


def _of_the_limit(read: Read) -> Read:
    """Return what the service's TTFT may be told as, where a part may use a share of the limit only."""
    return lambda table: read(table) / table.part.ttft_share


def _after(read: Read, ms: float) -> Read:
    """Return ``read`` with the time that passes at most before the decode stage."""
    return lambda table: read(table) + ms * (1.0 - table.part.ttft_share)


def _estimated(column: str, side: str, confidence: float | None) -> Read:
    """Return what reads an estimate of every row, at a confidence where one is asked."""

    def read(table: CandidateTable) -> Floats:
        estimated = table.configurations.estimated
        values: Floats = estimated.column(column)
        if confidence is not None:
            values = at_confidence(values, estimated.column(f"{column}_{side}"), confidence)
        return values[table.configuration]

    return read


def _throughput(confidence: float | None) -> Callable[[CandidateTable], Floats]:
    """Return what gives the output rate of the whole fleet under the scenario's load, for the service as a whole.

    At a concurrency C, C / b replicas' worth of sequences are in flight, whatever the number of replicas, each as fast
    as in a full batch or faster. At a request rate every fleet that keeps up answers what arrives.
    """
    rate = _estimated("output_tok_s", "low", confidence)

    def read(table: CandidateTable) -> Floats:
        demand = table.demand
        if demand.request_rate_per_s is not None:
            keeps_up = table.configurations.capacity[table.configuration] > 0
            arriving = demand.request_rate_per_s * demand.lengths.output_tokens / table.part.share
            return np.where(keeps_up, arriving, 0.0)
        batch = table.configurations.batch[table.configuration]
        return np.asarray(rate(table) / batch * (demand.concurrency or 0) / table.part.share, dtype=np.float64)

    return read


def _availability(scenario: Scenario) -> list[Requirement]:
    target = scenario.sla.availability
    if target is None:
        return []

    def reached(table: CandidateTable) -> Floats:
        """Share of time in which enough instances are up; 0 for spot, whose interruptions nobody publishes."""
        fleets = table.fleets
        gpus = np.array([pool.offer.gpus for pool in table.pools], dtype=np.int64)[table.pool]
        down = np.array([pool.down for pool in table.pools])[table.pool]
        spot = np.array([pool.price.kind == "spot" for pool in table.pools], dtype=bool)[table.pool]
        nodes = np.maximum(fleets.reserved_gpus // gpus, 1)
        spares = fleets.spare_instances // nodes
        needed = fleets.instances // nodes - spares
        result = np.zeros(len(table))
        for count in np.unique(spares).tolist():
            rows = (spares == count) & fleets.attainable
            result[rows] = availability(needed[rows], count, 1.0 - (1.0 - down[rows]) ** nodes[rows])
        return np.where(spot, 0.0, result)

    return [Requirement("sla.availability", "min", target, "share", reached)]


def _budget(scenario: Scenario) -> list[Requirement]:
    budget = scenario.budget
    found = []
    if budget.max is not None and budget.usd_per_hour is not None and budget.usd_per_month is not None:
        if budget.max.per == "hour":
            found.append(_money("budget", budget.usd_per_hour, "USD/h", _usd_per_hour))
        else:
            found.append(_money("budget", budget.usd_per_month, "USD/month", _usd_per_month))
    if budget.peak_usd_per_hour is not None:
        found.append(_money("budget.peak", budget.peak_usd_per_hour, "USD/h", _usd_per_hour))
    if budget.capex_usd is not None:
        found.append(_money("budget.capex", budget.capex_usd, "USD", _capex))
    if budget.tco_usd is not None:
        months = budget.horizon_months or DEFAULT_HORIZON_MONTHS
        found.append(_money("budget.tco", budget.tco_usd, "USD", lambda r: _usd_per_month(r) * months, months))
    return found


def _money(
    name: str, limit: float, unit: str, actual: Callable[[CandidateTable], Floats], months: int = 0
) -> Requirement:
    return Requirement(name, "max", limit, unit, actual, months=months, of_plan=True)


def _usd_per_hour(table: CandidateTable) -> Floats:
    return np.asarray(table.fleets.cost * usd(1), dtype=np.float64)


def _usd_per_month(table: CandidateTable) -> Floats:
    return _usd_per_hour(table) * HOURS_PER_MONTH


def _capex(table: CandidateTable) -> Floats:
    each = np.array([pool.capex_usd for pool in table.pools])[table.pool]
    return np.asarray(each * table.fleets.instances, dtype=np.float64)


def _quality(scenario: Scenario) -> list[Requirement]:
    least = scenario.quality.min_recovery
    if least is None:
        return []

    def of_layout(table: CandidateTable, values: NDArray[np.float64]) -> Floats:
        result: Floats = values[table.column("weights"), table.column("kv")]
        return result

    def recovery(table: CandidateTable) -> Floats:
        """Median recovery; where nothing at all is known it is for ``accept_unmeasured`` to decide."""
        axes = table.layouts.axes
        return of_layout(
            table, np.array([[np.inf if r.median is None else r.median for r in row] for row in axes.recovery])
        )

    def measured(table: CandidateTable) -> Floats:
        return of_layout(table, quality_masks(scenario, table.layouts.axes)[0].astype(np.float64))

    return [
        Requirement("quality.min_recovery", "min", least, "share", recovery),
        Requirement("quality.accept_unmeasured", "in", 1.0, "", measured, "false"),
    ]


def _search(scenario: Scenario) -> list[Requirement]:
    search = scenario.search
    found = []

    def choice(key: str, asked: Sequence[object], inside: Callable[[CandidateTable], Bools]) -> None:
        words = ", ".join(str(value) for value in asked)
        found.append(Requirement(f"search.{key}", "in", 1.0, "", lambda table: inside(table).astype(np.float64), words))

    def axis(key: str, column: str, values: Callable[[Layouts], list[object]]) -> None:
        asked = getattr(search, key)
        if asked is None:
            return

        def inside(table: CandidateTable) -> Bools:
            allowed = np.array([value in asked for value in values(table.layouts)], dtype=bool)
            index: Ints = getattr(table.layouts, column)[table.layout]
            result: Bools = allowed[index]
            return result

        choice(key, asked, inside)

    axis("weights", "weights", lambda x: [f.id for f in x.axes.weights])
    axis("kv_cache", "kv", lambda x: [f.id for f in x.axes.kv_formats])
    axis("engines", "engine", lambda x: [e.id for e in x.axes.engines])
    axis("tensor_parallel", "parallelism", lambda x: [p.tp for p in x.axes.parallelism])
    axis("pipeline_parallel", "parallelism", lambda x: [p.pp for p in x.axes.parallelism])
    for key, test in offer_tests(search).items():
        asked = getattr(search, key)
        if asked is None:
            continue

        def passes(table: CandidateTable, test: Callable[..., bool] = test) -> Bools:
            allowed = np.array([test(pool.offer, pool.price, pool.accelerator) for pool in table.pools], dtype=bool)
            result: Bools = allowed[table.pool]
            return result

        choice(key, asked, passes)
    return found
