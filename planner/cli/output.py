"""Where a command's answer goes: to stdout or a file, in colour where someone looks at it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

_STYLES: dict[str, dict[str, object]] = {
    "strong": {"bold": True},
    "faint": {"dim": True},
    "good": {"fg": "green"},
    "warn": {"fg": "yellow"},
    "bad": {"fg": "red", "bold": True},
}

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output.",
)


def emit(text: str, output: Path | None = None) -> None:
    """Write ``text`` to ``output``, or to stdout where it is None or ``-``.

    Raises click.ClickException, exit code 2, when the file cannot be written.
    """
    if output is None or str(output) == "-":
        click.echo(text, nl=not text.endswith("\n"), color=True)  # the painter has decided on colour already
        return
    try:
        output.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"cannot write {output}: {error.strerror}") from error
    click.echo(f"wrote {output}", err=True)


def painter(output: Path | None = None) -> Callable[[str, str], str]:
    """Return what paints text for ``output``: (role, text) -> text, with the terminal's codes where they are wanted."""
    return _painted if in_colour(output) else lambda role, text: text


def _painted(role: str, text: str) -> str:
    return click.style(text, **_STYLES[role])  # type: ignore[arg-type]


def in_colour(output: Path | None = None) -> bool:
    """Say whether to use colour: never in a file or under NO_COLOR, always under FORCE_COLOR, else on a terminal.

    https://no-color.org and https://force-color.org: set and not empty.
    """
    if output is not None and str(output) != "-":
        return False
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def progress_line() -> Iterator[None]:
    """Show what long work is at on one line of the terminal, which is gone when it ends; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield
        return
    from planner.progress import listening

    def show(text: str) -> None:
        click.echo(f"\r\x1b[2K{text} ...", err=True, nl=False, color=True)

    try:
        with listening(show):
            yield
    finally:
        click.echo("\r\x1b[2K", err=True, nl=False, color=True)
