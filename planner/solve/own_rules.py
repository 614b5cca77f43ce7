"""What a rule changes: the plan with it beside the plan without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.rule_columns import table_columns
from planner.cost import per_month, usd
from planner.rules.engine import evaluate_rules
from planner.rules.rule import Rule, RuleSet
from planner.rules.shipped import default_rules
from planner.solve.alternatives import ranked
from planner.units import format_usd

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.candidates.streams import Streams
    from planner.catalog import Catalog
    from planner.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Best:
    """The best plan under some rules."""

    words: str = "no plan"
    """``4 x runpod/1x-mi300x/any``."""
    usd_per_month: float | None = None
    """What it costs, preferences left out; None when there is none."""


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """What one rule does in a scenario.

    ``touched`` counts the candidates that it cuts, prices or warns of, among those that every other rule allows;
    ``touched_feasible`` those of them that hold every requirement.
    """

    rule: Rule
    touched: int
    touched_feasible: int
    message: str
    kept: Best
    dropped: Best

    @property
    def saved_usd_per_month(self) -> float | None:
        """What the plan without the rule costs less; None where one of the two is no plan."""
        with_it, without = self.kept.usd_per_month, self.dropped.usd_per_month
        return None if with_it is None or without is None else with_it - without


def effect_of(scenario: Scenario, rule_id: str, rules: RuleSet, catalog: Catalog) -> RuleEffect:
    """Evaluate ``scenario`` with ``rules`` and without the one of ``rule_id``, which must be among them."""
    from planner.candidates.streams import streams_of

    rule = rules[rule_id]
    kept = best_of(streams_of(scenario, catalog, rules=rules))
    streams = streams_of(scenario, catalog, rules=rules.without(rule_id))
    touched = feasible = 0
    message = ""
    for table in streams.evaluated:
        verdicts = evaluate_rules((rule,), table_columns(table, table.ruling.asked), (len(table),))
        mask = verdicts.mask(rule_id)
        touched += int(np.count_nonzero(mask))
        feasible += int(np.count_nonzero(mask & table.feasible))
        message = message or (verdicts.message(rule_id) if verdicts.violations else "")
    return RuleEffect(rule, touched, feasible, message, kept, best_of(streams))


def best_of(streams: Streams) -> Best:
    """Return the plan of ``streams``, by the solver where fleets are chosen together."""
    if not streams.joint:
        return cheapest(streams.tables[0])
    from planner.solve.choice import ChosenSolver
    from planner.solve.fleet import fleet_problem
    from planner.solve.joint import solved_choice
    from planner.solve.placement import holdings
    from planner.solve.ties import tie_ppm

    fleet = fleet_problem(streams, tie_ppm(streams))
    found = solved_choice(streams, fleet, fleet.problem, ChosenSolver())
    if found is None:
        return Best()
    choice, _ = found
    return Best(
        " + ".join(f"{item.instances} x {item.offer}" for item in holdings(choice)), per_month(usd(1) * choice.cost)
    )


def cheapest(table: CandidateTable) -> Best:
    """Return the plan of ``table`` by the closed form that a single fleet has, ties as the solver breaks them."""
    rows = ranked(table)
    return _of_row(table, int(rows[0])) if rows.size else Best()


def _of_row(table: CandidateTable, row: int) -> Best:
    pool = table.pools[int(table.pool[row])]
    return Best(f"{int(table.fleets.instances[row])} x {pool.offer.id}", per_month(usd(int(table.fleets.cost[row]))))


def own_rules(table: CandidateTable, row: int) -> tuple[str, ...]:
    """Return what the rules that a scenario adds to the shipped ones changed, as a sentence; nothing without any.

    Asked only then, since it evaluates the scenario a second time.
    """
    from planner.candidates import evaluate

    usual = {rule.id for rule in default_rules()}
    own = [rule for rule in table.ruling.rules.rules if rule.id not in usual and rule.effect != "warn"]
    if not own:
        return ()
    rest = RuleSet(tuple(rule for rule in table.ruling.rules.rules if rule.id in usual))
    without = cheapest(evaluate(table.scenario, table.catalog, rules=rest))
    now = _of_row(table, row)
    packs = ", ".join(dict.fromkeys(rule.pack for rule in own))
    if without == now or without.usd_per_month is None or now.usd_per_month is None:
        return (f"The scenario's own rules ({packs}) do not change the plan.",)
    more = now.usd_per_month - without.usd_per_month
    change = f"which is {format_usd(abs(more), 'month')} {'less' if more >= 0 else 'more'}"
    before = f"{without.words} at {format_usd(without.usd_per_month, 'month')}"
    return (f"Without the scenario's own rules ({packs}) the plan would be {before}, {change}.",)
