"""vLLM's pool of blocks for models whose layers differ, against what its logs print."""

from __future__ import annotations

import pytest

from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.kv_pool import Pool, pool
from planner.memory.sharding import Layout


def of(name: str, layout: Layout | None = None) -> Pool | None:
    catalog = load_catalog()
    return pool(resolve_model(name, catalog=catalog), catalog.kv_formats["bf16"], layout or Layout())


@pytest.mark.parametrize("name", ["meta-llama/Llama-3.1-8B-Instruct", "deepseek-ai/DeepSeek-V3"])
def test_alike_layers_need_no_pool(name: str) -> None:
    assert of(name) is None


@pytest.mark.parametrize(
    ("name", "block_tokens"), [("Qwen/Qwen3-Next-80B-A3B-Instruct", 544), ("nvidia/NVIDIA-Nemotron-Nano-9B-v2", 672)]
)
def test_attention_blocks_are_as_large_as_a_state(name: str, block_tokens: int) -> None:
    """vLLM: "Setting attention block size to 544 tokens to ensure that attention page size is >= mamba page size"."""
    found = of(name)
    assert found is not None
    assert found.block_tokens == block_tokens


def test_groups_are_as_large_as_the_smallest_kind() -> None:
    """Gemma-3-27B: 10 full and 52 sliding layers, so six groups of ten and one padded."""
    found = of("google/gemma-3-27b-it")
    assert found is not None
    assert found.windows == (None, *(1024,) * 6)
    assert found.block_bytes == 16 * 10 * 2 * 16 * 128 * 2


def test_kinds_of_nearly_equal_number_form_one_group_each() -> None:
    found = of("google/gemma-2-9b-it")
    assert found is not None
    assert found.windows == (None, 4096)


def test_a_window_holds_one_block_more_than_it_spans() -> None:
    shared = Pool(16, 1.0, (None, 128))
    assert shared.blocks_per_sequence(64) == 4 + 4
    assert shared.blocks_per_sequence(1024) == 64 + 8 + 1
    assert shared.blocks_per_sequence(1024, chunk=512) == 64 + 40 + 1


def test_states_take_whole_blocks() -> None:
    assert Pool(544, 1.0, (None, 0, 0, 0)).blocks_per_sequence(544) == 1 + 3
    assert Pool(544, 1.0, (None, 0, 0, 0), states=2).blocks_per_sequence(545) == 2 + 6


def test_only_whole_blocks_count() -> None:
    assert [Pool(16, 100.0, (None,)).blocks(budget) for budget in (-1, 99, 250)] == [0, 0, 2]
