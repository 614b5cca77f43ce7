"""A record with where it stands, so that checks between entities can point at a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from planner.catalog.files import CatalogFile
from planner.catalog.kinds import Record
from planner.errors import Diagnostic
from planner.source import SourceDocument, closest

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Sourced:
    """A record with where it stands, for the checks that come after."""

    record: Record
    document: SourceDocument
    place: Location
    file: CatalogFile

    def problem(self, place: Location, message: str, *, help: str = "", code: str = "catalog") -> Diagnostic:
        """Return a Diagnostic at ``place`` below this record."""
        return self.document.diagnostic((*self.place, *place), message, help=help, code=code)

    def unknown(self, place: Location, value: str, what: str, known: Iterable[str]) -> Diagnostic:
        """Return a Diagnostic for a reference to what does not exist."""
        best = closest(value, known)
        return self.problem(
            place, f"{value!r} is no {what}", help=f"did you mean {best!r}?" if best else "", code="unknown-reference"
        )


class Records:
    """Records by kind and id, and the ids of those that could not be read, to which references are not in the wrong."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self._entities: dict[str, dict[str, Sourced]] = {kind: {} for kind in kinds}
        self._broken: dict[str, set[str]] = {kind: set() for kind in kinds}

    def __getitem__(self, kind: str) -> Mapping[str, Sourced]:
        """Return the records of a kind by id."""
        return self._entities[kind]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the kinds."""
        return iter(self._entities)

    def add(self, item: Sourced) -> list[Diagnostic]:
        """Enter a record; one of a higher layer replaces, one of the same layer is a duplicate."""
        entities, name = self._entities[item.file.kind], str(item.record["id"])
        before = entities.get(name)
        if before is not None and before.file.layer == item.file.layer:
            return [item.problem((), f"{name} is defined twice; first in {before.file.name}", code="duplicate-id")]
        entities[name] = item
        return []

    def add_broken(self, kind: str, name: str) -> None:
        """Note that there is an entity of that name, which could not be read."""
        self._broken[kind].add(name)

    def has_broken(self, kind: str) -> bool:
        """Return whether some entity of the kind could not be read."""
        return bool(self._broken[kind])

    def knows(self, kind: str, name: str) -> bool:
        """Return whether a reference to that id is in order."""
        return name in self._entities[kind] or name in self._broken[kind]
