"""What a rule changes: the plan with it beside the plan without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.rule_columns import table_columns
from planner.candidates.streams import streams_of
from planner.cost import per_month, usd
from planner.rules.engine import evaluate_rules
from planner.rules.rule import Rule, RuleSet
from planner.rules.shipped import default_rules
from planner.solve.alternatives import ranked
from planner.solve.choice import ChosenSolver
from planner.units import format_usd

if TYPE_CHECKING:
    from planner.candidates import CandidateTable
    from planner.candidates.streams import Streams
    from planner.catalog import Catalog
    from planner.scenario import Scenario
    from planner.solve.placement import Choice


@dataclass(frozen=True, slots=True)
class Best:
    """The cheapest plan under some rules: ``4 x runpod/1x-mi300x/any``, and what it costs, preferences left out."""

    words: str = "no plan"
    usd_per_month: float | None = None

    @classmethod
    def of_row(cls, table: CandidateTable, row: int) -> Best:
        """Return the plan that a row is, where one fleet carries one service."""
        pool = table.pools[int(table.pool[row])]
        words = f"{int(table.fleets.instances[row])} x {pool.offer.id}"
        return cls(words, per_month(usd(int(table.fleets.cost[row]))))

    @classmethod
    def of_choice(cls, choice: Choice) -> Best:
        """Return the plan that several fleets are."""
        from planner.solve.placement import holdings

        held = [f"{item.instances} x {item.offer}" for item in holdings(choice)]
        return cls(" + ".join(held), per_month(usd(1) * choice.cost))


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
    """Return the best plan: of one fleet by its closed form, ties as the solver breaks them, of several by solving."""
    if streams.joint:
        from planner.solve.fleet import fleet_problem
        from planner.solve.joint import solved_choice
        from planner.solve.ties import tie_ppm

        fleet = fleet_problem(streams, tie_ppm(streams))
        found = solved_choice(streams, fleet, fleet.problem, ChosenSolver())
        return Best() if found is None else Best.of_choice(found[0])
    (table,) = streams.tables
    rows = ranked(table)
    return Best.of_row(table, int(rows[0])) if rows.size else Best()


def own_rules(streams: Streams, now: Best) -> tuple[str, ...]:
    """Return what the rules that a scenario adds to the shipped ones changed, as a sentence; nothing without any.

    Asked only then, since it evaluates the scenario a second time. ``now`` is the plan under all of its rules.
    """
    scenario = streams.scenario
    if not (scenario.rule_paths or scenario.rule_packs):
        return ()
    rules = streams.tables[0].ruling.rules.rules
    usual = {rule.id for rule in default_rules()}
    own = [rule for rule in rules if rule.id not in usual and rule.effect != "warn"]
    if not own:
        return ()
    rest = RuleSet(tuple(rule for rule in rules if rule.id in usual))
    without = best_of(streams_of(scenario, streams.catalog, rules=rest))
    packs = ", ".join(dict.fromkeys(rule.pack for rule in own))
    if without == now or without.usd_per_month is None or now.usd_per_month is None:
        return (f"The scenario's own rules ({packs}) do not change the plan.",)
    more = now.usd_per_month - without.usd_per_month
    change = f"which is {format_usd(abs(more), 'month')} {'less' if more >= 0 else 'more'}"
    before = f"{without.words} at {format_usd(without.usd_per_month, 'month')}"
    return (f"Without the scenario's own rules ({packs}) the plan would be {before}, {change}.",)
