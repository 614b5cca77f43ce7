"""One reference, many forms: catalog id, alias, path, mapping, hub id."""

from __future__ import annotations

import json
import sys
import time
import types

import pytest

from planner.architecture import count_parameters, dump, resolve_model
from planner.catalog import load_catalog
from planner.errors import ArchitectureError, MissingExtra


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


@pytest.mark.parametrize(
    "name",
    ["meta-llama/Llama-3.1-70B-Instruct", "meta-llama/Meta-Llama-3.1-70B", "meta-llama/Llama-3.3-70B-Instruct",
     "LLaMA v3.1 70B", "META-LLAMA/LLAMA-3.1-70B-INSTRUCT"],
)  # fmt: skip
def test_ids_and_aliases_in_any_case(catalog, name):
    architecture = resolve_model(name, catalog=catalog)
    assert architecture.id == "meta-llama/Llama-3.1-70B-Instruct"
    assert count_parameters(architecture).total == 70_553_706_496
    assert architecture.native_format is None


def test_native_formats_come_along(catalog):
    assert resolve_model("deepseek-ai/DeepSeek-R1", catalog=catalog).native_format == "fp8-e4m3-block128"
    assert resolve_model("gpt-oss-120b", catalog=catalog).native_format == "mxfp4"


def test_a_catalog_id_is_resolved_in_five_milliseconds(catalog):
    """Of processor time, and in the best of several tries: the machine may be busy with other things."""
    names = ["meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen2.5-72B-Instruct", "deepseek-ai/DeepSeek-V3.2"]
    resolve_model("Qwen/Qwen3-32B", catalog=catalog)  # imports
    seconds = []
    for name in names:
        start = time.process_time()
        resolve_model(name, catalog=catalog)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.005


def test_the_same_model_is_parsed_once(catalog):
    first = resolve_model("Qwen/Qwen3-32B", catalog=catalog)
    assert resolve_model("Qwen3-32B", catalog=catalog) is first


def test_paths_are_relative_to_the_scenario(catalog, folder):
    by_folder = resolve_model(folder.name, catalog=catalog, base_dir=folder.parent)
    by_file = resolve_model("config.json", catalog=catalog, base_dir=folder)
    absolute = resolve_model(str(folder / "config.json"), catalog=catalog)
    assert by_folder.layers == by_file.layers == absolute.layers
    assert by_file.id == folder.name


def test_mappings_are_configs_or_dumps(catalog, tiny):
    architecture = resolve_model(tiny, catalog=catalog)
    assert architecture.id == "inline"
    assert resolve_model({**tiny, "id": "mine"}, catalog=catalog).id == "mine"
    assert resolve_model(dump(architecture), catalog=catalog) == architecture


@pytest.mark.parametrize(
    ("name", "meant"),
    [("meta-llama/Llama-3.1-70B-Instrukt", "meta-llama/Llama-3.1-70B-Instruct"), ("Qwen/Qwen3-23B", "Qwen/Qwen3-32B")],
)
def test_unknown_ids_are_met_with_what_was_meant(catalog, name, meant):
    with pytest.raises(ArchitectureError, match="is not known") as caught:
        resolve_model(name, catalog=catalog)
    assert f"did you mean {meant!r}" in str(caught.value)
    assert f"planner catalog add model {name}" in str(caught.value)


@pytest.mark.parametrize("name", ["", "qqqqqqqqqqqq", "\0", "x" * 10_000, "a/b/c", "no such model"])
def test_nonsense_is_met_with_a_command(catalog, name):
    with pytest.raises(ArchitectureError, match="is not known"):
        resolve_model(name, catalog=catalog)


@pytest.mark.parametrize("name", ["./models/none", "/nowhere/config.json", "weights.gguf", "~/none.safetensors"])
def test_paths_that_are_not_there_are_paths(catalog, tmp_path, name):
    with pytest.raises(ArchitectureError, match="no such file or directory"):
        resolve_model(name, catalog=catalog, base_dir=tmp_path)


def test_nothing_is_fetched_unless_asked_for(catalog, monkeypatch):
    monkeypatch.setitem(sys.modules, "planner.architecture.hub", None)
    with pytest.raises(ArchitectureError, match="is not known"):
        resolve_model("someone/something-new", catalog=catalog)


def test_the_hub_needs_its_extra(catalog, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra, match=r"pip install 'llm-deployment-planner\[hub\]'"):
        resolve_model("someone/something-new", catalog=catalog, allow_network=True)


@pytest.fixture
def network(monkeypatch):
    """A network on which every name is found."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: [])


def test_without_a_network_it_is_said_at_once(catalog, monkeypatch):
    def nobody(*_):
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", nobody)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub", Hub(error=AssertionError("was asked")))
    with pytest.raises(ArchitectureError, match="its address is not found"):
        resolve_model("someone/something-new", catalog=catalog, allow_network=True)


class Hub(types.ModuleType):
    """huggingface_hub with one repository, or with none but an error."""

    def __init__(self, path=None, error=None, headers=None):
        super().__init__("huggingface_hub")
        self.path, self.error, self.headers, self.asked = path, error, headers, []

    def hf_hub_download(self, repository, filename, revision=None):
        self.asked.append((repository, filename))
        if self.error:
            raise self.error
        return str(self.path)

    def get_safetensors_metadata(self, repository, revision=None):
        if self.headers is None:
            raise RuntimeError("no safetensors")
        return self.headers


def snapshot(tmp_path, config):
    """A config where huggingface_hub keeps it."""
    path = tmp_path / "snapshots" / "0123abcd" / "config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


@pytest.mark.usefixtures("network")
def test_a_hub_id_is_fetched_with_its_commit(catalog, tmp_path, tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", Hub(snapshot(tmp_path, tiny)))
    architecture = resolve_model("someone/something-new", catalog=catalog, allow_network=True)
    assert architecture.id == "someone/something-new"
    assert architecture.source == "huggingface.co/someone/something-new/blob/0123abcd/config.json"
    assert architecture.stored is None


@pytest.mark.usefixtures("network")
def test_headers_on_the_hub_count(catalog, tmp_path, tiny, saved, monkeypatch):
    from types import SimpleNamespace as Record

    saved["model.layers.0.self_attn.q_proj.bias"] = ("BF16", [64])
    tensors = {
        name: Record(shape=shape, dtype=dtype, data_offsets=(0, 2 * shape[0] * [*shape, 1][1]))
        for name, (dtype, shape) in saved.items()
    }
    headers = Record(files_metadata={"model.safetensors": Record(tensors=tensors)})
    monkeypatch.setitem(sys.modules, "huggingface_hub", Hub(snapshot(tmp_path, tiny), headers=headers))
    architecture = resolve_model("someone/something-new", catalog=catalog, allow_network=True)
    assert count_parameters(architecture).total == 82_240 + 64
    assert architecture.stored.total_bytes == 2 * (82_240 + 64)


class GatedRepoError(Exception):
    pass


class EntryNotFoundError(Exception):
    pass


class RepositoryNotFoundError(Exception):
    pass


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(
    ("error", "message"),
    [(GatedRepoError(), "is gated on the hub"), (EntryNotFoundError(), r"has no config\.json on the hub"),
     (RepositoryNotFoundError(), "is not on the hub"), (ConnectionError(), "check the network")],
)  # fmt: skip
def test_what_the_hub_refuses_is_told(catalog, monkeypatch, error, message):
    monkeypatch.setitem(sys.modules, "huggingface_hub", Hub(error=error))
    with pytest.raises(ArchitectureError, match=message):
        resolve_model("someone/something-new", catalog=catalog, allow_network=True)
