"""Law: whatever is limited further, no plan becomes cheaper."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from planner.errors import Infeasible
from planner.solve import solve

QUOTA = st.fixed_dictionaries({"gpus": st.integers(0, 8), "accelerator": st.sampled_from(("l40s", "h100-sxm", "l4"))})
STRICTER: dict[str, st.SearchStrategy[Any]] = {
    "limits.nodes": st.integers(1, 12),
    "limits.types": st.just(1),
    "limits.quotas": st.lists(QUOTA, min_size=1, max_size=2),
    "limits.power_per_rack": st.integers(1, 12).map(lambda kw: f"{kw} kW"),
    "limits.power": st.integers(0, 12).map(lambda kw: f"{kw} kW"),
    "sla.spare_nodes": st.integers(1, 2),
    "sla.ttft_p95": st.integers(200, 1900).map(lambda ms: f"{ms} ms"),
    "sla.confidence": st.sampled_from(("60%", "80%")),
    "search.mix": st.just(1),
    "search.accelerators": st.sampled_from((["l40s"], ["h100-sxm"])),
    "budget.peak": st.integers(5, 40).map(lambda usd: f"{usd} USD/h"),
}
SHAPES: tuple[dict[str, Any], ...] = (
    {},
    {"inventory": [{"accelerator": "h100-sxm", "nodes": 1, "gpus_per_node": 1, "cost": "1 USD/h"}]},
    {"workload.hourly": ["30%"] * 10 + ["100%"] * 14},
)


@settings(max_examples=15)
@given(
    shape=st.sampled_from(SHAPES),
    mix=st.sampled_from(({}, {"search.mix": 2})),
    load=st.integers(50, 1500),
    changes=st.lists(st.sampled_from(sorted(STRICTER)), min_size=1, max_size=2, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries({key: STRICTER[key] for key in keys})
    ),
)
def test_a_further_limit_never_lowers_the_cost(shape, mix, load, changes, asked, tiny, told_shortly) -> None:
    base = {**shape, **mix, "workload.concurrency": load}
    free = solve(asked(base), tiny, alternatives=0)
    try:
        held = solve(asked(base, changes), tiny, alternatives=0)
    except Infeasible:
        event("no plan is left")
        return
    event("dearer" if held.cost_usd_per_month > free.cost_usd_per_month else "as cheap")
    assert held.cost_usd_per_month >= free.cost_usd_per_month * (1 - 1e-9), changes
    assert all(item.holds for item in held.margins)
