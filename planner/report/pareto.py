"""A front of plans as a table, as CSV, as plain values and as one page with its charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from planner.report.deployment import degrees
from planner.report.figures import asked, figure, label, money
from planner.report.i18n import ENGLISH, Translator
from planner.report.layout import COLUMNS, Paint, table, unpainted, wrap
from planner.units import format_count, format_percent

if TYPE_CHECKING:
    from markupsafe import Markup

    from planner.plan import Alternative
    from planner.report.scale import Axis
    from planner.report.scatter import Layer
    from planner.solve.pareto import Front

_FIGURES = {"ttft": "ttft_p95_ms", "tpot": "tpot_p95_ms", "quality": "recovery", "energy": "power_w"}
"""Axis -> the estimate that it shows; cost is a plan's own."""


def figures_of(plan: Alternative) -> dict[str, float]:
    """Return the estimates of ``plan`` by name, and its cost."""
    return {item.name: item.value for item in plan.estimates} | {"cost_usd_per_month": plan.cost_usd_per_month}


def _value(plan: Alternative, axis: str) -> float | None:
    return figures_of(plan).get("cost_usd_per_month" if axis == "cost" else _FIGURES[axis])


def _cell(plan: Alternative, axis: str, say: Translator) -> str:
    value = _value(plan, axis)
    if value is None:
        return "–"
    if axis == "cost":
        return money(value)
    if axis == "quality":
        return format_percent(value)
    return figure(value, "W" if axis == "energy" else "ms", say)


def _heads(front: Front, say: Translator) -> list[str]:
    names = {"cost": say("per month"), "energy": say("Power")}
    return [names.get(axis) or label(_FIGURES[axis], say) for axis in front.axes]


def rows_of(front: Front, say: Translator = ENGLISH) -> list[tuple[list[str], str, str, list[bool]]]:
    """Return (figures, what is taken, layout, which figures are the best of the front) of every plan."""
    best = {axis: _best(front, axis) for axis in front.axes}
    found = []
    for plan in front.plans:
        made = plan.deployment
        layout = f"{made.replicas} × {degrees(made)}, {made.weights}, KV {made.kv_cache}, {made.engine}"
        marks = [_value(plan, axis) == best[axis] for axis in front.axes]
        found.append(
            ([_cell(plan, axis, say) for axis in front.axes], f"{made.instances} × {made.offer}", layout, marks)
        )
    return found


def _best(front: Front, axis: str) -> float | None:
    values = [value for plan in front.plans if (value := _value(plan, axis)) is not None]
    return (max if axis == "quality" else min)(values, default=None)


def pareto_text(front: Front, *, paint: Paint = unpainted) -> str:
    """Return a row per plan, cheapest first; ``*`` marks the best figure of each axis."""
    head = [*_heads(front, ENGLISH), "plan", ""]
    rows = [
        [*(f"{cell}{'*' if mark else ' '}" for cell, mark in zip(cells, marks, strict=True)), what, layout]
        for cells, what, layout, marks in rows_of(front)
    ]
    first, *lines = table([[f"{it} " for it in head[:-2]] + head[-2:], *rows], "r" * len(front.axes) + "ll")
    return "\n".join([paint("strong", first), *lines, "", *wrap(_summary(front), COLUMNS)]) + "\n"


def _summary(front: Front) -> str:
    told = "" if len(front.plans) == front.dominating else f", {len(front.plans)} that lie far apart told"
    counts = f"{front.feasible:,} of {front.candidates:,} candidates hold every requirement"
    return f"{front.dominating:,} plans that nothing beats{told}; {counts}. * is the best of its column."


def pareto_to_dict(front: Front) -> dict[str, Any]:
    """Return the front as plain values, every figure with its interval and source."""
    from dataclasses import asdict

    return {
        "axes": list(front.axes),
        "plans": [asdict(plan) for plan in front.plans],
        "undominated": front.dominating,
        "feasible": front.feasible,
        "candidates": front.candidates,
    }


_COLUMNS = ("cost_usd_per_month", "ttft_p95_ms", "tpot_p95_ms", "recovery", "power_w", "output_tokens_per_second")
_MADE = (
    "offer", "pricing", "accelerator", "instances", "gpus", "engine", "weights", "kv_cache",
    "tensor_parallel", "pipeline_parallel", "expert_parallel", "replicas", "batch_per_replica",
)  # fmt: skip


def pareto_csv(front: Front) -> str:
    """Return a row per plan: its figures, then how it is laid out."""
    import csv
    from io import StringIO

    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, *_MADE])
    for plan in front.plans:
        figures = figures_of(plan)
        writer.writerow([*(figures.get(name, "") for name in _COLUMNS), *(getattr(plan.deployment, x) for x in _MADE)])
    return text.getvalue()


def pareto_document(front: Front, title: str, *, language: str = "en") -> str:
    """Return one page: the table, and cost against each other axis."""
    from planner.report.environment import render
    from planner.report.i18n import translator

    say = translator(language)
    charts = [chart for axis in front.axes if axis != "cost" and (chart := _chart(front, axis, say)) is not None]
    return render(
        "pareto.html.j2",
        language=language,
        title=title,
        heads=_heads(front, say),
        rows=rows_of(front, say),
        charts=charts if "cost" in front.axes else [],
        front=front,
    )


def _chart(front: Front, axis: str, say: Translator) -> Markup | None:
    from planner.report.cloud import pareto_front
    from planner.report.scale import Axis
    from planner.report.scatter import Dots, Line, scatter

    points = [(value, plan.cost_usd_per_month) for plan in front.plans if (value := _value(plan, axis)) is not None]
    if len(points) < 2:
        return None
    name = _heads(front, say)[front.axes.index(axis)]
    sign = -1 if axis == "quality" else 1  # more quality is better, so that its front runs the other way
    front_line = [(sign * x, y) for x, y in pareto_front([(sign * x, y) for x, y in points])]
    layers: list[Layer] = [
        Line(say("Pareto front"), "front", front_line, steps=True),
        Dots(say("Pareto front"), "front", points),
    ]
    return scatter(
        f"front-{axis}",
        x=_x_axis(axis, name, [x for x, _ in points], say),
        y=Axis.around(say("cost per month"), [y for _, y in points], log=True, text=lambda it: f"${format_count(it)}"),
        layers=layers,
        title=say("Cost per month against {latency}", latency=name),
        description=name,
    )


def _watts(value: float) -> str:
    return f"{value / _KILO:g} kW" if value >= _KILO else f"{value:g} W"


_KILO = 1000
_LEAST_SPREAD = 0.002
"""Share of recovery that the axis of quality shows at least: what is closer lies within the noise of benchmarks."""


def _x_axis(axis: str, name: str, values: Sequence[float], say: Translator) -> Axis:
    """Return a logarithmic axis; of quality a linear one over what differs, which is far from zero."""
    from planner.report.scale import Axis

    if axis != "quality":
        text = _watts if axis == "energy" else lambda value: asked(value, "ms", say)
        return Axis.around(name, values, log=True, text=text)
    room = 0.1 * max(max(values) - min(values), _LEAST_SPREAD)
    return Axis(name, min(values) - room, max(values) + room, text=lambda value: format_percent(value, 2))


def axes_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return axes in the order in which reports show them."""
    from planner.solve.pareto import AXES

    return tuple(axis for axis in AXES if axis in names)
