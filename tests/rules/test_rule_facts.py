"""Every declared variable of an entity can be read from every entry of the catalog, with its declared type."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from planner.architecture import resolve_model
from planner.catalog import Catalog, load_catalog
from planner.rules.facts import SUBJECTS, Asked, Priced, facts, newest_price, price_age_days
from planner.rules.table import CandidateColumns
from planner.rules.variables import VARIABLES
from planner.scenario import load_scenario

DERIVED = {"engine.format_support", "engine.kv_support"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def test_every_variable_of_an_entity_has_a_reader() -> None:
    declared = {name for name, variable in VARIABLES.items() if variable.subject in SUBJECTS} - DERIVED
    assert declared == {name for readers in SUBJECTS.values() for name in readers}


def test_every_entry_gives_values_of_the_declared_types(catalog: Catalog, root: Path) -> None:
    newest = newest_price(catalog.offers.values())
    scenario = load_scenario(root / "scenarios" / "70b-chat.yaml")
    entities = {
        "accelerator": list(catalog.accelerators.values()),
        "offer": [Priced(o, p, newest) for o in catalog.offers.values() for p in o.prices],
        "format": list(catalog.formats.values()),
        "kv_format": list(catalog.kv_formats.values()),
        "engine": list(catalog.engines.values()),
        "model": [resolve_model(name, catalog=catalog) for name in list(catalog.models)],
        "scenario": [Asked.of(scenario, catalog)],
    }
    for subject, listed in entities.items():
        assert listed, subject
        for entity in listed:
            for name, value in facts(subject, entity).items():
                assert VARIABLES[name].accepts(value), (subject, name, value)
                assert not isinstance(value, tuple) or len(value) <= 64, (name, value)


def test_what_the_seventy_billion_model_is(catalog: Catalog) -> None:
    values = facts("model", resolve_model("meta-llama/Llama-3.1-70B-Instruct", catalog=catalog))
    assert values["model.parameters"] == 70_553_706_496
    assert (values["model.heads"], values["model.kv_heads"], values["model.head_dim"]) == (64, 8, 128)
    assert values["model.column_widths"] == (8192, 28672)
    assert values["model.row_widths"] == (8192, 28672)
    assert values["model.mixers"] == ("full",)


def test_total_processing_performance(catalog: Catalog) -> None:
    def tpp(name: str) -> object:
        return facts("accelerator", catalog.accelerators[name])["accelerator.total_processing_performance"]

    assert tpp("h100-sxm") == 1979 * 8  # FP8 and FP16 give the same product
    assert tpp("h20-96") == 296 * 8
    assert tpp("a100-sxm-80") == 624 * 8


@pytest.mark.parametrize(
    ("as_of", "today", "days"),
    [
        ("2026-07-01", "2026-07-31", 30),
        ("2026-02", "2026-03-01", 1),
        ("2026", "2026-07-01", 0),
        ("2025", "2026-01-01", 1),
    ],
)
def test_age_of_a_price(as_of: str, today: str, days: int) -> None:
    assert price_age_days(as_of, today) == days


def test_columns_appear_when_they_are_read(catalog: Catalog) -> None:
    devices = [catalog.accelerators[name] for name in ("h100-sxm", "t4")]
    columns = CandidateColumns(
        {
            "accelerator": (np.array([0, 1, 1]), devices),
            "engine": (np.array([0, 0, 0]), [catalog.engines["vllm"]]),
            "format": (np.array([0, 0, 1]), [catalog.formats["fp8-e4m3"], catalog.formats["fp16"]]),
        },
        {"tp": np.array([1, 2, 4]), "pp": np.array([1, 1, 2])},
    )
    support = columns["engine.format_support"]
    assert [support.values[code] for code in support.codes] == ["native", "no", "native"]
    replica = columns["gpus_per_replica"]
    assert [replica.values[code] for code in replica.codes] == [1, 2, 8]
    assert "nodes_per_replica" not in columns
    assert "offer.gpus" not in columns
    with pytest.raises(KeyError):
        columns["offer.gpus"]
