"""What a plan is beside what is not known yet, in words: prices by the token, growth, the cost of being wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planner.report.deployment import rival_name
from planner.report.figures import figure
from planner.report.i18n import Translator
from planner.units import format_months, format_percent

if TYPE_CHECKING:
    from planner.plan import Comparison, Growth, Plan, Regret

_SOON = 0.5
"""Months below which a plan has no room for growth to speak of."""


class Wrong(NamedTuple):
    """One way to be wrong, and what each plan costs then and how much more than the best."""

    what: str
    cells: tuple[str, ...]


class WrongTable(NamedTuple):
    """The plan and its alternatives in every world that was asked about."""

    plans: tuple[str, ...]
    rows: tuple[Wrong, ...]


def outlook(plan: Plan, say: Translator) -> tuple[str, ...]:
    """Return sentences on what the scenario asks about the future; none where it asks nothing."""
    found = [_beside(item, say) for item in plan.comparisons]
    if plan.growth is not None:
        found += _growing(plan.growth, say)
    if plan.regrets:
        found.append(_worst(plan, say))
    return tuple(found)


def _beside(item: Comparison, say: Translator) -> str:
    money = figure(item.cost_usd_per_month, "USD/month", say)
    if item.break_even <= 1:
        share = format_percent(item.break_even, 0)
        message = "{name} would cost {money} for this load; the plan is the cheaper from {share} of it on."
        return say(message, name=item.name, money=money, share=share)
    message = "{name} would cost {money} for this load, less than the plan, up to {factor} times the load at its price."
    return say(message, name=item.name, money=money, factor=f"{item.break_even:.2g}")


def _growing(item: Growth, say: Translator) -> list[str]:
    rate = format_percent(item.per_year, 0)
    if item.months < _SOON:
        found = [say("What is held has no room for a load that grows by {rate} a year.", rate=rate)]
    else:
        message = "The load may grow by {share} on what is held; at {rate} a year that lasts {months}."
        months = say.sentence(format_months(max(round(item.months), 1)))
        found = [say(message, share=format_percent(item.headroom, 0), rate=rate, months=months)]
    if item.cost_usd_per_month is None:
        return [*found, say("No plan holds the load of a year from now.")]
    money = figure(item.cost_usd_per_month, "USD/month", say)
    message = "For the load a year from now the cheapest plan costs {money}: {plan}."
    return [*found, say(message, money=money, plan=item.plan)]


def _worst(plan: Plan, say: Translator) -> str:
    lost = [item for item in plan.regrets if item.more_usd_per_month is None]
    if lost:
        return say("If {what}, no number of it holds what is asked.", what=say.sentence(lost[0].what))
    worst = max(plan.regrets, key=lambda item: item.more_usd_per_month or 0.0)
    if not worst.more_usd_per_month:
        return say("It stays the cheapest plan in every case that was asked about.")
    more = figure(worst.more_usd_per_month, "USD/month", say)
    message = "Being wrong costs at most {more} more than the best plan then: if {what}."
    return say(message, more=more, what=say.sentence(worst.what))


def wrong_table(plan: Plan, say: Translator) -> WrongTable | None:
    """Return what each plan costs in every world that was asked about; None where none was."""
    if not plan.regrets:
        return None
    told = [item for item in plan.alternatives if item.regrets]
    columns = [plan.regrets, *(item.regrets for item in told)]
    names = (say("this plan"), *(rival_name(it, plan, say) for it in told))
    rows = tuple(
        Wrong(say.sentence(first.what), tuple(_cell(column[index], say) for column in columns))
        for index, first in enumerate(plan.regrets)
    )
    return WrongTable(names, rows)


def _cell(item: Regret, say: Translator) -> str:
    if item.cost_usd_per_month is None or item.more_usd_per_month is None:
        return say("cannot hold it")
    cost = figure(item.cost_usd_per_month, "USD", say)
    return f"{cost} (+{figure(item.more_usd_per_month, 'USD', say)})" if item.more_usd_per_month else cost
