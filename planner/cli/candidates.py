"""``planner candidates``: everything that was evaluated for a scenario, one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from planner.cli.asking import scenario_argument, settings_option
from planner.cli.output import emit, output_option, painter

FORMATS = ("text", "json", "csv")
TOP_OF_TEXT = 30
"""Rows that text shows unless --top says otherwise: a screen."""

# heading, column, how it is shown, alignment
_SERVICE = ("service", "service", "{}", "l")
_TEXT_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("accelerator", "accelerator", "{}", "l"),
    ("offer", "offer", "{}", "l"),
    ("pricing", "pricing", "{}", "l"),
    ("weights", "weights", "{}", "l"),
    ("KV", "kv_cache", "{}", "l"),
    ("engine", "engine", "{}", "l"),
    ("TP", "tp", "{}", "r"),
    ("PP", "pp", "{}", "r"),
    ("replicas", "replicas", "{:,}", "r"),
    ("GPUs", "gpus", "{:,}", "r"),
    ("$/month", "cost_usd_per_month", "{:,.0f}", "r"),
    ("TTFT p95 ms", "ttft_p95_ms", "{:,.0f}", "r"),
    ("TPOT p95 ms", "tpot_p95_ms", "{:,.1f}", "r"),
)


@click.command(
    epilog="""\b
Examples:
  planner candidates scenarios/70b-chat.yaml --feasible --top 10
  planner candidates scenarios/70b-chat.yaml --format csv -o candidates.csv
  planner candidates scenarios/70b-chat.yaml --format json | jq '[.[] | select(.tp == 8)] | length'"""
)
@scenario_argument
@settings_option
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How to list them."
)
@click.option("--feasible", is_flag=True, help="Only those that hold every requirement.")
@click.option(
    "--top", type=click.IntRange(min=1), help=f"Only the first N.  [default: {TOP_OF_TEXT} as text, else all]"
)
@output_option
def candidates(
    scenario: str, settings: tuple[str, ...], form: str, feasible: bool, top: int | None, output: Path | None
) -> None:
    """List every candidate that was evaluated for SCENARIO, feasible ones first, cheapest first.

    A candidate is a model format and layout on an offer, with the whole fleet that carries the load: its replicas,
    GPUs, cost and latencies. An infeasible one lists the requirements that it breaks. What cannot run at all (no
    kernel, no room for the weights) is cut earlier; `planner solve` counts it by reason.
    """
    from planner.candidates import candidate_rows
    from planner.candidates.streams import streams_of
    from planner.scenario import load_scenario

    streams = streams_of(load_scenario(scenario, settings=settings)).apart
    several = len(streams) > 1
    rows = [row for it in streams for row in candidate_rows(it.table, it.name if several else None)]
    rows.sort(key=lambda row: (not row["feasible"], row["cost_usd_per_month"]))  # stable: ties keep the table's order
    kept = [row for row in rows if row["feasible"]] if feasible else rows
    shown = kept[: top or (TOP_OF_TEXT if form == "text" else None)]
    emit(_WRITERS[form](shown, painter(output)), output)
    if len(shown) < len(kept):
        click.echo(f"{len(kept) - len(shown):,} more of {len(kept):,}; --top shows them", err=True)


def _json(rows: Sequence[Mapping[str, Any]], paint: Callable[[str, str], str]) -> str:
    import json

    lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    return "[\n" + ",\n".join(lines) + "\n]\n" if rows else "[]\n"


def _csv(rows: Sequence[Mapping[str, Any]], paint: Callable[[str, str], str]) -> str:
    import csv
    from io import StringIO

    text = StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "reasons": "; ".join(row["reasons"])} for row in rows)
    return text.getvalue()


def _text(rows: Sequence[Mapping[str, Any]], paint: Callable[[str, str], str]) -> str:
    from planner.report.layout import table

    if not rows:
        return "no candidates\n"

    def shown(value: Any, form: str) -> str:
        return "–" if value is None else form.format(value)

    columns = (_SERVICE, *_TEXT_COLUMNS) if "service" in rows[0] else _TEXT_COLUMNS
    headings = [*(heading for heading, *_ in columns), "breaks"]
    cells = [[*(shown(row[key], form) for _, key, form, _ in columns), ", ".join(row["reasons"])] for row in rows]
    head, *lines = table([headings, *cells], "".join(side for *_, side in columns) + "l")
    painted = [line if row["feasible"] else paint("faint", line) for line, row in zip(lines, rows, strict=True)]
    return "\n".join([paint("strong", head), *painted]) + "\n"


_WRITERS = {"text": _text, "json": _json, "csv": _csv}
