"""The JSON Schema and the reference page say what the reader does, and are the ones in the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from planner.errors import ScenarioError
from planner.scenario import Scenario, load_scenario, scenario_from_data
from planner.scenario.reader import entries
from planner.scenario.schema import (
    fleet_json_schema,
    scenario_json_schema,
    scenario_reference,
    schema_text,
    training_json_schema,
)
from planner.source import load_yaml

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {
    "schemas/scenario.schema.json": lambda: schema_text(scenario_json_schema()),
    "schemas/fleet-scenario.schema.json": lambda: schema_text(fleet_json_schema()),
    "schemas/training-scenario.schema.json": lambda: schema_text(training_json_schema()),
    "docs/scenario.md": scenario_reference,
}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = scenario_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", GENERATED)
def test_is_fresh(name: str, request: pytest.FixtureRequest) -> None:
    text = GENERATED[name]()
    if request.config.getoption("--golden-update", default=False):
        (ROOT / name).write_text(text, "utf-8")
    assert (ROOT / name).read_text("utf-8") == text, f"{name} is stale: make golden"


def test_every_key_is_described_and_its_examples_are_read(validator: jsonschema.Draft202012Validator) -> None:
    schema: dict[str, Any] = scenario_json_schema()
    for section in (schema, *schema["$defs"].values()):
        assert section["description"]
        assert section["additionalProperties"] is False
        for key, node in section["properties"].items():
            assert node["description"].endswith((".", "?")), key
            assert "$ref" in node or "items" in node or node["examples"], key
    for entry in (item for section in _sections() for item in entries(section).values()):
        for example in entry.kind.schema["examples"] if entry.kind else ():
            assert entry.kind is not None
            entry.kind.read(example)


def _sections() -> list[Any]:
    return [Scenario, *(entry.section for entry in entries(Scenario).values() if entry.section)]


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_scenarios_fit_the_schema(path: Path) -> None:
    data = load_yaml(path).data
    name = "fleet-scenario" if "services" in data else "scenario"
    jsonschema.Draft202012Validator(json.loads((ROOT / f"schemas/{name}.schema.json").read_text("utf-8"))).validate(
        data
    )
    first_line = path.read_text("utf-8").splitlines()[0]
    assert first_line == f"# yaml-language-server: $schema=../schemas/{name}.schema.json"


LOAD = {"input_tokens": 2048, "output_tokens": 512, "concurrency": 200}
VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "workload.input_tokens": ([1, "8k", "128Ki", "2,048", 1e3, "3万"], [0, -1, 1.5, "8 kilo", True, [], 10**9]),
    "workload.prefix_hit_share": ([0, 0.3, "30%", "30 %"], [1.0, 30, "x%", False]),
    "sla.ttft_p95": (["2s", "250 ms", "1.5min", "1 h", "2 秒"], [2, "2", "2m", "2 S", "fast", True, None]),
    "sla.output_tokens_per_second": ([5000, "5k tok/s", "300k/min", "9 tps"], [0, "5000 req/s", "5000", True]),
    "sla.availability": ([0.999, "99.9%"], [1, 0, 99.9, "three nines"]),
    "budget.max": (
        ["60000 USD/month", "$2.49/h", "￥8.98/小时", "60万元/年", "US$60k/mo", "60k usd per month", "€9/h"],
        [60000, "60000/month", "60000 USD", "60000 USD/day", "$5 USD/h"],
    ),
    "budget.tco": (["3M USD", "￥200万"], ["3M USD/month", 3, "3 million"]),
    "budget.horizon": (["36 months", "3y", "1.5 years"], [36, "36", "90 days"]),
    "quality.min_recovery": ([0.98, 1, "98%"], [98, 0, "x"]),
    "quality.accept_unmeasured": ([True, False], ["yes", 1]),
    "search.weights": (["any", "fp8-e4m3", ["bf16"]], [[], 8, ["a", "a"], [8]]),
    "search.tensor_parallel": (["any", 8, [1, 2, "4"]], [0, [0], [1, 1], 2000, "x"]),
    "search.pricing": (["any", "spot", ["on-demand", "spot"]], ["monthly", ["spot", "spot"], []]),
    "site.region": (["us"], [3, "", []]),
    "disable_rules": ([[], [{"id": "a", "reason": "b c"}]], [{}, [{"id": "a"}], [{"id": "a b", "reason": "c"}]]),
    "currency_rates": ([{"CNY": 7.1}, {"EUR": 1, "CNY": 7}], [{}, {"USD": 1}, {"eur": 1}, {"EUR": 0}, {"EUR": "1"}]),
    "rule_packs": (["procurement", ["procurement", "residency-eu"], []], ["a b", [1], ["a", "a"]]),
    "rule_penalties": ([{"node-upkeep": "80 USD/month"}], [{}, {"node-upkeep": 80}, {"a b": "80 USD/month"}, []]),
    "as_of": (["2026-10-01"], ["2026-10", "1.10.2026", 2026, ["2026-10-01"]]),
    "name": (["a", "70b-chat", "A.b_c-9"], ["", "a b", "-a", 70, "a" * 65]),
    "model": (["a/b", {"model_type": "llama"}], ["", 7, [], {}]),
}


def _data(key: str, value: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"name": "x", "model": "m", "workload": dict(LOAD), "currency_rates": {"EUR": 0.9}}
    section, _, name = key.partition(".")
    if name:
        data.setdefault(section, {})[name] = value
    else:
        data[section] = value
    if key == "budget.tco":
        data["budget"]["horizon"] = "3y"
    return data


@pytest.mark.parametrize("key", VALUES)
def test_schema_and_reader_agree(key: str, validator: jsonschema.Draft202012Validator) -> None:
    accepted, refused = VALUES[key]
    for value in accepted:
        assert not list(validator.iter_errors(_data(key, value))), value
        scenario_from_data(_data(key, value))
    for value in refused:
        with pytest.raises(ScenarioError):
            scenario_from_data(_data(key, value))
        assert list(validator.iter_errors(_data(key, value))), value


def test_the_schema_wants_exactly_one_kind_of_load(validator: jsonschema.Draft202012Validator) -> None:
    for load, fits in (({}, False), ({"concurrency": 1}, True), ({"concurrency": 1, "request_rate": "1/s"}, False)):
        data = _data("name", "x")
        data["workload"] = {"input_tokens": 1, "output_tokens": 1, **load}
        assert validator.is_valid(data) is fits


def test_the_example_of_the_reference_page_loads(tmp_path: Path) -> None:
    block = scenario_reference().split("```yaml\n")[1].split("```")[0]
    (tmp_path / "x.yaml").write_text(block)
    assert load_scenario(tmp_path / "x.yaml").name == "70b-chat"
    assert yaml.safe_load(block)["sla"] == {"ttft_p95": "2s", "tpot_p95": "50ms"}
    assert json.loads(schema_text(scenario_json_schema())) == scenario_json_schema()
