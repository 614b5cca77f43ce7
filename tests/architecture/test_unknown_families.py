"""Model types that nobody told us about: conventions of their fields, of their relatives, of their spelling."""

from __future__ import annotations

import pytest

from planner.architecture import count_parameters, parse_config
from planner.architecture.families import FAMILIES
from planner.architecture.infer import SIGNATURES


def parsed(tiny, **changes):
    return parse_config({**tiny, **changes}, id="tiny")


def test_an_unknown_type_is_estimated_and_says_so(tiny):
    architecture = parsed(tiny, model_type="brandnew")
    assert architecture.estimated
    assert "model_type 'brandnew' is not known" in architecture.notes[0]
    assert count_parameters(architecture) == count_parameters(parsed(tiny))


def test_known_types_say_nothing(tiny):
    assert not parsed(tiny).estimated
    assert parsed(tiny).notes == ()


def test_the_architecture_class_names_the_family(tiny):
    del tiny["model_type"]
    architecture = parsed(tiny, architectures=["Qwen3ForCausalLM"])
    assert not architecture.estimated
    assert dict(count_parameters(architecture).by_component)["attention"] % 64 == 2 * 2 * 16 % 64


@pytest.mark.parametrize(
    ("name", "relative"),
    [("qwen4_moe", "qwen3_moe"), ("glm7_moe", "glm4_moe"), ("gemma7_text", "gemma4"), ("mistral9", "mistral4"),
     ("olmo4", "olmo3"), ("deepseek_v7", "deepseek_v4"), ("minimax_m4", "minimax_m3")],
)  # fmt: skip
def test_relatives_lend_their_conventions(tiny, name, relative):
    architecture = parsed(tiny, model_type=name)
    assert architecture.estimated
    assert f"its relative {relative} is known" in architecture.notes[1]


def test_no_relative_is_no_guess(tiny):
    notes = parsed(tiny, model_type="zzz9").notes
    assert len(notes) == 1


def test_fields_give_a_family_away(tiny):
    """Gemma's soft-capped scores come with four norms, whatever the type is called."""
    architecture = parsed(tiny, model_type="", query_pre_attn_scalar=16, attn_logit_softcapping=50.0)
    assert dict(count_parameters(architecture).by_component)["norm"] == 2 * 4 * 64 + 64
    assert any("gemma2's fields" in note for note in architecture.notes)


def test_every_signature_is_of_a_known_family():
    assert {family for _, family in SIGNATURES} <= set(FAMILIES)
    assert all(names for names, _ in SIGNATURES)


def test_gpt2_spelling_brings_its_conventions():
    config = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 32, "vocab_size": 100, "layer_norm_epsilon": 1e-5}
    known = parse_config({**config, "model_type": "gpt2"}, id="tiny")
    assert count_parameters(parse_config(config, id="tiny")) == count_parameters(known)


def test_silence_on_ties_follows_what_is_saved(tiny):
    """transformers leaves tie_word_embeddings out where it is true; large mixtures are never tied."""
    del tiny["tie_word_embeddings"]
    assert parsed(tiny, model_type="").tied_embeddings
    assert not parsed(tiny, model_type="", num_experts=8, num_experts_per_tok=2).tied_embeddings


def test_unknown_towers_are_told(tiny):
    composite = {"model_type": "llava", "text_config": tiny, "vision_config": {"model_type": "odd", "strange": 1}}
    architecture = parse_config(composite, id="tiny")
    assert architecture.estimated
    assert any("not counted" in note for note in architecture.notes)
    assert count_parameters(architecture).total == count_parameters(parsed(tiny)).total


def test_further_parts_are_told(tiny):
    composite = {"model_type": "omni", "text_config": tiny, "talker_config": {"hidden_size": 64}}
    assert any("talker_config describes a part" in note for note in parse_config(composite, id="tiny").notes)
