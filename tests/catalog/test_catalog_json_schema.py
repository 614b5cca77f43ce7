"""The JSON Schemas accept what the loader accepts, and refuse what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from planner.catalog.json_schema import (
    accelerator_json_schema,
    catalog_json_schema,
    model_json_schema,
    offers_json_schema,
)
from planner.catalog.kinds import KINDS
from planner.paths import data_dir
from planner.source import CATALOG_LIMITS, load_yaml


@pytest.mark.parametrize("kind", KINDS)
def test_every_shipped_file_is_valid(kind):
    schema = catalog_json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in sorted(data_dir("catalogs").joinpath(kind).glob("*.yaml")):
        data = json.loads(json.dumps(load_yaml(Path(path), limits=CATALOG_LIMITS).data))
        assert [error.message for error in validator.iter_errors(data)] == [], path.name


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        (accelerator_json_schema, {"id": "x"}),
        (model_json_schema, {"id": "x", "parameters": 0}),
        (offers_json_schema, {"provider": "x", "name": "x", "sources": {}, "countries": {}, "instances": []}),
    ],
)
def test_what_the_loader_refuses_is_invalid(schema, data):
    assert not jsonschema.Draft202012Validator(schema()).is_valid(data)
