from __future__ import annotations

import json

import numpy as np

from planner.candidates import candidate_rows, evaluate

COLUMNS = {
    "accelerator", "offer", "weights", "kv_cache", "tp", "pp", "engine", "replicas", "gpus",
    "cost_usd_per_month", "ttft_p95_ms", "tpot_p95_ms", "feasible", "reasons",
}  # fmt: skip


def test_rows_are_plain_and_complete(chat, catalog) -> None:
    table = evaluate(chat(), catalog)
    rows = candidate_rows(table)
    assert len(rows) == len(table)
    assert set(rows[0]) >= COLUMNS
    json.dumps(rows, allow_nan=False)
    assert sum(row["feasible"] for row in rows) == np.count_nonzero(table.feasible)


def test_reasons_are_the_requirements_that_the_figures_break(chat, catalog) -> None:
    for row in candidate_rows(evaluate(chat(), catalog)):
        expected = [
            name
            for name, broken in (
                ("sla.ttft_p95", row["ttft_p95_ms"] > 2000),
                ("sla.tpot_p95", row["tpot_p95_ms"] > 50),
                ("budget", row["cost_usd_per_month"] > 60_000),
            )
            if broken
        ]
        assert row["reasons"] == expected
        assert row["feasible"] == (not expected)


def test_the_table_is_the_same_every_time(chat, catalog) -> None:
    assert candidate_rows(evaluate(chat(), catalog)) == candidate_rows(evaluate(chat(), catalog))


def test_a_narrowed_search_is_part_of_the_wide_one(chat, catalog) -> None:
    wide = evaluate(chat(), catalog)
    narrow = evaluate(chat(("accelerators: [", "engines: [vllm], accelerators: [")), catalog)
    assert {row["engine"] for row in candidate_rows(narrow)} == {"vllm"}
    vllm = {json.dumps(row) for row in candidate_rows(wide) if row["engine"] == "vllm"}
    assert {json.dumps(row) for row in candidate_rows(narrow)} & vllm


def test_spot_is_used_only_when_named(chat, catalog) -> None:
    anyhow = evaluate(chat(("pricing: [on-demand, reserved-1y], ", "")), catalog)
    assert "spot" not in {pool.price.kind for pool in anyhow.pools}
    assert "spot-unasked" in {item.reason for item in anyhow.rejected}
    named = evaluate(chat(("pricing: [on-demand, reserved-1y]", "pricing: [spot]")), catalog)
    assert {pool.price.kind for pool in named.pools} == {"spot"}
