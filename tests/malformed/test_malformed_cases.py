"""Each file under cases/ says in its `#?` lines what is wrong with it: `#? line:column message | remedy`.

The planner has to say exactly that, all of it and nothing else, in that order. `--golden-update` writes the lines anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import Diagnostic, ScenarioError
from planner.scenario import load_scenario

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
_MARK = "#? "


def _problems(path: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    return caught.value.diagnostics


def _line(problem: Diagnostic) -> str:
    return f"{problem.line}:{problem.column} {problem.message} | {problem.help}"


def test_there_are_cases() -> None:
    assert len(CASES) >= 70


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_says_what_is_wrong_and_where(path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text("utf-8")
    expected = [line.removeprefix(_MARK) for line in text.splitlines() if line.startswith(_MARK)]
    problems = _problems(path)
    if request.config.getoption("--golden-update", default=False):
        _write(path, text, problems)
        return
    assert [_line(problem) for problem in problems] == expected


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_problem_has_a_remedy_and_a_place(path: Path) -> None:
    for problem in _problems(path):
        assert problem.help, problem.message
        assert problem.code, problem.message
        assert problem.path == str(path)
        if problem.code != "empty":
            lines = path.read_text("utf-8").split("\n")
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
            assert problem.column - 1 + problem.width <= len(problem.excerpt) + 1 or not problem.excerpt


def _write(path: Path, text: str, problems: tuple[Diagnostic, ...]) -> None:
    body = [line for line in text.splitlines(keepends=True) if not line.startswith(_MARK)]
    shift = len(problems) - (text.count("\n" + _MARK) + text.startswith(_MARK))
    moved = (
        f"{problem.line + shift if problem.line else 0}:{problem.column} {problem.message} | {problem.help}"
        for problem in problems
    )
    path.write_text("".join(f"{_MARK}{line}\n" for line in moved) + "".join(body), "utf-8")
