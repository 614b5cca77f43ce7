"""Why a candidate is not the plan: what rejects it, or what it costs more, with its numbers.

The scenario is evaluated with its search narrowed to what is wanted. If something holds every requirement then, it is
beaten by the plan on cost. If nothing does, the search, the quality and the rules are opened, and everything that
stands against the best candidate is collected. If there is still none, nothing of the kind can run or be rented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.candidates import evaluate
from planner.candidates.mixing import joint, refuse_training
from planner.candidates.rule_columns import table_columns
from planner.candidates.rule_requirements import PREFIX as RULES
from planner.cost import per_month, usd
from planner.explain.causes import Cause, absent, broken, outside, poor, too_large
from planner.explain.wanted import Wanted
from planner.plan import Alternative
from planner.rules.engine import evaluate_rules
from planner.rules.loader import scenario_rules
from planner.rules.rule import RuleSet
from planner.solve.alternatives import ranked, why_lost
from planner.solve.details import details
from planner.solve.figures import latency
from planner.solve.fleet import widest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates import CandidateTable
    from planner.catalog import Catalog
    from planner.scenario import Scenario, Search
    from planner.solve.details import Detail

_KEYS = (
    "accelerators",
    "weights",
    "kv_cache",
    "engines",
    "tensor_parallel",
    "pipeline_parallel",
    "pricing",
    "providers",
    "regions",
)
"""What a scenario's search can be narrowed by."""

_NARROWING = frozenset({"dearer-offer", "spot-unasked", "purchase-unasked", *(f"search.{key}" for key in _KEYS)})
"""Cuts that narrowing the search itself makes: no causes."""


@dataclass(frozen=True, slots=True)
class WhyNot:
    """The verdict on what was wanted.

    ``verdict`` is ``chosen`` (it is the plan), ``beaten`` (it would do, and costs more), ``rejected`` (``causes`` stand
    against the best of its kind) or ``impossible`` (nothing of the kind can run or be rented).
    """

    wanted: Wanted
    verdict: str
    matching: int
    """Candidates that are what was wanted."""
    feasible: int
    """Those of them that hold every requirement."""
    candidate: Alternative | None
    """The best of them, with the sentence that compares it with the plan."""
    plan: Alternative | None
    """The scenario's plan; None where it has none."""
    causes: tuple[Cause, ...]


def why_not(scenario: Scenario, wanted: Wanted, catalog: Catalog) -> WhyNot:
    """Return why the plan of ``scenario`` is not what is wanted. Raises InputError as ``evaluate`` does."""
    refuse_training(scenario)
    if joint(scenario):
        from planner.explain.together import why_not_together

        return why_not_together(scenario, wanted, catalog)
    whole = evaluate(scenario, catalog)
    plan = _cheapest(whole)
    best = _told(whole, plan) if plan is not None else None
    if "purchase" in (wanted.of("pricing") or ()) and (
        scenario.budget.horizon_months is None or scenario.site.region is None
    ):
        cause = Cause("purchase-unasked", "purchases need budget.horizon and site.region, which the scenario lacks")
        return WhyNot(wanted, "impossible", 0, 0, None, best, (cause,))
    narrowed = _narrowed(scenario, wanted)
    if narrowed is not None:
        table = evaluate(narrowed, catalog)
        rows = _matching(table, wanted)
        if rows.size:
            return _judged(table, rows, wanted, plan, best)
    rules = scenario_rules(scenario)
    for opened, kept in _opened(scenario, wanted, rules):
        table = evaluate(opened, catalog, rules=kept)
        rows = _matching(table, wanted)
        if rows.size:
            return _rejected(table, rows, wanted, best, scenario, rules)
    known = (*absent(wanted, catalog), *too_large(table))
    said = {*_NARROWING, *(cause.code for cause in known)}
    causes = (Cause(item.reason, item.message) for item in table.rejected if item.reason not in said)
    return WhyNot(wanted, "impossible", 0, 0, None, best, (*known, *causes))


def _opened(scenario: Scenario, wanted: Wanted, rules: RuleSet) -> Iterator[tuple[Scenario, RuleSet]]:
    """Yield the scenario opened further and further, so that the first match has as little against it as possible."""
    changed: dict[str, Any] = {key: found for key in _KEYS if (found := wanted.of(key)) is not None}
    yield replace(scenario, search=replace(scenario.search, **changed)), rules
    only: dict[str, Any] = {key: wanted.of(key) for key in _KEYS}
    alone = replace(scenario, search=replace(scenario.search, **only))
    yield alone, rules
    yield alone, RuleSet(())
    yield replace(alone, quality=replace(scenario.quality, min_recovery=None)), RuleSet(())


def _cheapest(table: CandidateTable) -> Detail | None:
    rows = ranked(table)
    return details(table, [widest(table, int(rows[0]))])[0] if rows.size else None


def _narrowed(scenario: Scenario, wanted: Wanted) -> Scenario | None:
    """Return the scenario with its search narrowed to what is wanted of it; None when it allows nothing of that."""
    search = narrowed_to(scenario.search, wanted)
    return None if search is None else replace(scenario, search=search)


def narrowed_to(search: Search, wanted: Wanted) -> Search | None:
    """Return ``search`` narrowed to what is wanted of it; None when it allows nothing of that."""
    changes: dict[str, Any] = {}
    for key in _KEYS:
        asked, found = getattr(search, key), wanted.of(key)
        if found is None:
            continue
        allowed = tuple(value for value in found if asked is None or value in asked)
        if not allowed:
            return None
        changes[key] = allowed
    return replace(search, **changes)


def _matching(table: CandidateTable, wanted: Wanted) -> NDArray[np.int64]:
    """Return the rows on the offers that are wanted; the rest of it the search has seen to."""
    offers = wanted.of("offers")
    allowed = np.array([offers is None or pool.offer.id in offers for pool in table.pools], dtype=bool)
    return np.flatnonzero(allowed[table.pool]) if len(table) else np.zeros(0, dtype=np.int64)


def _judged(
    table: CandidateTable, rows: NDArray[np.int64], wanted: Wanted, plan: Detail | None, best: Alternative | None
) -> WhyNot:
    """Return the verdict where search, quality and rules allow what is wanted."""
    feasible = int(np.count_nonzero(table.feasible[rows]))
    if not feasible:
        row = _least_broken(table, rows, np.zeros(rows.size, dtype=np.int64))
        found = _told(table, details(table, [row])[0])
        return WhyNot(wanted, "rejected", int(rows.size), 0, found, best, broken(table, row))
    order = ranked(table)
    first = int(order[np.isin(order, rows)][0])
    (detail,) = details(table, [widest(table, first)])
    if plan is None or _same(detail, plan):  # without a plan nothing narrower has one either
        return WhyNot(wanted, "chosen", int(rows.size), feasible, _told(table, detail), best, ())
    found = _told(table, detail, why_lost(detail, plan))
    return WhyNot(wanted, "beaten", int(rows.size), feasible, found, best, ())


def _rejected(
    table: CandidateTable,
    rows: NDArray[np.int64],
    wanted: Wanted,
    best: Alternative | None,
    scenario: Scenario,
    rules: RuleSet,
) -> WhyNot:
    """Return the verdict on a table with more open than the scenario has: all that stands against its best row."""
    cutting = tuple(rule for rule in rules.rules if rule.cuts)
    verdicts = evaluate_rules(cutting, table_columns(table, table.ruling.asked, rows), (rows.size,))
    counts = np.zeros(rows.size, dtype=np.int64)
    for name in verdicts.violations:
        counts += verdicts.mask(name)
    row = _least_broken(table, rows, counts)
    (found,) = details(table, [row])
    own = evaluate_rules(cutting, table_columns(table, table.ruling.asked, np.array([row])), (1,))
    causes = [*outside(found, scenario), *poor(found, scenario)]
    causes += [Cause(name, own.message(name)) for name in own.violations]
    causes += [item for item in broken(table, row) if item.code.removeprefix(RULES) not in own.violations]
    if not causes:
        causes.append(Cause("dearer-offer", "another offer of the same hardware costs no more and was taken instead"))
    return WhyNot(wanted, "rejected", int(rows.size), 0, _told(table, found), best, tuple(causes))


def _told(table: CandidateTable, item: Detail, reason: str = "") -> Alternative:
    made = item.deployment(table.scenario.name, table.architecture.id)
    return Alternative(made, per_month(usd(item.cost)), latency(table, item), reason)


def _least_broken(table: CandidateTable, rows: NDArray[np.int64], further: NDArray[np.int64]) -> int:
    """Return the row that breaks fewest requirements and rules, of those the cheapest."""
    broken = np.count_nonzero(table.broken[:, rows], axis=0) + further
    return int(rows[np.lexsort((rows, table.fleets.cost[rows], broken))[0]])


def _same(one: Detail, other: Detail) -> bool:
    """Say whether two details are the same plan, whatever tables they come from."""

    def key(item: Detail) -> tuple[object, ...]:
        return item.pool.id, item.weights.id, item.kv.id, item.engine.id, item.degrees, item.instances, item.cost

    return key(one) == key(other)
