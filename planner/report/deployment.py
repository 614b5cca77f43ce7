"""Deployments in words: what is rented or bought, how it is laid out, and how an alternative differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planner.report.figures import figure, money, quantity
from planner.report.i18n import Translator

if TYPE_CHECKING:
    from planner.plan import Alternative, Deployment, Plan


class Fleet(NamedTuple):
    """One deployment in words."""

    verb: str
    instances: int
    offer: str
    where: str
    gpus: str
    layout: str
    formats: str
    service: str


class Rival(NamedTuple):
    """A candidate that lost."""

    name: str
    layout: str
    gpus: str
    cost: str
    difference: str
    ttft: str
    tpot: str
    reason: str


def fleet(item: Deployment, say: Translator) -> Fleet:
    """Return the words of one deployment."""
    return Fleet(
        verb=verb(item.pricing, say),
        instances=item.instances,
        offer=item.offer,
        where=where(item.provider, item.region, item.pricing, say),
        gpus=f"{item.gpus} × {item.accelerator}",
        layout=_layout(item, say),
        formats=say(
            "{engine}, weights {weights}, KV cache {kv_cache}",
            engine=item.engine,
            weights=item.weights,
            kv_cache=item.kv_cache,
        ),
        service=item.service,
    )


def verb(pricing: str, say: Translator) -> str:
    """Return what is done with it, by how it is paid."""
    if pricing == "owned":
        return say("Use")
    return say("Buy") if pricing == "purchase" else say("Rent")


def where(provider: str, region: str, pricing: str, say: Translator) -> str:
    """Return who rents it out, where and how it is paid; for what is bought only the country of its price."""
    if pricing == "owned":
        return say("from the inventory")
    if pricing == "purchase":
        return say("at prices of {region}", region=region)
    place = say("any region") if region == "any" else region
    return say("{provider}, {region}, {pricing}", provider=provider, region=place, pricing=say(pricing))


def _layout(item: Deployment, say: Translator) -> str:
    """Return replicas, their GPUs and degrees of parallelism, and what each holds."""
    one, single = item.replicas == 1, item.gpus_per_replica == 1
    words = {"n": item.replicas, "gpus": item.gpus_per_replica, "split": degrees(item)}
    if single:
        where = say("1 replica on 1 GPU") if one else say("{n} replicas on 1 GPU each", **words)
    elif one:
        where = say("1 replica on {gpus} GPUs ({split})", **words)
    else:
        where = say("{n} replicas on {gpus} GPUs each ({split})", **words)
    if item.batch_per_replica == 1:
        return say("{where}, 1 sequence at a time", where=where)
    return say("{where}, {n} sequences at a time", where=where, n=item.batch_per_replica)


def degrees(item: Deployment) -> str:
    """Return ``TP 8 × PP 2``: the degrees of parallelism above one."""
    named = (("TP", item.tensor_parallel), ("PP", item.pipeline_parallel), ("EP", item.expert_parallel))
    return " × ".join(f"{name} {degree}" for name, degree in named if degree > 1) or "TP 1"


def rival_name(item: Alternative, plan: Plan, say: Translator) -> str:
    """Return what tells an alternative from the plan and from the others: a trait, an offer, or an offer's format."""
    if item.holdings:
        return say(", ").join(map(say.sentence, item.name.split(", ")))
    made = item.deployment
    others = (*plan.deployments, *(it.deployment for it in plan.alternatives))
    alike = sum((it.instances, it.offer) == (made.instances, made.offer) for it in others)
    return f"{made.instances} × {made.offer}" + (f", {made.weights}" if alike > 1 else "")


def rival(item: Alternative, plan: Plan, say: Translator) -> Rival:
    """Return the words of one alternative beside ``plan``."""
    made = item.deployment
    estimates = {quantity(it.name): figure(it.value, it.unit, say) for it in item.estimates}
    more = item.cost_usd_per_month - plan.cost_usd_per_month
    name, gpus = rival_name(item, plan, say), f"{made.gpus} × {made.accelerator}"
    layout = f"{made.replicas} × {degrees(made)}, {made.weights}, KV {made.kv_cache}, {made.engine}"
    if item.holdings:
        totals: dict[str, int] = {}
        for it in item.holdings:
            totals[it.accelerator] = totals.get(it.accelerator, 0) + it.instances * it.gpus_per_instance
        gpus = " + ".join(f"{count} × {accelerator}" for accelerator, count in totals.items())
        layout = ", ".join(f"{it.instances} × {it.offer} ({say(it.pricing)})" for it in item.holdings)
    return Rival(
        name=name,
        layout=layout,
        gpus=gpus,
        cost=figure(item.cost_usd_per_month, "USD", say),
        difference=f"{'+' if more >= 0 else ''}{money(more)}",
        ttft=estimates.get("ttft_p95", ""),
        tpot=estimates.get("tpot_p95", ""),
        reason=say.sentence(item.reason),
    )
