"""What a scenario file becomes."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from pathlib import Path

import pytest

from planner import Scenario as PublicScenario
from planner import load_scenario as public_load
from planner.errors import ScenarioError
from planner.scenario import SLA, Scenario, check_references, load_scenario, parse_scenario, scenario_from_data
from planner.scenario.model import INTERNAL
from planner.scenario.named import named_ids
from planner.scenario.sections import KEYS, Section
from planner.scenario.supply import Limits
from planner.units import Money

FULL = """\
name: everything
model: {model_type: llama, hidden_size: 64}
workload: {kind: serving, input_tokens: 2k, output_tokens: 512, request_rate: 720/min, prefix_hit_share: 30%}
sla:
  {ttft_p50: 1s, ttft_p95: 2s, tpot_p95: 50ms, e2e_p95: 0.5 min, output_tokens_per_second: 5k tok/s,
   availability: 99.9%}
budget: {max: 426k CNY/month, capex: €90k, tco: 1M USD, horizon: 3 years}
quality: {min_recovery: 0.98, accept_unmeasured: true}
search:
  weights: [bf16, fp8-e4m3]
  kv_cache: fp8
  accelerators: [h100-sxm]
  engines: any
  tensor_parallel: [1, 2, 4]
  pipeline_parallel: 1
  pricing: [on-demand, purchase]
  providers: [AWS, Alibaba Cloud]
  regions: [us-east-1]
site: {region: de}
disable_rules: [{id: single-replica, reason: a pilot}]
currency_rates: {EUR: 0.9}
"""


def test_values_become_base_units() -> None:
    scenario = parse_scenario(FULL)
    assert scenario.model == {"model_type": "llama", "hidden_size": 64}
    assert (scenario.workload.input_tokens, scenario.workload.output_tokens) == (2000, 512)
    assert (scenario.workload.concurrency, scenario.workload.request_rate_per_s) == (None, 12.0)
    assert scenario.workload.prefix_hit_share == 0.3
    sla = scenario.sla
    assert (sla.ttft_p50_ms, sla.ttft_p95_ms, sla.tpot_p95_ms, sla.e2e_p95_ms) == (1000.0, 2000.0, 50.0, 30_000.0)
    assert (sla.output_tokens_per_second, sla.availability) == (5000.0, 0.999)
    budget = scenario.budget
    assert budget.max == Money(426_000, "CNY", "month")
    assert budget.usd_per_month == 60_000.0
    assert budget.usd_per_hour == pytest.approx(60_000 / 730)
    assert (budget.capex_usd, budget.tco_usd, budget.horizon_months) == (100_000.0, 1_000_000.0, 36)
    assert (scenario.quality.min_recovery, scenario.quality.accept_unmeasured) == (0.98, True)
    search = scenario.search
    assert search.weights == ("bf16", "fp8-e4m3")
    assert search.kv_cache == ("fp8",)
    assert search.engines is None
    assert (search.tensor_parallel, search.pipeline_parallel) == ((1, 2, 4), (1,))
    assert search.providers == ("AWS", "Alibaba Cloud")
    assert scenario.site.region == "de"
    assert [(rule.id, rule.reason) for rule in scenario.disabled_rules] == [("single-replica", "a pilot")]
    assert scenario.considers_purchase


def test_what_is_left_out_is_not_asked() -> None:
    scenario = parse_scenario("name: x\nmodel: m\nworkload: {input_tokens: 1, output_tokens: 1, concurrency: 1}\n")
    assert scenario.sla == SLA(spare_nodes=0)
    assert all(getattr(scenario.sla, item.name) is None for item in fields(scenario.sla) if item.name != "spare_nodes")
    assert all(not getattr(scenario.search, item.name) for item in fields(scenario.search))
    assert (scenario.inventory, scenario.limits, scenario.objective.first) == ((), Limits(), "cost")
    budget = scenario.budget
    assert (budget.usd_per_hour, budget.usd_per_month, budget.capex_usd, budget.tco_usd) == (None, None, None, None)
    assert scenario.quality.min_recovery is None
    assert not scenario.quality.accept_unmeasured
    assert scenario.rules == ()
    assert not scenario.considers_purchase


def test_purchase_is_considered_when_it_can_be_priced() -> None:
    base = parse_scenario(FULL)
    assert replace(base, search=replace(base.search, pricing=None)).considers_purchase
    assert not replace(base, search=replace(base.search, pricing=("spot",))).considers_purchase
    assert not replace(
        base, search=replace(base.search, pricing=None), budget=replace(base.budget, horizon_months=None)
    ).considers_purchase


def test_rates_of_the_scenario_go_before_the_stated_ones() -> None:
    text = FULL.replace("currency_rates: {EUR: 0.9}", "currency_rates: {EUR: 0.9, CNY: 7.0}")
    assert parse_scenario(text).budget.usd_per_month == pytest.approx(426_000 / 7.0)


def test_a_scenario_cannot_be_changed_but_replaced() -> None:
    scenario = parse_scenario(FULL)
    with pytest.raises(FrozenInstanceError):
        scenario.name = "y"  # type: ignore[misc]
    assert replace(scenario, name="y").budget.capex_usd == scenario.budget.capex_usd


def test_it_travels_between_processes() -> None:
    scenario = parse_scenario(FULL, name="x.yaml")
    copy = pickle.loads(pickle.dumps(scenario))  # noqa: S301 - our own bytes
    assert copy == scenario
    assert copy.digest == scenario.digest
    assert copy.budget.usd_per_month == scenario.budget.usd_per_month


def test_the_digest_is_of_what_is_said_not_of_how() -> None:
    base = parse_scenario(FULL).digest
    assert base == parse_scenario("# a comment\n" + FULL, name="elsewhere/x.yaml").digest
    assert base == parse_scenario(FULL.replace("2s", "2000 ms").replace("0.98", "98%").replace("2k", "2_000")).digest
    lines = FULL.splitlines(keepends=True)
    assert base == parse_scenario("".join(lines[-1:] + lines[:-1])).digest
    assert base != parse_scenario(FULL.replace("50ms", "51ms")).digest
    assert base != parse_scenario(FULL.replace("hidden_size: 64", "hidden_size: 65")).digest
    assert base != parse_scenario(FULL.replace("EUR: 0.9", "EUR: 0.91")).digest


def test_the_digest_changes_with_every_field() -> None:
    """A field that the digest leaves out would let two different questions pass for one."""
    base = parse_scenario(FULL)
    digests = {base.digest}
    changed = 0
    for name, section in [("", base), *((item.name, getattr(base, item.name)) for item in fields(base))]:
        if not is_dataclass(section) or name in INTERNAL:
            continue
        for item in fields(section):
            value = getattr(section, item.name)
            if item.name in INTERNAL or isinstance(value, Section) or item.name == "currency_rates":
                continue
            other = replace(section, **{item.name: ("other",)})  # type: ignore[type-var]
            digests.add((replace(base, **{name: other}) if name else other).digest)  # type: ignore[attr-defined]
            changed += 1
    assert len(digests) == changed + 1 > 25


def test_from_a_file_from_stdin_and_from_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(FULL, "utf-8")
    scenario = load_scenario(path)
    assert scenario.document.path == str(path)
    assert scenario.base_dir == tmp_path
    assert public_load(str(path)) == scenario
    assert PublicScenario is Scenario
    stdin = io.TextIOWrapper(io.BytesIO(FULL.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert load_scenario("-") == scenario
    data = {"name": "x", "model": "m", "workload": {"input_tokens": "2k", "output_tokens": 1, "request_rate": "1/s"}}
    assert scenario_from_data(data).workload.input_tokens == 2000
    with pytest.raises(ScenarioError, match="did you mean 'model'"):
        scenario_from_data({"name": "x", "modell": "m", "workload": data["workload"]})


def test_rule_files_start_at_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "company.yaml").write_text("{}")
    path = tmp_path / "x.yaml"
    path.write_text(FULL + "rules: ./rules/company.yaml\n", "utf-8")
    scenario = load_scenario(path)
    assert scenario.rules == (tmp_path / "rules" / "company.yaml",)
    path.write_text(FULL.replace("{model_type: llama, hidden_size: 64}", "./rules"), "utf-8")
    assert load_scenario(path).model == "./rules"


def test_unknown_ids_are_shown_with_the_known_ones() -> None:
    scenario = parse_scenario(FULL, name="x.yaml")
    known = {
        "accelerators": {"h100-pcie", "h200-sxm"},
        "weights": {"bf16", "fp8-e4m3"},
        "kv_cache": ["bf16"],
        "sites": {"us"},
    }
    named = {value for _, value, kind in named_ids(scenario) if value is not None and kind not in known}
    with pytest.raises(ScenarioError) as caught:
        check_references(scenario, lambda kind: known.get(kind, named))
    assert [(item.line, item.column, item.help) for item in caught.value.diagnostics] == [
        (11, 13, "known: bf16"),
        (12, 18, "did you mean 'h200-sxm'?"),
        (19, 16, "known: us"),
    ]
    check_references(scenario, lambda kind: {value for _, value, of in named_ids(scenario) if of == kind})


def test_ids_of_services_inventory_and_quotas_are_looked_up() -> None:
    text = """\
name: x
services: [{name: a, model: m, workload: {input_tokens: 1, output_tokens: 1, concurrency: 1}, search: {weights: bf17}}]
inventory: [{accelerator: a101, nodes: 1, cost: 1 USD/h}]
limits: {quotas: [{provider: asw, nodes: 1}]}
search: {vendors: nvidai}
"""
    known = {"weights": {"bf16"}, "accelerators": {"a100"}, "providers": {"aws"}, "vendors": {"nvidia"}}
    with pytest.raises(ScenarioError) as caught:
        check_references(parse_scenario(text), lambda kind: known[kind])
    assert [(item.line, item.help) for item in caught.value.diagnostics] == [
        (2, "did you mean 'bf16'?"),
        (3, "did you mean 'a100'?"),
        (4, "did you mean 'aws'?"),
        (5, "did you mean 'nvidia'?"),
    ]


def test_keys_that_differ_from_fields_exist() -> None:
    names = {item.name for section in (Scenario, *Section.__subclasses__()) for item in fields(section)}  # type: ignore[arg-type]
    assert set(KEYS) <= names


def test_reading_imports_little() -> None:
    code = (
        "import sys; from planner.scenario import load_scenario; load_scenario('scenarios/70b-chat.yaml').digest;"
        "print(*sorted({'pydantic', 'numpy', 'ortools', 'jsonschema', 'difflib', 'click'} & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == ""
