"""Law: the order in which services, servers, quotas and offers are listed changes nothing in the plan."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.plan import Plan
from planner.solve import solve

SERVICES = [
    {
        "name": name,
        "model": model,
        "workload": {"input_tokens": 1000, "output_tokens": 200, "concurrency": load},
        "sla": {"ttft_p95": "2s", "tpot_p95": "60ms"},
    }
    for name, model, load in (("a", "Qwen/Qwen3-8B", 400), ("b", "Qwen/Qwen3-32B", 90), ("c", "Qwen/Qwen3-8B", 30))
]
# All differ, so that no two of them are equal but for their place in the list.
OWN = [
    {"accelerator": "h100-sxm", "nodes": 1, "gpus_per_node": 1, "cost": "1 USD/h"},
    {"accelerator": "l40s", "nodes": 2, "gpus_per_node": 1, "cost": "0.4 USD/h"},
    {"accelerator": "l40s", "nodes": 1, "gpus_per_node": 4, "cost": "1.5 USD/h"},
]
QUOTAS = [{"accelerator": "l40s", "gpus": 4}, {"provider": "aws", "nodes": 6}, {"accelerator": "h100-sxm", "gpus": 3}]


def same(plan: Plan) -> dict[str, Any]:
    """What a plan says, whatever order it says it in."""
    return {
        "deployments": sorted(map(repr, plan.deployments)),
        "holdings": sorted(repr(replace(it, services=tuple(sorted(it.services)))) for it in plan.holdings),
        "margins": sorted((it.requirement, it.limit, it.actual) for it in plan.margins),
        "services": sorted(map(repr, plan.services)),
        "cost": plan.cost_usd_per_month,
        "objective": plan.proof.objective_micro_usd_per_hour,
    }


@pytest.fixture(scope="module")
def usual(two, tiny) -> Plan:
    return solve(two({"services": SERVICES, "inventory": OWN, "limits.quotas": QUOTAS}), tiny, alternatives=0)


@settings(max_examples=6)
@given(
    services=st.permutations(SERVICES),
    own=st.permutations(OWN),
    quotas=st.permutations(QUOTAS),
    seed=st.integers(0, 99),
)
def test_no_order_matters(services, own, quotas, seed: int, usual, two, tiny, reduced) -> None:
    names = list(tiny.offers)
    random.Random(seed).shuffle(names)
    kinds = {name: getattr(tiny, name) for name in ("engines", "formats", "kv_formats")}
    shuffled = reduced(offers={name: tiny.offers[name] for name in names}, **kinds)
    scenario = two({"services": services, "inventory": own, "limits.quotas": quotas})
    assert same(solve(scenario, shuffled, alternatives=0)) == same(usual)
