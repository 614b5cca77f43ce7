"""A scatter plot as inline SVG: clouds of any size in a few kilobytes, lines, limits and marked points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from planner.report.scale import Axis
from planner.report.svg import chart, short, tag

_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 12, 14, 44
"""Room around the plot for tick labels and axis titles, in units of the drawing."""

_CELL = 2
"""Points whose places round to the same cell, in units of the drawing, are drawn once: a dot is wider than that."""

_Point = tuple[float, float]
_Place = Callable[[_Point], _Point]


@dataclass(frozen=True, slots=True)
class Dots:
    """A cloud of points of one kind: ``infeasible``, ``feasible``, ``front``, or ``c1`` to ``c6``."""

    label: str
    kind: str
    points: Sequence[_Point]


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline of one kind (``front``, ``diagonal``); ``steps`` draws it as a staircase."""

    label: str
    kind: str
    points: Sequence[_Point]
    steps: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """One labelled point that stands out; ``tip`` is shown when it is pointed at."""

    label: str
    point: _Point
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """A dashed line across the plot at a value of one axis."""

    axis: Literal["x", "y"]
    value: float
    label: str


Layer = Dots | Line | Mark | Limit


def scatter(
    name: str,
    *,
    x: Axis,
    y: Axis,
    layers: Iterable[Layer],
    title: str,
    description: str,
    width: int = 440,
    height: int = 330,
) -> Markup:
    """Return a plot of ``layers``, drawn in the order given; what lies outside an axis is drawn at its edge.

    ``name`` makes the ids unique in the document. ``width`` and ``height`` are units of the drawing, which the style
    sheet scales to its column. The same data gives the same bytes, whatever the order of a cloud's points.
    """
    across, up = width - _LEFT - _RIGHT, height - _TOP - _BOTTOM

    def place(point: _Point) -> _Point:
        return _LEFT + x.position(point[0]) * across, _TOP + (1 - y.position(point[1])) * up

    shapes = [*_frame(x, y, place, width, height)]
    for layer in layers:
        match layer:
            case Dots():
                shapes.append(_path(layer.label, f"dots {layer.kind}", _cloud(map(place, layer.points))))
            case Line():
                shapes.append(
                    _path(layer.label, f"line {layer.kind}", _polyline([*map(place, layer.points)], layer.steps))
                )
            case Mark():
                shapes += _mark(layer, place(layer.point), before=x.position(layer.point[0]) > 0.6)
            case Limit():
                shapes += _limit(layer, x, y, place)
    return chart(name, "scatter", title, description, shapes, viewBox=f"0 0 {width} {height}")


def _frame(x: Axis, y: Axis, place: _Place, width: int, height: int) -> Iterator[Markup]:
    right, floor = width - _RIGHT, height - _BOTTOM
    for value in x.ticks():
        at, _ = place((value, y.low))
        yield tag("line", class_="grid", x1=at, x2=at, y1=_TOP, y2=floor)
        yield tag("text", x.text(value), class_="tick", x=at, y=floor + 16, text_anchor="middle")
    for value in y.ticks():
        _, at = place((x.low, value))
        yield tag("line", class_="grid", x1=_LEFT, x2=right, y1=at, y2=at)
        yield tag("text", y.text(value), class_="tick", x=_LEFT - 7, y=at, dy="4", text_anchor="end")
    yield tag("text", x.label, class_="axis", x=(_LEFT + right) / 2, y=height - 8, text_anchor="middle")
    turned = f"translate(11 {short((_TOP + floor) / 2)}) rotate(-90)"
    yield tag("text", y.label, class_="axis", transform=turned, text_anchor="middle")


def _path(label: str, kind: str, path: str) -> Markup:
    return tag("path", tag("title", label), class_=kind, d=path)


def _mark(mark: Mark, place: _Point, *, before: bool) -> Iterator[Markup]:
    cx, cy = place
    yield tag("circle", tag("title", mark.tip or mark.label), class_="mark", cx=cx, cy=cy, r="5.5")
    anchor, shift = ("end", "-9") if before else ("start", "9")
    yield tag("text", mark.label, class_="mark-label", x=cx, y=cy, dx=shift, dy="-7", text_anchor=anchor)


def _limit(limit: Limit, x: Axis, y: Axis, place: _Place) -> Iterator[Markup]:
    if limit.axis == "x":
        (x1, y1), (x2, y2) = place((limit.value, y.low)), place((limit.value, y.high))
        anchor, dx, dy = ("end", "-4", "9") if x.position(limit.value) > 0.8 else ("start", "4", "9")
    else:
        (x1, y1), (x2, y2) = place((x.low, limit.value)), place((x.high, limit.value))
        anchor, dx, dy = "end", "0", "-4"
    yield tag("line", class_="limit", x1=x1, y1=y1, x2=x2, y2=y2)
    yield tag("text", limit.label, class_="limit-label", x=x2, y=y2, dx=dx, dy=dy, text_anchor=anchor)


def _polyline(points: Sequence[_Point], steps: bool) -> str:
    path = [f"M{short(px)} {short(py)}" for px, py in points[:1]]
    path += [f"H{short(px)}V{short(py)}" if steps else f"L{short(px)} {short(py)}" for px, py in points[1:]]
    return "".join(path)


def _cloud(points: Iterable[_Point]) -> str:
    """Return a path of dots: strokes without length, drawn round, each at a place relative to the one before.

    So a dot costs about eight bytes, against sixty of a circle element.
    """
    spots = sorted({(round(px / _CELL) * _CELL, round(py / _CELL) * _CELL) for px, py in points})
    path, (px, py) = [], (0, 0)
    for spot in spots:
        path.append(f"m{spot[0] - px} {spot[1] - py}h0")
        px, py = spot
    return "".join(path)
