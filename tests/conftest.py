"""Fixtures that many tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from planner.catalog import Catalog, load_catalog
from planner.scenario import Scenario, scenario_from_data

# Laws are tried on the same examples everywhere, and never fail because a machine is busy.
settings.register_profile("planner", deadline=None, derandomize=True)
settings.load_profile("planner")

ROOT = Path(__file__).resolve().parents[1]

SMALL: dict[str, Any] = {
    "name": "small",
    "model": "Qwen/Qwen3-8B",
    "workload": {"input_tokens": 1000, "output_tokens": 200, "concurrency": 1000},
    "sla": {"ttft_p95": "2s", "tpot_p95": "50ms"},
    "search": {
        "providers": "aws",
        "pricing": ["on-demand"],
        "accelerators": ["l40s", "h100-sxm"],
        "engines": "vllm",
        "weights": "fp8-e4m3",
        "kv_cache": "fp8",
        "tensor_parallel": 1,
        "pipeline_parallel": 1,
    },
}
CHAT = {key: SMALL[key] for key in ("model", "workload", "sla")} | {"name": "chat"}
CODE = {
    "name": "code",
    "model": "Qwen/Qwen3-32B",
    "workload": {"input_tokens": 1500, "output_tokens": 300, "request_rate": "4/s"},
    "sla": {"ttft_p95": "3s", "tpot_p95": "60ms"},
}


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


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    for name in path:
        data = data.setdefault(name, {})
    if value is None:
        data.pop(last, None)
    else:
        data[last] = value


class Reduced:
    """The shipped catalog with some of its kinds replaced, as ``Reduced(offers={...})``."""

    def __init__(self, **kinds: Mapping[str, Any]) -> None:
        self.__dict__.update(kinds)

    def __getattr__(self, name: str) -> Any:
        return getattr(load_catalog(), name)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """What is shipped."""
    return load_catalog()


@pytest.fixture(scope="session")
def reduced() -> Callable[..., Any]:
    """Return what replaces kinds of the shipped catalog: ``reduced(offers={...})``."""
    return Reduced


@pytest.fixture(scope="session")
def tiny() -> Any:
    """What the small question may use and little else, so that conflicts, which open all searches, are found soon."""
    whole = load_catalog()
    instances = ("g6.xlarge", "g6e.xlarge", "g6e.48xlarge", "p5.4xlarge", "p5.48xlarge")
    offers = {key: whole.offers[key] for key in (f"aws/{name}/us-east-1" for name in instances)}
    return Reduced(
        offers=offers,
        engines={"vllm": whole.engines["vllm"]},
        formats={key: whole.formats[key] for key in ("bf16", "fp8-e4m3")},
        kv_formats={"fp8": whole.kv_formats["fp8"]},
    )


@pytest.fixture(scope="session")
def asked() -> Callable[..., Scenario]:
    """A small question, solved in a twentieth of a second, with other values: ``asked({"limits.nodes": 2})``."""

    def build(*changes: Mapping[str, Any], **top: Any) -> Scenario:
        data = deepcopy(SMALL)
        for key, value in {key: value for change in (*changes, top) for key, value in change.items()}.items():
            _put(data, key, deepcopy(value))
        return scenario_from_data(data)

    return build


@pytest.fixture(scope="session")
def two(asked: Callable[..., Scenario]) -> Callable[..., Scenario]:
    """Two services that may share nodes, with other values of what they share."""

    def build(*changes: Mapping[str, Any], **top: Any) -> Scenario:
        gone = dict.fromkeys(("model", "workload", "sla"))
        return asked(gone, {"services": [CHAT, CODE]}, *changes, **top)

    return build
