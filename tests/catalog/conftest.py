"""Catalogs of a few files, apart from the user's own cache and catalog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from planner.catalog import Catalog, catalog, load_catalog

DEVICE = """\
id: one
name: Device One
vendor: Maker
architecture: First
generation: first
compute_capability: '9.0'
form_factor: card
release_year: 2024
memory_type: HBM
memory_gb_marketed: 80
memory_gib_usable: 79.5
bandwidth_gbytes_per_s: 3000
tflops: {bf16: 900, fp8: 1800}
link: {kind: wire, topology: switch, gbytes_per_s_one_way: 450, domain: 8}
tdp_w: 700
aliases: [First]
source: a data sheet
as_of: 2026-07
"""

FORMAT = """\
id: half
name: Half
kind: float
family: 16bit
bits_per_weight: 16
exponent_bits: 8
significand_bits: 8
activations: bf16
compute_format: bf16
source: a standard
as_of: '2019'
"""

OFFERS = """\
provider: cloud
name: A cloud
sources:
  list: {source: price list, as_of: 2026-07-20, confidence: high}
countries: {north: se, south: it}
instances:
  - instance: big
    accelerator: one
    gpus: 8
    interconnect: nvswitch
    link_domain: 8
    prices:
      - {region: north, kind: on-demand, from: list, usd_per_hour: 20}
      - {region: north, kind: spot, from: list, usd_per_hour: 8, confidence: low}
      - {region: south, kind: on-demand, from: list, usd_per_hour: 22}
"""

FILES = {"accelerators/one.yaml": DEVICE, "formats/half.yaml": FORMAT, "offers/cloud.yaml": OFFERS}


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the cache below tmp_path and leave the user's own catalog out. Returns the cache directory."""
    monkeypatch.setenv("PLANNER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PLANNER_CATALOG_PATH", "")
    return tmp_path / "cache"


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a small catalog: ``small(**{"offers/cloud.yaml": text})`` changes or adds a file."""

    def write(**changes: str) -> Path:
        root = tmp_path / "catalogs"
        for name, text in {**FILES, **changes}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root

    return write


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Catalog]:
    """Return what loads a catalog as a new process would: nothing remembered, the cache alone may help."""

    def load(*roots: Path) -> Catalog:
        monkeypatch.setattr(catalog, "_loaded", {})
        return load_catalog(roots or None)

    return load


@pytest.fixture(scope="session")
def shipped() -> Catalog:
    """The catalog of this checkout."""
    from planner.paths import data_dir

    return load_catalog([data_dir("catalogs")])
