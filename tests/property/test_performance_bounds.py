"""No iteration beats the data sheet, context and bytes never speed one up, and unfamiliar models get an answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from performances import deployments, profiles_of

from planner.catalog import load_catalog
from planner.performance.calibration import EVIDENCE, load_calibration
from planner.performance.corrections import Corrections
from planner.performance.deployments import Deployments, Load
from planner.performance.estimate import Question, estimate
from planner.performance.iteration import step_time
from planner.performance.profile import FloatArray, ModelProfile
from planner.performance.resources import resources
from planner.performance.serving import estimate_serving
from planner.performance.situations import Situations, situations

MODELS = (
    "meta-llama/Llama-3.1-70B",
    "mistralai/Mixtral-8x7B-v0.1",
    "Qwen/Qwen3-235B-A22B",
    "deepseek-ai/DeepSeek-R1",
    "openai/gpt-oss-120b",
)
DEVICES = ("h100-sxm", "h200-sxm", "b200-sxm", "a100-sxm-80", "l40s", "mi300x", "rtx4090")
FORMATS = ("bf16", "fp8-e4m3", "int4-awq-g128", "nvfp4")
ENGINES = ("vllm", "sglang", "trtllm", "trtllm-static", "nim", "llamacpp", "nobody-knows-it")
ROUNDING = 1.0 - 1e-9

models, devices, formats, engines = (st.sampled_from(each) for each in (MODELS, DEVICES, FORMATS, ENGINES))
gpus = st.sampled_from([1, 2, 4, 8])


@pytest.fixture(scope="module")
def profiles() -> dict[str, ModelProfile]:
    return profiles_of(MODELS)


def roofline_ms(p: ModelProfile, d: Deployments, decode: float, context: float, prefill: float) -> float:
    """The least time of one step: what must be read over the bandwidth, what must be computed over the peak.

    Of experts one token's are read at least, as all tokens may choose the same; caches are read in full.
    """
    device, weights, tp = d.accelerators[0], d.weight_formats[0], float(d.tp[0])
    each = min(weights.bytes_per_weight, weights.unquantized_bits / 8)
    share = p.experts_per_token / p.experts if p.experts else 0.0
    dense = float(p.attention_weights + p.recurrent_weights + p.dense_weights)
    read = (dense + p.expert_weights * share + p.head_weights * (decode > 0)) * each / tp
    attended = min(context, p.attended_limit) if p.attended_limit else context
    cache = p.full_kv_elements * attended + p.window_kv_elements * min(context, p.window)
    read += decode * cache * d.kv_formats[0].bytes_per_element / min(tp, max(p.kv_heads, 1.0))
    computed = 2.0 * (dense + p.expert_weights * share) * (decode + prefill) / tp
    peak = max(device.peak_flops(kind) for kind in ("bf16", "fp16", "fp8", "fp4", "int8"))
    return max(read / device.bandwidth_bytes_per_s, computed / peak) * 1e3


@settings(max_examples=300)
@given(models, devices, formats, engines, gpus, st.integers(0, 2048), st.integers(1, 130_000), st.integers(0, 16_384))
def test_no_iteration_is_faster_than_its_roofline(
    profiles: dict[str, ModelProfile],
    model: str,
    device: str,
    weights: str,
    engine: str,
    tp: int,
    decode: int,
    context: int,
    prefill: int,
) -> None:
    profile, asked = profiles[model], deployments(device, weights, engine, kv="fp8", tp=tp, concurrency=max(decode, 1))
    calibration = load_calibration()
    measured = [key.split()[0] for level in calibration.levels if level.name == "model" for key in level.keys]
    for key in (profile.key, *measured[:3]):
        coefficients = calibration.coefficients(situations(asked, (key,)))
        step = step_time(
            resources(profile, asked),
            coefficients,
            decode=float(decode),
            context=float(context),
            prefill=float(prefill),
            prefill_context=prefill / 2,
            prompts=1.0 if prefill else 0.0,
        )
        assert step.total_ms[0] >= roofline_ms(profile, asked, decode, context, prefill) * ROUNDING


@settings(max_examples=150)
@given(models, devices, formats, engines, gpus, st.integers(1, 2048), st.integers(16, 120_000), st.integers(1, 8192))
def test_no_estimate_is_faster_than_its_roofline_whatever_was_measured_nearby(
    profiles: dict[str, ModelProfile],
    model: str,
    device: str,
    weights: str,
    engine: str,
    tp: int,
    batch: int,
    prompt: int,
    output: int,
) -> None:
    profile, asked = profiles[model], deployments(device, weights, engine, kv="fp8", tp=tp, concurrency=batch)
    wild = replace(load_calibration(), corrections=_Faster())
    for calibration in (load_calibration(), wild):
        found = estimate_serving(profile, asked, Load(float(prompt), float(output)), calibration, np.array([1e12]))
        least = roofline_ms(profile, asked, batch, prompt + output / 2, 0)
        assert found.tpot_mean_ms[0] >= least * ROUNDING
        terms = sum(float(np.ravel(values)[0]) for name, values in found.terms.items() if name.startswith("tpot_"))
        assert terms == pytest.approx(found.tpot_mean_ms[0])


class _Faster(Corrections):
    """Corrections that make everything thirty times faster."""

    def __init__(self) -> None:
        nothing = np.zeros((0, 0))
        super().__init__(nothing, nothing, (), nothing)

    def of(self, found: Situations, x: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        return np.full((3, len(x)), 1 / 30), np.zeros(len(x), dtype=bool)


def tpot_of(profile: ModelProfile, asked: Deployments, load: Load) -> FloatArray:
    """TPOT with room for every sequence, without what was measured of single models, which need follow no law."""
    bare = replace(load_calibration(), corrections=None)
    return estimate_serving(profile, asked, load, bare, np.full(len(asked), 1e12)).tpot_mean_ms


@settings(max_examples=60)
@given(models, devices, formats, engines, gpus, st.integers(1, 512), st.integers(1, 4096), st.data())
def test_tpot_grows_with_context(
    profiles: dict[str, ModelProfile],
    model: str,
    device: str,
    weights: str,
    engine: str,
    tp: int,
    batch: int,
    output: int,
    data: st.DataObject,
) -> None:
    prompts = np.array(sorted(data.draw(st.lists(st.integers(1, 120_000), min_size=2, max_size=6))), dtype=float)
    asked = deployments(device, weights, engine, kv="fp8", tp=tp, concurrency=np.full(len(prompts), batch))
    found = tpot_of(profiles[model], asked, Load(prompts, float(output)))
    assert (found[1:] >= found[:-1] * ROUNDING).all()


@settings(max_examples=60)
@given(models, devices, formats, engines, gpus, st.integers(1, 512), st.floats(1.0, 8.0))
def test_tpot_grows_with_the_bytes_of_the_model(
    profiles: dict[str, ModelProfile],
    model: str,
    device: str,
    weights: str,
    engine: str,
    tp: int,
    batch: int,
    more: float,
) -> None:
    profile, load = profiles[model], Load(1000.0, 500.0)
    asked = deployments(device, weights, engine, kv="fp8", tp=tp, concurrency=batch)
    fields = ("attention_weights", "recurrent_weights", "dense_weights", "expert_weights", "head_weights")
    larger = replace(profile, **{name: getattr(profile, name) * more for name in fields})
    before = tpot_of(profile, asked, load)
    assert tpot_of(larger, asked, load)[0] >= before[0] * ROUNDING


@settings(max_examples=25)
@given(
    name=st.from_regex(r"[a-z]{4,12}_next", fullmatch=True),
    layers=st.integers(2, 80),
    heads=st.sampled_from([8, 16, 32, 64]),
    ffn=st.integers(2, 4),
    device=st.sampled_from(["h200-sxm", "b200-sxm", "mi300x"]),
    concurrency=st.integers(1, 128),
)
@pytest.mark.usefixtures("profiles")
def test_unfamiliar_models_get_an_answer_with_a_wider_interval_and_a_reason(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    layers: int,
    heads: int,
    ffn: int,
    device: str,
    concurrency: int,
) -> None:
    from planner.architecture import resolve_model

    hidden = heads * 64
    config = {
        "model_type": name,
        "architectures": [f"{name.title()}ForCausalLM"],
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_key_value_heads": max(heads // 8, 1),
        "intermediate_size": hidden * ffn,
        "vocab_size": 64_000,
    }
    path = Path(tmp_path_factory.mktemp("unfamiliar")) / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    catalog = load_catalog()
    answer = estimate(
        Question(
            architecture=resolve_model(str(path), catalog=catalog),
            accelerator=catalog.accelerators[device],
            engine=catalog.engines["vllm"],
            weights=catalog.formats["bf16"],
            kv=catalog.kv_formats["bf16"],
            gpus=1,
            tp=1,
            pp=1,
            ep=1,
            attention_dp=1,
            load=Load(1000.0, 200.0),
            concurrency=concurrency,
        )
    )
    assert any("model's type is not known" in warning for warning in answer.warnings)
    assert any("were measured" in warning for warning in answer.warnings)
    assert EVIDENCE.index(answer.evidence) > EVIDENCE.index("pair")
    known = load_calibration().intervals
    for metric, figure in (("ttft", "ttft_mean_ms"), ("tpot", "tpot_mean_ms")):
        found = next(item for item in answer.estimates if item.name == figure)
        assert found.low is not None
        assert found.high is not None
        assert 0 < found.low < found.value < found.high < np.inf
        low, high = known[metric]["setting"]
        assert np.log(found.high / found.low) > high - low
