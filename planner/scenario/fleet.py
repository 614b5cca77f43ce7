"""A scenario about several services that share budget, inventory, quotas and nodes: ``services: [{...}, {...}]``.

Each service is a scenario of its own to whoever estimates it (``Scenario.parts``); what they share is asked of all of
them together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, ClassVar

from planner.scenario.model import Scenario
from planner.scenario.reader import Draft, Problem
from planner.scenario.sections import SLA, Quality, Search, Section
from planner.scenario.words import MODEL, NAME
from planner.scenario.workload import Workload

_LEAST = 1


@dataclass(frozen=True, slots=True)
class ServiceAsked(Section):
    """One of several services: what `model`, `workload`, `sla`, `quality` and `search` are of a scenario with one."""

    name: Annotated[str, NAME]
    """Name of the service."""

    model: Annotated[str | dict[str, Any], MODEL]
    """Id of a catalog entry, path of a config.json, safetensors or GGUF file, or the content of a config.json."""

    workload: Workload
    """The requests to serve."""

    sla: SLA = field(default_factory=SLA)
    """What every plan has to hold for it."""

    quality: Quality = field(default_factory=Quality)
    """How much of the 16-bit model's quality has to remain."""

    search: Search = field(default_factory=Search)
    """What may be considered for it, within what the scenario's own `search` allows."""


@dataclass(frozen=True, slots=True)
class FleetScenario(Scenario):
    """One question about several services: their models and loads, and what they may cost together."""

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"model", "workload", "sla", "quality"})
    HIDDEN_WHY: ClassVar[str] = "is asked of each service"
    HIDDEN_HELP: ClassVar[str] = "write it into the entries of `services`"

    model: Annotated[str | dict[str, Any], MODEL] = ""
    """Each service has its own."""

    # Each service has its own; whoever reads a workload asks for the parts first.
    workload: Workload = field(default_factory=Workload)
    """Each service has its own."""

    services: tuple[ServiceAsked, ...] = ()
    """What is served."""

    @property
    def parts(self) -> tuple[Scenario, ...]:
        """One scenario per service, with all that is shared."""
        shared = {f.name: getattr(self, f.name) for f in fields(Scenario) if f.name not in self.HIDDEN}
        return tuple(
            Scenario(
                **{
                    **shared,
                    "name": item.name,
                    "model": item.model,
                    "workload": item.workload,
                    "sla": item.sla,
                    "quality": item.quality,
                    "search": narrowed(self.search, item.search),
                }
            )
            for item in self.services
        )


def narrowed(outer: Search, inner: Search) -> Search:
    """Return what both allow; where only one says something, it holds alone."""
    changes: dict[str, Any] = {}
    for item in fields(Search):
        mine, theirs = getattr(inner, item.name), getattr(outer, item.name)
        if isinstance(mine, tuple) and isinstance(theirs, tuple):
            changes[item.name] = tuple(value for value in mine if value in theirs)
        elif mine is None or mine is False:
            changes[item.name] = theirs
    return replace(inner, **changes)


def services_apart(draft: Draft) -> Iterator[Problem]:
    """Services have different names, and each leaves something of what the scenario's own search allows."""
    services = draft.get("services")
    if not isinstance(services, list):
        return
    if len(services) < _LEAST:
        yield Problem(("services",), "lists no service", "add `{name: chat, model: ..., workload: {...}}`")
    seen: set[str] = set()
    shared = draft.get("search") or {}
    for index, item in enumerate(services):
        name = item.get("name")
        if name in seen:
            yield Problem(("services", index, "name"), f"{name!r} is the name of another service", "name it apart")
        seen.add(name)
        for key, mine in (item.get("search") or {}).items():
            theirs = shared.get(key)
            if isinstance(mine, tuple) and isinstance(theirs, tuple) and not set(mine) & set(theirs):
                yield Problem(
                    ("services", index, "search", key), f"allows nothing of what the scenario's search.{key} allows",
                    f"add one of {', '.join(map(str, theirs))}", "contradiction",
                )  # fmt: skip


def checks_of_services(draft: Draft) -> Iterator[Problem]:
    """Hold every service to what a scenario with one service is held to."""
    from planner.scenario.load_checks import SERVICE_CHECKS

    for index, item in enumerate(draft.get("services") or ()):
        shared = {**draft, **item} if isinstance(item, dict) else draft
        if isinstance(item, dict):
            own = {key: value for key, value in (item.get("search") or {}).items() if value not in (None, False)}
            shared["search"] = {**(draft.get("search") or {}), **own}
        for check in SERVICE_CHECKS:
            for problem in check(shared):
                yield replace(problem, location=("services", index, *problem.location))
