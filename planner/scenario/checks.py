"""What the values of a scenario have to do with each other. Each check is given a draft and says what is wrong.

A requirement that can never decide anything is refused like one that cannot be met: whoever wrote it meant something
else. A field that is not right is absent from the draft; a check that needs it then says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from planner.scenario.fleet import checks_of_services, services_apart
from planner.scenario.load_checks import ABSENT, SERVICE_CHECKS, section_of
from planner.scenario.reader import Draft, Problem
from planner.scenario.sections import key_of
from planner.scenario.supply import Quota
from planner.units import CURRENCY_UNITS_PER_USD, format_percent


def quotas_of_something(draft: Draft) -> Iterator[Problem]:
    """A quota names what it is of and one amount; a share of spot needs that spot may be used."""
    limits = section_of(draft, "limits")
    for index, quota in enumerate(limits.get("quotas", ())):
        place = ("limits", "quotas", index)
        if all(quota.get(name) is None for name in Quota.WORDS):
            yield Problem(
                place, "does not say of what", "add `accelerator: h100-sxm` or `provider: aws`", "missing-key"
            )
        if (quota.get("nodes") is None) == (quota.get("gpus") is None):
            yield Problem(place, "must have one of nodes and gpus", "write `nodes: 4` or `gpus: 32`", "missing-key")
    pricing = section_of(draft, "search").get("pricing", ABSENT)
    if limits.get("spot_share") is not None and pricing is not ABSENT and "spot" not in (pricing or ()):
        yield Problem(
            ("limits", "spot_share"), "decides nothing: spot is used only where search.pricing names it",
            "add `search: {pricing: [on-demand, spot]}`", "contradiction",
        )  # fmt: skip


def spot_beside_another(draft: Draft) -> Iterator[Problem]:
    """A fleet is on spot instances or not, so a share of them takes two."""
    share = section_of(draft, "limits").get("spot_share")
    parts = [draft, *(item for item in draft.get("services") or () if isinstance(item, dict))]
    several = draft.get("inventory") or any(section_of(item, "workload").get("hourly") for item in parts)
    mixes = [section_of(item, "search").get("mix", ABSENT) for item in parts]
    if share is None or share >= 1 or ABSENT in mixes or any((mix or (2 if several else 1)) > 1 for mix in mixes):
        return
    yield Problem(
        ("limits", "spot_share"), f"of {format_percent(share)} needs a second fleet, beside the one on spot instances",
        "add `search: {mix: 2}`", "contradiction",
    )  # fmt: skip


def inventory_with_running_cost(draft: Draft) -> Iterator[Problem]:
    """What is owned costs its power, which has a price at a site, or what the scenario says."""
    region = section_of(draft, "site").get("region", ABSENT)
    for index, item in enumerate(draft.get("inventory", ())):
        if region is None and item.get("cost", ABSENT) is None:
            yield Problem(
                ("inventory", index), "has no running cost",
                "add `cost: 2 USD/h` for a node, or `site: {region: ...}` for its price of electricity", "missing-key",
            )  # fmt: skip


def money_with_a_rate(draft: Draft) -> Iterator[Problem]:
    """Every currency that is used has a rate."""
    rates = draft.get("currency_rates")
    if rates is None:
        return
    budget, site = section_of(draft, "budget"), section_of(draft, "site")
    sums: list[tuple[tuple[str | int, ...], Any]] = []
    sums += [(("budget", name), budget.get(name)) for name in ("max", "peak", "capex", "tco", "run")]
    sums += [(("site", key_of(name)), site.get(name)) for name in ("electricity_per_kwh", "colocation_per_kw")]
    sums += [(("inventory", index, "cost"), item.get("cost")) for index, item in enumerate(draft.get("inventory", ()))]
    sums += [(("rule_penalties", name), money) for name, money in draft.get("rule_penalties", {}).items()]
    per_million = ("input_per_million", "output_per_million", "cached_per_million")
    sums += [
        (("compare", index, name), item.get(name))
        for index, item in enumerate(draft.get("compare", ()))
        for name in per_million
    ]
    for place, money in sums:
        if money is not None and money.currency not in rates and money.currency not in CURRENCY_UNITS_PER_USD:
            from planner.source import closest

            best = closest(money.currency, CURRENCY_UNITS_PER_USD)
            remedy = (
                f"add `currency_rates: {{{money.currency}: <{money.currency} per US dollar>}}` at the top of the file"
            )
            yield Problem(
                place, f"no exchange rate is known for {money.currency}",
                f"did you mean {best}? Otherwise {remedy}" if best else remedy, "missing-rate",
            )  # fmt: skip


def purchase_with_its_terms(draft: Draft) -> Iterator[Problem]:
    """Buying needs a time to write it off and a place; limits on buying need that something may be bought."""
    budget, pricing = section_of(draft, "budget"), section_of(draft, "search").get("pricing", ABSENT)
    horizon, region = budget.get("horizon_months", ABSENT), section_of(draft, "site").get("region", ABSENT)
    if budget.get("tco") is not None and horizon is None:
        remedy = "add `horizon: 36 months` beside it"
        yield Problem(("budget", "tco"), "a total cost needs the time that it covers", remedy, "missing-key")
    if pricing is not ABSENT and pricing is not None and "purchase" in pricing:
        if horizon is None:
            yield Problem(
                ("search", "pricing"), "purchase needs a time over which the hardware is written off",
                "add `budget: {horizon: 36 months}`", "missing-key",
            )  # fmt: skip
        if region is None:
            yield Problem(
                ("search", "pricing"), "purchase needs a place with its price of electricity",
                "add `site: {region: ...}`; `planner catalog list regions` shows them", "missing-key",
            )  # fmt: skip
    elif budget.get("capex") is not None and pricing is not ABSENT:
        if pricing is not None:
            yield Problem(("budget", "capex"), "limits purchases, and search.pricing allows none",
                          "add `purchase` to search.pricing, or leave capex out", "contradiction")  # fmt: skip
        elif horizon is None or region is None:
            yield Problem(
                ("budget", "capex"), "limits purchases, which need budget.horizon and site.region to be priced",
                "add `horizon: 36 months` here and `site: {region: ...}`", "missing-key",
            )  # fmt: skip


def rules_once(draft: Draft) -> Iterator[Problem]:
    """No rule is switched off twice."""
    seen: set[str] = set()
    for index, rule in enumerate(draft.get("disabled_rules", ())):
        if rule["id"] in seen:
            yield Problem(("disable_rules", index, "id"), f"{rule['id']!r} is switched off twice", "list it once")
        seen.add(rule["id"])


Check = Callable[[Draft], Iterator[Problem]]

_SHARED_CHECKS: tuple[Check, ...] = (
    money_with_a_rate,
    purchase_with_its_terms,
    quotas_of_something,
    spot_beside_another,
    inventory_with_running_cost,
    rules_once,
)

CHECKS: tuple[Check, ...] = (*SERVICE_CHECKS, *_SHARED_CHECKS)
FLEET_CHECKS: tuple[Check, ...] = (services_apart, checks_of_services, *_SHARED_CHECKS)
