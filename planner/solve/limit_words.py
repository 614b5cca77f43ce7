"""Limits on the whole plan in words: what is asked, what would be needed, in units that people write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from planner.candidates.rule_requirements import PREFIX, scale
from planner.solve import wording
from planner.units import HOURS_PER_MONTH, MICRO_USD_PER_USD, format_usd

if TYPE_CHECKING:
    from planner.candidates.requirements import Requirement
    from planner.candidates.streams import Streams


@dataclass(frozen=True, slots=True)
class LimitWords:
    """A limit: its subject in a sentence, what is asked of it, and how an amount in the solver's units is written."""

    subject: str
    asked: str
    figure: Callable[[float], str]

    def out_of_reach(self, least: float | None, *, alone: bool) -> str:
        """Return "the cost has to be at most $9,000/month but $12,400/month is the least that the others leave"."""
        if least is None:
            return f"{self.subject} has to be at most {self.asked} but no amount of it suffices"
        where = "that any plan needs" if alone else "that the others in conflict leave"
        return f"{self.subject} has to be at most {self.asked} but {self.figure(least)} is the least {where}"


def limit_words(streams: Streams, name: str) -> LimitWords:
    """Return the words of the limit called ``name`` in the problem of ``streams``."""
    limits = streams.scenario.limits
    if name == "limits.types":
        return LimitWords("the number of accelerator types", str(_types(streams)), _count("type"))
    if name == "limits.nodes":
        return LimitWords("the number of instances", f"{limits.nodes:,}", _count("instance"))
    if name == "limits.power":
        return LimitWords("the rated power", _kw(limits.power_w or 0.0), _kw)
    if name.startswith("limits.quotas"):
        quota = limits.quotas[int(name.partition("[")[2].rstrip("]"))]
        unit, most = ("instance", quota.nodes) if quota.nodes is not None else ("GPU", quota.gpus)
        return LimitWords(f"the quota of {quota.words}", f"{most:,}", _count(unit))
    requirement = next(item for item in streams.tables[0].requirements if item.id == name)
    subject = wording.NAMES.get(name) or f"the number of {requirement.unit} (rule {requirement.asked})"
    return LimitWords(subject, wording.asked(requirement), _amount(streams, requirement))


def _types(streams: Streams) -> int:
    from planner.solve.limits import most_kinds

    return most_kinds(streams) or 0


def _amount(streams: Streams, item: Requirement) -> Callable[[float], str]:
    """Return what writes an amount of the solver: money is micro-dollars per hour, sums over the plan have a scale."""
    if item.id.startswith(PREFIX):
        rule = streams.tables[0].ruling.rules[item.asked]
        variable = rule.limits[0].variable
        return lambda least: wording.needed(item, least / scale(variable))
    if item.id == "budget.capex":
        return lambda least: format_usd(_up(least / MICRO_USD_PER_USD))
    hours = {"USD/h": 1, "USD/month": HOURS_PER_MONTH}.get(item.unit, item.months * HOURS_PER_MONTH)
    return lambda least: wording.needed(item, least * hours / MICRO_USD_PER_USD)


def _up(value: float) -> float:
    return float(ceil(value))


def _count(unit: str) -> Callable[[float], str]:
    return lambda least: f"{ceil(least):,} {unit}{'' if ceil(least) == 1 else 's'}"


def _kw(watts: float) -> str:
    return f"{watts / 1000:.4g} kW"
