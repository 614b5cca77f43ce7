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
