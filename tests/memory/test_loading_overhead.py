"""What loading takes beyond the tensors: segments of the allocator, copies of latents, wider rotary tables."""

from __future__ import annotations

import pytest

from planner.architecture.resolve import resolve_model
from planner.catalog import load_catalog
from planner.memory.accounting.sglang import LOADING_BYTES
from planner.memory.allocator import reserved_bytes
from planner.memory.loading_overhead import casts_experts, loading_overhead
from planner.memory.sharding import Layout
from planner.memory.weights import weight_bytes
from planner.units import GIB, MIB


@pytest.mark.parametrize(
    ("sizes", "reserved"),
    [
        ([], 0),
        ([1], 2),  # MiB: a small segment
        ([MIB] * 2, 2),
        ([MIB] * 3, 4),
        ([MIB + 1], 20),  # a segment for tensors below 10 MiB
        ([9 * MIB, 9 * MIB], 20),
        ([9 * MIB, 12 * MIB, 9 * MIB], 32),  # the second of 9 goes beside the first
        ([11 * MIB], 12),  # steps of 2
        ([19 * MIB, 2 * MIB], 40),  # what a large tensor leaves of its segment is too small
    ],
)
def test_segments(sizes: list[int], reserved: int) -> None:
    assert reserved_bytes(sizes) == reserved * MIB


def loaded_gib(name: str, tp: int) -> float:
    """Return what SGLang prints as the memory that loading in 16 bit takes, in GiB."""
    catalog = load_catalog()
    architecture, fmt = resolve_model(name, catalog=catalog), catalog.formats["bf16"]
    overhead = loading_overhead(architecture, fmt, Layout(tp))
    return (weight_bytes(architecture, fmt, tp).per_gpu + overhead + LOADING_BYTES) / GIB


@pytest.mark.parametrize(
    ("name", "tp", "printed", "tensors"),
    [
        ("Qwen/Qwen3-14B", 4, 7.08, 6.887),  # log of a 24 GB card
        ("Qwen/Qwen3-0.6B", 1, 1.20, 1.120),  # log of SGLang 0.4.6
        ("Qwen/Qwen3-30B-A3B", 1, 56.98, 56.880),  # sgl-project/sglang#18263
    ],
)
def test_sglang_prints_what_the_device_is_short_of(name: str, tp: int, printed: float, tensors: float) -> None:
    catalog = load_catalog()
    plain = weight_bytes(resolve_model(name, catalog=catalog), catalog.formats["bf16"], tp).per_gpu / GIB
    assert plain == pytest.approx(tensors, abs=0.001)
    assert loaded_gib(name, tp) == pytest.approx(printed, rel=0.002)


def test_latents_are_held_twice() -> None:
    """GLM-4.7-Flash: 47 layers with 20 heads of 192 + 256 features over a latent of 512, halved by TP 2."""
    catalog = load_catalog()
    glm, fmt = resolve_model("zai-org/GLM-4.7-Flash", catalog=catalog), catalog.formats["bf16"]
    copies = 47 * 512 * 20 * (192 + 256) * 2 // 2
    assert loading_overhead(glm, fmt, Layout(2)) > copies
    assert loading_overhead(glm, fmt, Layout(2)) < copies + 200 * MIB


def test_scales_are_tensors_of_their_own() -> None:
    """Experts of 384 MiB make whole segments; with their scales in them they would not, 94 times."""
    catalog = load_catalog()
    qwen = resolve_model("Qwen/Qwen3-235B-A22B", catalog=catalog)
    assert loading_overhead(qwen, catalog.formats["fp8-e4m3-block128"], Layout(4)) < 94 * 4 * MIB


def test_ascend_keeps_the_room_in_which_experts_were_cast() -> None:
    """GLM-4.7-Flash on two Ascend 910B: 64 experts' gate and up of 768 x 2048 in 16 bit; the log prints 28.79 GiB."""
    catalog = load_catalog()
    glm, fmt, layout = resolve_model("zai-org/GLM-4.7-Flash", catalog=catalog), catalog.formats["bf16"], Layout(2)
    plain = loading_overhead(glm, fmt, layout)
    cast = loading_overhead(glm, fmt, layout, casts=True)
    assert cast - plain == 64 * 2 * 768 * 2048 * 2
    assert (weight_bytes(glm, fmt, 2).per_gpu + cast + LOADING_BYTES) / GIB == pytest.approx(28.79, rel=0.001)
    assert [casts_experts(catalog.accelerators[name]) for name in ("ascend-910b2", "h100-sxm")] == [True, False]
    dense = resolve_model("Qwen/Qwen3-14B", catalog=catalog)
    assert loading_overhead(dense, fmt, layout, casts=True) == loading_overhead(dense, fmt, layout)
