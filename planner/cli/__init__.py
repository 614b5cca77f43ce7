"""The command line: parse flags, call, print, map errors to exit codes. No domain logic."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import NoReturn

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
    "render": ("planner.cli.render:render", "Write the file that runs a training plan."),
    "diff": ("planner.cli.diff:diff", "Show what leads from one plan to another, and the money."),
    "memory": ("planner.cli.memory:memory", "Say what a model needs in memory, term by term."),
    "estimate": ("planner.cli.estimate:estimate", "Predict TTFT, TPOT and throughput of one deployment."),
    "formats": ("planner.cli.formats:formats", "Show the number formats and how they store a value."),
    "validate": ("planner.cli.validate:validate", "Compare predictions with your own measurements."),
    "calibrate": ("planner.cli.calibrate:calibrate", "Fit the performance model to measurements."),
    "catalog": ("planner.cli.catalog:catalog", "List, show and extend what the planner knows."),
    "explain": ("planner.cli.explain:explain", "Show how a plan follows, why not another, and what a rule cut."),
    "pareto": ("planner.cli.pareto:pareto", "Show the plans that no other beats in cost, latency, quality and energy."),
    "sweep": ("planner.cli.sweep:sweep", "Solve many variants: how plan and cost move, and where they switch."),
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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Exit codes:
  0  done          2  wrong input or usage
  1  unexpected    3  infeasible: no plan holds every requirement
                   4  `diff --exit-code` found changes""",
)
@click.version_option(__version__, prog_name="planner")
def cli() -> None:
    """Find the cheapest deployment of a large language model that holds every requirement, and prove it."""


def main() -> NoReturn:
    """Run the command line and exit: 0, or the code that an error maps to. No error shows a traceback.

    With PLANNER_DEBUG=1 in the environment an unexpected one does.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 gets question marks, not a crash
    try:
        code = cli.main(prog_name="planner", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except PlannerError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        if os.environ.get("PLANNER_DEBUG"):
            raise
        click.echo(
            f"error: unexpected {type(error).__name__}: {error}\n"
            "  help: this is a defect of the planner; set PLANNER_DEBUG=1 to see where it happened",
            err=True,
        )
        sys.exit(1)
