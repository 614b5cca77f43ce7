"""Predicted against measured serving figures, as one HTML page: a chart per quantity and the table of errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from planner.report.environment import render
from planner.report.error_tables import percent
from planner.report.scale import Axis
from planner.report.scatter import Dots, Line, scatter

if TYPE_CHECKING:
    from markupsafe import Markup

    from planner.error_summary import Errors

_CHARTS = (
    ("TTFT", "ms", ("ttft_ms", "ttft_ms_mean", "ttft_ms_p50"), "predicted_ttft_ms"),
    ("TPOT", "ms", ("tpot_ms", "tpot_ms_mean", "itl_ms_mean"), "predicted_tpot_ms"),
    ("Throughput", "tok/s", ("output_tok_s_total",), "predicted_output_tok_s"),
)
"""Quantity, unit, columns where it was measured (the first that is filled), column of the prediction."""
WITHIN = 1.25
"""The band beside the diagonal: a quarter off."""


def accuracy_document(rows: Sequence[Mapping[str, Any]], errors: Sequence[Errors]) -> str:
    """Return the page for rows with predicted columns and their errors."""
    charts = [
        (name, chart)
        for name, unit, measured, predicted in _CHARTS
        if (chart := _chart(name, unit, measured, predicted, rows)) is not None
    ]
    table = [
        (
            item.group,
            item.quantity,
            f"{item.measured:,}",
            *(percent(value) for value in (item.median, item.mean, item.p90)),
            percent(item.bias, signed=True),
            percent(item.coverage),
        )
        for item in errors
    ]
    refused = sum(1 for row in rows if row.get("error"))
    return render("accuracy.html.j2", charts=charts, errors=table, rows=f"{len(rows):,}", refused=refused)


def _chart(
    name: str, unit: str, measured: Sequence[str], predicted: str, rows: Sequence[Mapping[str, Any]]
) -> Markup | None:
    points = [point for row in rows if (point := _point(row, measured, predicted)) is not None]
    if not points:
        return None
    values = [value for point in points for value in point]
    x = Axis.around(f"measured, {unit}", values, log=True)
    y = Axis(f"predicted, {unit}", x.low, x.high, log=True)
    band = [
        Line(f"{factor:g} times", "diagonal", [(x.low / min(factor, 1), x.low * max(factor, 1)),
                                               (x.high / max(factor, 1), x.high * min(factor, 1))])
        for factor in (1 / WITHIN, 1.0, WITHIN)
    ]  # fmt: skip
    return scatter(
        name.lower(),
        x=x,
        y=y,
        layers=[*band, Dots(name, "feasible", points)],
        title=name,
        description=f"{len(points):,} runs, predicted against measured; the lines are equality and a quarter off.",
    )


def _point(row: Mapping[str, Any], measured: Sequence[str], predicted: str) -> tuple[float, float] | None:
    for column in measured:
        try:
            point = float(row[column]), float(row[predicted])
        except (KeyError, TypeError, ValueError):
            continue
        return point if min(point) > 0 else None
    return None
