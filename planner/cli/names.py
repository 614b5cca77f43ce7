"""Names that flags give: looked up in the catalog, refused with what may have been meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from planner.catalog import Catalog


def known(catalog: Catalog, kind: str, name: str, flag: str) -> str:
    """Return the id of ``name`` (an id or alias) among a kind's entities. Raises click.UsageError otherwise."""
    found = catalog.resolve(kind, name)
    if found is None:
        hint = catalog.suggest(kind, name)
        meant = f"did you mean {hint}?" if hint else f"planner catalog list {kind} shows what is"
        raise click.UsageError(f"{flag}: {name!r} is not in the catalog; {meant}")
    return found
