"""A sweep as a table with its switches, as CSV and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from planner.report.figures import figure, money
from planner.report.layout import Paint, table, unpainted

if TYPE_CHECKING:
    from planner.sweep.point import Point
    from planner.sweep.run import Sweep

_COLUMNS = (
    "status",
    "cost_usd_per_month",
    "plan",
    "layout",
    "accelerator",
    "pricing",
    "gpus",
    "ttft_p95_ms",
    "tpot_p95_ms",
    "output_tokens_per_second",
    "reason",
)


def moving(points: Sequence[Point]) -> list[str]:
    """Return the keys that take more than one value, in the order of the settings."""
    values: dict[str, set[str]] = {}
    for point in points:
        for key, value in point.settings:
            values.setdefault(key, set()).add(value)
    return [key for key, found in values.items() if len(found) > 1] or list(values)


def series(points: Sequence[Point], key: str) -> dict[tuple[tuple[str, str], ...], list[Point]]:
    """Return the points along ``key``, apart for each combination of the other settings, in order."""
    found: dict[tuple[tuple[str, str], ...], list[Point]] = {}
    for point in points:
        rest = tuple(pair for pair in point.settings if pair[0] != key)
        found.setdefault(rest, []).append(point)
    return found


def switches(points: Sequence[Point], key: str) -> list[tuple[Point, Point]]:
    """Return the neighbours along ``key`` of which the plans differ in more than their numbers."""
    return [
        (before, after)
        for line in series(points, key).values()
        for before, after in pairwise(line)
        if before.kind != after.kind
    ]


def sweep_text(sweep: Sweep, *, paint: Paint = unpainted) -> str:
    """Return a row per variant, ``*`` where the plan is another than in the row before it along the first key."""
    points = sweep.points
    if not points:
        return "nothing was solved\n"
    keys = moving(points)
    found = switches(points, keys[0])
    marked = {id(after) for _, after in found}
    head = [*(_short(key) for key in keys), "", "$/month", "GPUs", "TTFT p95", "TPOT p95", "plan"]
    rows = []
    for point in points:
        values = dict(point.settings)
        if point.cost_usd_per_month is None:
            cells = ["–", "–", "–", "–", f"{point.status}: {point.reason.splitlines()[0] if point.reason else ''}"]
        else:
            cells = [
                money(point.cost_usd_per_month),
                f"{point.gpus:,}",
                *("–" if it is None else figure(it, "ms") for it in (point.ttft_p95_ms, point.tpot_p95_ms)),
                f"{point.plan} ({point.pricing}); {point.layout}",
            ]
        rows.append([*(values[key] for key in keys), "*" if id(point) in marked else " ", *cells])
    first, *lines = table([head, *rows], "r" * len(keys) + "lrrrrl")
    painted = [line if it.kind else paint("faint", line) for line, it in zip(lines, points, strict=True)]
    text = [paint("strong", first), *painted, ""]
    text += [_switch(before, after, keys) for before, after in found] or [f"No switch along {_short(keys[0])}."]
    if sweep.stopped:
        text.append(f"Stopped: {len(points):,} of {sweep.asked:,} variants are done.")
    return "\n".join(text) + "\n"


def _switch(before: Point, after: Point, keys: Sequence[str]) -> str:
    values, later = dict(before.settings), dict(after.settings)
    rest = "".join(f", {_short(key)} {later[key]}" for key in keys[1:])
    return f"* {_short(keys[0])} {values[keys[0]]} -> {later[keys[0]]}{rest}: {_named(before)} -> {_named(after)}"


def _named(point: Point) -> str:
    return f"{point.plan} ({point.pricing})" if point.plan else point.status


def _short(key: str) -> str:
    return key.rpartition(".")[2]


def sweep_csv(sweep: Sweep) -> str:
    """Return a row per variant: its settings, then the figures of its plan; empty where there is none."""
    import csv
    from io import StringIO

    text = StringIO()
    keys = list(dict.fromkeys(key for point in sweep.points for key, _ in point.settings))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*keys, *_COLUMNS])
    for point in sweep.points:
        values = dict(point.settings)
        cells = ("" if (value := getattr(point, name)) is None else value for name in _COLUMNS)
        writer.writerow([*(values[key] for key in keys), *cells])
    return text.getvalue()


def sweep_to_dict(sweep: Sweep) -> dict[str, Any]:
    """Return the points and the switches along the first key as plain values."""
    points = sweep.points
    keys = moving(points) if points else []
    return {
        "asked": sweep.asked,
        "done": len(points),
        "points": [{"settings": dict(it.settings), **{name: getattr(it, name) for name in _COLUMNS}} for it in points],
        "switches": [
            {"key": keys[0], "from": dict(a.settings), "to": dict(b.settings), "plans": [_named(a), _named(b)]}
            for a, b in (switches(points, keys[0]) if keys else [])
        ],
    }
