"""Words about a candidate, in any order."""

from __future__ import annotations

import pytest

from planner.catalog import load_catalog
from planner.errors import InputError
from planner.explain.wanted import parse_wanted


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (
            "h100-sxm fp8-e4m3 tp4",
            {"accelerators": ("h100-sxm",), "weights": ("fp8-e4m3",), "tensor_parallel": (4,)},
        ),
        (
            "TP=8 sglang, reserved-1y H200-SXM pp2",
            {
                "tensor_parallel": (8,),
                "engines": ("sglang",),
                "pricing": ("reserved-1y",),
                "accelerators": ("h200-sxm",),
                "pipeline_parallel": (2,),
            },
        ),
        ("bf16 kv-fp8", {"weights": ("bf16",), "kv_cache": ("fp8",)}),
        ("kv=int8 weights=bf16", {"kv_cache": ("int8",), "weights": ("bf16",)}),
        ("provider=aws", {"providers": ("aws",)}),
        ("aws/p5.48xlarge/us-east-1", {"offers": ("aws/p5.48xlarge/us-east-1",)}),
    ],
)
def test_words_name_keys_of_the_search(words, values):
    assert dict(parse_wanted(words, load_catalog()).values) == values


def test_the_first_part_of_several_ids_means_all_of_them():
    found = parse_wanted("gguf reserved v100", load_catalog())
    assert found.of("pricing") == ("reserved-1y", "reserved-3y")
    assert len(found.of("weights")) > 3
    assert all(name.startswith("gguf-") for name in found.of("weights"))
    assert all(name.startswith("v100-") for name in found.of("accelerators"))


def test_every_wrong_word_is_told_with_what_may_have_been_meant():
    with pytest.raises(InputError) as caught:
        parse_wanted("h100-sxn colour=red provider=asw tp4 tp8", load_catalog())
    text = str(caught.value)
    assert "did you mean 'h100-sxm'?" in text
    assert "there is no 'colour'" in text
    assert "no provider is called 'asw'; did you mean 'aws'?" in text
    assert "tensor_parallel is named twice" in text


def test_no_words_name_nothing():
    with pytest.raises(InputError, match="names nothing"):
        parse_wanted("  ", load_catalog())
