"""How far the 95th percentile of a run lies above its mean, from tables that print percentiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from planner.performance.measurement_names import campaign_of
from planner.performance.measurement_rows import number

Z_95_OVER_Z_99 = 1.6448536 / 2.3263479
"""Takes the logarithm of a 99th percentile over the mean to that of a 95th, for log-normal latencies."""
LEAST_ROWS = 10
"""A campaign with fewer rows does not speak for one."""
_COLUMNS = {
    "ttft": ("ttft_ms_mean", "ttft_ms_p95", "ttft_ms_p99"),
    "tpot": ("tpot_ms_mean", "tpot_ms_p95", "tpot_ms_p99"),
}


def percentile_ratios(rows: Iterable[Mapping[str, Any]], otherwise: Mapping[str, float]) -> dict[str, float]:
    """Return metric -> 95th percentile over mean: the median over campaigns of each one's median.

    Where only the 99th percentile is printed, the 95th follows from it. ``otherwise`` answers for a metric of which no
    campaign prints enough.
    """
    ratios: dict[str, dict[str, list[float]]] = {metric: {} for metric in _COLUMNS}
    for row in rows:
        for metric, (mean, p95, p99) in _COLUMNS.items():
            middle, tail = number(row.get(mean)), number(row.get(p95))
            if not tail > 0 and number(row.get(p99)) > 0 and middle > 0:
                tail = middle * (number(row.get(p99)) / middle) ** Z_95_OVER_Z_99
            if tail > 0 and middle > 0:
                ratios[metric].setdefault(campaign_of(str(row.get("source") or "")), []).append(tail / middle)
    found = {}
    for metric, campaigns in ratios.items():
        medians = [median(values) for _, values in sorted(campaigns.items()) if len(values) >= LEAST_ROWS]
        found[metric] = round(median(medians), 3) if medians else otherwise.get(metric, 1.0)
    return found
