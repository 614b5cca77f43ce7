from __future__ import annotations

import pytest

from planner.errors import Infeasible
from planner.progress import listening, note
from planner.scenario import parse_scenario
from planner.solve import solve


def test_notes_reach_whoever_listens_and_nobody_else() -> None:
    heard: list[str] = []
    note("before")
    with listening(heard.append):
        note("inside")
        with listening(None):
            note("deaf")
    note("after")
    assert heard == ["inside"]


def test_a_conflict_says_how_far_it_is() -> None:
    heard: list[str] = []
    text = (
        "name: x\nmodel: meta-llama/Llama-3.1-8B-Instruct\nsla: {ttft_p95: 1ms}\n"
        "workload: {input_tokens: 1000, output_tokens: 100, concurrency: 4}\n"
        "search: {accelerators: l4, pricing: on-demand}\n"
    )
    with pytest.raises(Infeasible), listening(heard.append):
        solve(parse_scenario(text))
    assert heard[0].endswith(f"1 of {len(heard)}")
