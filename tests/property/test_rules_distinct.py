"""Law: evaluating per distinct combination says the same of every row as evaluating the row alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.rules.engine import Column, evaluate_rules
from planner.rules.expression import Checked, Program, check
from planner.rules.formula import joined, negated, take_apart
from planner.rules.rule import Rule

CONDITIONS = (
    "tp > 2",
    'engine.id == "a" || tp == pp',
    "model.row_widths.all(width, width % tp == 0)",
    'engine.id in ["a", "b"] && pp < tp && accelerator.tdp_w > 300.0',
    "engine.multi_node ? pp > 1 : tp > 1",
    '!(tp > 2 || pp == 1) && (engine.id != "c" || model.row_widths.size() > 1)',
    "tp != 4 && (8 / (tp - 4) > 0 || engine.multi_node)",
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, dict[str, Column]]:
    rows = draw(st.integers(1, 30))

    def column(values: st.SearchStrategy[object]) -> Column:
        listed = draw(st.lists(values, min_size=1, max_size=6))
        codes = draw(st.lists(st.integers(0, len(listed) - 1), min_size=rows, max_size=rows))
        return Column(np.array(codes, dtype=np.int32), listed)  # type: ignore[arg-type]

    return rows, {
        "tp": column(st.integers(1, 8)),
        "pp": column(st.integers(1, 4)),
        "engine.id": column(st.sampled_from("abc")),
        "engine.multi_node": column(st.booleans()),
        "accelerator.tdp_w": column(st.sampled_from([0.0, 300.0, 700.0])),
        "model.row_widths": column(st.lists(st.integers(1, 64), max_size=4).map(tuple)),
    }


def made(number: int, when: str, require: str) -> Rule:
    reads = sorted({name for text in (when, require) if text for name in _checked(text).variables})
    parts = [take_apart(_checked(when))] if when else []
    violation = joined("and", (*parts, negated(take_apart(_checked(require)))))
    texts = ({"en": ""}, {"en": ""}, "s", "2026")
    return Rule(f"r{number}", "p", "require", when, require, *texts, tuple(reads), "static", violation)


def _checked(text: str) -> Checked:
    checked = check(text)
    assert isinstance(checked, Checked)
    return checked


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from(["", *CONDITIONS]), st.sampled_from(CONDITIONS))
def test_distinct_combinations_decide_as_rows_do(table: tuple[int, dict[str, Column]], when: str, require: str) -> None:
    rows, columns = table
    rules = [made(0, when, require), made(1, "", require)]
    verdicts = evaluate_rules(rules, columns, (rows,))
    for row in range(rows):
        values = {name: column.values[column.codes[row]] for name, column in columns.items()}
        values["model.row_widths"] = list(values["model.row_widths"])  # type: ignore[arg-type]
        applies = not when or Program(when).evaluate(values)
        holds = Program(require).evaluate(values)
        expected = (["r0"] if applies and not holds else []) + ([] if holds else ["r1"])
        assert [rule.id for rule in verdicts.of(row)] == expected
        assert verdicts.cut()[row] == bool(expected)
