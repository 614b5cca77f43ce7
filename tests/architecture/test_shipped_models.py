"""The models of the catalog: complete, exact, sourced, and named as people name them."""

from __future__ import annotations

import pytest

from planner.architecture import count_parameters, dump, load, parse_config, resolve_model
from planner.catalog import load_catalog

CATALOG = load_catalog()


def test_there_are_many():
    assert len(CATALOG.models) >= 140


@pytest.mark.parametrize("name", list(CATALOG.models))
def test_the_total_is_what_the_config_implies(name):
    entry = CATALOG.models[name]
    architecture = parse_config(entry.config, id=name)
    assert count_parameters(architecture).total == entry.parameters
    assert not architecture.estimated
    assert architecture.max_position_embeddings > 0 or architecture.layers[0].mixer.kind == "mamba"
    assert load(dump(architecture)) == architecture


def test_native_formats_are_those_of_the_configs():
    for name, entry in CATALOG.models.items():
        stated = parse_config(entry.config, id=name).native_format
        if stated:
            assert entry.native_format == stated, name


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("LLaMA v2 70B", "meta-llama/Llama-2-70b-chat-hf"),
        ("meta-llama3-70b-instruct", "meta-llama/Meta-Llama-3-70B-Instruct"),
        ("Mixtral 8x7B", "mistralai/Mixtral-8x7B-v0.1"),
        ("gpt-oss-120b", "openai/gpt-oss-120b"),
        ("GPT-J 6B", "EleutherAI/gpt-j-6b"),
        ("Llama 4 Scout", "meta-llama/Llama-4-Scout-17B-16E-Instruct"),
        ("deepseek-ai/DeepSeek-V3.1", "deepseek-ai/DeepSeek-V3"),
        ("google/gemma-3-27b-pt", "google/gemma-3-27b-it"),
    ],
)
def test_measured_names_are_known(alias, name):
    assert resolve_model(alias, catalog=CATALOG).id == name
