"""A sweep as a drawing of its own: cost over the first key that has numbers, a line per combination of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from planner.errors import InputError
from planner.report.figures import money
from planner.report.scale import Axis
from planner.report.scatter import Dots, Layer, Limit, Line, Mark, scatter
from planner.report.svg import join, tag
from planner.report.sweep import moving, series, switches
from planner.sweep.grid import Swept

if TYPE_CHECKING:
    from planner.sweep.point import Point
    from planner.sweep.run import Sweep

MOST_LINES = 6
"""Lines that stay apart by colour."""

WIDE = 10.0
"""Ratio of the ends of an axis from which on it is logarithmic."""

_COLOURS = ("#1f6feb", "#d1580b", "#1a7f37", "#8250df", "#bf3989", "#6e7781")
_STYLE = """
svg { background: #fff; font-family: system-ui, sans-serif; }
text { fill: #57606a; font-size: 11.5px; } .axis, .mark-label { fill: #1f2328; }
.grid { stroke: #e6e8eb; } .line { fill: none; stroke-width: 1.6; } .dots { stroke-width: 6; stroke-linecap: round; }
.mark { fill: #fff; stroke: #1f2328; stroke-width: 1.6; } .mark-label { font-weight: 600; }
.mark-label { paint-order: stroke; stroke: #fff; stroke-width: 3px; }
.legend { font-weight: 600; font-size: 12.5px; }
.limit { stroke: #cf222e; stroke-dasharray: 4 3; } .limit-label { fill: #cf222e; }
"""


def sweep_svg(sweep: Sweep, name: str) -> str:
    """Return the drawing. Raises InputError where no moving key has numbers, or lines are too many to tell apart."""
    key, numbers = _along(sweep.points)
    lines = series(sweep.points, key)
    if len(lines) > MOST_LINES:
        raise InputError(f"{len(lines)} lines are too many to tell apart; sweep fewer values, or write csv")
    costs = [it.cost_usd_per_month for it in sweep.points if it.cost_usd_per_month is not None]
    if not costs:
        raise InputError("no variant has a plan: there is nothing to draw")
    low, high = min(numbers.values()), max(numbers.values())
    x = Axis.around(key, numbers.values(), log=low > 0 and high / low >= WIDE)
    y = Axis.around("USD per month", costs, log=max(costs) / max(min(costs), 1e-9) >= WIDE, text=money)
    layers: list[Layer] = []
    labels = []
    for index, (rest, points) in enumerate(lines.items(), 1):
        label = ", ".join(f"{k}={v}" for k, v in rest if k in moving(sweep.points)) or "cost"
        placed = [(numbers[id(it)], it.cost_usd_per_month) for it in points if it.cost_usd_per_month is not None]
        labels.append(label)
        layers += [Line(label, f"s{index}", placed), Dots(label, f"s{index}", placed)]
    layers += _switched(sweep.points, key, numbers, alone=len(lines) == 1)
    drawn = scatter(
        "sweep",
        x=x,
        y=y,
        layers=layers,
        title=f"{name}: cost over {key}",
        description=f"Cost per month of the cheapest plan for {len(sweep.points)} variants; rings mark another plan.",
        width=760,
        height=460,
    )
    colours = "".join(f".s{i} {{ stroke: {it}; }} .t{i} {{ fill: {it}; }} " for i, it in enumerate(_COLOURS, 1))
    legend = join(
        tag("text", label, class_=f"legend t{index}", x=76, y=12 + 16 * index)
        for index, label in enumerate(labels, 1)
        if len(labels) > 1
    )
    text = str(drawn).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    text = text.replace("<title", f"<style>{_STYLE}{colours}</style><title", 1)
    return f"{text.removesuffix('</svg>')}{legend}</svg>\n"


def _along(points: Sequence[Point]) -> tuple[str, dict[int, float]]:
    """Return the first moving key with numbers, and the number of each point by its identity."""
    for key in moving(points):
        values = [dict(point.settings)[key] for point in points]
        numbers = Swept(key, tuple(values)).numbers
        if numbers is not None and min(numbers) < max(numbers):
            return key, {id(point): number for point, number in zip(points, numbers, strict=True)}
    raise InputError("a drawing needs a key that takes several numbers, such as workload.concurrency=50..800")


def _switched(points: Sequence[Point], key: str, numbers: dict[int, float], *, alone: bool) -> list[Layer]:
    """Return a ring at each switch, labelled with what is new, and where a line that is alone has no plan any more."""
    layers: list[Layer] = []
    for before, after in switches(points, key):
        if after.cost_usd_per_month is not None:
            tip = f"{before.plan or before.status} -> {after.plan}"
            new = after.kind[0].beside(before.kind[0]) if before.kind else after.accelerator
            layers.append(Mark(new, (numbers[id(after)], after.cost_usd_per_month), tip))
        elif alone:
            layers.append(Limit("x", numbers[id(after)], "no plan"))
    return layers
