"""Laws of whole plans: a stricter scenario never costs less, scaled prices scale the bill, catalog order is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from planner.catalog import load_catalog
from planner.catalog.schema.offers import Price
from planner.errors import Infeasible
from planner.scenario import parse_scenario
from planner.solve import solve

TEXT = """
name: law
model: Qwen/Qwen3-32B
workload: {input_tokens: 1500, output_tokens: 300, concurrency: 60}
sla: {ttft_p95: 3s, tpot_p95: 60ms}
quality: {min_recovery: 97%%}
search: {accelerators: [h100-sxm, l40s, a100-sxm-80, l4]}
%s
"""


class Priced:
    """The shipped catalog with other offers."""

    def __init__(self, offers: Mapping[str, Any]) -> None:
        self.offers = offers

    def __getattr__(self, name: str) -> Any:
        return getattr(load_catalog(), name)


def monthly(text: str) -> float:
    try:
        return solve(parse_scenario(text), load_catalog()).cost_usd_per_month
    except Infeasible:
        return float("inf")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3s", "800ms"),
        ("60ms", "25ms"),
        ("97%%", "99.9%%"),
        ("concurrency: 60", "concurrency: 61"),
        ("ttft_p95: 3s", "ttft_p95: 3s, e2e_p95: 9s"),
        ("ttft_p95: 3s", "ttft_p95: 3s, availability: 99.9%%"),
        ("[h100-sxm, l40s, a100-sxm-80, l4]", "[l40s, a100-sxm-80]"),
        ("l4]", "l4], engines: [vllm]"),
        ("l4]", "l4], weights: [bf16]"),
        ("l4]", "l4], tensor_parallel: [2]"),
    ],
)
def test_asking_for_more_never_costs_less(old: str, new: str) -> None:
    assert old in TEXT
    assert monthly(TEXT.replace(old, new) % "") >= monthly(TEXT % "")


def test_a_budget_cuts_or_changes_nothing() -> None:
    free = monthly(TEXT % "")
    assert monthly(TEXT % f"budget: {{max: {free + 1:.2f} USD/month}}") == free
    assert monthly(TEXT % f"budget: {{max: {free - 1:.2f} USD/month}}") == float("inf")


def test_scaled_prices_scale_the_bill() -> None:
    scenario = parse_scenario(TEXT % "")
    shipped = load_catalog()
    dearer = {
        key: replace(offer, prices=tuple(_doubled(price) for price in offer.prices if price.usd_per_hour is not None))
        for key, offer in shipped.offers.items()
    }
    cheap, dear = solve(scenario, shipped), solve(scenario, Priced(dearer))
    assert dear.cost_usd_per_month == pytest.approx(2 * cheap.cost_usd_per_month)
    assert dear.deployments == cheap.deployments


def _doubled(price: Price) -> Price:
    return replace(price, usd_per_hour=2 * (price.usd_per_hour or 0.0))


def test_the_order_of_the_catalog_changes_nothing() -> None:
    scenario = parse_scenario(TEXT % "")
    shipped = load_catalog()
    shuffled = dict(reversed(shipped.offers.items()))
    assert list(shuffled) != list(shipped.offers)
    assert solve(scenario, Priced(shuffled)) == solve(scenario, shipped)
