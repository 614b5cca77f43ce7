"""Published training runs beside what other campaigns predict for them: ``python -m tools.training_mfu``."""

from __future__ import annotations

from statistics import median

from planner.catalog import load_catalog
from planner.training.cross_validation import LeftOut, left_out

HEAD = "| run | GPUs | published | predicted | 90 % interval | error | confidence |"


def main() -> None:
    """Print the table as Markdown, and a line that sums it up."""
    rows = list(left_out(load_catalog().accelerators))
    print(HEAD)
    print("|---|---:|---:|---:|---:|---:|---|")
    for row in rows:
        print(_line(row))
    covered = sum(row.covered for row in rows)
    print(f"\nmedian error {median(abs(row.error) for row in rows):.1%}; {covered} of {len(rows)} in their interval")


def _line(row: LeftOut) -> str:
    run = row.run
    cells = (
        run.id,
        f"{run.step.parallel.gpus:,} x {run.accelerator}",
        f"{run.mfu:.1%}",
        f"{row.mfu:.1%}",
        f"{row.low:.1%} to {row.high:.1%}",
        f"{row.error:+.0%}",
        run.confidence,
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
