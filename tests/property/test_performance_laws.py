"""Laws of the iteration and of the steady state that hold for every model, device and load."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from performances import deployments, profiles_of

from planner.catalog import load_catalog
from planner.performance.calibration import Calibration, load_calibration
from planner.performance.deployments import Deployments, Load, Speculation
from planner.performance.profile import ModelProfile
from planner.performance.serving import ServingEstimates, estimate_serving

MODELS = ("meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-235B-A22B", "deepseek-ai/DeepSeek-R1", "openai/gpt-oss-120b")
DEVICES = ("h100-sxm", "b200-sxm", "a100-sxm-80", "l40s", "mi300x", "rtx4090")
FORMATS = ("bf16", "fp8-e4m3", "int4-awq-g128", "nvfp4")
ENGINES = ("vllm", "sglang", "trtllm", "nobody-knows-it")
ROUNDING = 1.0 + 1e-9

models = st.sampled_from(MODELS)
devices = st.sampled_from(DEVICES)
formats = st.sampled_from(FORMATS)
engines = st.sampled_from(ENGINES)
lengths = st.integers(16, 20_000)
gpus = st.sampled_from([1, 2, 4, 8])


@pytest.fixture(scope="module")
def profiles() -> dict[str, ModelProfile]:
    return profiles_of(MODELS)


def physics() -> Calibration:
    """The shipped coefficients without what was measured of single models, which need not follow any law."""
    return replace(load_calibration(), corrections=None)


@settings(max_examples=30)
@given(models, devices, formats, engines, gpus, lengths, lengths)
def test_more_sequences_are_slower_each_and_faster_together(
    profiles: dict[str, ModelProfile], model: str, device: str, weights: str, engine: str, tp: int, i: int, o: int
) -> None:
    batch = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256])
    found = estimate_serving(
        profiles[model],
        deployments(device, weights, engine, tp=tp, concurrency=batch),
        Load(i, o),
        physics(),
        np.full(len(batch), 1e9),
    )
    assert (np.diff(found.tpot_mean_ms) >= 0).all()
    assert (np.diff(found.ttft_mean_ms) >= -1e-6 * found.ttft_mean_ms[:-1]).all()


@settings(max_examples=30)
@given(models, devices, formats, engines, gpus, lengths)
def test_longer_context_is_slower(
    profiles: dict[str, ModelProfile], model: str, device: str, weights: str, engine: str, tp: int, o: int
) -> None:
    prompt = np.array([100.0, 1000.0, 5000.0, 20_000.0])
    found = estimate_serving(
        profiles[model],
        deployments(device, weights, engine, tp=tp, concurrency=np.full(4, 8)),
        Load(prompt, float(o)),
        physics(),
        np.full(4, 1e9),
    )
    assert (np.diff(found.tpot_mean_ms) >= 0).all()
    assert (np.diff(found.ttft_mean_ms) >= 0).all()


@settings(max_examples=30)
@given(models, devices, formats, engines, gpus, st.floats(1.05, 4.0), st.integers(1, 256))
def test_more_bandwidth_is_never_slower(
    profiles: dict[str, ModelProfile],
    model: str,
    device: str,
    weights: str,
    engine: str,
    tp: int,
    more: float,
    batch: int,
) -> None:
    asked = deployments(device, weights, engine, tp=tp, concurrency=batch)
    slow = asked.accelerators[0]
    fast = replace(slow, bandwidth_gbytes_per_s=slow.bandwidth_gbytes_per_s * more)
    load, room = Load(1000, 500), np.array([1e9])
    before = estimate_serving(profiles[model], asked, load, physics(), room)
    after = estimate_serving(profiles[model], replace(asked, accelerators=(fast,)), load, physics(), room)
    assert after.tpot_mean_ms[0] <= before.tpot_mean_ms[0] * ROUNDING
    assert after.output_tok_s[0] * ROUNDING >= before.output_tok_s[0]
    # In a closed loop clients that are answered sooner ask sooner: their prompts may wait longer for each other.
    waiting = after.terms["ttft_waiting_ms"][0] - before.terms["ttft_waiting_ms"][0]
    assert after.ttft_mean_ms[0] - max(waiting, 0.0) <= before.ttft_mean_ms[0] * ROUNDING


@settings(max_examples=25)
@given(st.data())
def test_a_table_says_what_its_rows_say_one_by_one(profiles: dict[str, ModelProfile], data: st.DataObject) -> None:
    catalog = load_catalog()
    n = 6
    index = {
        "accelerator": data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)),
        "weight_format": data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)),
        "engine": data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)),
        "tp": data.draw(st.lists(gpus, min_size=n, max_size=n)),
        "concurrency": data.draw(st.lists(st.integers(1, 500), min_size=n, max_size=n)),
    }
    named: dict[str, Any] = {
        "accelerators": tuple(catalog.accelerators[id] for id in DEVICES),
        "weight_formats": tuple(catalog.formats[id] for id in FORMATS),
        "kv_formats": (catalog.kv_formats["fp8"],),
        "engines": ENGINES,
    }
    profile = profiles[data.draw(models)]
    load = Load(data.draw(lengths), data.draw(lengths))
    together = estimate_serving(profile, Deployments.of(**named, **index), load, load_calibration())
    for row in range(n):
        alone = Deployments.of(**named, **{name: [values[row]] for name, values in index.items()})
        one = estimate_serving(profile, alone, load, load_calibration())
        for column in ("ttft_p95_ms", "tpot_mean_ms", "output_tok_s", "tpot_p95_ms_high", "evidence", "limit"):
            assert getattr(one, column)[0] == pytest.approx(getattr(together, column)[row], rel=1e-12)


@settings(max_examples=40)
@given(models, devices, formats, engines, gpus, lengths, lengths, st.integers(1, 2000))
def test_every_deployment_has_a_finite_answer_inside_its_interval(
    profiles: dict[str, ModelProfile],
    model: str,
    device: str,
    weights: str,
    engine: str,
    tp: int,
    i: int,
    o: int,
    batch: int,
) -> None:
    asked = deployments(device, weights, engine, tp=tp, concurrency=batch)
    for static in (False, True):
        found = estimate_serving(profiles[model], asked, Load(i, o), load_calibration(), static=static)
        for name in ("ttft_mean_ms", "ttft_p95_ms", "tpot_mean_ms", "tpot_p95_ms", "output_tok_s"):
            low, value, high = (float(getattr(found, name + end)[0]) for end in ("_low", "", "_high"))
            assert 0 < low < value < high < np.inf, name
        _terms_add_up(found)


def _terms_add_up(found: ServingEstimates) -> None:
    for metric in ("ttft", "tpot"):
        parts = sum(float(np.ravel(v)[0]) for name, v in found.terms.items() if name.startswith(f"{metric}_"))
        assert parts == pytest.approx(float(getattr(found, f"{metric}_mean_ms")[0]), rel=1e-9), metric


@settings(max_examples=25)
@given(models, st.floats(0.1, 0.9), st.integers(1, 4))
def test_speculation_helps_as_far_as_drafts_are_accepted(
    profiles: dict[str, ModelProfile], model: str, acceptance: float, drafts: int
) -> None:
    asked = deployments("h100-sxm", "fp8-e4m3", "vllm", tp=8, concurrency=4)
    steps = []
    for accepted in (0.0, acceptance, 1.0):
        load = Load(1000, 500, speculation=Speculation(drafts, accepted, draft_share=0.0))
        steps.append(float(estimate_serving(profiles[model], asked, load, physics()).tpot_mean_ms[0]))
    assert steps[0] > steps[1] > steps[2]
    plain = estimate_serving(profiles[model], asked, Load(1000, 500), physics()).tpot_mean_ms[0]
    assert steps[0] == pytest.approx(plain), "nothing accepted and nothing spent is no speculation"


@settings(max_examples=25)
@given(models, devices, st.floats(0.0, 0.9))
def test_prefix_hits_shorten_prefill(profiles: dict[str, ModelProfile], model: str, device: str, share: float) -> None:
    asked = deployments(device, "fp8-e4m3", "vllm", tp=8, concurrency=16)
    cold = estimate_serving(profiles[model], asked, Load(8000, 500), physics())
    warm = estimate_serving(profiles[model], asked, Load(8000, 500, prefix_hit_share=share), physics())
    assert warm.ttft_mean_ms[0] <= cold.ttft_mean_ms[0] * ROUNDING
    assert warm.tpot_mean_ms[0] <= cold.tpot_mean_ms[0] * ROUNDING


@settings(max_examples=25)
@given(models, devices, st.floats(0.001, 50.0))
def test_latency_grows_with_the_request_rate_until_the_queue_does(
    profiles: dict[str, ModelProfile], model: str, device: str, rate: float
) -> None:
    asked = deployments(device, "fp8-e4m3", "vllm", tp=8, concurrency=np.full(3, 256))
    rates = rate * np.array([0.25, 0.5, 1.0])
    found = estimate_serving(
        profiles[model], asked, Load(1000, 200), physics(), np.full(3, 1e9), request_rate_per_s=rates
    )
    stable = np.isfinite(found.ttft_mean_ms)
    assert (np.diff(stable.astype(int)) <= 0).all(), "what is stable at a rate is stable at a lower one"
    assert (np.diff(found.ttft_mean_ms[stable]) >= 0).all()
    assert (np.diff(found.tpot_mean_ms[stable]) >= 0).all()
    assert found.output_tok_s[stable] == pytest.approx(rates[stable] * 200)


def test_fewer_sequences_fit_a_smaller_cache_and_the_rest_wait(profiles: dict[str, ModelProfile]) -> None:
    asked = deployments("h100-sxm", "fp8-e4m3", "vllm", tp=8, concurrency=np.full(3, 256))
    room = np.array([1e6, 1e5, 2e4])
    found = estimate_serving(profiles[MODELS[0]], asked, Load(2000, 500), physics(), room)
    assert (np.diff(found.ttft_mean_ms) > 0).all()
    assert found.limit_name(2) == "kv"
    assert found.terms["ttft_queueing_ms"][2] > 0
