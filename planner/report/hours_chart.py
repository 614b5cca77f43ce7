"""A day or a week as a drawing: instances of each offer hour by hour, those that stay at the bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.report.i18n import Translator
from planner.report.svg import chart, short, tag

if TYPE_CHECKING:
    from markupsafe import Markup

    from planner.plan import Holding, Plan

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 860, 190, 34, 22
TONES = ("c1", "c4", "c3", "c5", "c6", "c2", "c7", "c8")


def hours_chart(plan: Plan, say: Translator) -> Markup | None:
    """Return GPUs in each hour, stacked by offer; None where nothing changes."""
    ordered = by_base(plan)
    hours = max((len(item.instances_by_hour) for item in ordered), default=0)
    if not hours:
        return None
    columns = [[_gpus(item, hour) for item in ordered] for hour in range(hours)]
    top = max(sum(column) for column in columns)
    wide = (_WIDTH - _LEFT) / hours
    scale = (_HEIGHT - _BOTTOM - 12) / top
    shapes = [
        tag("line", class_="grid", x1=_LEFT, x2=_WIDTH, y1=_y(top, scale), y2=_y(top, scale)),
        tag("text", f"{top}", x=_LEFT - 6, y=_y(top, scale) + 4, text_anchor="end"),
        tag("text", "0", x=_LEFT - 6, y=_HEIGHT - _BOTTOM + 4, text_anchor="end"),
    ]
    for hour, column in enumerate(columns):
        below = 0
        for index, gpus in enumerate(column):
            if gpus:
                tip = tag("title", f"{hour % 24:02d}:00  {gpus} × {ordered[index].accelerator}, {ordered[index].offer}")
                x, y = _LEFT + hour * wide, _y(below + gpus, scale)
                size = {"width": max(wide - 1.5, 0.5), "height": gpus * scale}
                shapes.append(tag("rect", tip, class_=TONES[index % len(TONES)], x=x, y=y, **size))
                below += gpus
        if hour % (hours // 8) == 0:
            label = f"{hour % 24:02d}" if hours == 24 else say("day {n}", n=hour // 24 + 1)
            shapes.append(tag("text", label, x=_LEFT + hour * wide, y=_HEIGHT - 6))
    title = say("GPUs by the hour")
    described = say("Between {few} and {many} GPUs.", few=min(map(sum, columns)), many=top)
    size_ = {"width": short(_WIDTH), "height": short(_HEIGHT), "viewBox": f"0 0 {_WIDTH} {_HEIGHT}"}
    return chart("hours", "hours", title, described, shapes, **size_)


def by_base(plan: Plan) -> list[Holding]:
    """Return the holdings in the order in which they are stacked: what stays first, then by how little it moves."""
    return sorted(plan.holdings, key=lambda item: (bool(item.instances_by_hour), -min(item.instances_by_hour or (0,))))


def _gpus(item: Holding, hour: int) -> int:
    count = item.instances_by_hour[hour] if item.instances_by_hour else item.instances
    return count * item.gpus_per_instance


def _y(gpus: float, scale: float) -> float:
    return _HEIGHT - _BOTTOM - gpus * scale
