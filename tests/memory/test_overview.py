"""What ``planner memory`` tells: rules of thumb that end at the exact figure, formats, places and loading."""

from __future__ import annotations

import pytest

from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.loading import load_times
from planner.memory.overview import Overview, Question, overview
from planner.memory.weights import weight_bytes

CASES = (
    ("meta-llama/Llama-3.1-8B-Instruct", "bf16", "h100-sxm", "vllm", 1),
    ("meta-llama/Llama-3.1-8B-Instruct", "int4-awq-g128", "rtx4090", "sglang", 2),
    ("meta-llama/Llama-3.1-8B-Instruct", "gguf-q4_k_m", "rtx4090", "llamacpp", 1),
    ("openai/gpt-oss-120b", "mxfp4", "h100-sxm", "vllm", 1),
    ("deepseek-ai/DeepSeek-V3", "fp8-e4m3-block128", "h200-sxm", "vllm", 8),
    ("google/gemma-3-27b-it", "bf16", "a100-sxm-80", "vllm", 1),
    ("Qwen/Qwen3-Next-80B-A3B-Instruct", "fp8-e4m3", "h100-sxm", "vllm", 2),
)


def view(
    name: str,
    fmt: str = "bf16",
    device: str = "h100-sxm",
    engine: str = "vllm",
    tp: int | None = 1,
    context: int = 8192,
) -> Overview:
    catalog = load_catalog()
    question = Question(
        catalog.formats[fmt], catalog.kv_formats["bf16"], catalog.accelerators[device], catalog.engines[engine], tp,
        context=context,
    )  # fmt: skip
    return overview(resolve_model(name, catalog=catalog), question, catalog)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].rpartition('/')[2]}-{case[1]}-tp{case[4]}")
def test_rules_of_thumb_end_at_the_exact_figure(case: tuple[str, str, str, str, int]) -> None:
    found = view(*case)
    for item in (found.weights_rule, found.cache_rule):
        assert item.rule + sum(step.value for step in item.steps) == pytest.approx(item.exact, abs=1)
        assert all(step.name and step.why for step in item.steps)
    assert found.weights_rule.exact == found.budget.weights_bytes
    assert sum(term.value for term in found.budget.terms) == pytest.approx(found.budget.runtime.limit, abs=2)


def test_the_least_degree_that_fits_is_chosen() -> None:
    small, large = (view(f"meta-llama/Llama-3.1-{size}-Instruct", tp=None) for size in ("8B", "70B"))
    assert (small.budget.layout.tp, large.budget.layout.tp) == (1, 2)
    assert small.tp_chosen
    assert not view("meta-llama/Llama-3.1-8B-Instruct", tp=4).tp_chosen


def test_formats_stand_by_size_with_what_they_save() -> None:
    found = view("meta-llama/Llama-3.1-8B-Instruct")
    sizes = [item.checkpoint_bytes for item in found.formats]
    assert sizes == sorted(sizes, reverse=True)
    by_id = {item.id: item for item in found.formats}
    assert by_id["bf16"].saving == 0
    assert by_id["fp32"].saving == -1
    assert by_id["int4-awq-g128"].saving == pytest.approx(0.64, abs=0.02)
    assert "tf32" not in by_id  # computes, stores nothing
    assert by_id["bf16"].recovery_median == 1.0


def test_formats_that_would_convert_hardly_anything_are_left_out() -> None:
    """No group of 128 divides the 2880 features of gpt-oss."""
    assert "int4-gptq-g128" not in {item.id for item in view("openai/gpt-oss-120b").formats}


def test_places_are_ever_smaller_devices() -> None:
    found = view("meta-llama/Llama-3.1-70B-Instruct", tp=2)
    for item in found.formats:
        memory = [place.memory_bytes for place in item.places]
        assert memory == sorted(memory, reverse=True)
        assert [place.gpus for place in item.places] == sorted({place.gpus for place in item.places})


def test_a_place_really_holds_the_weights() -> None:
    architecture = resolve_model("meta-llama/Llama-3.1-70B-Instruct", catalog=load_catalog())
    found = view("meta-llama/Llama-3.1-70B-Instruct", tp=2)
    for item in found.formats:
        whole = weight_bytes(architecture, load_catalog().formats[item.id]).checkpoint
        assert all(place.gpus * place.memory_bytes > whole for place in item.places)


def test_the_curve_bends_where_windows_fill() -> None:
    found = dict(view("google/gemma-3-27b-it", context=8192).curve)
    early, late = found[1024] / 1024, (found[131072] - found[65536]) / 65536
    assert early == 507_904
    assert late == 81_920  # 10 of 62 layers


def test_loading_takes_bytes_over_rate_and_what_is_added() -> None:
    times = {item.storage: item for item in load_times(140e9, load_catalog().storage.values())}
    assert times["nvme-gen4"].seconds == pytest.approx(30)  # 20 s and half as long again
    assert times["sata-ssd"].seconds == pytest.approx(420)
    order = [item.seconds for item in load_times(140e9, load_catalog().storage.values())]
    assert order == sorted(order, reverse=True)
