"""Fixtures that many tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Laws are tried on the same examples everywhere, and never fail because a machine is busy.
settings.register_profile("planner", deadline=None, derandomize=True)
settings.load_profile("planner")

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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="write the golden files anew instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare text with the file of that name under ``tests/golden``; ``make golden`` writes the files anew.

    The diff that git then shows is the review.
    """

    def compare(name: str, text: str) -> None:
        path = ROOT / "tests" / "golden" / name
        if request.config.getoption("--golden-update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing; `make golden` writes it"
        assert text == path.read_text(encoding="utf-8"), f"{name} differs; `make golden` shows how"

    return compare
