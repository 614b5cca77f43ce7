"""``planner memory --training``: what it prints, and what it refuses."""

from __future__ import annotations

import json
import re
from typing import get_args

import pytest
from click.testing import CliRunner

from planner.cli import memory_training
from planner.cli.memory import memory
from planner.training.optimizers import OPTIMIZERS
from planner.training.parallel import SHARDINGS, Schedule
from planner.training.precision import PRECISIONS
from planner.training.setup import CHECKPOINTING
from planner.training.software import LOSSES, SOFTWARE
from planner.units import format_bytes_gib

MODEL = "meta-llama/Llama-3.1-8B-Instruct"


def run(*arguments):
    return CliRunner().invoke(memory, [MODEL, *arguments])


def asked(*arguments):
    return json.loads(run(*arguments, "--format", "json").output)


def test_the_choices_are_those_of_the_tables():
    assert tuple(OPTIMIZERS) == memory_training.OPTIMIZERS
    assert tuple(PRECISIONS) == memory_training.PRECISIONS
    assert SHARDINGS == memory_training.SHARDINGS
    assert set(memory_training.SOFTWARE) <= set(SOFTWARE)
    assert tuple(LOSSES) == memory_training.LOSSES
    assert get_args(Schedule) == memory_training.SCHEDULES
    assert CHECKPOINTING == ("none", "selective", "full", "offloaded")


def test_the_text_has_terms_phases_verdict_and_rules_of_thumb():
    text = run("--training", "full").output
    for part in (
        "master weights",
        "second moment",
        "backward",
        "does not fit H100",
        "Rule of thumb and truth: AdamW 4N",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 130


def test_terms_add_up_in_json():
    found = asked("--training", "full", "--gpus", "8")
    assert sum(term["bytes"] for term in found["terms"]) == pytest.approx(found["device_bytes"])
    assert found["parallel"]["dp"] == 8
    assert found["fits"] is True


@pytest.mark.parametrize(
    "flags",
    [
        ("--optimizer", "sgd"),
        ("--precision", "bf16"),
        ("--gpus", "8"),
        ("--gpus", "8", "--sharding", "zero1"),
        ("--gpus", "8", "--sharding", "hsdp", "--shard-group", "4"),
        ("--cp", "2"),
        ("--tp", "2"),
        ("--pp", "2"),
        ("--pp", "2", "--virtual-stages", "2", "--accumulation", "8"),
        ("--pp", "2", "--schedule", "gpipe", "--accumulation", "8", "--checkpointing", "none"),
        ("--micro-batch", "8"),
        ("--accumulation", "2"),
        ("--sequence-length", "65536"),
        ("--checkpointing", "none"),
        ("--software", "megatron"),
        ("--loss", "eager", "--micro-batch", "32"),
        ("--no-flash-attention",),
        ("--optimizer-in-backward",),
        ("--offload", "optimizer"),
    ],
    ids=" ".join,
)
def test_every_option_changes_the_answer(flags):
    base = asked("--training", "full")
    assert asked("--training", "full", *flags)["device_bytes"] != base["device_bytes"]


def test_what_is_offloaded_is_told():
    asked_for = ("--training", "full", "--offload", "all")
    assert asked(*asked_for)["host_bytes"] == pytest.approx(16 * 8_030_261_248)
    assert "and 119.66 GiB in host memory for each GPU" in run(*asked_for).output
    assert "host memory" not in run("--training", "full").output


def test_the_schedule_makes_a_difference_in_a_pipeline():
    pipeline = ("--training", "full", "--pp", "2", "--accumulation", "8", "--checkpointing", "none")
    assert asked(*pipeline, "--schedule", "gpipe")["device_bytes"] > asked(*pipeline)["device_bytes"]


def test_rank_and_format_of_the_frozen_weights_change_the_answer():
    base = asked("--training", "qlora")["device_bytes"]
    assert asked("--training", "qlora", "--rank", "64")["device_bytes"] > base
    assert asked("--training", "qlora", "--weights", "int8-w8a16")["device_bytes"] > base


def test_the_accelerator_decides_whether_it_fits():
    assert asked("--training", "qlora", "--accelerator", "rtx4090")["fits"] is True
    assert asked("--training", "lora", "--accelerator", "t4")["fits"] is False


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--micro-batch", "2"), "is about training"),
        (("--training", "full", "--concurrency", "4"), "is about serving"),
        (("--training", "full", "--all-formats"), "is about serving"),
        (("--training", "full", "--rank", "8"), "is of adapters"),
        (("--training", "lora", "--precision", "bf16"), "is of full training"),
        (("--training", "full", "--weights", "nf4"), "full training has none"),
        (("--training", "qlora", "--weights", "nope"), "not in the catalog"),
        (("--training", "full", "--gpus", "6", "--tp", "4"), "no multiple"),
        (("--training", "full", "--pp", "64"), "64 pipeline stages for 32 layers"),
        (("--training", "full", "--sharding", "hsdp"), "needs shard_group"),
        (("--training", "full", "--accelerator", "nope"), "not in the catalog"),
    ],
    ids=lambda item: item if isinstance(item, str) else " ".join(item),
)
def test_what_cannot_be_asked_is_refused(flags, message):
    found = run(*flags)
    assert found.exit_code == 2
    assert message in found.output


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--training", "full", "--schedule", "gpipe"), "gpipe needs pipeline stages"),
        (("--training", "full", "--gpus", "8", "--sharding", "ddp", "--shard-group", "2"), "something to shard"),
        (("--training", "qlora", "--weights", "bf16"), "it is --training lora"),
        (("--training", "full", "--accelerator", "h1000-sxm"), "did you mean"),
        (("--training", "lora", "--weights", "int4-awk-g128"), "did you mean int4-awq-g128"),
    ],
)
def test_what_would_have_no_effect_is_refused(flags, words):
    ran = run(*flags)
    assert ran.exit_code == 2
    assert words in ran.output


@pytest.mark.parametrize(
    ("flags", "note"),
    [
        (("--precision", "fp8", "--accelerator", "a100-sxm-80"), "A100 SXM4 80GB does not compute in FP8"),
        (("--sequence-length", "200000"), "200,000 tokens are longer than the model's 131,072"),
    ],
)
def test_what_will_not_run_so_is_noted(flags, note):
    assert any(note in found for found in asked("--training", "full", *flags)["notes"])
    assert note in " ".join(run("--training", "full", *flags).output.split())
    assert asked("--training", "full")["notes"] == []


def test_the_page_stands_alone_and_says_what_the_text_says():
    flags = ("--training", "full", "--gpus", "2", "--pp", "2", "--accumulation", "4")
    page, found = run(*flags, "--format", "html").output, asked(*flags)
    assert page.startswith("<!doctype html>")
    assert page.count("<svg") == 1
    assert not re.search(r"<script|javascript:|<link|@import", page)
    for term in found["terms"]:
        assert format_bytes_gib(term["bytes"], 2) in page or term["bytes"] < 5_000_000
    assert format_bytes_gib(found["device_bytes"], 2) in page
    assert "first to last stage" in page
    assert "It does not fit" in run("--training", "full", "--format", "html").output
