"""Prefill and decode apart: what each has to carry, what ties them together, and what the handover takes."""

from __future__ import annotations

import numpy as np
import pytest

from planner.candidates.handover import transfer_ms
from planner.candidates.stages import DECODE_SHARE, families, family_numbers, of_family, staged
from planner.candidates.streams import Streams, streams_of
from planner.errors import ScenarioError
from planner.scenario import Scenario, parse_scenario
from planner.solve import solve

TEXT = """
name: apart
model: meta-llama/Llama-3.1-70B-Instruct
workload: {input_tokens: 8000, output_tokens: 300, request_rate: 6/s}
sla: {ttft_p95: 2s, tpot_p95: 25ms, e2e_p95: 12s}
quality: {min_recovery: 98%}
search: {providers: aws, accelerators: [h100-sxm, h200-sxm, b200-sxm], pricing: on-demand, disaggregated: true}
"""


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return parse_scenario(TEXT)


@pytest.fixture(scope="module")
def streams(scenario: Scenario) -> Streams:
    return streams_of(scenario)


def test_stages_divide_the_work_and_the_limit_on_the_first_token(scenario: Scenario) -> None:
    (first, prefill), (then, decode) = staged(scenario)
    assert (prefill.workload.input_tokens, prefill.workload.output_tokens) == (8000, 1)
    assert decode.workload.output_tokens == 300
    assert decode.workload.input_tokens * (1 - decode.workload.prefix_hit_share) == pytest.approx(1)
    assert first.ttft_share + then.ttft_share == pytest.approx(1)
    assert then.ttft_share == DECODE_SHARE
    assert prefill.workload.request_rate_per_s == decode.workload.request_rate_per_s == 6


def test_a_way_is_a_family_of_both_stages(streams: Streams) -> None:
    ((whole, *apart),) = streams.choices
    assert whole == (0,)
    assert len(apart) >= 2
    for prefill, decode in apart:
        one, other = streams.streams[prefill], streams.streams[decode]
        assert (one.part.stage, other.part.stage) == ("prefill", "decode")
        assert one.family == other.family
        for stream in (one, other):
            engine, weights, kv, vendor = stream.family or ("", "", "", "")
            axes, rows = stream.table.layouts.axes, np.flatnonzero(stream.rows)
            assert {axes.engines[i].id for i in stream.table.column("engine")[rows]} == {engine}
            assert {axes.weights[i].id for i in stream.table.column("weights")[rows]} == {weights}
            assert {axes.kv_formats[i].id for i in stream.table.column("kv")[rows]} == {kv}
            assert {axes.hardware[i].accelerator.vendor for i in stream.table.column("hardware")[rows]} == {vendor}


def test_families_divide_the_rows(streams: Streams) -> None:
    table = streams.streams[1].table
    found = [of_family(table, family) for family in families(table, table)]
    assert (np.sum(found, axis=0) == 1).all()
    for mask in found:
        assert len(set(family_numbers(table)[table.layout][mask].tolist())) == 1
    assert not of_family(table, ("none", "of", "these", "NVIDIA")).any()


def test_prefill_answers_for_the_first_token_and_decode_for_the_rest(streams: Streams) -> None:
    prefill, decode = streams.streams[1].table, streams.streams[2].table
    assert [it.id for it in prefill.requirements if it.id.startswith("sla")] == ["sla.ttft_p95"]
    assert [it.id for it in decode.requirements if it.id.startswith("sla")] == [
        "sla.ttft_p95", "sla.tpot_p95", "sla.e2e_p95",
    ]  # fmt: skip
    for table, share in ((prefill, 1 - DECODE_SHARE), (decode, DECODE_SHARE)):
        rows = np.flatnonzero(table.feasible)
        assert rows.size
        ttft = table.configurations.estimated.ttft_p95_ms[table.configuration[rows]]
        assert (ttft <= 2000 * share * (1 + 1e-9)).all()


def test_a_cache_passes_the_ports_of_a_replica_no_faster_than_they_are(streams: Streams) -> None:
    estimator = streams.streams[1].table.estimator
    layouts, axes = estimator.layouts, estimator.layouts.axes
    once = transfer_ms(estimator)
    for index in range(0, len(layouts), 37):
        hardware, kv = axes.hardware[layouts.hardware[index]], axes.kv_formats[layouts.kv[index]]
        gpus = axes.parallelism[layouts.parallelism[index]].gpus
        # Llama 3.1 70B: 80 layers x 8 heads x 128 x 2 (keys and values)
        gigabits = 8000 * 80 * 8 * 128 * 2 * kv.bytes_per_element * 8 / 1e9
        assert once[index] >= gigabits / ((hardware.network_gbps or 0) * gpus) * 1000


def test_a_replica_that_prefills_is_never_faster_than_its_arithmetic(streams: Streams) -> None:
    table = streams.streams[1].table
    axes, rows = table.layouts.axes, np.arange(0, len(table), 11)
    served = table.configurations.estimated.output_tok_s[table.configuration[rows]]
    for row, per_second in zip(rows.tolist(), served.tolist(), strict=True):
        weights = axes.weights[int(table.column("weights")[row])]
        accelerator = axes.hardware[int(table.column("hardware")[row])].accelerator
        gpus = axes.parallelism[int(table.column("parallelism")[row])].gpus
        peak = max(accelerator.tflops.values()) * 1e12 * gpus
        assert per_second * 8000 * 2 * 70.6e9 * 0.97 <= peak, weights.id


def test_stages_of_their_own_win_where_prefills_stall_decoding(scenario: Scenario) -> None:
    plan = solve(scenario)
    assert sorted(item.requests for item in plan.deployments) == ["decode", "prefill"]
    first, then = sorted(plan.deployments, key=lambda item: item.requests, reverse=True)
    assert (first.weights, first.kv_cache, first.engine) == (then.weights, then.kv_cache, then.engine)
    found = {item.name: item for item in plan.estimates}
    assert sum(term.value for term in found["ttft_p95_ms"].terms) == pytest.approx(found["ttft_p95_ms"].value)
    assert found["ttft_p95_ms"].value <= 2000
    assert found["e2e_p95_ms"].value <= 12_000
    assert all(item.holds for item in plan.margins)
    assert {item.requirement for item in plan.margins} >= {"sla.ttft_p95", "sla.tpot_p95", "sla.e2e_p95"}
    together = next(item for item in plan.alternatives if item.name == "without dividing requests")
    assert together.cost_usd_per_month > plan.cost_usd_per_month


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("request_rate: 6/s", "concurrency: 6"), "needs workload.request_rate"),
        (("ttft_p95: 2s, ", ""), "needs sla.ttft_p95 beside sla.e2e_p95"),
    ],
)
def test_what_stages_need_to_know(change: tuple[str, str], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        parse_scenario(TEXT.replace(*change))


def test_families_share_a_table_that_is_told_once(streams: Streams) -> None:
    assert [stream.name for stream in streams.apart] == ["apart", "apart/prefill", "apart/decode"]
    assert [id(table) for table in streams.evaluated] == [id(streams.streams[index].table) for index in range(3)]
