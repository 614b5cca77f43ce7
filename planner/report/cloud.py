"""The candidates as a picture: cost against latency, what is feasible, the front of the best, and the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from planner.report.figures import asked, figure, label, quantity
from planner.report.i18n import Translator
from planner.report.scale import Axis
from planner.report.scatter import Dots, Layer, Limit, Line, Mark, scatter
from planner.units import format_count

if TYPE_CHECKING:
    from markupsafe import Markup

    from planner.plan import Margin, Plan

_LATENCIES = ("ttft_p95_ms", "tpot_p95_ms")
_SHOWN_BEYOND_LIMIT = 20
"""How far beyond the limit of latency or budget the axes reach; hopeless candidates lie on the edge."""

Row = Mapping[str, Any]
"""A row of ``planner candidates``: ``cost_usd_per_month``, ``ttft_p95_ms``, ``tpot_p95_ms``, ``feasible``."""


def pareto_front(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points that no other one beats in both coordinates (less is better), from left to right."""
    front: list[tuple[float, float]] = []
    for point in sorted(points):
        if not front or point[1] < front[-1][1]:
            front.append(point)
    return front


def clouds(plan: Plan, rows: Sequence[Row], say: Translator) -> list[Markup]:
    """Return one chart per latency that the candidates have figures for."""
    return [made for name in _LATENCIES if (made := _cloud(plan, rows, name, say)) is not None]


def _cloud(plan: Plan, rows: Sequence[Row], latency: str, say: Translator) -> Markup | None:
    feasible: list[tuple[float, float]] = []
    other: list[tuple[float, float]] = []
    for row in rows:
        x, y = row.get(latency), row.get("cost_usd_per_month")
        if x and y:
            (feasible if row["feasible"] else other).append((float(x), float(y)))
    chosen = next((item.value for item in plan.estimates if item.name == latency), None)
    if not feasible or chosen is None:
        return None
    here = (chosen, plan.cost_usd_per_month)
    margins = {quantity(item.requirement): item for item in plan.margins if not item.requirement.startswith("budget")}
    limit = margins.get(quantity(latency))
    budget = next((it for it in plan.margins if it.requirement == "budget.max" and it.unit == "USD/month"), None)
    front = pareto_front([*feasible, here])
    name = label(latency, say)
    layers: list[Layer] = [
        Dots(say("infeasible candidates"), "infeasible", other),
        Dots(say("feasible candidates"), "feasible", feasible),
        Line(say("Pareto front"), "front", front, steps=True),
        Dots(say("Pareto front"), "front", front),
    ]
    if limit is not None:
        layers.append(Limit("x", limit.limit, asked(limit.limit, limit.unit, say)))
    if budget is not None:
        layers.append(Limit("y", budget.limit, asked(budget.limit, "USD", say)))
    layers.append(
        Mark(
            say("this plan"), here, f"{figure(chosen, 'ms', say)}, {figure(plan.cost_usd_per_month, 'USD/month', say)}"
        )
    )
    return scatter(
        f"cloud-{quantity(latency).replace('_', '-')}",
        x=_axis(
            name, [x for x, _ in (*feasible, *other, here)], feasible, 0, limit, lambda value: asked(value, "ms", say)
        ),
        y=_axis(say("cost per month"), [y for _, y in (*feasible, *other, here)], feasible, 1, budget, _short_usd),
        layers=layers,
        title=say("Cost per month against {latency}", latency=name),
        description=say(
            "{feasible} feasible and {other} infeasible candidates; this plan lies at {latency} and {cost}.",
            feasible=f"{len(feasible):,}",
            other=f"{len(other):,}",
            latency=figure(chosen, "ms", say),
            cost=figure(plan.cost_usd_per_month, "USD/month", say),
        ),
    )


def _axis(
    name: str,
    values: Sequence[float],
    feasible: Sequence[tuple[float, float]],
    which: int,
    limit: Margin | None,
    text: Any,
) -> Axis:
    """Return a logarithmic axis over the values, cut well beyond the limit or the worst feasible candidate."""
    most = max(limit.limit if limit else 0.0, max(point[which] for point in feasible)) * _SHOWN_BEYOND_LIMIT
    return Axis.around(name, [min(value, most) for value in values], log=True, text=text)


def _short_usd(value: float) -> str:
    return f"${format_count(value)}"
