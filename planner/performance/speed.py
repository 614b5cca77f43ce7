"""How fast a table of candidates is estimated: all rows at once, as the planner asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from planner.performance.calibration import Calibration, load_calibration
from planner.performance.deployments import Deployments, Load
from planner.performance.profile import ModelProfile
from planner.performance.serving import estimate_serving

if TYPE_CHECKING:
    from planner.catalog import Catalog

CANDIDATES = 10_000
MODEL = "meta-llama/Llama-3.1-70B-Instruct"
LOAD = (2048.0, 512.0)
"""Tokens in and out, those of ``scenarios/70b-chat.yaml``."""
REPEATS = 5
DEGREES = np.array([1.0, 2.0, 4.0, 8.0])
MOST_SEQUENCES = 512


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds in which ``candidates`` rows were estimated, intervals and terms included: the best of some runs."""

    candidates: int
    seconds: float


def table_of(catalog: Catalog, count: int) -> Deployments:
    """Return ``count`` candidates over all accelerators, formats and engines of the catalog, degrees and batches."""
    accelerators = tuple(catalog.accelerators.values())
    formats = tuple(catalog.formats.values())
    engines = tuple(catalog.engines)
    draw = np.random.default_rng(0)
    return Deployments.of(
        accelerators=accelerators,
        accelerator=draw.integers(len(accelerators), size=count),
        weight_formats=formats,
        weight_format=draw.integers(len(formats), size=count),
        kv_formats=tuple(catalog.kv_formats.values()),
        kv_format=draw.integers(len(catalog.kv_formats), size=count),
        engines=engines,
        engine=draw.integers(len(engines), size=count),
        tp=DEGREES[draw.integers(len(DEGREES), size=count)],
        concurrency=draw.integers(1, MOST_SEQUENCES + 1, size=count),
    )


def measure_speed(catalog: Catalog, *, count: int = CANDIDATES, calibration: Calibration | None = None) -> Speed:
    """Estimate ``count`` candidates at once, some times over. Raises InputError when the catalog lacks the model."""
    from planner.architecture import resolve_model

    profile = ModelProfile.from_architecture(resolve_model(MODEL, catalog=catalog))
    calibration = calibration or load_calibration()
    deployments = table_of(catalog, count)
    seconds = []
    for _ in range(REPEATS):
        start = perf_counter()
        found = estimate_serving(profile, deployments, Load(*LOAD), calibration)
        seconds.append(perf_counter() - start)
        if not np.isfinite(found.tpot_mean_ms).all():
            raise AssertionError("a candidate has no answer")
    return Speed(count, min(seconds))
