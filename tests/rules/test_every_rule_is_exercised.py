"""Every shipped rule speaks somewhere: over grids of real models and hardware, or in a scenario that is solved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from planner.architecture import resolve_model
from planner.candidates import evaluate
from planner.candidates.rule_columns import table_columns
from planner.catalog import Catalog, load_catalog
from planner.catalog.schema.engines import Parallelism
from planner.rules.engine import evaluate_rules
from planner.rules.facts import Asked, Priced
from planner.rules.rule import RuleSet
from planner.rules.shipped import load_packs
from planner.rules.table import CandidateColumns
from planner.scenario import load_scenario

RULES = [rule for pack in load_packs() for rule in pack.rules]
HERE = Path(__file__).parent

MODELS = (
    "Qwen/Qwen2.5-7B-Instruct",  # 28 heads, 4 KV heads
    "Qwen/Qwen2.5-72B-Instruct",  # 29568 inner features
    "meta-llama/Llama-3.2-1B-Instruct",  # heads of 64, 16 layers
    "Qwen/Qwen3-235B-A22B",  # experts of 1536
    "deepseek-ai/DeepSeek-R1",  # MLA
    "ai21labs/AI21-Jamba-1.5-Mini",
    "EleutherAI/gpt-j-6b",
)
DEGREES = [
    (1, 1, 1),
    (2, 1, 2),
    (4, 1, 1),
    (6, 1, 1),
    (8, 1, 1),
    (8, 1, 8),
    (8, 2, 1),
    (16, 1, 1),
    (1, 128, 1),
    (6, 1, 6),
]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def spoken(catalog: Catalog) -> set[str]:
    """Ids of the rules that are violated somewhere."""
    asked = Asked.of(load_scenario(HERE / "exercise" / "too-long.yaml"), catalog)
    pascal = replace(catalog.accelerators["t4"], id="p40", compute_capability="6.1", generation="pascal")
    devices = [*catalog.accelerators.values(), pascal]
    single = replace(catalog.engines["vllm"], id="single", parallelism=Parallelism())
    engines = [*catalog.engines.values(), single]
    formats, kv_formats = list(catalog.formats.values()), list(catalog.kv_formats.values())
    prices = [Priced(offer, price, asked.today) for offer in catalog.offers.values() for price in offer.prices]
    shape = tuple(len(axis) for axis in (devices, engines, formats, kv_formats, DEGREES, prices))
    device, engine, fmt, kv, degree, price = np.ogrid[tuple(slice(size) for size in shape)]
    entities = {
        "accelerator": (device, devices),
        "engine": (engine, engines),
        "format": (fmt, formats),
        "kv_format": (kv, kv_formats),
        "offer": (price, prices),
        "scenario": asked,
    }
    numbers = {name: np.array([row[i] for row in DEGREES])[degree] for i, name in enumerate(("tp", "pp", "ep"))}
    found: set[str] = set()
    for name in MODELS:
        columns = CandidateColumns({**entities, "model": resolve_model(name, catalog=catalog)}, numbers)
        static = [
            rule for rule in RULES if rule.stage == "static" and rule.id not in found and columns.knows(rule.reads)
        ]
        found |= set(evaluate_rules(static, columns, shape).violations)
    return found


def test_static_rules(spoken: set[str]) -> None:
    assert {rule.id for rule in RULES if rule.stage == "static"} - spoken == set()


def test_rules_over_fleets_and_plans(catalog: Catalog) -> None:
    scenario = load_scenario(HERE / "exercise" / "spot-in-china.yaml")
    table = evaluate(scenario, catalog, rules=RuleSet(tuple(rule for rule in RULES if rule.pack != "residency-eu")))
    later = [rule for rule in RULES if rule.stage != "static"]
    found = set(evaluate_rules(later, table_columns(table, table.ruling.asked), (len(table),)).violations)
    # One service on a uniform fleet has one kind of accelerator, so that this example can only be held.
    assert {rule.id for rule in later} - found == {"one-accelerator"}
    rejected = {item.reason for item in table.rejected}
    assert {"approved-providers", "us-advanced-computing", "fp8-compute-capability", "engine-runs-format"} <= rejected
