"""The command line: parse flags, call, print, map errors to exit codes. No domain logic."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from planner import __version__
from planner.errors import PlannerError

# name -> (module:function, one-line help). Help stands here so that `planner --help` imports no command.
COMMANDS: dict[str, tuple[str, str]] = {
    "solve": (
        "planner.cli.solve:solve",
        "Find the cheapest plan that holds every requirement of a scenario.",
    ),
    "candidates": (
        "planner.cli.candidates:candidates",
        "List every option that was evaluated, with its figures.",
    ),
    "memory": ("planner.cli.memory:memory", "Say what a model needs in memory, term by term."),
    "estimate": ("planner.cli.estimate:estimate", "Predict TTFT, TPOT and throughput of one deployment."),
    "formats": ("planner.cli.formats:formats", "Show the number formats and how they store a value."),
    "validate": ("planner.cli.validate:validate", "Compare predictions with your own measurements."),
    "calibrate": ("planner.cli.calibrate:calibrate", "Fit the performance model to measurements."),
    "catalog": ("planner.cli.catalog:catalog", "List, show and extend what the planner knows."),
    "rules": ("planner.cli.rules:rules", "List, show and test the rules."),
    "schema": ("planner.cli.schema:schema", "Write the JSON Schemas of the files people write."),
}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="planner")
def cli() -> None:
    """Find the cheapest deployment of a large language model that holds every requirement, and prove it."""


def main() -> None:
    """Run the command line; map the planner's errors to their exit codes."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as ending:
        sys.exit(ending.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except PlannerError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
