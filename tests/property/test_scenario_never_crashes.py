"""Whatever a file holds, it becomes a Scenario or a ScenarioError whose every problem has a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from planner.errors import ScenarioError
from planner.scenario import Scenario, parse_scenario, scenario_from_data
from planner.scenario.reader import entries

GOOD = (Path(__file__).resolve().parents[2] / "scenarios" / "70b-chat.yaml").read_bytes()

KEYS = sorted(
    {
        key
        for section in [Scenario, *(it.section for it in entries(Scenario).values() if it.section)]
        for key in entries(section)
    }
)
WORDS = [
    "any", "2s", "50ms", "60000 USD/month", "98%", "12/s", "8k", "purchase", "on-demand", "3 years", "h100-sxm", "EUR",
    "400k CNY", "", "~", "on", "1e9", "./config.json", "../x.yaml", "company.yaml", "serving", "\u202e", "\0", "北京",
]  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**40), 10**40), st.floats(), st.sampled_from(WORDS), st.text(max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=8)), inner, max_size=4),
    ),
    max_leaves=12,
)
scenarios = st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=8)), values, max_size=8)


def _read(text: bytes | str) -> None:
    try:
        scenario = parse_scenario(text, name="x.yaml")
    except ScenarioError as error:
        assert error.diagnostics  # noqa: PT017 - either way of ending has its own law
        assert all(item.message and item.code and item.render() for item in error.diagnostics)  # noqa: PT017
        return
    assert len(scenario.digest) == 64


@given(st.binary(max_size=400))
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"&a")
@example(b"*a")
@example(b"%")
@example(b"!")
@example(b"? ")
@example(b"- - ? : &a *a")
def test_any_bytes(raw: bytes) -> None:
    _read(raw)


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    _read(text)


@given(st.text(alphabet="{}[]:,&*!|>'\"%@`#?- \n\tab0.eE~<=", max_size=120))
def test_any_text_of_yaml_signs(text: str) -> None:
    _read(text)


@given(st.data())
@settings(max_examples=200)
def test_a_good_file_with_bytes_changed(data: st.DataObject) -> None:
    raw = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), start + data.draw(st.integers(0, 12)))
        raw[start:end] = data.draw(st.binary(max_size=12))
    _read(bytes(raw))


@given(scenarios)
@settings(max_examples=200)
def test_any_data(data: dict[str, Any]) -> None:
    try:
        scenario_from_data(data)
    except ScenarioError as error:
        assert all(item.message for item in error.diagnostics)  # noqa: PT017


@given(st.sampled_from(KEYS), st.sampled_from(KEYS), values)
@settings(max_examples=200)
def test_any_value_of_any_key(section: str, key: str, value: object) -> None:
    base: dict[str, Any] = {
        "name": "x",
        "model": "m",
        "workload": {"input_tokens": 1, "output_tokens": 1, "concurrency": 1},
    }
    inner = base.setdefault(section, {})
    if isinstance(inner, dict):
        inner[key] = value
    try:
        scenario_from_data(base)
    except ScenarioError as error:
        assert all(item.message for item in error.diagnostics)  # noqa: PT017
