"""Deployments and model profiles that the laws of performance are tried on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from planner.architecture import resolve_model
from planner.catalog import load_catalog
from planner.performance.calibration import load_calibration
from planner.performance.deployments import Deployments
from planner.performance.profile import ModelProfile


def profiles_of(names: Iterable[str]) -> dict[str, ModelProfile]:
    """Return the profiles of models of the catalog; the calibration is read as well, so that no example pays for it."""
    catalog = load_catalog()
    load_calibration()
    return {name: ModelProfile.from_architecture(resolve_model(name, catalog=catalog)) for name in names}


def deployments(device: str, weights: str, engine: str, *, kv: str = "bf16", **columns: Any) -> Deployments:
    """Return deployments of one device, formats and engine; ``columns`` are those of ``Deployments.of``."""
    catalog = load_catalog()
    return Deployments.of(
        accelerators=(catalog.accelerators[device],),
        weight_formats=(catalog.formats[weights],),
        kv_formats=(catalog.kv_formats[kv],),
        engines=(engine,),
        **columns,
    )
