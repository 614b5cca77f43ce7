"""Which vLLM a text means, and what the version takes by default."""

from __future__ import annotations

import pytest

from planner.catalog import load_catalog
from planner.memory.accounting.runtime import EngineOptions, Setting
from planner.memory.accounting.vllm import batch_limits
from planner.memory.accounting.vllm_version import Version, parse_version, states_per_sequence
from planner.memory.shape import ForwardShape
from planner.memory.sharding import Layout

SHAPE = ForwardShape(4096, 128_256, 32, 43_008, 0, 0, 0, 0, False, False, 32, "llama")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("0.6.4.post1", Version(6, v0_engine=True)),
        ("v0.7.3 V1", Version(7)),
        ("V0.11.0", Version(11)),
        ("0.8.5 dev V1 (2025-04-24)", Version(8)),
        ("0.9.x V0 (2025-06-24)", Version(9, v0_engine=True)),
        ("main 2024-12-13", Version(6, v0_engine=True)),
        ("~0.27 (2026-08-11)", Version(27)),
        ("V1 (2026-07)", Version(24)),
        ("0.26.1rc1.dev608", Version(26)),
        ("somebody's fork", Version(31)),
    ],
)
def test_versions_as_people_write_them(text: str, version: Version) -> None:
    assert parse_version(text) == version


def test_eras_of_the_sampler() -> None:
    assert [parse_version(text).era for text in ("0.6.4", "0.16.0", "0.17.0")] == ["v0", "sort", "triton"]


def test_prefix_caching_keeps_two_states() -> None:
    assert [states_per_sequence(text) for text in ("0.19.0", "0.20.0")] == [1, 2]


@pytest.mark.parametrize(
    ("device", "version", "options", "tokens", "sequences"),
    [
        ("h100-sxm", "0.19.0", EngineOptions(), 8192, 1024),
        ("h100-sxm", "0.19.0", EngineOptions(offline=True), 16384, 1024),
        ("a100-sxm-80", "0.19.0", EngineOptions(), 2048, 256),
        ("l40s", "0.19.0", EngineOptions(), 2048, 256),
        ("l40s", "0.8.5 V1", EngineOptions(), 2048, 1024),
        ("h100-sxm", "0.19.0", EngineOptions(max_num_seqs=16), 8192, 16),
        ("h100-sxm", "0.19.0", EngineOptions(max_num_batched_tokens=512), 512, 512),
        ("h100-sxm", "0.19.0", EngineOptions(max_num_seqs=2, max_model_len=1024), 2048, 2),
        ("h100-sxm", "0.6.4", EngineOptions(max_model_len=16384), 16384, 256),
        ("h100-sxm", "0.6.4", EngineOptions(max_model_len=131072), 2048, 256),
    ],
)
def test_default_batches(device: str, version: str, options: EngineOptions, tokens: int, sequences: int) -> None:
    catalog = load_catalog()
    setting = Setting(catalog.engines["vllm"], catalog.accelerators[device], SHAPE, Layout(), options)
    assert batch_limits(setting, parse_version(version)) == (tokens, sequences)
