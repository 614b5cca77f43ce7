"""The reader accepts what pydantic accepts from the same annotations, and reads the same values.

Pydantic writes the JSON Schema from them, so this is also what keeps schema and reader from drifting apart.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from planner.scenario import Scenario
from planner.scenario.reader import Problem, build, draft, entries

ADAPTER = TypeAdapter(Scenario)

TEXTS = [
    "any", "2s", "50 ms", "2m", "60000 USD/month", "$2.49/h", "5 USD", "98%", "0.5", "12/s", "8k", "5k tok/s",
    "3 years", "purchase", "on-demand", "h100-sxm", "serving", "a b", "", " x", "x" * 600, "m.json", "36",
]  # fmt: skip
WRITTEN = st.one_of(
    st.sampled_from(TEXTS),
    st.integers(-3, 2000),
    st.floats(-1, 2),
    st.booleans(),
    st.none(),
    st.text(max_size=5),
    st.lists(st.sampled_from(["a", "b", "spot", 1, 2, "8", None, 0]), max_size=3),
    st.dictionaries(st.sampled_from(["EUR", "CNY", "USD", "eur", "id"]), st.sampled_from([1, 0.9, 0, "x", None])),
)


def _right(section: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A section with the required keys and some others, each with an example of its kind."""
    values = {key: _value(entry) for key, entry in entries(section).items()}
    required = {key: values.pop(key) for key, entry in entries(section).items() if entry.required}
    return st.fixed_dictionaries(required, optional=values)


def _value(entry: Any) -> st.SearchStrategy[Any]:
    if entry.section is None:
        return st.sampled_from(entry.kind.schema["examples"])
    return st.lists(_right(entry.section), max_size=2) if entry.many else _right(entry.section)


def _verdict(data: dict[str, Any]) -> bool:
    problems: list[Problem] = []
    read = draft(Scenario, data, (), problems)
    try:
        expected = ADAPTER.validate_python(data)
    except ValidationError:
        return bool(problems)
    return not problems and read is not None and build(Scenario, read) == expected


@given(_right(Scenario))
def test_what_is_right_reads_alike(data: dict[str, Any]) -> None:
    assert ADAPTER.validate_python(data)
    assert _verdict(data)


@given(_right(Scenario), st.data())
@settings(max_examples=300)
def test_one_value_changed_has_the_same_verdict(data: dict[str, Any], draw: st.DataObject) -> None:
    data = deepcopy(data)  # the examples of a kind are shared
    sections = ["", *sorted(key for key, value in data.items() if isinstance(value, dict))]
    section = draw.draw(st.sampled_from(sections))
    holder = data[section] if section else data
    holder[draw.draw(st.sampled_from([*sorted(holder), "zebra"]))] = draw.draw(WRITTEN)
    assert _verdict(data)


@given(_right(Scenario), st.data())
def test_one_key_taken_out_has_the_same_verdict(data: dict[str, Any], draw: st.DataObject) -> None:
    del data[draw.draw(st.sampled_from(sorted(data)))]
    assert _verdict(data)
