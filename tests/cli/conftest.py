"""The command line called in this process, and a scenario small enough to solve often."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from planner.cli import main

SMALL = """\
name: small
model: Qwen/Qwen3-8B
workload: {input_tokens: 1000, output_tokens: 200, concurrency: 16}
sla: {ttft_p95: 2s, tpot_p95: 60ms}
budget: {max: 20000 USD/month}
search: {accelerators: [l40s, h100-sxm], engines: vllm, weights: [bf16, fp8-e4m3], pricing: on-demand}
"""


@dataclass(frozen=True)
class Ran:
    """What a call left."""

    code: int
    out: str
    err: str


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Call ``planner`` with arguments; return its exit code and what it printed."""
    for name in ("NO_COLOR", "FORCE_COLOR", "PLANNER_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["planner", *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            main()
        out, err = capsys.readouterr()
        code = ending.value.code
        return Ran(code if isinstance(code, int) else int(code is not None), out, err)

    return call


@pytest.fixture
def small(tmp_path):
    """The path of a scenario that has a plan."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path
