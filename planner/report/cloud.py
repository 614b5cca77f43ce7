"""The candidates as a picture: cost against latency, what is feasible, the front of the best, and the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.report.figures import asked, figure, label, quantity
from planner.report.i18n import Translator
from planner.report.scale import Axis
from planner.report.scatter import Dots, Layer, Limit, Line, Mark, scatter
from planner.units import format_count

if TYPE_CHECKING:
    from markupsafe import Markup

    from planner.candidates import CandidateTable
    from planner.plan import Margin, Plan

_SHOWN_BEYOND_LIMIT = 20
"""How far beyond the limit of latency or budget the axes reach; hopeless candidates lie on the edge."""

_GRID_PER_DECADE = 90
"""Points closer than a ninetieth of a decade (2.6 %) on both axes are one point: finer than a dot is wide."""

_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cloud:
    """Candidates as (latency in ms, US dollars per month), those that hold every requirement and the others."""

    latency: str
    """Name of the estimate: ``ttft_p95_ms`` or ``tpot_p95_ms``."""
    feasible: Sequence[_Point]
    infeasible: Sequence[_Point]


def clouds_of(table: CandidateTable) -> tuple[Cloud, ...]:
    """Return TTFT and TPOT against cost for every row of ``table``, points that would coincide only once."""
    import numpy as np

    from planner.cost import per_month, usd

    estimated, rows = table.configurations.estimated, table.configuration
    cost = per_month(usd(1)) * table.fleets.cost
    feasible = table.feasible
    found = []
    for name in ("ttft_p95_ms", "tpot_p95_ms"):
        latency = getattr(estimated, name)[rows]
        drawn = np.isfinite(latency) & (latency > 0) & (cost > 0)
        points = np.log10(np.column_stack((latency, cost)), where=drawn[:, None], out=np.zeros((len(cost), 2)))

        def distinct(keep: np.typing.NDArray[np.bool_], points: np.typing.NDArray[np.float64] = points) -> list[_Point]:
            cells = np.unique(np.rint(points[keep] * _GRID_PER_DECADE), axis=0)
            return [(x, y) for x, y in (10.0 ** (cells / _GRID_PER_DECADE)).tolist()]

        found.append(Cloud(name, distinct(drawn & feasible), distinct(drawn & ~feasible)))
    return tuple(found)


def pareto_front(points: Iterable[_Point]) -> list[_Point]:
    """Return the points that no other one beats in both coordinates (less is better), from left to right."""
    front: list[_Point] = []
    for point in sorted(points):
        if not front or point[1] < front[-1][1]:
            front.append(point)
    return front


def draw(plan: Plan, cloud: Cloud, say: Translator) -> Markup | None:
    """Return the chart of one cloud with the plan marked; None where there is nothing to compare."""
    chosen = next((item.value for item in plan.estimates if item.name == cloud.latency), None)
    if not cloud.feasible or chosen is None:
        return None
    here = (chosen, plan.cost_usd_per_month)
    limit = next((it for it in plan.margins if quantity(it.requirement) == quantity(cloud.latency)), None)
    budget = next((it for it in plan.margins if it.requirement == "budget" and it.unit == "USD/month"), None)
    front = pareto_front([*cloud.feasible, here])
    layers: list[Layer] = [
        Dots(say("infeasible candidates"), "infeasible", cloud.infeasible),
        Dots(say("feasible candidates"), "feasible", cloud.feasible),
        Line(say("Pareto front"), "front", front, steps=True),
        Dots(say("Pareto front"), "front", front),
    ]
    if limit is not None:
        layers.append(Limit("x", limit.limit, asked(limit.limit, limit.unit, say)))
    if budget is not None:
        layers.append(Limit("y", budget.limit, asked(budget.limit, "USD", say)))
    where = {"latency": figure(chosen, "ms", say), "cost": figure(plan.cost_usd_per_month, "USD/month", say)}
    layers.append(Mark(say("this plan"), here, "{latency}, {cost}".format(**where)))
    name = label(cloud.latency, say)
    points = [*cloud.feasible, *cloud.infeasible, here]
    worst = [max(point[axis] for point in cloud.feasible) for axis in (0, 1)]
    return scatter(
        f"cloud-{quantity(cloud.latency).replace('_', '-')}",
        x=_axis(name, [x for x, _ in points], worst[0], limit, lambda value: asked(value, "ms", say)),
        y=_axis(
            say("cost per month"), [y for _, y in points], worst[1], budget, lambda value: f"${format_count(value)}"
        ),
        layers=layers,
        title=say("Cost per month against {latency}", latency=name),
        description=say(
            "{feasible} of {candidates} candidates hold every requirement; this plan lies at {latency} and {cost}.",
            feasible=f"{plan.proof.feasible:,}",
            candidates=f"{plan.proof.candidates:,}",
            **where,
        ),
    )


def _axis(name: str, values: Iterable[float], worst: float, limit: Margin | None, text: Callable[[float], str]) -> Axis:
    """Return a logarithmic axis over the values, cut well beyond the limit or the worst feasible candidate."""
    most = max(limit.limit if limit else 0.0, worst) * _SHOWN_BEYOND_LIMIT
    return Axis.around(name, [min(value, most) for value in values], log=True, text=text)
