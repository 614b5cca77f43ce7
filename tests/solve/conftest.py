"""Scenarios in a line or two, and plans that several tests look at."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from planner.catalog import load_catalog
from planner.catalog.catalog import Catalog
from planner.scenario import Scenario, parse_scenario

CHAT = """
name: chat
model: meta-llama/Llama-3.1-70B-Instruct
workload: {input_tokens: 2048, output_tokens: 512, concurrency: 200}
sla: {ttft_p95: 2s, tpot_p95: 50ms}
budget: {max: 60000 USD/month}
quality: {min_recovery: 98%}
search: {pricing: [on-demand, reserved-1y], accelerators: [h100-sxm, a100-sxm-80, l40s, h200-sxm]}
"""


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="session")
def chat() -> Callable[..., Scenario]:
    """The chat scenario with texts replaced: ``chat(("2s", "1s"))``."""

    def build(*replacements: tuple[str, str]) -> Scenario:
        text = CHAT
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        return parse_scenario(text)

    return build
