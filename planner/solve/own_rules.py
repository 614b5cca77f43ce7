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
    from planner.catalog import Catalog
    from planner.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Best:
    """The cheapest plan under some rules; all None when there is none."""

    table: CandidateTable
    row: int | None

    @property
    def usd_per_month(self) -> float | None:
        """What the plan costs, preferences left out."""
        return None if self.row is None else per_month(usd(int(self.table.fleets.cost[self.row])))

    @property
    def words(self) -> str:
        """``4 x runpod/1x-mi300x/any``."""
        if self.row is None:
            return "no plan"
        pool = self.table.pools[int(self.table.pool[self.row])]
        return f"{int(self.table.fleets.instances[self.row])} x {pool.offer.id}"

    def same_as(self, other: Best) -> bool:
        """Whether both come to the same plan."""
        return (self.words, self.usd_per_month) == (other.words, other.usd_per_month)


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
    from planner.candidates import evaluate

    rule = rules[rule_id]
    kept = cheapest(evaluate(scenario, catalog, rules=rules))
    table = evaluate(scenario, catalog, rules=rules.without(rule_id))
    verdicts = evaluate_rules((rule,), table_columns(table, table.ruling.asked), (len(table),))
    mask = verdicts.mask(rule_id)
    return RuleEffect(
        rule=rule,
        touched=int(np.count_nonzero(mask)),
        touched_feasible=int(np.count_nonzero(mask & table.feasible)),
        message=verdicts.message(rule_id) if verdicts.violations else "",
        kept=kept,
        dropped=cheapest(table),
    )


def cheapest(table: CandidateTable) -> Best:
    """Return the plan of ``table`` by the closed form that a single service has, ties as the solver breaks them."""
    rows = ranked(table)
    return Best(table, int(rows[0]) if rows.size else None)


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
    now = Best(table, row)
    packs = ", ".join(dict.fromkeys(rule.pack for rule in own))
    if without.same_as(now) or without.usd_per_month is None or now.usd_per_month is None:
        return (f"The scenario's own rules ({packs}) do not change the plan.",)
    more = now.usd_per_month - without.usd_per_month
    change = f"which is {format_usd(abs(more), 'month')} {'less' if more >= 0 else 'more'}"
    before = f"{without.words} at {format_usd(without.usd_per_month, 'month')}"
    return (f"Without the scenario's own rules ({packs}) the plan would be {before}, {change}.",)
