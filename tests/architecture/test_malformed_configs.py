"""Configs that make no sense: refused with every wrong field named, at once and in good time."""

from __future__ import annotations

import json
import time

import pytest

from planner.architecture import parse_config
from planner.architecture.checkpoint import read_model
from planner.architecture.json_file import MAX_CONFIG_BYTES
from planner.errors import ArchitectureError

WRONG = {
    "no hidden size": ({"hidden_size": None}, "hidden_size: is missing"),
    "no layers": ({"num_hidden_layers": None}, "num_hidden_layers: is missing"),
    "no vocabulary": ({"vocab_size": None}, "vocab_size: is missing"),
    "no heads": ({"num_attention_heads": None}, "num_attention_heads: is missing"),
    "negative": ({"hidden_size": -64}, "hidden_size: must be between 1 and"),
    "zero layers": ({"num_hidden_layers": 0}, "num_hidden_layers: must be between 1 and"),
    "text": ({"hidden_size": "64"}, "hidden_size: must be a whole number, is '64'"),
    "truth": ({"vocab_size": True}, "vocab_size: must be a whole number, is True"),
    "fraction": ({"intermediate_size": 96.5}, "intermediate_size: must be a whole number"),
    "infinite": ({"intermediate_size": float("inf")}, "intermediate_size: must be a whole number"),
    "not a number": ({"vocab_size": float("nan")}, "vocab_size: must be a whole number"),
    "absurdly wide": ({"hidden_size": 10**9}, "hidden_size: must be between 1 and 1048576"),
    "absurdly deep": ({"num_hidden_layers": 10**6}, "num_hidden_layers: must be between 1 and 4096"),
    "absurd altogether": (
        {"hidden_size": 2**20, "num_attention_heads": 2**10, "intermediate_size": 2**24, "num_hidden_layers": 4096},
        "it implies 225,197,582,481,096,704 parameters",
    ),
    "heads do not divide": ({"num_attention_heads": 5}, "5 heads do not divide hidden_size 64"),
    "groups do not divide": ({"num_key_value_heads": 3}, "3 key-value heads do not divide 4"),
    "list of layers": ({"layer_types": "full"}, "layer_types: must be a list"),
    "kinds that are numbers": ({"layer_types": [1, 2]}, "layer_types: 1 is no kind of layer"),
    "kinds that nobody knows": ({"layer_types": ["quantum"] * 2}, "'quantum' is no kind of layer"),
    "too few kinds": (
        {"num_hidden_layers": 5, "layer_types": ["full_attention", "sliding_attention"]}, "kinds of 2 layers",
    ),
    "recurrence of no kind": (
        {"layer_types": ["recurrent"] * 2, "num_attention_heads": None, "head_dim": 16}, "of which kind",
    ),
    "flag that is text": ({"attention_bias": "yes"}, "attention_bias: must be true or false"),
    "experts that are a mapping": ({"num_experts": {}}, "num_experts: must be a whole number"),
    "more experts per token than there are": (
        {"num_experts": 4, "num_experts_per_tok": 5}, "num_experts_per_tok: is more than the 4 experts",
    ),
    "indices that are text": (
        {"num_experts": 4, "num_experts_per_tok": 2, "mlp_only_layers": ["0"]}, "mlp_only_layers: must list whole",
    ),
    "section that is a number": ({"rope_parameters": 3}, "rope_parameters: must be a mapping"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_the_field_is_named(tiny, case):
    changes, message = WRONG[case]
    with pytest.raises(ArchitectureError) as caught:
        parse_config({**tiny, **changes}, id="tiny", source="tiny/config.json")
    assert message in str(caught.value)
    assert str(caught.value).startswith("tiny/config.json: ")


def test_every_problem_is_told_at_once(tiny):
    with pytest.raises(ArchitectureError) as caught:
        parse_config({**tiny, "hidden_size": -1, "vocab_size": "many", "num_hidden_layers": 0}, id="tiny")
    fields = {problem.message.split(":")[0] for problem in caught.value.diagnostics}
    assert {"hidden_size", "vocab_size", "num_hidden_layers"} <= fields


def test_a_field_is_named_once_and_nothing_that_follows_from_it(tiny):
    with pytest.raises(ArchitectureError) as caught:
        parse_config({**tiny, "num_attention_heads": "four", "num_key_value_heads": 2}, id="tiny")
    fields = [problem.message.partition(":")[0] for problem in caught.value.diagnostics]
    assert fields == ["num_attention_heads"]


def test_a_field_without_a_value_is_not_suggested_for_itself(tiny):
    with pytest.raises(ArchitectureError) as caught:
        parse_config({**tiny, "num_hidden_layers": None}, id="tiny")
    assert "did you mean" not in caught.value.diagnostics[0].help


def test_a_misspelt_field_is_suggested(tiny):
    tiny["hiden_size"] = tiny.pop("hidden_size")
    with pytest.raises(ArchitectureError, match="did you mean 'hiden_size'"):
        parse_config(tiny, id="tiny")


def test_a_nested_field_is_named_with_its_path(tiny):
    with pytest.raises(ArchitectureError, match=r"text_config\.vocab_size: must be"):
        parse_config({"model_type": "llava", "text_config": {**tiny, "vocab_size": -3}}, id="tiny")


def test_a_field_is_named_as_its_author_spelt_it():
    with pytest.raises(ArchitectureError, match="n_embd: must be between"):
        parse_config({"model_type": "gpt2", "n_embd": 0, "n_layer": 2, "n_head": 2, "vocab_size": 9}, id="tiny")


@pytest.mark.parametrize("value", [None, 3, "config", [1]])
def test_a_config_is_a_mapping(value):
    with pytest.raises(ArchitectureError, match="is a mapping of fields"):
        parse_config(value, id="tiny")


FILES = {
    "truncated": (b'{"hidden_size": 64, ', "is not JSON: Expecting property name"),
    "not UTF-8": (b'{"model_type": "\xb1\xb1"}', "is not UTF-8"),
    "deep": (b'{"a":' * 100_000, "nested"),
    "many digits": (b'{"hidden_size": ' + b"1" * 100_000 + b"}", "a number"),
    "too long": (b'{"a": "' + b"x" * MAX_CONFIG_BYTES + b'"}', "larger than 8 MiB"),
    "a list": (b"[]", "must hold a JSON object"),
    "a number": (b"7", "must hold a JSON object"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_hostile_file_is_named(tmp_path, case):
    data, message = FILES[case]
    (tmp_path / "config.json").write_bytes(data)
    start = time.perf_counter()
    with pytest.raises(ArchitectureError, match=r"config\.json: ") as caught:
        read_model(tmp_path / "config.json")
    assert message in str(caught.value)
    assert time.perf_counter() - start < 2


def test_long_lists_are_read_in_good_time(tiny, tmp_path):
    tiny["layer_types"] = ["full_attention"] * 300_000
    (tmp_path / "config.json").write_text(json.dumps(tiny), encoding="utf-8")
    start = time.perf_counter()
    with pytest.raises(ArchitectureError, match="lists 300000 layers"):
        read_model(tmp_path / "config.json")
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("name", ["nothing.json", "weights.bin", "empty"])
def test_what_is_no_model_is_refused(tmp_path, name):
    (tmp_path / "weights.bin").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArchitectureError, match=name.replace(".", r"\.")):
        read_model(tmp_path / name)
