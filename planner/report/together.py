"""Plans of several fleets in words: what is held in all, what each service gets, and how both follow the hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planner.report.deployment import Fleet, fleet, verb, where
from planner.report.figures import figure, quantity
from planner.report.i18n import Translator
from planner.units import format_percent

if TYPE_CHECKING:
    from planner.plan import Deployment, Holding, Plan, ServiceResult
    from planner.report.view import Requirement


class Held(NamedTuple):
    """One line of what is held."""

    verb: str
    instances: str
    offer: str
    where: str
    gpus: str
    cost: str
    services: str
    utilisation: str
    hourly: tuple[int, ...]


class Part(NamedTuple):
    """A fleet of a service, and which share of its load it carries."""

    share: str
    offer: str
    fleet: Fleet


class ServiceView(NamedTuple):
    """One service: what it has to carry, on which fleets, and how far it stays from its limits."""

    name: str
    subject: str
    parts: tuple[Part, ...]
    requirements: tuple[Requirement, ...]
    hourly: tuple[float, ...]


def held(plan: Plan, say: Translator) -> tuple[Held, ...]:
    """Return what a plan holds, dearest first."""
    return tuple(_held(item, plan, say) for item in plan.holdings)


def _held(item: Holding, plan: Plan, say: Translator) -> Held:
    count = f"{item.instances}"
    if item.instances_by_hour:
        count = say("{few} to {many}", few=min(item.instances_by_hour), many=item.instances)
    gpus = item.instances * item.gpus_per_instance
    return Held(
        verb=verb(item.pricing, say),
        instances=count,
        offer=item.offer,
        where=where(item.provider, item.region, item.pricing, say),
        gpus=f"{gpus} × {item.accelerator}",
        cost=figure(item.cost_usd_per_month, "USD/month", say),
        services=", ".join(item.services) if len(plan.services) > 1 else "",
        utilisation=format_percent(item.utilisation, 0),
        hourly=item.instances_by_hour,
    )


def services(plan: Plan, say: Translator) -> tuple[ServiceView, ...]:
    """Return the services of a plan in the order of the scenario."""
    return tuple(_service(item, plan, say) for item in plan.services)


def _service(item: ServiceResult, plan: Plan, say: Translator) -> ServiceView:
    from planner.report.view import requirement_row

    estimates = {quantity(it.name): it for it in item.estimates}
    mine = sorted((it for it in plan.deployments if it.service == item.service), key=_least_tokens)
    return ServiceView(
        name=item.service,
        subject=f"{item.model} · {say.sentence(item.load)}",
        parts=tuple(_part(it, say) for it in mine),
        requirements=tuple(requirement_row(it, estimates.get(quantity(it.requirement)), say) for it in item.margins),
        hourly=item.hourly,
    )


def _least_tokens(item: Deployment) -> int:
    """Return the least size of the requests that a fleet takes; 0 where it takes them from the smallest on, or all.

    Fleets by size are read as a threshold in a router is set: the short requests first.
    """
    first = item.requests.partition(" ")[0].replace(",", "")
    return int(first) if first.isdigit() else 0


def _part(item: Deployment, say: Translator) -> Part:
    whole = item.load_share > 1 - 1e-9
    share = "" if whole else say("{share} of the load", share=format_percent(item.load_share, 0))
    if item.requests:
        requests = say.sentence(item.requests)
        share = f"{requests}: {share}" if share else requests
    words, taken = fleet(item, say), item.replicas * item.gpus_per_replica
    if taken < item.gpus:  # the rest of its instances is idle, or other fleets have it
        words = words._replace(gpus=say("{n} of {gpus}", n=taken, gpus=words.gpus))
    return Part(share, item.offer, words)


SPARKS = " ▁▂▃▄▅▆▇█"
_MOST_COLUMNS = 84


def sparkline(values: tuple[float, ...]) -> str:
    """Return bars of a character each, the largest value full; of a week the larger of two hours."""
    step = -(-len(values) // _MOST_COLUMNS)
    rows = [max(values[start : start + step]) for start in range(0, len(values), step)]
    top = max(rows)
    return "".join(SPARKS[0 if value <= 0 else max(round(value / top * (len(SPARKS) - 1)), 1)] for value in rows)
