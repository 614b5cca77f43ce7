"""What a scenario limits of everything together, as linear limits over instances and replicas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

from planner.candidates.rule_requirements import PREFIX, coefficient, scale
from planner.candidates.supply import counts
from planner.errors import InputError
from planner.scenario.words import OWNED
from planner.solve.problem import Limit
from planner.units import MICRO_USD_PER_USD

if TYPE_CHECKING:
    from planner.candidates.hardware import Pool
    from planner.candidates.requirements import Requirement
    from planner.candidates.streams import Streams


@dataclass(frozen=True, slots=True)
class Terms:
    """The pools in the problem's order, and what one instance and one replica of each option cost, micro-dollars."""

    pools: Sequence[Pool]
    cost: tuple[int, ...]
    replica_cost: tuple[int, ...]

    def limit(self, name: str, most: float, pool: Sequence[int], *, mean: bool = False) -> Limit:
        """Return a limit on instances alone."""
        return Limit(name, floor(most * (1 + 1e-9)), tuple(pool), (0,) * len(self.replica_cost), mean)


def limits_of(streams: Streams, terms: Terms) -> tuple[Limit, ...]:
    """Return budgets, rules over the plan, quotas, nodes and power, in the order in which reports list them."""
    table = streams.tables[0]
    budgets = [_budget(item, terms) for item in table.requirements if item.id.partition(".")[0] == "budget"]
    return (*budgets, *_rules(streams, terms), *_quotas(streams, terms), *_totals(streams, terms))


def most_kinds(streams: Streams) -> int | None:
    """Return how many different accelerators there may be, by the scenario or its rules."""
    asked = [streams.scenario.limits.types]
    for rule in streams.tables[0].ruling.of_fleets:
        asked += [floor(limit.bound) for limit in rule.limits if limit.variable == "plan.types"]
    return min((most for most in asked if most is not None), default=None)


def _budget(item: Requirement, terms: Terms) -> Limit:
    if item.id == "budget.capex":
        capex = [round(pool.capex_usd * MICRO_USD_PER_USD) for pool in terms.pools]
        return terms.limit(item.id, item.limit * MICRO_USD_PER_USD, capex)
    hourly = item.most_micro_usd_per_hour
    if hourly is None:
        raise ValueError(f"{item.id} is no budget")
    return Limit(item.id, hourly, terms.cost, terms.replica_cost, item.id != "budget.peak")


def _rules(streams: Streams, terms: Terms) -> list[Limit]:
    """Return the rules that bound sums over the plan.

    Raises InputError for a rule over the plan that is no such bound, where several fleets are chosen together: of one
    uniform fleet every rule can be asked, of sums over several only linear ones.
    """
    found = []
    for rule in streams.tables[0].ruling.of_fleets:
        of_plan = [name for name in rule.reads if name.startswith("plan.")]
        if streams.joint and of_plan and {limit.variable for limit in rule.limits} != set(of_plan):
            raise InputError(
                f"rule {rule.id} reads {', '.join(of_plan)} in a way that several fleets cannot be held to together; "
                "write it as an upper bound on one of plan.nodes, plan.gpus, plan.types, plan.power_kw or "
                "plan.usd_per_month, or switch it off with disable_rules"
            )
        for limit in rule.limits:
            if limit.variable == "plan.types":
                continue
            of_pools = [coefficient(limit.variable, pool) for pool in terms.pools]
            money = limit.variable == "plan.usd_per_month"
            of_options = terms.replica_cost if money else (0,) * len(terms.replica_cost)
            most = floor(limit.bound * scale(limit.variable) * (1 + 1e-9))
            found.append(Limit(PREFIX + rule.id, most, tuple(of_pools), of_options, money))
    return found


def _quotas(streams: Streams, terms: Terms) -> list[Limit]:
    found = []
    for index, quota in enumerate(streams.scenario.limits.quotas):
        most = quota.nodes if quota.nodes is not None else quota.gpus or 0
        each = [
            (1 if quota.nodes is not None else pool.offer.gpus) if counts(quota, pool.offer, pool.price) else 0
            for pool in terms.pools
        ]
        found.append(terms.limit(f"limits.quotas[{index}]", most, each))
    return found


def _totals(streams: Streams, terms: Terms) -> list[Limit]:
    limits = streams.scenario.limits
    found = []
    if limits.nodes is not None:
        found.append(terms.limit("limits.nodes", limits.nodes, [1] * len(terms.pools)))
    if limits.power_w is not None:
        own = [round(it.rated_watts) if it.price.kind in (OWNED, "purchase") else 0 for it in terms.pools]
        found.append(terms.limit("limits.power", limits.power_w, own))
    return found
