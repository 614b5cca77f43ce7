"""Rows that are priced later and merged are those that pricing all of them together gives."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from planner.candidates.demand import MAX_BATCH
from planner.candidates.evaluation import _priced, evaluate
from planner.candidates.refine import _groups
from planner.scenario import parse_scenario

WIDE = """
name: wide
model: meta-llama/Llama-3.1-405B-Instruct
workload: {input_tokens: 2048, output_tokens: 512, concurrency: 300}
sla: {ttft_p95: 4s, tpot_p95: 80ms, availability: 99.9%}
quality: {min_recovery: 98%}
search: {pricing: [on-demand, reserved-1y, spot]}
"""


@pytest.fixture(scope="module", params=["chat", "wide"])
def table(request, chat, catalog):
    scenario = chat() if request.param == "chat" else parse_scenario(WIDE)
    return evaluate(scenario, catalog, together=True, marked=True)


def test_merged_rows_are_those_of_one_pricing(table) -> None:
    again = _priced(replace(table, ruled_out=()))
    assert len(again) == len(table) > 1000
    for name in ("configuration", "pool", "preference", "broken"):
        assert np.array_equal(getattr(again, name), getattr(table, name)), name
    for field in fields(table.fleets):
        assert np.array_equal(getattr(again.fleets, field.name), getattr(table.fleets, field.name)), field.name
    assert again.ruled_out == table.ruled_out


def test_configurations_stay_in_order(table) -> None:
    key = table.configurations.layout * (MAX_BATCH + 1) + table.configurations.batch
    assert (np.diff(key) > 0).all()


def test_a_group_is_a_layout_on_a_pool(table) -> None:
    pairs = np.stack([table.layout, table.pool])
    groups = _groups(table)
    assert np.unique(groups).size == np.unique(pairs, axis=1).shape[1]
    assert np.unique(np.vstack([pairs, groups]), axis=1).shape[1] == np.unique(groups).size
