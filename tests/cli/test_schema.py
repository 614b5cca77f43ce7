"""``planner schema``: written, checked, and the files under ``schemas/`` are fresh."""

from __future__ import annotations

import json

from planner.cli.schema import SCHEMAS


def test_the_shipped_schemas_are_fresh(planner, root):
    ran = planner("schema", "--check", root / "schemas")
    assert (ran.code, ran.err) == (0, "")
    assert {path.name for path in (root / "schemas").iterdir()} == {f"{name}.schema.json" for name in SCHEMAS}


def test_each_schema_is_a_schema(planner):
    from jsonschema import Draft202012Validator

    for name in SCHEMAS:
        Draft202012Validator.check_schema(json.loads(planner("schema", name).out))


def test_what_is_written_is_fresh_and_what_is_changed_is_stale(planner, tmp_path):
    assert planner("schema", "--write", tmp_path).code == 0
    assert planner("schema", "--check", tmp_path).code == 0
    (tmp_path / "scenario.schema.json").write_text("{}", encoding="utf-8")
    ran = planner("schema", "--check", tmp_path)
    assert ran.code == 1
    assert "scenario.schema.json" in ran.err


def test_it_is_either_one_or_a_directory(planner, tmp_path):
    assert planner("schema").code == 2
    assert planner("schema", "scenario", "--check", tmp_path).code == 2
    assert planner("schema", "--write", tmp_path, "-o", tmp_path / "x").code == 2
