"""Charts as inline SVG: no script, no font, no external resource, the same bytes for the same data.

Each function returns markup that a template prints as it is. Colours come from classes that
``templates/report.css`` defines, so a chart follows light and dark mode and prints; every chart has a title and a
description for those who do not see it. Bars have percentages for coordinates, so they fill their column at any width
with text of constant size; ``scatter`` (in ``planner.report.scatter``) scales as a whole.

    stacked_bar    shares of one total against a limit (memory of a GPU, a bill)
    bars           one value per row (memory by format, reasons by count)
    margin_bar     a figure and its interval against a limit, small enough for a table cell
    fleet          instances with their GPUs, coloured by the replica that runs on them
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from planner.report.svg import chart, percent, share, short, tag

_LABELLED = 0.09
"""The share from which a segment of a stacked bar has room for a short text on a wide page."""
_NARROW, _PER_CHARACTER = 340, 7.6
"""Pixels that a bar has on a telephone, and that a character of its text takes at 12.5 pixels with some air."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a stacked bar. ``tone`` picks its colour: ``c1`` to ``c8``, ``rest`` (unused) or ``bad``."""

    label: str
    value: float
    text: str
    tone: str = "c1"


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of ``bars``; ``emphasis`` prints it in the strong colour."""

    label: str
    value: float
    text: str
    emphasis: bool = False


def stacked_bar(
    name: str, segments: Iterable[Segment], *, total: float, title: str, description: str, limit: float | None = None
) -> Markup:
    """Return one bar as wide as ``total`` with its ``segments`` side by side, and a tick at ``limit``.

    ``name`` makes the ids unique in the document. Values share the unit of ``total``. A segment that is wide enough
    carries its ``text``, which the class ``roomy`` hides on narrow pages that lack the room; the legend is the table
    that should stand below the chart.
    """
    shapes, start = [], 0.0
    for segment in segments:
        part = share(segment.value, total)
        if part <= 0:
            continue
        tip = tag("title", f"{segment.label}: {segment.text}")
        shapes.append(tag("rect", tip, class_=segment.tone, x=percent(start), width=percent(part), height="34"))
        if part >= _LABELLED:
            middle = percent(start + part / 2)
            roomy = " roomy" if part * _NARROW < len(segment.text) * _PER_CHARACTER else ""
            shapes.append(
                tag("text", segment.text, class_=f"on-{segment.tone}{roomy}", x=middle, y="22", text_anchor="middle")
            )
        start += part
    if limit is not None:
        where = percent(share(limit, total))
        shapes.append(tag("line", class_="limit", x1=where, x2=where, y1="-3", y2="37"))
    return chart(name, "bar", title, description, shapes, width="100%", height="34")


def bars(name: str, rows: Sequence[Bar], *, title: str, description: str) -> Markup:
    """Return one horizontal bar per row, its label on the left and its text at the end; the longest fills 56 %."""
    longest = max((row.value for row in rows), default=0.0)
    shapes = []
    for index, row in enumerate(rows):
        top = 26 * index
        part = 0.56 * share(row.value, longest)
        tone = "c1" if row.emphasis else "c3"
        shapes += [
            tag("text", row.label, class_="label", x="29%", y=top + 17, text_anchor="end"),
            tag("rect", class_=tone, x="30%", width=percent(part), y=top + 4, height="18"),
            tag("text", row.text, class_="value", x=percent(0.3 + part), dx="6", y=top + 17),
        ]
    return chart(name, "bars", title, description, shapes, width="100%", height=str(26 * len(rows)))


def margin_bar(
    *, limit: float, actual: float, low: float | None = None, high: float | None = None, holds: bool = True
) -> Markup:
    """Return a bar from 0 to ``actual`` with its interval as a whisker and a tick at ``limit``.

    The scale ends a quarter beyond the limit; what lies beyond is cut. The bar only repeats the figures that stand
    beside it in a table, so it is hidden from screen readers.
    """
    scale = 1.25 * limit
    shapes = [
        tag("rect", class_="track", width="100%", y="5", height="8"),
        tag("rect", class_="c2" if holds else "bad", width=percent(share(actual, scale)), y="5", height="8"),
    ]
    if low is not None and high is not None:
        left, right = percent(share(low, scale)), percent(share(high, scale))
        shapes.append(tag("line", class_="whisker", x1=left, x2=right, y1="9", y2="9"))
        shapes += [tag("line", class_="whisker", x1=end, x2=end, y1="6", y2="12") for end in (left, right)]
    shapes.append(tag("line", class_="limit", x1="80%", x2="80%", y1="0", y2="18"))
    return tag("svg", *shapes, class_="chart margin", aria_hidden="true", width="100%", height="18")


_GPU, _GAP, _FRAME = 18, 4, 8
"""Side of a GPU, space between two, and between a GPU and the frame of its instance, in pixels."""

_FLEET_WIDTH = 860
_MOST_INSTANCES = 40


def fleet(
    name: str, *, instances: int, gpus_per_instance: int, gpus_per_replica: int, replicas: int, title: str, more: str
) -> Markup:
    """Return instances as frames and GPUs as squares; neighbours of one colour are one replica, grey ones are idle.

    A replica stays inside an instance where it fits, else it takes whole instances. Beyond forty instances ``more``
    is printed in place of the rest. The title must say in words what the picture shows.
    """
    owners = _owners(instances, gpus_per_instance, gpus_per_replica, replicas)
    step = gpus_per_instance * (_GPU + _GAP) - _GAP + 2 * _FRAME
    height = _GPU + 2 * _FRAME
    per_row = max(_FLEET_WIDTH // (step + _GAP), 1)
    shapes = []
    for number, gpus in enumerate(owners[:_MOST_INSTANCES]):
        row, column = divmod(number, per_row)
        left, top = column * (step + _GAP), row * (height + _GAP)
        shapes.append(tag("rect", class_="frame", x=left + 0.5, y=top + 0.5, width=step - 1, height=height - 1, rx="3"))
        for index, replica in enumerate(gpus):
            tone = "rest" if replica is None else ("c2", "c3")[replica % 2]
            x, y = left + _FRAME + index * (_GPU + _GAP), top + _FRAME
            shapes.append(tag("rect", class_=tone, x=x, y=y, width=_GPU, height=_GPU, rx="1.5"))
    shown = min(len(owners), _MOST_INSTANCES)
    rows = -(-shown // per_row)
    wide = min(shown, per_row) * (step + _GAP) - _GAP
    tall = rows * (height + _GAP) - _GAP
    if len(owners) > shown:
        tall += 22
        shapes.append(tag("text", more, y=tall - 5))
    size = {"width": short(wide), "height": short(tall), "viewBox": f"0 0 {wide} {tall}"}
    return chart(name, "fleet", title, title, shapes, **size)


def _owners(instances: int, gpus_per_instance: int, gpus_per_replica: int, replicas: int) -> list[list[int | None]]:
    """Return, for every GPU of every instance, the replica that it belongs to."""
    owners: list[list[int | None]] = [[None] * gpus_per_instance for _ in range(instances)]
    slots = gpus_per_instance // gpus_per_replica
    nodes = -(-gpus_per_replica // gpus_per_instance)
    for replica in range(replicas):
        for gpu in range(gpus_per_replica):
            if slots:
                instance, place = replica // slots, replica % slots * gpus_per_replica + gpu
            else:
                instance, place = replica * nodes + gpu // gpus_per_instance, gpu % gpus_per_instance
            if instance < instances:
                owners[instance][place] = replica
    return owners
