"""The tables of errors on what a fit has not seen, for a terminal and for docs/accuracy.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from planner.report.error_tables import percent
from planner.report.layout import Paint, table, unpainted

if TYPE_CHECKING:
    from planner.performance.accuracy import Accuracy

TITLES = {
    "setting": "Left-out settings: the machine was measured, this setting of it was not",
    "pair": "Left-out pairs: no run of this model on this accelerator was seen",
}
HEAD = ("group", "quantity", "rows", "median", "mean", "p90", "bias", "in 90 %")


def accuracy_text(found: Sequence[Accuracy], paint: Paint = unpainted) -> str:
    """Return one table after the other."""
    parts = []
    for item in found:
        parts += [paint("strong", TITLES[item.left_out]), *table([HEAD, *_rows(item)], "llrrrrrr"), ""]
    return "\n".join(parts)


def accuracy_markdown(found: Sequence[Accuracy]) -> str:
    """Return the tables as Markdown."""
    parts = []
    for item in found:
        parts += [f"## {TITLES[item.left_out]}", "", _line(HEAD), "|---|---|" + "---:|" * 6]
        parts += [*map(_line, _rows(item)), ""]
    return "\n".join(parts)


def _rows(item: Accuracy) -> Iterator[tuple[str, ...]]:
    for error in item.errors:
        yield (
            error.group,
            error.quantity,
            f"{error.predicted:,}",
            percent(error.median),
            percent(error.mean),
            percent(error.p90),
            percent(error.bias, signed=True),
            percent(error.coverage),
        )


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
