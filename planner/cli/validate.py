"""``planner validate``: predictions beside somebody's own measurements."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli.machine import machine_of, machine_options
from planner.cli.output import emit, output_option, painter

if TYPE_CHECKING:
    from planner.catalog import Catalog
    from planner.error_summary import Errors

    Rows = Sequence[Mapping[str, Any]]
    Compare = Callable[[Rows, Catalog], tuple[list[dict[str, Any]], list[Errors]]]


@click.command(
    epilog="""\b
Examples:
  planner validate startup_logs.json --predictions predicted.csv
  planner validate checkpoints.json
  planner validate logs.csv --format json
  planner validate serving_runs.csv --predictions predicted.csv --html errors.html
  planner validate vllm_bench.json --accelerator h100-sxm --tp 4 --weights fp8

\b
Rows are known by their columns:
  weights_gib_per_gpu, kv_cache_gib, ...   start-up logs of engines
  total_bytes                              sizes of checkpoints
  gpu_memory                               totals of transformers scripts
  peak_memory, method                      peaks of training runs
  ttft_ms, tpot_ms, moe_ep, ...            serving runs, one TTFT and TPOT each
  kind, gpus, ttft_ms_mean, ...            serving runs with percentiles, batches and saturated throughput
  what vLLM, SGLang, GuideLLM and genai-perf save is read as it is"""
)
@click.argument("measurements", type=click.Path(path_type=Path))
@click.option(
    "--predictions",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rows with their predictions to this CSV file.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Serving runs: write charts of predicted against measured figures to this file.",
)
@machine_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@output_option
def validate(
    measurements: Path, predictions: Path | None, html: Path | None, form: str, output: Path | None, **asked: Any
) -> None:
    """Compare predictions with MEASUREMENTS, a JSON list of objects or a CSV file, and print the errors by group.

    What was measured is never an input of its own prediction: only how the engine was started is. A row that cannot be
    predicted says why in the column prediction_notes, or error for serving runs.
    """
    from planner.catalog import load_catalog
    from planner.measurements import write_rows
    from planner.performance.benchmark_files import is_benchmark_file, read_measured
    from planner.report.error_tables import errors_data, errors_text

    flags = ", ".join(f"--{name.replace('_', '-')}" for name, value in asked.items() if value is not None)
    machine = machine_of(asked)
    if flags and not is_benchmark_file(measurements):
        raise click.UsageError(f"{flags}: for files of benchmark tools; rows of a table say what they were measured on")
    rows = read_measured(measurements, machine)
    kind, compare = _comparison(rows, measurements)
    if html is not None and kind != "serving":
        raise click.UsageError("--html draws serving runs; these rows are of another kind")
    predicted, errors = compare(rows, load_catalog())
    if predictions is not None:
        write_rows(predicted, predictions)
        click.echo(f"wrote {predictions}", err=True)
    if html is not None:
        from planner.report.accuracy_document import accuracy_document

        emit(accuracy_document(predicted, errors), html)
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
    from planner.performance.measurement_rows import is_serving_row
    from planner.performance.validation import validate_serving

    if rows and is_serving_row(rows[0]):
        return "serving", lambda rows, catalog: validate_serving(rows, catalog, base_dir=path.parent)
    known = ", ".join(sorted({"peak_memory", "ttft_ms", *(name for marks in MARKS.values() for name in marks)}))
    message = "none of its columns is a measurement that the planner predicts"
    raise MeasurementError([Diagnostic(message, path=str(path), help=f"it needs one of {known}")])
