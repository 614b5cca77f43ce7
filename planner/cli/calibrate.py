"""``planner calibrate``: fit the performance model to measurements, or measure this machine's GPU."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli.machine import machine_of, machine_options
from planner.cli.output import emit, painter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.catalog import Catalog
    from planner.performance.cross_validation import Fitted
    from planner.performance.observations import Observations

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Folds share the cores; threads of one that spin for a core make a fit four times slower. And the same bytes come out
whatever the number of cores."""


@click.command(
    epilog="""\b
Examples:
  planner calibrate inferencex.csv published.csv -o calibration/
  planner calibrate inferencex.csv published.csv --cross-validate
  planner calibrate vllm_bench.json --accelerator h100-sxm --tp 4 --weights fp8 -o calibration/
  planner calibrate --device --accelerator h200-sxm -o calibration/

\b
A calibration is the file serving.yaml in a directory. The planner reads that directory instead of its own where
PLANNER_CALIBRATION names it."""
)
@click.argument("measurements", nargs=-1, type=click.Path(path_type=Path))
@click.option("--cross-validate", is_flag=True, help="Print errors on what a fit has not seen.")
@click.option("--device", is_flag=True, help="Measure this machine's GPU with PyTorch instead; needs --accelerator.")
@click.option("--as-of", metavar="DATE", default="", help="Day of the measurements, kept in the calibration.")
@click.option("--markdown", is_flag=True, help="With --cross-validate: print the page docs/accuracy.md.")
@machine_options
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to write serving.yaml into.",
)
def calibrate(
    measurements: tuple[Path, ...],
    cross_validate: bool,
    device: bool,
    as_of: str,
    markdown: bool,
    output: Path | None,
    **asked: Any,
) -> None:
    """Fit the performance model to MEASUREMENTS: tables of serving runs, or what benchmark tools saved.

    The fit is hierarchical: what the files say of an engine on an accelerator moves its coefficients, the less the
    fewer runs there are, and intervals come from runs that the fit has not seen. The same files give the same bytes.
    """
    machine = machine_of(asked)
    if device:
        if measurements or cross_validate:
            raise click.UsageError("--device measures this machine; it takes no files and is not cross-validated")
        _device(machine.get("accelerator"), output)
        return
    if not measurements:
        raise click.UsageError("name at least one file of measurements, or --device")
    if not cross_validate and output is None:
        raise click.UsageError("say where the calibration goes with -o DIRECTORY, or --cross-validate")
    from planner.catalog import load_catalog

    os.environ.update(ONE_THREAD)
    catalog = load_catalog()
    rows, observations, refusals = _read(measurements, machine, catalog)
    from planner.performance.calibration import encode
    from planner.performance.cross_validation import Fitted
    from planner.performance.recalibrate import recalibrate
    from planner.workers import cores, local_executor

    with local_executor(cores()) as executor:
        fitted = Fitted.of(observations, executor, _progress)
    if cross_validate:
        _cross_validate(observations, fitted, refusals, catalog, markdown=markdown)
    if output is None:
        return
    text = encode(recalibrate(fitted, observations, rows, [path.name for path in measurements], as_of))
    output.mkdir(parents=True, exist_ok=True)
    emit(text, output / "serving.yaml")


def _read(
    paths: Sequence[Path], machine: dict[str, Any], catalog: Catalog
) -> tuple[list[dict[str, Any]], Observations, dict[str, int]]:
    """Return all rows of all files, as they stand and read, and why some cannot be compared; stderr says so as well."""
    from planner.errors import Diagnostic, MeasurementError
    from planner.performance.benchmark_files import read_measured
    from planner.performance.measurements import read_measurements

    rows = [row for path in paths for row in read_measured(path, machine)]
    found = read_measurements(rows, catalog, base_dir=paths[0].parent)
    reasons: dict[str, int] = {}
    for reason in found.errors.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    refusals = dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
    for reason, count in refusals.items():
        click.echo(f"note: {count} rows left out: {reason}", err=True)
    if found.observations is None:
        raise MeasurementError([Diagnostic("no row can be compared", path=str(paths[0]))])
    return rows, found.observations, refusals


def _cross_validate(
    observations: Observations, fitted: Fitted, refusals: dict[str, int], catalog: Catalog, *, markdown: bool
) -> None:
    """Print the errors of left-out predictions: tables, or the page that docs/accuracy.md is."""
    from planner.performance.accuracy import accuracy
    from planner.performance.choice import catalog_prices

    found = accuracy(observations, fitted, catalog_prices(catalog))
    if not markdown:
        from planner.report.accuracy_text import accuracy_text

        emit(accuracy_text(found, painter()))
        return
    from planner.performance.speed import measure_speed
    from planner.report.accuracy_page import accuracy_page

    emit(accuracy_page(found, refusals, measure_speed(catalog)))


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        click.echo(f"\rfits without some of the rows: {done} of {total}", nl=False, err=True)
        click.echo(end, nl=False, err=True)


def _device(accelerator: str | None, output: Path | None) -> None:
    """Measure the GPU, print what was found beside the fitted values, and write a calibration if asked."""
    from planner.catalog import load_catalog
    from planner.cli.names import known
    from planner.performance.calibration import encode, load_calibration
    from planner.performance.device import measure_device, report, with_device
    from planner.report.layout import table

    if accelerator is None:
        raise click.UsageError("--device needs --accelerator, the catalog's name of this machine's GPU")
    catalog = load_catalog()
    id = known(catalog, "accelerators", accelerator, "--accelerator")
    measured = measure_device(catalog.accelerators[id])
    calibration = load_calibration()
    beside = report(measured, calibration)
    rows: list[tuple[str, ...]] = [("coefficient", "measured", "fitted", "spread", "what")]
    rows += [
        (item.coefficient, *(f"{value:.3f}" for value in beside[item.coefficient]), f"{item.spread:.1%}", item.what)
        for item in measured
    ]
    emit("\n".join(table(rows, "lrrrl")))
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        emit(encode(with_device(calibration, id, measured)), output / "serving.yaml")
