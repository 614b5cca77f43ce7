"""``planner validate``: predictions beside somebody's own measurements."""

from __future__ import annotations

import json
from pathlib import Path

import click

from planner.cli.output import emit, output_option, painter


@click.command(
    epilog="""\b
Examples:
  planner validate startup_logs.json --predictions predicted.csv
  planner validate checkpoints.json
  planner validate logs.csv --format json

\b
Rows are known by their columns:
  weights_gib_per_gpu, kv_cache_gib, ...   start-up logs of engines
  total_bytes                              sizes of checkpoints
  gpu_memory                               totals of transformers scripts"""
)
@click.argument("measurements", type=click.Path(path_type=Path))
@click.option(
    "--predictions",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rows with their predictions to this CSV file.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@output_option
def validate(measurements: Path, predictions: Path | None, form: str, output: Path | None) -> None:
    """Compare predictions with MEASUREMENTS, a JSON list of objects or a CSV file, and print the errors by group.

    What was measured is never an input of its own prediction: only how the engine was started is. A row that cannot be
    predicted says why in the column prediction_notes.
    """
    from planner.catalog import load_catalog
    from planner.errors import Diagnostic, MeasurementError
    from planner.measurements import read_rows, write_rows
    from planner.memory.validation import MARKS, is_memory_rows, validate_memory
    from planner.report.memory_errors import errors_data, errors_text

    rows = read_rows(measurements)
    kind = is_memory_rows(rows)
    if kind is None:
        known = ", ".join(sorted(name for marks in MARKS.values() for name in marks))
        message = "none of its columns is a measurement that the planner predicts"
        raise MeasurementError([Diagnostic(message, path=str(measurements), help=f"it needs one of {known}")])
    predicted, errors = validate_memory(rows, kind, load_catalog())
    if predictions is not None:
        write_rows(predicted, predictions)
        click.echo(f"wrote {predictions}", err=True)
    if form == "json":
        emit(json.dumps(errors_data(errors, predicted, kind), indent=2, ensure_ascii=False), output)
    else:
        emit(errors_text(errors, predicted, painter(output)), output)
