"""How long it takes to estimate tables of candidates, whole tables at once: ``python -m tools.bench_estimates``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from planner.catalog import load_catalog
from planner.performance.speed import measure_speed

COUNTS = (100, 1_000, 10_000, 100_000)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table as Markdown, row by row."""
    parser = argparse.ArgumentParser(prog="bench_estimates", description="Seconds to estimate tables of candidates.")
    parser.add_argument("--candidates", type=int, nargs="+", default=list(COUNTS))
    asked = parser.parse_args(arguments)
    catalog = load_catalog()
    print("| candidates | seconds | per second |\n|---:|---:|---:|")
    for count in asked.candidates:
        speed = measure_speed(catalog, count=count)
        print(f"| {count:,} | {speed.seconds:.4f} | {count / speed.seconds:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
