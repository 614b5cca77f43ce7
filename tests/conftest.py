"""Fixtures that many tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The measurement data, which is not part of the project; tests that need it are skipped without it."""
    path = Path(os.environ.get("PLANNER_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip("measurement data not at hand")
    return path
