"""Law: prices that are all multiplied multiply the cost, and change nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.solve import solve

HOURS = ["30%"] * 10 + ["100%"] * 14


def dearer(catalog: Any, factor: int) -> dict[str, Any]:
    """Return the offers of ``catalog`` at ``factor`` times their price."""
    return {
        key: replace(offer, prices=tuple(replace(it, usd_per_hour=it.usd_per_hour * factor) for it in offer.prices))
        for key, offer in catalog.offers.items()
    }


@settings(max_examples=8)
@given(
    factor=st.integers(2, 9),
    load=st.integers(50, 1500),
    shape=st.sampled_from(("quota", "inventory", "day", "services")),
)
def test_scaled_prices_scale_the_cost(factor: int, load: int, shape: str, asked, two, tiny, reduced) -> None:
    def scenario(times: int) -> Any:
        own = [{"accelerator": "h100-sxm", "nodes": 1, "gpus_per_node": 1, "cost": f"{times} USD/h"}]
        match shape:
            case "quota":
                return asked({"limits.quotas": [{"accelerator": "l40s", "gpus": 4}], "workload.concurrency": load})
            case "inventory":
                return asked({"inventory": own, "workload.concurrency": load})
            case "day":
                return asked({"workload.hourly": HOURS, "workload.concurrency": load})
        return two({"inventory": own})

    kinds = {name: getattr(tiny, name) for name in ("engines", "formats", "kv_formats")}
    cheap = solve(scenario(1), tiny, alternatives=0)
    dear = solve(scenario(factor), reduced(offers=dearer(tiny, factor), **kinds), alternatives=0)
    assert dear.cost_usd_per_month == pytest.approx(factor * cheap.cost_usd_per_month, rel=1e-9)
    assert dear.deployments == cheap.deployments
    for more, less in zip(dear.holdings, cheap.holdings, strict=True):
        assert more == replace(less, cost_usd_per_month=more.cost_usd_per_month)
