"""The README shows what the command prints: the plan in it is the golden one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("readme", "flags"), [("README.md", []), ("README.zh-CN.md", ["--lang", "zh-CN"])])
def test_the_plan_in_the_readme_is_what_solve_prints(
    root: Path, readme: str, flags: list[str], request: pytest.FixtureRequest
) -> None:
    """Run ``make golden`` to write it anew."""
    printed = subprocess.run(
        [sys.executable, "-m", "planner", "solve", "scenarios/70b-chat.yaml", *flags],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    path = root / readme
    text = path.read_text(encoding="utf-8")
    block = re.compile(r"(```console\n\$ planner solve [^\n]*\n)(.*?)(\n```)", re.DOTALL)
    found = block.search(text)
    assert found is not None
    if request.config.getoption("--golden-update", default=False):
        path.write_text(block.sub(lambda hit: hit[1] + printed + hit[3], text, count=1), encoding="utf-8")
        return
    assert found[2] == printed
