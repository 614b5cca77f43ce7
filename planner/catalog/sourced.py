"""A record with where it stands, so that checks between entities can point at a line."""

from __future__ import annotations

from collections.abc import Iterable
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


Records = dict[str, dict[str, Sourced]]
"""Kind -> id -> record, sorted by id."""
