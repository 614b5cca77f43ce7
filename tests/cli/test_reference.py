"""``docs/cli.md`` is what ``--help`` says; ``make golden`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from planner.cli import cli

HEAD = """\
# Command line

Written from `--help` by `make golden`; a test keeps it fresh.

Data goes to standard output, notes and errors to standard error; `-` stands for standard input or output. Colour is
used on a terminal only, never with `NO_COLOR` and always with `FORCE_COLOR`. With `PLANNER_DEBUG=1` an unexpected error
shows where it happened.
"""


def commands(context: click.Context, path: str) -> Iterator[tuple[str, click.Context]]:
    """Yield (full name, context) of the group and of all commands below it."""
    yield path, context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from commands(click.Context(command, context, name), f"{path} {name}")


def reference() -> str:
    settings = {"terminal_width": 100, "max_content_width": 100, "help_option_names": ["-h", "--help"]}
    root = click.Context(cli, info_name="planner", **settings)
    parts = [HEAD]
    for path, context in commands(root, "planner"):
        # click keeps a command's help option from its first use, which another test may have made without this context
        context.command._help_option = None
        text = "\n".join(line.rstrip() for line in context.get_help().splitlines())
        parts.append(f"## {path}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def test_the_reference_is_fresh(request: pytest.FixtureRequest, root):
    path = root / "docs" / "cli.md"
    if request.config.getoption("--golden-update"):
        path.write_text(reference(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == reference(), "stale: `make golden` writes it anew"
