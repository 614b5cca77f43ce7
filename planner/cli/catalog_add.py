"""``planner catalog add``: entities of one's own, written as catalog files."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli.output import emit

if TYPE_CHECKING:
    from planner.architecture import ModelArchitecture


@click.group()
def add() -> None:
    """Add an entity of your own to the catalog."""


@add.command()
@click.argument("reference", metavar="PATH_OR_ID")
@click.option("--id", "name", metavar="ID", help="Call it this; by default the hub id or the directory's name.")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="A further name. May be repeated.")
@click.option("--source", metavar="TEXT", help="Where it is from; by default the path or address it was read from.")
@click.option("--as-of", metavar="DATE", help="Day of the source, YYYY-MM-DD; by default the file's, or today's.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write to this file, or - for standard output; by default into your own catalog.",
)  # fmt: skip
def model(
    reference: str,
    name: str | None,
    aliases: tuple[str, ...],
    source: str | None,
    as_of: str | None,
    force: bool,
    output: Path | None,
) -> None:
    """Write a catalog entry for a model.

    PATH_OR_ID is a directory, config.json, safetensors file or index, or GGUF file; or a Hugging Face id, for which
    huggingface_hub (extra `hub`) fetches config.json and reads the headers of the weights.

    \b
    Examples:
      planner catalog add model ./my-model
      planner catalog add model model.gguf --id my/model -o -
      planner catalog add model Qwen/Qwen3-4B
    """
    from planner.architecture.entry import model_entry

    _check(name, as_of)
    architecture, config, found_source, day = _read(reference)
    architecture = _named(architecture, name)
    entry = model_entry(architecture, config, source=source or found_source, as_of=as_of or day)
    if aliases:
        entry = {"id": entry.pop("id"), "name": entry.pop("name"), "aliases": list(aliases), **entry}
    target = output or _own_file(architecture.id)
    if str(target) != "-" and target.exists() and not force:
        raise click.UsageError(f"{target} exists; --force replaces it")
    if output is None:
        target.parent.mkdir(parents=True, exist_ok=True)
    emit(_yaml(entry), target)


def _check(name: str | None, as_of: str | None) -> None:
    """Raise click.UsageError for an id or a day that no catalog would read back."""
    if name is not None and not re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", name):
        raise click.UsageError(f"--id {name!r}: write letters, digits, '.', '_' and '-', as in my-model or me/my-model")
    if as_of is not None:
        try:
            date.fromisoformat(as_of)
        except ValueError:
            raise click.UsageError(f"--as-of {as_of!r} is no day: write it as 2026-10-01") from None


def _read(reference: str) -> tuple[ModelArchitecture, dict[str, Any] | None, str, str]:
    """Return (architecture, its config, source, day) of a path or hub id; what exists on disk comes first."""
    path = Path(reference).expanduser()
    if path.exists():
        from planner.architecture.checkpoint import read_model
        from planner.architecture.entry import config_beside

        architecture = read_model(path.resolve())
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return architecture, config_beside(path), f"{path.name}, read by planner catalog add", f"{changed:%Y-%m-%d}"
    if path.suffix in (".json", ".gguf", ".safetensors") or reference.startswith((".", "/", "~")):
        raise click.UsageError(f"{reference}: no such file or directory")
    from planner.architecture.hub import fetch_config, fetch_model

    config, address = fetch_config(reference)
    return fetch_model(reference), config, address, f"{datetime.now(UTC):%Y-%m-%d}"


def _named(architecture: ModelArchitecture, name: str | None) -> ModelArchitecture:
    from dataclasses import replace

    return replace(architecture, id=name) if name else architecture


def _own_file(id: str) -> Path:
    from planner.catalog.files import user_catalog_dir

    folder = user_catalog_dir()
    if folder is None:
        raise click.UsageError("there is no home directory for a catalog of your own; name a file with -o")
    return folder / "models" / f"{id.replace('/', '--')}.yaml"


def _yaml(entry: dict[str, Any]) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Short lists on one line, as the shipped files have them."""

    def represent_list(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.Node:
        flat = not any(isinstance(item, dict | list) for item in data)
        return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=flat)

    Dumper.add_representer(list, represent_list)
    text: str = yaml.dump(entry, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=118)
    return text
