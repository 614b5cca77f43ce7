"""``planner catalog``: list and show what the planner knows, and check files of one's own."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli.output import emit, output_option

if TYPE_CHECKING:
    from planner.catalog import Catalog

KINDS = ("accelerators", "engines", "formats", "kv_formats", "models", "offers", "quality", "regions", "storage")

format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of output."
)


class _CatalogGroup(click.Group):
    """The commands of this module, and ``add``, which is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), "add"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "add":
            command: click.Command = import_module("planner.cli.catalog_add").add
            return command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self.commands[name].get_short_help_str(80)) for name in super().list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([*rows, ("add", "Add an entity of your own.")])


@click.group(cls=_CatalogGroup)
def catalog() -> None:
    """List, show and extend what the planner knows: formats, accelerators, offers, models, engines, quality.

    The shipped catalog is YAML; entities of your own stand in the same form in planner/catalogs of your configuration
    directory, or in the directories of PLANNER_CATALOG_PATH, and replace shipped ones of the same id.
    """


@catalog.command("list")
@click.argument("kind", type=click.Choice(KINDS), required=False)
@click.option("--match", default="", metavar="TEXT", help="Only ids, names and aliases that contain TEXT.")
@click.option("--where", multiple=True, metavar="FIELD=VALUE", help="Only entities whose field has that value.")
@format_option
@output_option
def list_command(kind: str | None, match: str, where: tuple[str, ...], form: str, output: Path | None) -> None:
    """List the entities of KIND.

    Without KIND, how many there are of each, and the digest of their content.

    \b
    Examples:
      planner catalog list accelerators --where generation=hopper
      planner catalog list offers --where accelerator=h100-sxm --where gpus=8
      planner catalog list formats --match fp8 --format json
    """
    from planner.catalog import load_catalog
    from planner.cli.catalog_text import entity_table, plain_entity

    loaded = load_catalog()
    if kind is None:
        if match or where:
            raise click.UsageError("--match and --where need a KIND")
        counts = {name: {"entities": len(loaded.entities(name)), "sha256": loaded.digests[name]} for name in KINDS}
        lines = [f"{name:<14}{row['entities']:>6}  sha256 {str(row['sha256'])[:16]}" for name, row in counts.items()]
        emit("\n".join(lines) if form == "text" else json.dumps(counts, indent=2), output)
        return
    conditions = [_condition(kind, text) for text in where]
    entities = [
        entity
        for entity in loaded.entities(kind).values()
        if _matches(entity, match.casefold()) and all(_holds(entity, field, value) for field, value in conditions)
    ]
    if form == "json":
        emit(json.dumps([plain_entity(entity) for entity in entities], indent=2, ensure_ascii=False), output)
    elif entities:
        emit("\n".join(entity_table(kind, entities)), output)
    else:
        click.echo(f"no {kind} match" if match or where else f"the catalog has no {kind}", err=True)


@catalog.command("show")
@click.argument("name", metavar="ID")
@click.option("--kind", type=click.Choice(KINDS), help="Where an id is one of several kinds.")
@format_option
@output_option
def show_command(name: str, kind: str | None, form: str, output: Path | None) -> None:
    """Show everything about one entity, with sources and dates. ID may be an alias, in any case.

    \b
    Examples:
      planner catalog show h100-sxm
      planner catalog show awq
      planner catalog show aws/p5.48xlarge/us-east-1 --format json
    """
    from planner.catalog import load_catalog
    from planner.cli.catalog_text import entity_text, plain_entity

    loaded = load_catalog()
    kinds = [kind] if kind else list(KINDS)
    found = [(item, known) for item in kinds if (known := loaded.resolve(item, name)) is not None]
    if not found:
        raise click.UsageError(f"no {kind or 'entity'} is called {name!r}.{_suggestion(loaded, kinds, name)}")
    if len(found) > 1:
        raise click.UsageError(f"{name!r} is one of {' and of '.join(item for item, _ in found)}; add --kind")
    which, known = found[0]
    entity = loaded.entities(which)[known]
    if form == "json":
        emit(json.dumps({"kind": which, **plain_entity(entity)}, indent=2, ensure_ascii=False), output)
    else:
        emit("\n".join(entity_text(which, entity)), output)


@catalog.command("check")
@click.argument("directories", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
def check_command(directories: tuple[Path, ...]) -> None:
    """Check the catalog: every file, every reference between files. DIRECTORIES are read instead of your own.

    Exit code 2 with every problem, each with its file, line and remedy.
    """
    from planner.catalog import load_catalog
    from planner.catalog.files import catalog_roots

    roots = (catalog_roots()[0], *directories) if directories else catalog_roots()
    loaded = load_catalog(roots)
    total = sum(len(loaded.entities(kind)) for kind in KINDS)
    click.echo(f"{total:,} entities in {', '.join(str(root) for root in roots)}: no problems")


def _suggestion(loaded: Catalog, kinds: list[str], name: str) -> str:
    for kind in kinds:
        best = loaded.suggest(kind, name)
        if best:
            return f" Did you mean {best!r} ({kind})?"
    return " `planner catalog list KIND` lists what there is."


def _condition(kind: str, text: str) -> tuple[str, str]:
    from dataclasses import fields

    from planner.catalog.kinds import entity_class

    field, equals, value = text.partition("=")
    known = [item.name for item in fields(entity_class(kind))]
    if not equals:
        raise click.UsageError(f"--where {text}: write FIELD=VALUE")
    if field not in known:
        raise click.UsageError(f"--where {text}: {kind} have no field {field!r}; they have {', '.join(known)}")
    return field, value


def _holds(entity: Any, field: str, value: str) -> bool:
    """Return whether a field has the value, a list has it among its values, or a number is equal to it."""
    has = getattr(entity, field)
    if isinstance(has, bool):
        return str(has).casefold() == value.casefold()
    if isinstance(has, int | float):
        try:
            return float(value) == has
        except ValueError:
            return False
    if isinstance(has, tuple):
        return any(_matches(item, value.casefold()) for item in has)
    return str(has).casefold() == value.casefold()


def _matches(entity: Any, text: str) -> bool:
    """Return whether ``text``, in lower case, is part of an entity's names; of a tuple's text items, one of them."""
    if isinstance(entity, str):
        return entity.casefold() == text
    names = (getattr(entity, field, "") for field in ("id", "name", "instance", "kind", "size_class"))
    return any(text in str(name).casefold() for name in (*names, *getattr(entity, "aliases", ())))
