"""The coarse grid with its refinement finds what trying every batch finds."""

from __future__ import annotations

import numpy as np
import pytest

from planner.candidates.evaluation import evaluate, extended
from planner.candidates.refine import batches_between


def every_batch(table):
    """Return the table with all batches that make a difference, for all layouts, within their memory."""
    concurrency = table.demand.concurrency
    values = sorted({-(-concurrency // replicas) for replicas in range(1, concurrency + 1)})
    most = np.floor(table.configurations.batch.max()).astype(int)
    largest = np.zeros(len(table.layouts), dtype=np.int64)
    np.maximum.at(largest, table.configurations.layout, table.configurations.batch)
    tops = enumerate(np.minimum(largest, most).tolist())
    pairs = [(layout, value) for layout, top in tops for value in values if value <= top]
    layout, batch = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    return extended(table, layout, batch)


@pytest.mark.parametrize(
    "changes",
    [
        (("accelerators: [h100-sxm, a100-sxm-80, l40s, h200-sxm]", "accelerators: [h100-sxm, l40s]"),),
        (("accelerators: [h100-sxm, a100-sxm-80, l40s, h200-sxm]", "accelerators: [a100-sxm-80]"), ("50ms", "45ms")),
        (("accelerators: [h100-sxm, a100-sxm-80, l40s, h200-sxm]", "accelerators: [h200-sxm]"), ("2s", "700ms")),
        # The cheapest way would be a purchase that the capital budget rules out: what is left is refined nevertheless.
        (
            (
                "pricing: [on-demand, reserved-1y], accelerators: [h100-sxm, a100-sxm-80, l40s, h200-sxm]",
                "accelerators: [l40s]",
            ),
            ("budget: {max: 60000 USD/month}", "budget: {capex: 60000 USD, horizon: 3 years}\nsite: {region: us}"),
        ),
    ],
)
def test_the_cheapest_plan_is_that_of_all_batches(chat, catalog, changes) -> None:
    table = evaluate(chat(*changes), catalog)
    whole = every_batch(table)
    assert len(whole) > 2 * len(table)
    assert table.fleets.cost[table.feasible].min() == whole.fleets.cost[whole.feasible].min()


def test_a_refined_table_asks_for_nothing_more(chat, catalog) -> None:
    table = evaluate(chat(), catalog)
    layout, batch = batches_between(table)
    assert layout.size == batch.size == 0


def test_estimates_worsen_with_the_batch(chat, catalog) -> None:
    """What the refinement rests on: within a layout TTFT and TPOT never fall as the batch grows."""
    configurations = evaluate(chat(), catalog).configurations
    same = configurations.layout[1:] == configurations.layout[:-1]
    for figures in (configurations.estimated.ttft_p95_ms, configurations.estimated.tpot_p95_ms):
        fall = (figures[1:] < figures[:-1] * (1 - 1e-9)) & same
        assert not fall.any()


def test_extending_with_what_is_known_changes_nothing(chat, catalog) -> None:
    table = evaluate(chat(), catalog)
    same = extended(table, table.configurations.layout[:5], table.configurations.batch[:5])
    assert len(same) == len(table)
    assert (same.fleets.cost == table.fleets.cost).all()


def test_a_rate_finds_its_batch_within_the_tolerance(chat, catalog) -> None:
    changes = (("concurrency: 200", "request_rate: 9/s"), ("[h100-sxm, a100-sxm-80, l40s, h200-sxm]", "[h100-sxm]"))
    table = evaluate(chat(*changes), catalog)
    most = int(table.configurations.batch[table.configuration[table.feasible]].max()) * 2
    dense = np.unique(np.geomspace(1, most, 200).round().astype(np.int64))
    layout = np.repeat(np.arange(len(table.layouts)), dense.size)
    whole = extended(table, layout, np.tile(dense, len(table.layouts)))
    assert table.fleets.cost[table.feasible].min() <= 1.03 * whole.fleets.cost[whole.feasible].min()
