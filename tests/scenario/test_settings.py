"""Values set on the command line are read, and refused, as if they stood in the file."""

from __future__ import annotations

import pytest

from planner.errors import ScenarioError
from planner.scenario import load_scenario

TEXT = """\
name: small
model: meta-llama/Llama-3.1-8B-Instruct
workload: {input_tokens: 2048, output_tokens: 512, concurrency: 20}
sla: {ttft_p95: 2s}
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(TEXT, encoding="utf-8")
    return file


def refusals(path, *settings) -> list[str]:
    with pytest.raises(ScenarioError) as raised:
        load_scenario(path, settings=settings)
    return [item.render() for item in raised.value.diagnostics]


def test_a_setting_replaces_a_value_and_is_read_as_the_file_is(path):
    scenario = load_scenario(path, settings=["workload.concurrency=300", "sla.ttft_p95=250ms", "name=other"])
    assert scenario.workload.concurrency == 300
    assert scenario.sla.ttft_p95_ms == 250
    assert scenario.name == "other"


def test_a_setting_may_open_a_section_and_hold_blanks_and_lists(path):
    scenario = load_scenario(
        path,
        settings=["budget.max=40000 USD/month", "search.accelerators=[h100-sxm, l40s]", "quality.min_recovery = 98%"],
    )
    assert scenario.budget.usd_per_month == pytest.approx(40000)
    assert scenario.search.accelerators == ("h100-sxm", "l40s")
    assert scenario.quality.min_recovery == 0.98


def test_null_takes_a_requirement_out(path):
    scenario = load_scenario(path, settings=["sla.ttft_p95=null", "workload.concurrency=", "workload.request_rate=3/s"])
    assert scenario.sla.ttft_p95_ms is None
    assert scenario.workload.request_rate_per_s == 3


def test_the_last_setting_of_a_key_wins(path):
    assert load_scenario(path, settings=["name=a", "name=b"]).name == "b"


def test_the_file_itself_is_not_changed_by_settings(path):
    document = load_scenario(path, settings=["workload.concurrency=300"]).document
    assert document.text == TEXT
    assert load_scenario(path).workload.concurrency == 20


def test_a_wrong_value_names_the_setting_and_not_a_line(path):
    (message,) = refusals(path, "sla.ttft_p95=fast")
    assert message.startswith("--set sla.ttft_p95=fast: sla.ttft_p95: ")


def test_a_misspelt_key_is_recognised(path):
    (message,) = refusals(path, "workload.concurency=300")
    assert "--set workload.concurency=300: " in message
    assert "concurrency" in message


def test_problems_of_the_file_keep_their_lines_beside_settings(path):
    path.write_text(TEXT.replace("2s", "2 parsecs"), encoding="utf-8")
    first, second = sorted(refusals(path, "workload.concurrency=-1"))
    assert first.startswith("--set workload.concurrency=-1: ")
    assert f"{path}:4:" in second


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("workload", "is no setting"),
        ("=3", "is no setting"),
        ("a..b=3", "is no setting"),
        ("name.first=3", "has no keys"),
        ("sla.ttft_p95={a: b", "not YAML"),
        ("sla.ttft_p95=&a [*a]", "alias"),
    ],
)
def test_what_cannot_be_applied_is_refused(path, setting, words):
    (message,) = refusals(path, setting)
    assert message.startswith(f"--set {setting}: ")
    assert words in message
