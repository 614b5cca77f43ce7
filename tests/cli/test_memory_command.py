"""``planner memory``: the screen, the fields that scripts read, the page, and what is refused."""

from __future__ import annotations

import json
import re

import pytest

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


def test_the_screen_is_one_screen_wide_and_adds_up(planner):
    ran = planner("memory", LLAMA, "--concurrency", 16)
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert max(len(line) for line in lines) <= 100
    for expected in ("8,030,261,248 parameters", "14.99 GiB", "Rule of thumb and truth", "NVMe SSD", "16 of them take"):
        assert expected in ran.out


def test_json_has_what_scripts_read(planner):
    data = json.loads(planner("memory", LLAMA, "--format", "json", "--tp", 1).out)
    assert data["parameters"]["total"] == 8_030_261_248
    assert data["parameters"]["active"] == 8_030_261_248
    assert data["kv_cache"]["bytes_per_token_bf16"] == 131_072
    assert data["weights_bytes_per_gpu"] == 16_094_076_928
    assert data["kv_cache_budget_bytes_per_gpu"] == data["budget"]["terms"][-1]["bytes"] > 0
    assert data["kv_cache_tokens"] == data["kv_cache_budget_bytes_per_gpu"] // (16 * 131_072) * 16


def test_a_mixture_says_what_a_token_reads(planner):
    data = json.loads(planner("memory", "mistralai/Mixtral-8x7B-v0.1", "--format", "json").out)
    assert data["parameters"]["total"] == 46_702_792_704
    assert data["parameters"]["active"] == pytest.approx(12.88e9, rel=0.001)


def test_the_page_stands_alone(planner):
    page = planner("memory", LLAMA, "--format", "html").out
    assert page.startswith("<!doctype html>")
    assert page.count("<svg") >= 2
    assert not re.search(r"<script|javascript:|https?://(?!www\.w3\.org)[^ <\"]+\.(js|css)|<link|@import", page)


def test_labels_of_the_chart_fit_beside_its_bars(planner):
    """29 % of the page is theirs: 28 characters at its usual width."""
    page = planner("memory", LLAMA, "--format", "html").out
    labels = re.findall(r'<text class="label"[^>]*>([^<]*)<', page)
    assert "BF16" in labels
    assert max(map(len, labels)) <= 28


def test_a_name_cannot_break_out_of_the_page(planner, tmp_path):
    (tmp_path / "config.json").write_text(
        json.dumps({
            "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
            "intermediate_size": 128, "vocab_size": 256, "_name_or_path": "<script>alert(1)</script>",
        })
    )  # fmt: skip
    odd = tmp_path / "<img src=x onerror=alert(1)>"
    odd.mkdir()
    (tmp_path / "config.json").rename(odd / "config.json")
    page = planner("memory", odd / "config.json", "--format", "html").out
    assert "<img src=x" not in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--weights", "int4-awk-g128"), "did you mean int4-awq-g128"),
        (("--accelerator", "h1000-sxm"), "did you mean"),
        (("--kv-cache", "fp7"), "--kv-cache"),
        (("--engine", "vlm"), "did you mean vllm"),
        (("--tp", "0"), "0 is not in the range"),
        (("--attention-dp", "3", "--tp", "4"), "must divide tp"),
        (("--gpu-memory-utilization", "1.5"), "not in the range"),
    ],
)
def test_wrong_flags_are_named_with_what_may_have_been_meant(planner, arguments, words):
    ran = planner("memory", LLAMA, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_an_unknown_model_is_refused_without_a_traceback(planner, tmp_path):
    ran = planner("memory", tmp_path / "nowhere" / "config.json")
    assert ran.code == 2
    assert "Traceback" not in ran.err


OPTIONS = (
    ("--max-num-seqs", 8),
    ("--max-num-batched-tokens", 512),
    ("--engine-version", "0.15.0"),
    ("--gpu-memory-utilization", 0.5),
    ("--kv-cache", "fp8"),
    ("--pp", 2),
    ("--tp", 2),
    ("--weights", "fp8-e4m3"),
    ("--accelerator", "h200-sxm"),
    ("--engine", "sglang"),
)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option[0])
def test_every_option_changes_what_the_cache_holds(planner, option):
    arguments = ("memory", "google/gemma-2-9b-it", "--format", "json", "--context", 8192)
    plain, changed = (json.loads(planner(*arguments, *more).out)["kv_cache_tokens"] for more in ((), option))
    assert plain != changed


def test_eager_mode_has_no_graphs(planner):
    graphs = [
        json.loads(planner("memory", LLAMA, "--format", "json", *more).out)["budget"]["cuda_graphs_bytes"]
        for more in ((), ("--eager",))
    ]
    assert graphs[0] > graphs[1] == 0


def test_more_experts_per_gpu_group_and_attention_groups(planner):
    def local(*more):
        arguments = ("memory", "deepseek-ai/DeepSeek-V3", "--accelerator", "h200-sxm", "--tp", 8, "--format", "json")
        return json.loads(planner(*arguments, *more).out)

    plain, grouped = local(), local("--attention-dp", 8, "--ep", 8)
    assert grouped["weights_bytes_per_gpu"] > plain["weights_bytes_per_gpu"]  # attention on every GPU
    assert grouped["concurrency"]["asked_bytes_per_gpu"] == plain["concurrency"]["asked_bytes_per_gpu"]  # latents


def test_all_formats_shows_more(planner):
    short, long = (planner("memory", LLAMA, *more).out for more in ((), ("--all-formats",)))
    assert len(long.splitlines()) > len(short.splitlines()) + 5
    assert "MLX 4 bit" in long


def test_help_teaches(planner):
    out = planner("memory", "--help").out
    assert out.count("planner memory ") >= 5
    assert "--gpu-memory-utilization" in out


def test_a_model_may_be_written_out(planner, tmp_path):
    config = {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 32000,
              "intermediate_size": 11008, "model_type": "llama"}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    file, text, yaml = (
        json.loads(planner("memory", form, "--format", "json").out)
        for form in (tmp_path / "config.json", json.dumps(config), json.dumps(config).replace('"', ""))
    )
    assert text["parameters"] == yaml["parameters"] == file["parameters"]
    assert text["model"] == "inline"
    broken = planner("memory", "{hidden_size: 4096")
    assert (broken.code, broken.out) == (2, "")
    assert "MODEL:" in broken.err
    assert "help:" in broken.err


def test_options_that_an_engine_does_not_read_are_refused(planner):
    ran = planner("memory", LLAMA, "--engine", "llamacpp", "--eager")
    assert (ran.code, ran.out) == (2, "")
    assert "--eager has no effect on the memory of llama.cpp" in ran.err
