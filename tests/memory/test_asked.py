"""What may be asked of an engine's memory: every option has an effect or is refused, and so has every degree."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from planner.architecture import resolve_model
from planner.catalog import load_catalog
from planner.memory.accounting.runtime import EngineOptions
from planner.memory.asked import READS, flag, refusals
from planner.memory.overview import Question, overview
from planner.report.memory_data import memory_data

CATALOG = load_catalog()
SEEING = resolve_model("Qwen/Qwen2.5-VL-7B-Instruct", catalog=CATALOG)
DENSE = resolve_model("meta-llama/Llama-3.1-8B-Instruct", catalog=CATALOG)
EXPERTS = resolve_model("mistralai/Mixtral-8x7B-v0.1", catalog=CATALOG)

VALUES = {
    "gpu_memory_utilization": 0.5,
    "max_num_batched_tokens": 1000,
    "max_num_seqs": 8,
    "eager": True,
    "text_only": True,
    "version": "0.11.0",
    "block_tokens": 64,
    "shared_prefix": 4001,
}

BASE = {"text_only": {"max_num_seqs": 8, "max_num_batched_tokens": 2048}}
"""Beside a large batch the image encoder is not what peaks."""


def question(engine="vllm", **fields):
    return Question(
        weights=CATALOG.formats["bf16"],
        kv=CATALOG.kv_formats["bf16"],
        accelerator=CATALOG.accelerators["h100-sxm"],
        engine=CATALOG.engines[engine],
        **{"tp": 1, "context": 8001, "concurrency": 4, **fields},
    )


def asked(engine, option, value):
    if option == "shared_prefix":
        return question(engine, shared_prefix=value)
    return question(engine, options=EngineOptions(**{**BASE.get(option, {}), option: value}))


def sizes(model, of):
    """Return what is told of bytes, without the settings that are only repeated."""
    data = memory_data(overview(model, of, CATALOG))
    return json.dumps([data["budget"], data["concurrency"]["max"], data["concurrency"]["asked_bytes_per_gpu"]])


@pytest.mark.parametrize("option", VALUES)
@pytest.mark.parametrize("engine", READS)
def test_an_option_changes_an_engine_s_memory_or_is_refused(engine, option):
    with_option = asked(engine, option, VALUES[option])
    if option in READS[engine]:
        assert not list(refusals(SEEING, with_option))
        assert sizes(SEEING, with_option) != sizes(
            SEEING, question(engine, options=EngineOptions(**BASE.get(option, {})))
        )
    else:
        refusal = list(refusals(SEEING, with_option))[-1]
        assert refusal.startswith(f"{flag(option)} has no effect on the memory of {CATALOG.engines[engine].name}")
        with pytest.raises(ValueError, match="has no effect"):
            overview(SEEING, with_option, CATALOG)


@pytest.mark.parametrize(
    ("model", "of", "words"),
    [
        (DENSE, question(tp=8, ep=8), "has no experts"),
        (EXPERTS, question(tp=2, ep=16), "--ep 16 must divide --tp, which is 2"),
        (EXPERTS, question(tp=None, ep=2), "not given"),
        (EXPERTS, question("llamacpp", pp=2, ep=2), "no expert parallelism"),
        (DENSE, question("llamacpp", tp=4), "use --pp 4"),
        (DENSE, question(pp=33), "the model has 32 layers"),
        (DENSE, question("transformers", tp=1, options=EngineOptions(attention_dp=2)), "--attention-dp"),
        (DENSE, question(options=EngineOptions(version="newest")), "write it as 0.11.0"),
        (DENSE, question(options=EngineOptions(text_only=True)), "models that read images"),
        (DENSE, question(context=100, shared_prefix=101), "longer than the sequence"),
    ],
)
def test_what_the_model_or_the_engine_does_not_have_is_refused_with_a_remedy(model, of, words):
    assert any(words in refusal for refusal in refusals(model, of))


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (question(tp=3), "TP 3 does not divide 32 attention heads"),
        (question(context=200_000), "longer than the model's 131,072"),
        (question(options=EngineOptions(version="0.77.0")), "newer than what is known"),
        (replace(question(), accelerator=CATALOG.accelerators["v100-sxm2-32"]), "not known to run BF16 on V100"),
    ],
)
def test_what_will_not_run_so_is_said_beside_the_figures(of, words):
    assert any(words in note for note in overview(DENSE, of, CATALOG).notes)
    assert not overview(DENSE, question(), CATALOG).notes


@pytest.mark.parametrize("name", ["meta-llama/Llama-3.1-8B-Instruct", "google/gemma-3-27b-it"])
def test_a_shared_prefix_is_kept_once(name):
    """Of 64 sequences 63 do without the whole pages of 4,096 tokens in the layers that keep every token."""
    model = resolve_model(name, catalog=CATALOG)
    plain, shared = (overview(model, question(tp=2, context=8192, concurrency=64, **more), CATALOG)
                     for more in ({}, {"shared_prefix": 4096}))  # fmt: skip
    full = sum(g.count * g.mixer.kv_elements_per_token for g in model.layers if g.mixer.window is None) * 2 / 2
    assert plain.cache_bytes - shared.cache_bytes == pytest.approx(63 * 4096 * full, rel=0.001)
    assert shared.max_concurrency > plain.max_concurrency
    assert shared.budget.bytes_for(8192, shared.max_concurrency, shared_prefix=4096) == pytest.approx(
        shared.budget.kv_budget_bytes
    )


def test_contiguous_cache_rounds_nothing_up():
    paged, contiguous = (
        overview(DENSE, question(context=8001, concurrency=1, options=EngineOptions(block_tokens=size)), CATALOG)
        for size in (512, 1)
    )
    assert contiguous.cache_bytes == 8001 * 131_072
    assert paged.cache_bytes == 8192 * 131_072
