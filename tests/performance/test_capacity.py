"""How many sequences a KV cache holds at once, by how engines admit requests, and what a nearly full one means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from planner.architecture import resolve_model
from planner.catalog import load_catalog
from planner.performance.calibration import load_calibration
from planner.performance.deployments import Deployments, Load
from planner.performance.profile import ModelProfile
from planner.performance.resources import resources
from planner.performance.serving import CROWDED, estimate_serving, kv_capacity, reserving

MODEL = "meta-llama/Llama-3.1-70B"
LOAD = Load(921.6, 7372.8)


@pytest.fixture(scope="module")
def profile() -> ModelProfile:
    return ModelProfile.from_architecture(resolve_model(MODEL, catalog=load_catalog()))


def deployments(device: str, weights: str, engine: str, **columns: Any) -> Deployments:
    catalog = load_catalog()
    return Deployments.of(
        accelerators=(catalog.accelerators[device],),
        weight_formats=(catalog.formats[weights],),
        kv_formats=(catalog.kv_formats["fp8"],),
        engines=(engine,),
        **columns,
    )


def capacity(
    profile: ModelProfile, engine: str, kv_tokens: float | None, device: str = "b200-sxm", weights: str = "nvfp4"
) -> float:
    asked = deployments(device, weights, engine, tp=1, concurrency=128)
    work = resources(profile, asked)
    tokens = None if kv_tokens is None else np.array([kv_tokens])
    return float(kv_capacity(work, LOAD, tokens, reserving(asked))[0])


def test_engines_that_do_not_evict_hold_whole_requests(profile: ModelProfile) -> None:
    assert capacity(profile, "trtllm", 829_440.0) == pytest.approx(100.0)
    assert capacity(profile, "nim", 829_440.0) == pytest.approx(100.0)
    assert capacity(profile, "vllm", 829_440.0) == pytest.approx(180.0)


def test_published_runs_that_queued_ran_as_many_as_fit(profile: ModelProfile) -> None:
    """InferenceX 2025-10-29, TensorRT-LLM at TP 1, prompts of 1,024 and outputs of 8,192 tokens.

    By Little's law on the published TTFT and TPOT (67.2 s and 25.6 ms of 128 clients on B200 in NVFP4, 136.6 s and
    26.6 ms in FP8; 79.5 s and 30.5 ms of 64 on H200) 95, 76 and 47 requests were running.
    """
    assert capacity(profile, "trtllm", None) == pytest.approx(95, rel=0.12)
    assert capacity(profile, "trtllm", None, weights="fp8-e4m3") == pytest.approx(76, rel=0.12)
    assert capacity(profile, "trtllm", None, device="h200-sxm", weights="fp8-e4m3") == pytest.approx(47, rel=0.12)


def test_a_nearly_full_cache_is_told_and_widens_the_interval_of_ttft(profile: ModelProfile) -> None:
    asked = deployments("h100-sxm", "fp8-e4m3", "vllm", tp=4, concurrency=np.array([16.0, 16.0, 16.0]))
    load = Load(1024.0, 1024.0)
    room = np.array([1.01, 0.99, 0.5]) * 16.0 / CROWDED * (1024 + 512)
    found = estimate_serving(profile, asked, load, load_calibration(), room)
    assert found.crowded.tolist() == [False, True, True]
    ratio = found.ttft_mean_ms_high / found.ttft_mean_ms
    assert ratio[1] > 1.2 * ratio[0]
