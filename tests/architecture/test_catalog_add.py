"""``planner catalog add model``: a file that the catalog then reads, with its source."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

from planner.architecture import count_parameters, resolve_model
from planner.catalog import load_catalog
from planner.cli import cli


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A catalog of one's own, empty."""
    path = tmp_path / "own"
    monkeypatch.setenv("PLANNER_CATALOG_PATH", str(path))
    monkeypatch.setenv("PLANNER_CACHE_DIR", str(tmp_path / "cache"))
    return path


def run(*words):
    return CliRunner().invoke(cli, ["catalog", "add", "model", *words])


def test_a_directory_becomes_an_entry_that_resolves(folder, own):
    result = run(str(folder), "--id", "me/tiny", "--alias", "my tiny one", "--as-of", "2026-08-01")
    assert result.exit_code == 0, result.output
    entry = yaml.safe_load((own / "models" / "me--tiny.yaml").read_text(encoding="utf-8"))
    assert (entry["id"], entry["parameters"], str(entry["as_of"])) == ("me/tiny", 82_240, "2026-08-01")
    assert entry["source"]
    assert entry["parameters_basis"] == "sum over this config"
    architecture = resolve_model("my tiny one", catalog=load_catalog())
    assert count_parameters(architecture).total == 82_240


def test_a_header_that_knows_better_is_what_is_kept(folder, safetensors, saved, own):
    saved["model.layers.1.self_attn.q_proj.bias"] = ("BF16", [64])
    safetensors(saved)
    assert run(str(folder), "--id", "me/tiny").exit_code == 0
    architecture = resolve_model("me/tiny", catalog=load_catalog())
    assert count_parameters(architecture).total == 82_304
    assert load_catalog().models["me/tiny"].parameters_basis == "the tensors in the checkpoint's headers"


def test_gguf_files_become_entries(gguf, tmp_path, own):
    path = gguf.write(tmp_path / "tiny.gguf")
    assert run(str(path)).exit_code == 0
    assert resolve_model("tiny", catalog=load_catalog()).native_format == "gguf-q4_k_m"


def test_standard_output(folder, own):
    result = run(str(folder), "-o", "-")
    assert yaml.safe_load(result.stdout)["parameters"] == 82_240
    assert not own.exists()


def test_the_same_input_gives_the_same_bytes(folder, own):
    assert run(str(folder), "-o", "-").stdout == run(str(folder), "-o", "-").stdout


def test_nothing_is_overwritten_unasked(folder, own):
    assert run(str(folder), "--id", "me/tiny").exit_code == 0
    again = run(str(folder), "--id", "me/tiny")
    assert again.exit_code == 2
    assert "--force" in again.output
    assert run(str(folder), "--id", "me/tiny", "--force").exit_code == 0


def test_wrong_files_are_named(folder, own):
    (folder / "config.json").write_text(json.dumps({"hidden_size": -1}), encoding="utf-8")
    result = run(str(folder))
    assert result.exit_code != 0
    assert "hidden_size" in str(result.exception)
    assert "no such file" in run("./nowhere").output


@pytest.mark.parametrize(
    "flags", [("--id", "a b/../c"), ("--id", "../x"), ("--id", ""), ("--as-of", "2020-99-99"), ("--as-of", "today")]
)
def test_what_no_catalog_would_read_back_is_refused(folder, own, flags):
    ran = run(str(folder), *flags)
    assert ran.exit_code == 2
    assert f"{flags[0]} {flags[1]!r}" in ran.output
    assert not list(own.rglob("*.yaml"))
