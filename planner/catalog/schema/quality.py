"""Measured recovery of quantized models against the 16-bit model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.catalog.schema.base import AsOf, Count, Entity, Positive, Text

SizeClass = Literal["<2B", "2-5B", "6-15B", "16-50B", "51-130B", ">130B"]
SIZE_CLASSES: tuple[SizeClass, ...] = ("<2B", "2-5B", "6-15B", "16-50B", "51-130B", ">130B")
Metric = Literal["task", "perplexity"]


@dataclass(frozen=True, slots=True)
class SizeRecord(Entity):
    """Recoveries of one size class: quantized over baseline score, as fractions (1.0 = no loss).

    ``p10`` is the 10th percentile with linear interpolation. Above 1 is the noise of the benchmarks.
    """

    size_class: SizeClass
    n: Count
    median: Positive
    p10: Positive
    min: Positive
    max: Positive


@dataclass(frozen=True, slots=True)
class QualityFamily(Entity):
    """All evidence on a family of formats by one kind of metric. Perplexity ratios are never mixed with tasks."""

    id: Text
    name: Text
    applies_to: Literal["weights", "kv_cache"]
    metric: Metric
    records: tuple[SizeRecord, ...]
    sources: tuple[str, ...]
    source: Text
    as_of: AsOf
    methods: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is known of a combination's quality. ``median`` and ``p10`` are fractions; None where nothing is known.

    Without ``measured`` they are at best an indication from a neighbouring size class.
    """

    median: float | None
    p10: float | None
    n: int
    size_class: SizeClass
    measured: bool
    source: str
    note: str = ""
