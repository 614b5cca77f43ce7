"""What a scenario has to carry, stream by stream, each with the table of everything that could carry it.

A stream is what is carried by fleets of its own: a service, the requests of some sizes of it, or one stage of it where
prefill and decode are apart. A service with one average request is one stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.mixing import joint, refuse_training
from planner.candidates.parts import Part, Way, divided
from planner.candidates.refine import FIELD
from planner.candidates.stages import Family, families, of_family, staged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.candidates.table import CandidateTable
    from planner.catalog import Catalog
    from planner.rules.rule import RuleSet
    from planner.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests, or a stage of them, that are carried together."""

    id: str
    """Unique: the service's name, and after a slash which of its requests."""
    service: str
    table: CandidateTable
    family: Family | None = None
    """Of a stage of requests: what its rows have to have in common with those of the other stage."""

    @property
    def part(self) -> Part:
        """Which part of its service it is."""
        return self.table.part

    @property
    def name(self) -> str:
        """Its id without the family: what all streams that share a table are."""
        return f"{self.service}/{self.part.label}".rstrip("/")

    @property
    def rows(self) -> NDArray[np.bool_]:
        """[row]: whether the row of the table is one of the stream."""
        if self.family is None:
            return np.ones(len(self.table), dtype=bool)
        return of_family(self.table, self.family)

    @property
    def demand(self) -> tuple[int, ...]:
        """[hour of its own cycle]: the load in the units of ``Demand``."""
        return self.table.demand.amounts


@dataclass(frozen=True, slots=True)
class Streams:
    """All streams of a scenario. Of each choice exactly one way, a set of streams, is taken."""

    scenario: Scenario
    catalog: Catalog
    streams: tuple[Stream, ...]
    choices: tuple[tuple[Way, ...], ...] = ()

    @property
    def joint(self) -> bool:
        """Whether fleets are chosen together."""
        return self.streams[0].table.joint

    @property
    def tables(self) -> tuple[CandidateTable, ...]:
        """The table of each stream."""
        return tuple(item.table for item in self.streams)

    @property
    def apart(self) -> tuple[Stream, ...]:
        """One stream for each table."""
        return tuple({id(stream.table): stream for stream in reversed(self.streams)}.values())[::-1]

    @property
    def evaluated(self) -> tuple[CandidateTable, ...]:
        """The tables, each once: the families of a stage share one."""
        return tuple(stream.table for stream in self.apart)

    @property
    def cycle(self) -> int:
        """Hours after which every load repeats: 1, 24 or 168."""
        return lcm(*(len(item.demand) for item in self.streams))

    @property
    def demands(self) -> tuple[tuple[int, ...], ...]:
        """[stream][hour of the cycle]: the load of each stream."""
        own, cycle = [item.demand for item in self.streams], self.cycle
        return tuple(load * (cycle // len(load)) for load in own)

    def demand(self, stream: int) -> tuple[int, ...]:
        """[hour of the cycle]: the load of a stream."""
        own = self.streams[stream].demand
        return own * (self.cycle // len(own))


def streams_of(
    scenario: Scenario,
    catalog: Catalog | None = None,
    *,
    marked: bool = False,
    rules: RuleSet | None = None,
    field: int = FIELD,
) -> Streams:
    """Evaluate everything that could carry each stream of ``scenario``; parameters and errors as of ``evaluate``."""
    from planner.candidates.evaluation import evaluate

    refuse_training(scenario)
    if catalog is None:
        from planner.catalog import load_catalog

        catalog = load_catalog()
    together = joint(scenario)

    def table(part: Part, own: Scenario) -> CandidateTable:
        return evaluate(own, catalog, marked=marked, rules=rules, field=field, together=together, part=part)

    streams: list[Stream] = []
    choices = []
    for service in scenario.parts:
        parts, ways = divided(service)
        start = len(streams)
        found = [tuple(start + index for index in way) for way in ways]
        for part, own in parts:
            streams.append(Stream(f"{service.name}/{part.label}".rstrip("/"), service.name, table(part, own)))
        if service.search.disaggregated:
            prefill, decode = (table(part, own) for part, own in staged(service))
            for family in families(prefill, decode):
                found.append((len(streams), len(streams) + 1))
                streams += [
                    Stream(f"{service.name}/{stage.part.label} {' '.join(family)}", service.name, stage, family)
                    for stage in (prefill, decode)
                ]
        if len(found) > 1:
            choices.append(tuple(found))
    return Streams(scenario, catalog, tuple(streams), tuple(choices))
