"""What the documentation shows exists: links, and command lines that the commands would take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from planner.cli import cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CONTINUED = re.compile(r"\\\n\s*")


def leaves(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """Yield a context for every command that is no group."""
    if not isinstance(command, click.Group):
        yield context
        return
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        yield from leaves(child, click.Context(child, context, name))


def command_lines(text: str) -> Iterator[str]:
    """Yield the `planner ...` lines of code blocks, without prompt, comment and what follows a pipe."""
    for block in re.findall(r"```(?:sh|bash|console|text)?\n(.*?)```", text, re.DOTALL):
        for line in CONTINUED.sub(" ", block).splitlines():
            if match := re.match(r"\s*(?:\$ )?(planner [a-z].*)", line):
                yield match[1]


def refusal(line: str) -> str:
    """Return why the command line would not be taken, or nothing. Nothing is run."""
    words = shlex.split(line, comments=True)
    for stop in ("|", ">", "&&", "||", ";"):
        if stop in words:
            words = words[: words.index(stop)]
    command: click.Command = cli
    context, rest = click.Context(cli, info_name="planner"), words[1:]
    try:
        while isinstance(command, click.Group):
            if not rest or rest[0] in ("--help", "-h", "--version"):
                return ""
            name, child, rest = command.resolve_command(context, rest)
            assert child is not None
            command, context = child, click.Context(child, context, name)
        command.make_parser(context).parse_args(list(rest))
    except click.UsageError as error:
        return error.format_message()
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_command_lines_of_the_docs_would_be_taken(page):
    lines = [] if page.name == "cli.md" else list(command_lines(page.read_text(encoding="utf-8")))
    assert [f"{line}: {why}" for line in lines if (why := refusal(line))] == []


def test_command_lines_of_the_helps_would_be_taken():
    lines = [
        line.strip()
        for context in leaves(cli, click.Context(cli, info_name="planner"))
        for line in CONTINUED.sub(" ", context.command.epilog or "").splitlines()
        if line.strip().startswith("planner ")
    ]
    assert len(lines) > 5
    assert [f"{line}: {why}" for line in lines if (why := refusal(line))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)", text)
    broken = [
        it for it in targets if "://" not in it and not it.startswith("mailto:") and not (page.parent / it).exists()
    ]
    assert broken == []


def test_a_wrong_command_line_is_recognised():
    assert "--fromat" in refusal("planner solve x.yaml --fromat json")
    assert "slove" in refusal("planner slove x.yaml")
    assert refusal("planner solve x.yaml --format json | jq .plan") == ""
