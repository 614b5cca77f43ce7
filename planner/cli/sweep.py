"""``planner sweep``: many variants of a scenario at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.asking import scenario_argument
from planner.cli.output import emit, output_option, painter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.sweep.grid import Swept
    from planner.sweep.run import Sweep

FORMATS = ("text", "csv", "json", "svg")
ENDINGS = {".csv": "csv", ".json": "json", ".svg": "svg"}
"""Format of a file whose name ends so, unless --format says otherwise."""

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT."""


@click.command(
    epilog="""\b
Examples:
  planner sweep scenarios/70b-chat.yaml --set workload.concurrency=50..800
  planner sweep scenarios/70b-chat.yaml --set sla.tpot_p95=20ms..80ms:7 --set search.weights=bf16,fp8-e4m3
  planner sweep scenarios/8b-assistant.yaml --set workload.concurrency=10..10000x25 -o cost.svg
  planner sweep scenarios/70b-chat.yaml --set budget.max=null --set workload.input_tokens=500..16000 --format csv

\b
Exit codes:
  0  every variant was solved, or has no plan
  2  the scenario, a setting or the usage is wrong
  130  stopped by Ctrl-C; what was done is written"""
)
@scenario_argument
@click.option(
    "--set",
    "settings",
    metavar="KEY=VALUES",
    multiple=True,
    required=True,
    help="50..800 (even factors), 50..800:N (N even steps), 50..800xN (N factors), a,b,c or a value. Repeatable.",
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="How to tell it.  [default: by the file's ending, else text]"
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: one per core]")
@click.option("--scheduler", metavar="ADDRESS", help="Solve on the Dask cluster of this scheduler: tcp://host:8786.")
@output_option
def sweep(
    scenario: str,
    settings: tuple[str, ...],
    form: str | None,
    workers: int | None,
    scheduler: str | None,
    output: Path | None,
) -> int:
    """Solve every combination of values set over SCENARIO: how plan and cost move, and where they switch.

    Any key that `planner solve --set` takes may hold a range or a list; the last key changes fastest, and rows keep
    that order whichever is solved first. A variant without a plan is a row of its own, with the requirements in
    conflict. Ctrl-C writes what is done. Workers of a cluster need the planner and the scenario under the same path.
    """
    from planner.sweep.grid import parse_swept, variants

    if scenario == "-":
        raise click.UsageError("a sweep reads its scenario once per variant; give a file")
    if workers is not None and scheduler is not None:
        raise click.UsageError("a cluster has its own workers; give one of --workers and --scheduler")
    form = form or (ENDINGS.get(output.suffix.lower()) if output else None) or "text"
    swept = [parse_swept(setting) for setting in settings]
    asked = variants(swept)
    _check(scenario, swept)
    path = str(Path(scenario).resolve())
    found = _run(path, asked, workers, scheduler)
    name = Path(scenario).stem
    emit(_text(found, form, name, output), output)
    if found.stopped:
        click.echo(f"stopped: {len(found.points):,} of {found.asked:,} variants are done", err=True)
        return INTERRUPTED
    return 0


def _check(scenario: str, swept: Sequence[Swept]) -> None:
    """Read the scenario with each value once, so that a slip is told before anything is solved."""
    from planner.scenario import load_scenario

    first = {item.key: item.values[0] for item in swept}
    for item in swept:
        for value in item.values:
            load_scenario(scenario, settings=[f"{key}={text}" for key, text in (first | {item.key: value}).items()])


def _run(
    path: str, asked: tuple[tuple[tuple[str, str], ...], ...], workers: int | None, scheduler: str | None
) -> Sweep:
    from planner.sweep.run import cluster_executor, run_sweep
    from planner.workers import cores, local_executor

    count = min(workers or cores(), len(asked))
    executor = cluster_executor(scheduler) if scheduler else local_executor(count)
    shown = sys.stderr.isatty()
    with (
        executor as pool,
        click.progressbar(length=len(asked), label="solving", file=sys.stderr, hidden=not shown, show_pos=True) as bar,
    ):
        return run_sweep(path, asked, pool, bar.update)


def _text(found: Sweep, form: str, name: str, output: Path | None) -> str:
    if form == "svg":
        from planner.report.sweep_chart import sweep_svg

        return sweep_svg(found, name)
    from planner.report.sweep import sweep_csv, sweep_text, sweep_to_dict

    if form == "json":
        from planner.report.structured import dump

        return dump(sweep_to_dict(found), "json")
    return sweep_csv(found) if form == "csv" else sweep_text(found, paint=painter(output))
