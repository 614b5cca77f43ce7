"""The cache: same answer with and without, gone stale with any file, silent whatever happens to it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from planner.catalog import cache, reading
from planner.catalog.kinds import KINDS
from planner.paths import data_dir


@pytest.fixture
def reads(monkeypatch):
    """Return the list that every reading of YAML is noted in."""
    noted = []
    original = reading.read_records

    def read(files):
        noted.append(len(files))
        return original(files)

    monkeypatch.setattr(reading, "read_records", read)
    return noted


def everything(catalog) -> dict:
    return {kind: dict(catalog.entities(kind)) for kind in KINDS}


def test_a_hit_gives_the_same_entities_as_a_miss(fresh, reads):
    root = data_dir("catalogs")
    missed, hit = fresh(root), fresh(root)
    assert len(reads) == 1
    assert everything(missed) == everything(hit)
    assert missed.digests == hit.digests


def test_every_list_comes_back_as_a_tuple(fresh):
    def lists(value):
        if isinstance(value, list):
            return True
        slots = getattr(type(value), "__dataclass_fields__", {})
        inner = [getattr(value, name) for name in slots if name != "config"]  # config.json is JSON, lists and all
        return any(lists(item) for item in (value if isinstance(value, tuple) else inner))

    wrong = [name for kind in everything(fresh()).values() for name, entity in kind.items() if lists(entity)]
    assert wrong == []


@pytest.mark.parametrize("damage", [b"", b"{", b"\x00" * 40, b'["key", 0]\n{}', b'{"key": 1}\nnull'])
def test_a_damaged_cache_is_as_good_as_none(small, fresh, reads, apart, damage):
    root = small()
    first = fresh(root)
    (path,) = apart.iterdir()
    path.write_bytes(damage)
    assert everything(fresh(root)) == everything(first)
    assert len(reads) == 2
    assert everything(fresh(root)) == everything(first)
    assert len(reads) == 2


def test_a_cut_or_altered_cache_is_as_good_as_none(small, fresh, reads, apart):
    root = small()
    fresh(root)
    (path,) = apart.iterdir()
    whole = path.read_bytes()
    for text in (whole[:-20], whole.replace(b"79.5", b"89.5")):
        path.write_bytes(text)
        assert fresh(root).accelerators["one"].memory_gib_usable == 79.5
    assert len(reads) == 3


def test_any_changed_added_or_deleted_file_makes_it_stale(small, fresh, reads):
    root = small()
    fresh(root)
    os.utime(root / "formats/half.yaml", ns=(1, 1))
    fresh(root)
    (root / "formats/other.yaml").write_text((root / "formats/half.yaml").read_text().replace("id: half", "id: other"))
    assert set(fresh(root).formats) == {"half", "other"}
    (root / "formats/other.yaml").unlink()
    assert set(fresh(root).formats) == {"half"}
    assert len(reads) == 4


def test_a_catalog_that_is_wrong_is_not_kept(small, fresh, apart):
    root = small(**{"formats/bad.yaml": "id: bad\n"})
    with pytest.raises(Exception, match="is missing"):
        fresh(root)
    assert not apart.exists()


@pytest.mark.parametrize("value", ["", "off"])
def test_it_can_be_switched_off(small, fresh, reads, monkeypatch, apart, value):
    monkeypatch.setenv("PLANNER_CACHE_DIR", value)
    root = small()
    assert everything(fresh(root)) == everything(fresh(root))
    assert len(reads) == 2
    assert not apart.exists()


def test_a_directory_that_cannot_be_written_is_no_error(small, fresh, reads, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a directory")
    monkeypatch.setenv("PLANNER_CACHE_DIR", str(tmp_path / "file"))
    root = small()
    assert everything(fresh(root)) == everything(fresh(root))
    assert len(reads) == 2


def test_it_lies_where_the_desktop_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.delenv("PLANNER_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_dir() == tmp_path / "xdg" / "planner"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_dir() == tmp_path / ".cache" / "planner"


def test_digests_look_at_content_alone(small, fresh, tmp_path):
    root = small()
    before = fresh(root).digests
    path = root / "accelerators/one.yaml"
    text = path.read_text()
    path.write_text("# a remark\n" + "\n".join(reversed(text.splitlines())) + "\n")
    os.utime(path, ns=(5, 5))
    assert fresh(root).digests == before
    path.write_text(text.replace("memory_gib_usable: 79.5", "memory_gib_usable: 7.95e1"))
    assert fresh(root).digests == before
    path.write_text(text.replace("79.5", "79.6"))
    after = fresh(root).digests
    assert {kind for kind in after if after[kind] != before[kind]} == {"accelerators"}


def test_a_warm_start_needs_neither_pydantic_nor_yaml(tmp_path):
    code = (
        "import sys; from planner.catalog import load_catalog; catalog = load_catalog(); "
        "catalog.offers, catalog.engines, catalog.quality; "
        "print(sorted({'pydantic', 'yaml', 'numpy', 'planner.source'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(data_dir("catalogs").parent)}
    runs = [
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert [run.stdout for run in runs] == ["['planner.source', 'pydantic', 'yaml']\n", "[]\n"]
