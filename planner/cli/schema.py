"""``planner schema``: the JSON Schemas of the files that people write, for editors and CI."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from planner.cli.output import emit, output_option

# name -> module:function that returns the schema; the file is called <name>.schema.json.
SCHEMAS: dict[str, str] = {
    "scenario": "planner.scenario.schema:scenario_json_schema",
    "fleet-scenario": "planner.scenario.schema:fleet_json_schema",
    "training-scenario": "planner.scenario.schema:training_json_schema",
    "rule": "planner.rules.schema:rule_schema",
}


@click.command(
    epilog="""\b
Examples:
  planner schema scenario -o scenario.schema.json
  planner schema --write schemas
  planner schema --check schemas

An editor with the YAML language server reads the first line of a scenario:
  # yaml-language-server: $schema=../schemas/scenario.schema.json"""
)
@click.argument("name", type=click.Choice(tuple(SCHEMAS)), required=False)
@output_option
@click.option(
    "--write", "write_to", type=click.Path(file_okay=False, path_type=Path), help="Write all into a directory."
)
@click.option(
    "--check", type=click.Path(file_okay=False, path_type=Path), help="Exit with 1 when a file of a directory is stale."
)
def schema(name: str | None, output: Path | None, write_to: Path | None, check: Path | None) -> None:
    """Write the JSON Schema (2020-12) of NAME to standard output, or all of them into a directory."""
    if sum(bool(item) for item in (name, write_to, check)) != 1 or (output and not name):
        raise click.UsageError("give one of NAME (with -o, if you like), --write DIRECTORY and --check DIRECTORY")
    if name:
        emit(_text(name), output)
    elif write_to:
        for item in SCHEMAS:
            emit(_text(item), write_to / _file(item))
    elif check:
        stale = [str(check / _file(item)) for item in SCHEMAS if not _is_fresh(check / _file(item), _text(item))]
        if stale:
            raise click.ClickException(f"{', '.join(stale)}: not what `planner schema --write {check}` writes")


def _file(name: str) -> str:
    return f"{name}.schema.json"


def _is_fresh(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _text(name: str) -> str:
    module, _, function = SCHEMAS[name].partition(":")
    made: dict[str, Any] = getattr(import_module(module), function)()
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"
