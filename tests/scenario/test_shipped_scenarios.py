"""The scenarios that come with the planner: each is read, and what it names exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.catalog import load_catalog
from planner.catalog.references import check_scenario
from planner.errors import ScenarioError
from planner.scenario import load_scenario, parse_scenario
from planner.scenario.fleet import FleetScenario

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "scenarios").glob("*.yaml"))


def test_there_are_enough() -> None:
    assert len(SHIPPED) >= 7


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_names_what_exists(path: Path) -> None:
    scenario = load_scenario(path)
    assert scenario.name == path.stem
    catalog = load_catalog()
    check_scenario(scenario, catalog)
    for part in scenario.parts if isinstance(scenario, FleetScenario) else (scenario,):
        assert isinstance(part.model, str)
        assert catalog.resolve("models", part.model) is not None
    comment = path.read_text("utf-8").split("\nname:")[0].splitlines()[1:]
    assert sum(len(line) for line in comment) > 80, "says who has it"


def test_the_example_of_the_project_is_as_it_is_known(root: Path) -> None:
    scenario = load_scenario(root / "scenarios" / "70b-chat.yaml")
    assert scenario.model == "meta-llama/Llama-3.1-70B-Instruct"
    load = scenario.workload
    assert (load.input_tokens, load.output_tokens, load.concurrency) == (2048, 512, 200)
    assert (scenario.sla.ttft_p95_ms, scenario.sla.tpot_p95_ms) == (2000.0, 50.0)
    assert (scenario.budget.usd_per_month, scenario.quality.min_recovery) == (60_000.0, 0.98)
    assert scenario.search.pricing == ("on-demand", "reserved-1y")


def test_an_id_that_the_catalog_lacks_is_a_problem_of_the_scenario() -> None:
    text = """\
name: x
model: m
workload: {input_tokens: 1, output_tokens: 1, concurrency: 1}
site: {region: germany}
search: {weights: fp8, kv_cache: bf16, accelerators: [h100-sxm, h100], engines: vLLM, providers: [AWS], regions: [mars]}
"""
    with pytest.raises(ScenarioError) as caught:
        check_scenario(parse_scenario(text), load_catalog())
    found = {item.message.split(":")[0]: item.help for item in caught.value.diagnostics}
    assert list(found) == [
        "site.region", "search.weights[0]", "search.accelerators[1]", "search.engines[0]", "search.providers[0]",
        "search.regions[0]",
    ]  # fmt: skip
    assert found["search.engines[0]"] == "did you mean 'vllm'?"
    assert found["search.providers[0]"] == "did you mean 'aws'?"
    assert "h100" in found["search.accelerators[1]"]
    assert "de" in found["site.region"]
