"""Each file under broken/ says in its `#?` lines what is wrong with it: `#? line:column+width message | remedy`.

Reading it has to say exactly that, all of it and nothing else, in that order. `--golden-update` writes the lines anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import Diagnostic, RuleError
from planner.rules.loader import load_rule_file

CASES = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
_MARK = "#? "


def _problems(path: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(RuleError) as caught:
        load_rule_file(path, name=path.name)
    return caught.value.diagnostics


def _line(problem: Diagnostic, shift: int = 0) -> str:
    place = f"{problem.line + shift}:{problem.column}+{problem.width}"
    return f"{place} {problem.message}" + (f" | {problem.help}" if problem.help else "")


def test_there_are_more_than_twenty_kinds() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_says_what_is_wrong_and_where(path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text("utf-8")
    body = [line for line in text.splitlines(keepends=True) if not line.startswith(_MARK)]
    expected = [line.removeprefix(_MARK) for line in text.splitlines() if line.startswith(_MARK)]
    problems = _problems(path)
    if request.config.getoption("--golden-update", default=False):
        shift = len(problems) - len(expected)
        path.write_text("".join(f"{_MARK}{_line(item, shift)}\n" for item in problems) + "".join(body), "utf-8")
        return
    assert [_line(problem) for problem in problems] == expected


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_caret_stands_under_what_is_wrong(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    for problem in _problems(path):
        assert problem.code, problem.message
        assert 1 <= problem.line <= len(lines)
        assert problem.column - 1 + problem.width <= len(lines[problem.line - 1]) + 1


def test_an_unknown_variable_is_underlined_in_full() -> None:
    (problem,) = _problems(Path(__file__).parent / "broken" / "unknown-variable.yaml")
    start = problem.column - 1
    assert problem.excerpt[start : start + problem.width] == "accelerator.compute_capabilty"


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ('when: "tp > 2 && acelerator.x == 1"', (2, 18)),
        ("when: 'engine.id == ''x'' && acelerator.x == 1'", (2, 30)),
        ("when: >-\n  tp > 2\n  && acelerator.x == 1", (4, 6)),
        ("when: |\n  tp > 2 &&\n    acelerator.x == 1", (4, 5)),
        ("when: tp > 2\n  && acelerator.x == 1", (3, 6)),
        ('when: "engine.id == \\"x\\" && acelerator.x == 1"', (2, 30)),
    ],
    ids=["double quotes", "doubled quotes", "folded", "literal", "plain over two lines", "escapes"],
)
def test_places_survive_every_style_of_yaml(tmp_path: Path, yaml: str, expected: tuple[int, int]) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"id: a\n{yaml}\neffect: forbid\nmessage: m\nfix: f\nsource: s\nas_of: 2026\n")
    (problem,) = _problems(path)
    assert (problem.line, problem.column) == expected
    assert problem.excerpt[problem.column - 1 :].startswith("acelerator.x")
