"""Recovery: the figures of the domain table, and honesty where nothing was measured."""

from __future__ import annotations

import pytest

from planner.catalog.quality import size_class

# Median and 10th percentile in percent, as published evidence gives them by family and size.
TABLE = [
    ("fp8-e4m3", 1.5e9, 99.5, 99.0),
    ("fp8-e4m3", 8e9, 99.8, 98.0),
    ("fp8-e4m3-block128", 32e9, 99.8, 99.1),
    ("fp8-e4m3-tensor", 70e9, 99.7, 99.0),
    ("fp8-e4m3", 405e9, 99.3, 98.6),
    ("int8-w8a8", 8e9, 100.3, 99.2),
    ("int8-w8a8", 70e9, 99.8, 98.5),
    ("int8-w8a8", 405e9, 98.8, 96.6),
    ("int4-awq-g128", 1e9, 93.0, 86.3),
    ("int4-gptq-g128", 8e9, 98.4, 95.8),
    ("int4-awq-g128", 70e9, 99.4, 98.4),
    ("nvfp4", 3e9, 90.9, 84.6),
    ("nvfp4", 8e9, 96.1, 92.4),
    ("nvfp4", 32e9, 99.5, 97.7),
    ("mxfp4", 8e9, 92.5, 85.5),
    ("int2-g64", 70e9, 91.9, 84.8),
]


@pytest.mark.parametrize(("name", "parameters", "median", "p10"), TABLE)
def test_weights_recover_what_was_measured(shipped, name, parameters, median, p10):
    known = shipped.quality.recovery(name, "bf16", parameters)
    assert known.measured
    assert known.median * 100 == pytest.approx(median, abs=0.1)
    assert known.p10 * 100 == pytest.approx(p10, abs=0.1)
    assert known.n > 0
    assert known.source


def test_the_reference_and_the_published_format_lose_nothing(shipped):
    for name in ("bf16", "fp16", "fp32"):
        known = shipped.quality.recovery(name, "bf16", 8e9)
        assert (known.median, known.p10, known.measured) == (1, 1, True)
    native = shipped.quality.recovery("fp8-e4m3-block128", "bf16", 671e9, "fp8-e4m3-block128")
    assert (native.median, native.p10, native.measured) == (1, 1, True)
    assert shipped.quality.recovery("fp8-e4m3-block128", "bf16", 671e9).median < 1


def test_the_kv_cache_counts_too(shipped):
    both = shipped.quality.recovery("fp8-e4m3", "fp8", 32e9)
    weights = shipped.quality.recovery("fp8-e4m3", "bf16", 32e9)
    cache = shipped.quality.recovery("bf16", "fp8", 32e9)
    assert cache.median == 0.975
    assert both.median == pytest.approx(weights.median * cache.median)
    assert both.p10 == pytest.approx(weights.p10 * cache.p10)
    assert (both.n, both.measured) == (6, True)


def test_a_gain_of_one_does_not_pay_for_the_loss_of_the_other(shipped):
    cache = shipped.quality.recovery("bf16", "fp8", 70e9)
    assert cache.median > 1
    both = shipped.quality.recovery("int4-awq-g128", "fp8", 70e9)
    assert both.median == shipped.quality.recovery("int4-awq-g128", "bf16", 70e9).median


def test_without_evidence_the_nearest_class_is_an_indication(shipped):
    unknown = shipped.quality.recovery("nvfp4", "bf16", 70e9)
    assert not unknown.measured
    assert unknown.median == shipped.quality.recovery("nvfp4", "bf16", 32e9).median
    assert unknown.note == "nothing measured at 51-130B; the figures are those of 16-50B"
    assert not shipped.quality.recovery("bf16", "fp8", 8e9).measured
    assert not shipped.quality.recovery("fp8-e4m3", "fp8", 8e9).measured


def test_perplexity_is_not_taken_for_tasks(shipped):
    known = shipped.quality.recovery("gguf-q6_k", "bf16", 8e9)
    assert (known.median, known.p10, known.measured) == (None, None, False)
    assert "perplexity" in known.note
    assert shipped.quality_families["gguf-q6_k-perplexity"].metric == "perplexity"
    combined = shipped.quality.recovery("gguf-q6_k", "q8_0", 8e9)
    assert (combined.median, combined.measured) == (None, False)


def test_unknown_formats_are_an_error(shipped):
    with pytest.raises(KeyError):
        shipped.quality.recovery("fp7", "bf16", 8e9)


@pytest.mark.parametrize(
    ("parameters", "size"),
    [(0.5e9, "<2B"), (4.0e9, "2-5B"), (6.7e9, "6-15B"), (14.8e9, "6-15B"), (46.7e9, "16-50B"), (57.4e9, "51-130B"),
     (123e9, "51-130B"), (180e9, ">130B")],
)  # fmt: skip
def test_size_classes(parameters, size):
    assert size_class(parameters) == size
