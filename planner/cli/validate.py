"""``planner validate``: predictions beside somebody's own measurements."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli.output import emit, output_option, painter

if TYPE_CHECKING:
    from planner.catalog import Catalog
    from planner.memory.validation.summary import Errors

    Rows = Sequence[Mapping[str, Any]]
    Compare = Callable[[Rows, Catalog], tuple[list[dict[str, Any]], list[Errors]]]


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
  gpu_memory                               totals of transformers scripts
  peak_memory, method                      peaks of training runs"""
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
    from planner.measurements import read_rows, write_rows
    from planner.report.memory_errors import errors_data, errors_text

    rows = read_rows(measurements)
    kind, compare = _comparison(rows, measurements)
    predicted, errors = compare(rows, load_catalog())
    if predictions is not None:
        write_rows(predicted, predictions)
        click.echo(f"wrote {predictions}", err=True)
    if form == "json":
        emit(json.dumps(errors_data(errors, predicted, kind), indent=2, ensure_ascii=False), output)
    else:
        emit(errors_text(errors, predicted, painter(output)), output)


def _comparison(rows: Rows, path: Path) -> tuple[str, Compare]:
    """Return what kind of measurements the rows are, and what predicts them and sums up the errors."""
    from planner.errors import Diagnostic, MeasurementError
    from planner.memory.validation import MARKS, is_memory_rows, validate_memory
    from planner.training.validation import is_training_rows, validate_training

    if is_training_rows(rows):
        return "training", validate_training
    kind = is_memory_rows(rows)
    if kind is not None:
        return kind, lambda rows, catalog: validate_memory(rows, kind, catalog)
    known = ", ".join(sorted({"peak_memory", *(name for marks in MARKS.values() for name in marks)}))
    message = "none of its columns is a measurement that the planner predicts"
    raise MeasurementError([Diagnostic(message, path=str(path), help=f"it needs one of {known}")])
