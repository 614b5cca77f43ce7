"""What is offered as a way out holds although it is rounded, and sentences keep their form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.candidates.requirements import Requirement
from planner.solve import wording
from planner.units import parse_duration_ms, parse_money, parse_percent


def requirement(sense: str, unit: str, name: str = "sla.ttft_p95") -> Requirement:
    return Requirement(name, sense, 1.0, unit, lambda table: np.zeros(0))


@given(st.floats(0.5, 1e6))
def test_a_relaxed_latency_reads_back_as_no_less_than_needed(value: float) -> None:
    text = wording.needed(requirement("max", "ms"), value)
    assert value * (1 - 1e-9) <= parse_duration_ms(text) <= value * 1.011


@given(st.floats(1.0, 1e7))
def test_a_raised_budget_reads_back_as_no_less_than_needed(value: float) -> None:
    text = wording.needed(requirement("max", "USD/month", "budget"), value)
    read = parse_money(text.replace("$", "").replace(",", "").replace("/month", " USD/month")).amount
    assert value * (1 - 1e-9) <= read <= value * 1.011 + 0.01


@given(st.floats(0.2, 0.99999))
def test_a_lowered_quality_reads_back_as_no_more_than_there_is(value: float) -> None:
    text = wording.needed(requirement("min", "share", "quality.min_recovery"), value)
    assert value - 0.002 <= parse_percent(text) <= value + 1e-9


def test_sentences() -> None:
    item = Requirement("sla.ttft_p95", "max", 2000.0, "ms", lambda table: np.zeros(0))
    assert wording.out_of_reach(item, 2300.0, alone=False) == (
        "TTFT p95 has to be at most 2 s but 2.3 s is the least that the others in conflict leave"
    )
    assert wording.out_of_reach(item, 2300.0, alone=True).endswith("2.3 s is the least of any candidate")
    assert wording.summary(["a", "b"]) == "Because a, and because b, so no plan holds every requirement."
    assert wording.together("2.3 s", ["budget"]) == "2.3 s (together with budget)"


@pytest.mark.parametrize("name", sorted(wording.NAMES))
def test_every_requirement_has_a_message_of_its_own(name: str) -> None:
    assert wording.NAMES[name]
    assert name in wording.MESSAGES or name.startswith("search.")
