"""The shell around the commands: help, misspellings, exit codes, colour, pipes and files."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from planner import cli as shell
from planner.cli import COMMANDS
from planner.cli.output import emit, in_colour
from planner.errors import Diagnostic, PlannerError, ScenarioError


def planner(*arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, "-m", "planner", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env=environment | env,
    )


def run(monkeypatch, capsys, command, *arguments: str) -> tuple[int, str, str]:
    """Call ``main`` with ``command`` in the place of ``solve``; return exit code, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["planner", "solve", *arguments])
    monkeypatch.setattr(shell._LazyGroup, "get_command", lambda self, ctx, name: command)
    with pytest.raises(SystemExit) as ending:
        shell.main()
    out, err = capsys.readouterr()
    return ending.value.code, out, err


def test_help_names_every_command_and_the_exit_codes():
    ran = planner("--help")
    assert ran.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in ran.stdout
    assert "3  infeasible" in ran.stdout
    assert ran.stderr == ""


def test_a_misspelt_command_or_option_is_recognised():
    ran = planner("slove")
    assert ran.returncode == 2
    assert "Did you mean 'solve'?" in ran.stderr
    ran = planner("solve", "x.yaml", "--fromat", "json")
    assert ran.returncode == 2
    assert "--format" in ran.stderr


def test_every_command_of_the_list_exists_and_explains_itself():
    from importlib import import_module

    for name, (home, _) in COMMANDS.items():
        module, _, attribute = home.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command), name
        assert command.help, name


def test_solve_help_teaches_examples_and_exit_codes():
    text = planner("solve", "--help").stdout
    assert "planner solve scenarios/70b-chat.yaml" in text
    assert "--set workload.concurrency=400" in text
    assert "no plan holds every requirement" in text


def test_a_missing_scenario_is_wrong_input_without_traceback():
    ran = planner("solve", "no-such.yaml")
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "no-such.yaml" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_errors_of_the_planner_map_to_their_codes_and_show_every_diagnostic(monkeypatch, capsys):
    @click.command()
    def broken() -> None:
        raise ScenarioError([Diagnostic("one", "a.yaml", 3, 1), Diagnostic("two", "a.yaml", 5, 2, help="do it")])

    code, out, err = run(monkeypatch, capsys, broken)
    assert code == 2
    assert out == ""
    assert "a.yaml:3:1: one" in err
    assert "a.yaml:5:2: two\n  help: do it" in err

    @click.command()
    def odd() -> None:
        raise PlannerError("odd")

    assert run(monkeypatch, capsys, odd)[0] == 1


def test_a_defect_is_reported_in_two_lines_and_in_full_on_demand(monkeypatch, capsys):
    @click.command()
    def crash() -> None:
        raise KeyError("lost")

    monkeypatch.delenv("PLANNER_DEBUG", raising=False)
    code, _, err = run(monkeypatch, capsys, crash)
    assert code == 1
    assert "unexpected KeyError: 'lost'" in err
    assert "PLANNER_DEBUG=1" in err
    assert "Traceback" not in err

    monkeypatch.setenv("PLANNER_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["planner", "solve"])
    with pytest.raises(KeyError):
        shell.main()


def test_an_interrupt_ends_quietly(monkeypatch, capsys):
    @click.command()
    def slow() -> None:
        raise KeyboardInterrupt

    code, _, err = run(monkeypatch, capsys, slow)
    assert code == 130
    assert "Traceback" not in err


def test_the_code_that_a_command_returns_is_the_exit_code(monkeypatch, capsys):
    @click.command()
    def infeasible() -> int:
        return 3

    assert run(monkeypatch, capsys, infeasible)[0] == 3


def test_a_reader_that_goes_away_is_no_error():
    shell_line = f"{sys.executable} -m planner schema scenario | head -n 1"
    ran = subprocess.run(["bash", "-c", f"set -o pipefail; {shell_line}"], capture_output=True, text=True, check=False)
    assert ran.stdout == "{\n"
    assert ran.stderr == ""


def test_a_terminal_without_unicode_gets_question_marks_not_a_crash():
    ran = planner("schema", "scenario", PYTHONIOENCODING="ascii")
    assert ran.returncode == 0
    assert ran.stderr == ""


def test_a_file_is_written_and_named_on_stderr(tmp_path, capsys):
    emit("é\n", tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == "é\n".encode()
    out, err = capsys.readouterr()
    assert out == ""
    assert "out.txt" in err


def test_a_file_that_cannot_be_written_is_a_usage_error(tmp_path):
    ran = planner("schema", "scenario", "-o", str(tmp_path / "no" / "such" / "file.json"))
    assert ran.returncode == 2
    assert "cannot write" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_dash_is_standard_output(capsys):
    from pathlib import Path

    emit("text", Path("-"))
    assert capsys.readouterr().out == "text\n"


@pytest.mark.parametrize(
    ("env", "tty", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_follows_the_terminal_and_the_two_conventions(monkeypatch, env, tty, expected):
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: tty, raising=False)
    assert in_colour() is expected


def test_a_file_is_never_coloured(monkeypatch, tmp_path):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not in_colour(tmp_path / "plan.txt")
