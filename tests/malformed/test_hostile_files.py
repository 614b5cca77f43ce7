"""Files that are made to hurt: size, encoding, nesting, aliases, devices. A message in good time, never a traceback."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.errors import Diagnostic, ScenarioError
from planner.scenario import load_scenario, parse_scenario

GOOD = """\
name: x
model: meta-llama/Llama-3.1-70B-Instruct
workload: {input_tokens: 2048, output_tokens: 512, concurrency: 200}
"""
SECONDS = 3.0
"""Generous for a busy machine; the slowest case takes a tenth of it."""


def refused(read: Callable[[], object]) -> list[Diagnostic]:
    start = time.perf_counter()
    with pytest.raises(ScenarioError) as caught:
        read()
    assert time.perf_counter() - start < SECONDS
    return list(caught.value.diagnostics)


def _aliases(levels: int, width: int) -> str:
    lines = (f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * width)}]" for level in range(1, levels))
    return GOOD + "l0: &l0 [x]\n" + "\n".join(lines) + "\n"


def _list(entries: int, entry: str = "1") -> str:
    return f"[{', '.join(entry.format(i) for i in range(entries))}]"


HOSTILE: dict[str, tuple[str | bytes, str, int, int]] = {
    "alias bomb": (_aliases(9, 10), "more than 50,000 values", 9, 15),
    "alias bomb, two wide": (_aliases(64, 2), "more than 50,000 values", 18, 12),
    "alias bomb through the same list": (GOOD + f"a: &a {_list(1000)}\nb: {_list(100, '*a')}\n", "more than", 5, 0),
    "nested lists in flow": (GOOD + "rules: " + "[" * 500_000, "nested more than 32 deep", 4, 0),
    "nested mappings in flow": (GOOD + "site: " + "{a: " * 200_000, "nested more than 32 deep", 4, 0),
    "nested lists in blocks": (GOOD + "rules:\n" + "- " * 400_000 + "x", "nested more than 32 deep", 5, 0),
    "nested mappings in blocks": (
        GOOD + "".join(" " * level + "a:\n" for level in range(1000)), "nested more than 32 deep", 0, 0,
    ),
    "question marks": (GOOD + "? " * 300_000, "cannot be a key", 4, 0),
    "a million brackets closed": (GOOD + "]" * 900_000, "not YAML", 4, 0),
    "one long word": (GOOD + "x" * 1_000_000 + ": 1", "not YAML", 4, 0),  # a simple key ends within 1,024 characters
    "a word of 1,000 letters": (GOOD + "x" * 1_000 + ": 1", "unknown key", 4, 1),
    "many anchors": (GOOD + "".join(f"k{i}: &a{i} 1\n" for i in range(30_000)), "more than 50,000 values", 24_997, 0),
    "many unknown keys": (GOOD + "".join(f"k{i}: 1\n" for i in range(20_000)), "unknown key", 4, 1),
    "many duplicates": (GOOD + "name: x\n" * 30_000, "given twice", 4, 1),
    "many entries": (GOOD + f"search: {{weights: {_list(20_000, 'f{}')}}}", "20,000 entries", 4, 19),
    "huge name": (GOOD.replace("x", "x" * 100_000, 1), "is not a name", 1, 7),
    "huge digits": (GOOD.replace("2048", "9" * 900_000), "a number of 900,000 digits", 3, 26),
    "huge exponent": (GOOD.replace("2048", "1e" + "9" * 900_000), "the number is too large", 3, 26),
    "huge text for a number": (GOOD.replace("2048", "'" + "9" * 900_000 + "'"), "too long", 3, 26),
    "huge hexadecimal": (GOOD.replace("2048", "0x" + "f" * 32), "out of any sensible range", 3, 26),
    "not UTF-8": (GOOD.encode() + b"site: {region: \xb1\xb1\xbe\xa9}\n", "byte 0xb1", 4, 16),
    "cut UTF-8": (GOOD.encode() + "# 北".encode()[:-1], "is not UTF-8", 4, 3),
    "UTF-16": (GOOD.encode("utf-16"), "is UTF-16", 0, 0),
    "NUL": (GOOD + "site: \0", "U+0000", 4, 7),
    "escape sequence": (GOOD + "site: \x1b[2J", "U+001B", 4, 7),
    "lone surrogate": (GOOD + "site: \ud800", "U+D800", 4, 7),
    "binary": (bytes(range(256)) * 100, "is not UTF-8", 0, 0),
    "larger than a mebibyte": (GOOD + "#" * 2**20, "larger than 1 MiB", 0, 0),
    "constructor": (GOOD + "site: !!python/object/new:os.system [echo]", "tag !!python/object/new:os.system", 4, 7),
    "a tag of its own": ("%TAG ! tag:evil,2000:\n---\n" + GOOD + "site: !x {}", "is not supported", 6, 7),
    "a directive from the future": ("%YAML 9.9\n---\n" + GOOD, "not YAML", 0, 0),
    "right-to-left override": (GOOD + "sit\u202ee: {}", "unknown key", 4, 1),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_is_refused_in_good_time(what: str) -> None:
    content, message, line, column = HOSTILE[what]
    problems = refused(lambda: parse_scenario(content, name="x.yaml"))
    first = problems[0]
    assert message in first.message
    assert not line or first.line == line
    assert not column or first.column == column
    assert len(problems) <= 51
    rendered = "\n".join(problem.render() for problem in problems)
    assert len(rendered) < 60_000
    assert all(letter.isprintable() or letter == "\n" for letter in rendered), "a terminal would act on this"


def test_fifty_megabytes_are_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.write(GOOD.encode())
        file.truncate(50 * 2**20)  # sparse: nothing is written, and a reader would still see 50 MB
    (problem,) = refused(lambda: load_scenario(path))
    assert "larger than 1 MiB" in problem.message


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="Windows has no device that never ends")
def test_an_endless_device_is_left_after_a_mebibyte() -> None:
    (problem,) = refused(lambda: load_scenario("/dev/zero"))
    assert "larger than 1 MiB" in problem.message


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "70b-chat.yaml").write_text(GOOD)
    (problem,) = refused(lambda: load_scenario(tmp_path / "70b-chad.yaml"))
    assert problem.message == "no such file"
    assert "70b-chat.yaml" in problem.help
    (problem,) = refused(lambda: load_scenario(tmp_path / "70b-chat"))
    assert "70b-chat.yaml" in problem.help
    (problem,) = refused(lambda: load_scenario(tmp_path))
    assert "is a directory" in problem.message
    (problem,) = refused(lambda: load_scenario("a\0b"))
    assert "cannot be read" in problem.message
    (problem,) = refused(lambda: load_scenario("x" * 5000))
    assert "cannot be read" in problem.message


def test_links_that_lead_outside(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.yaml").write_text("a: 1")
    (tmp_path / "inside" / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (tmp_path / "inside" / "loop.yaml").symlink_to(tmp_path / "inside" / "loop.yaml")
    scenario = tmp_path / "inside" / "x.yaml"
    scenario.write_text(GOOD + "rules: [link.yaml, loop.yaml]\n")
    outside, loop = refused(lambda: load_scenario(scenario))
    assert "lies outside" in outside.message
    assert "loop.yaml" in loop.message


def test_the_command_line_ends_with_2_and_without_a_traceback(root: Path) -> None:
    for name in ("several-at-once", "tabs", "alias-of-itself"):
        path = root / "tests" / "malformed" / "cases" / f"{name}.yaml"
        done = subprocess.run(
            [sys.executable, "-m", "planner", "solve", str(path)], capture_output=True, text=True, cwd=root, timeout=60
        )
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert f"{name}.yaml:" in done.stderr
        assert "help: " in done.stderr
        assert done.stdout == ""
