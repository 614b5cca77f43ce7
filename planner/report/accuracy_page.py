"""docs/accuracy.md: every figure of it is printed here, none is written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

from planner.performance.accuracy import ANCHOR
from planner.performance.choice import LIMITS
from planner.report.accuracy_text import (
    ALIGNMENT,
    CHOICE_ALIGNMENT,
    CHOICE_HEAD,
    HEAD,
    TITLES,
    choice_cells,
    error_cells,
)
from planner.report.error_tables import percent

if TYPE_CHECKING:
    from planner.error_summary import Errors
    from planner.performance.accuracy import Accuracy
    from planner.performance.cross_validation import LeaveOut
    from planner.performance.speed import Speed

INTRODUCTION = """\
# Accuracy of the performance model

Every line of this page is printed (in some four minutes on two cores) by

    planner calibrate serving_inferencex.csv serving_published.csv --cross-validate --markdown > docs/accuracy.md

{runs}

Every figure is that of a prediction from a fit that had not seen the row's group. Folds are dealt by a fixed seed, the
largest groups first.

- **Left-out settings**: five folds; model, accelerator, engine, format, lengths, concurrency and GPUs go together.
- **Left-out pairs**: eight folds; all runs of a model on an accelerator go together.
- **Left-out machines**: eight folds; all runs of an engine on an accelerator go together.
- **Left-out generations**: a fold each; all runs on Hopper, on Blackwell, ... go together.

Intervals are conformal by level of evidence, with the residuals of all four kinds pooled as in a calibration that is
shipped, apart for servers, servers whose KV cache is nearly full, single batches and saturated queues; those of an
eighth of the pairs come from the residuals of the others.
"""
RUNS = (
    "on {rows:,} published runs (InferenceX of 2026 and tables of vendors and third parties; {accelerators} kinds of "
    "accelerators, batch 1 to saturation). {refused}"
)
GROUPS = """\
`all` is every row that measured the quantity, `published sets` is what is not InferenceX. A campaign is who measured.
Error is predicted over measured less one: median, mean and 90th percentile of its size; bias is the signed median.
"""
CHOICES = """\
A case is a model, its lengths and an SLA, with all settings of it that were measured in a closed loop: accelerators,
engines, formats, degrees, concurrencies. The choice is the setting with the least predicted cost per output token of
those predicted to hold the SLA, as best estimate or with a stated confidence (`sla.confidence`).

- *within 5 %*: it holds the SLA as measured and costs at most 5 % more than the measured best
- *SLA broken*: as measured, it does not hold it
- *none found*: nothing was predicted to hold, though something does
- *costlier by*: mean over the choices that hold, beside the measured best

Prices are equal for each GPU-hour, or those of the catalog's cheapest on-demand offer of the accelerator. Of settings
that are alike the one predicted too fast is chosen, so choices break an SLA more often than single predictions would;
confidence trades that against cost.
"""
LIMITS_OF_CASES = "The SLAs (TTFT and TPOT) are those of MLPerf Inference for servers (loadgen/mlperf.conf): {limits}."
WIDTH = 120
CONFIDENT = 0.7
"""Confidence of the choices that goals are set for."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What one figure should be at most (or at least, or between two bounds)."""

    what: str
    kind: LeaveOut
    figure: Callable[[Accuracy, LeaveOut], float]
    low: float = 0.0
    high: float = 1.0


def _median(group: str, quantity: str) -> Callable[[Accuracy, LeaveOut], float]:
    return lambda found, kind: _of(found, kind, group, quantity).median or 0.0


def _mean(group: str, quantity: str) -> Callable[[Accuracy, LeaveOut], float]:
    return lambda found, kind: _of(found, kind, group, quantity).mean or 0.0


def _coverage(quantity: str) -> Callable[[Accuracy, LeaveOut], float]:
    return lambda found, kind: _of(found, kind, "all", quantity).coverage or 0.0


def _answered(found: Accuracy, kind: LeaveOut) -> float:
    rows = [item for part in found.parts if part.left_out == kind for item in part.errors if item.group == "all"]
    return sum(item.predicted for item in rows) / sum(item.measured for item in rows)


def _choice(name: str) -> Callable[[Accuracy, LeaveOut], float]:
    def figure(found: Accuracy, kind: LeaveOut) -> float:
        part = next(part for part in found.parts if part.left_out == kind)
        wanted = [item for item in part.choices if item.prices == "catalog" and item.confidence == CONFIDENT]
        return float(getattr(wanted[0], name))

    return figure


def _of(found: Accuracy, kind: LeaveOut, group: str, quantity: str) -> Errors:
    errors = next(part.errors for part in found.parts if part.left_out == kind)
    return next(item for item in errors if item.group == group and item.quantity == quantity)


GOALS: tuple[Goal, ...] = (
    Goal("settings: TPOT, median error", "setting", _median("all", "TPOT"), high=0.07),
    Goal("settings: TTFT, median error", "setting", _median("all", "TTFT"), high=0.20),
    Goal("settings: rows answered", "setting", _answered, low=1.0),
    Goal(f"settings: TPOT of {ANCHOR}, mean error", "setting", _mean(ANCHOR, "TPOT"), high=0.061),
    Goal("pairs: TPOT, median error", "pair", _median("all", "TPOT"), high=0.10),
    Goal("pairs: TTFT, median error", "pair", _median("all", "TTFT"), high=0.25),
    Goal("pairs: rows answered", "pair", _answered, low=1.0),
    Goal(
        "pairs: throughput of published sets, median error", "pair", _median("published sets", "throughput"), high=0.12
    ),
    *(
        Goal(f"{kind}s: {quantity} within its 90 % interval", kind, _coverage(quantity), low=0.88, high=0.92)
        for kind in ("setting", "pair")
        for quantity in ("TTFT", "TPOT", "throughput")
    ),
    *(
        goal
        for kind in ("setting", "pair")
        for goal in (
            Goal(f"{kind}s: choice within 5 % of the best", kind, _choice("near"), low=0.70),
            Goal(f"{kind}s: choice breaks the SLA", kind, _choice("broken"), high=0.08),
        )
    ),
)


def accuracy_page(found: Accuracy, refusals: Mapping[str, int], speed: Speed) -> str:
    """Return the page; ``refusals`` are why rows could not be compared, with how many each."""
    refused = sum(refusals.values())
    why = "; ".join(f"{count} x {reason.split(';')[0]}" for reason, count in refusals.items())
    runs = RUNS.format(
        rows=found.rows,
        accelerators=found.accelerators,
        refused=f"{refused:,} further rows could not be compared ({why})." if refused else "No row was left out.",
    )
    limits = LIMITS_OF_CASES.format(limits=", ".join(f"{ttft / 1000:g} s and {tpot:g} ms" for ttft, tpot in LIMITS))
    lines = [
        INTRODUCTION.format(runs=fill(runs, WIDTH)),
        "## Goals",
        "",
        *_table(("figure", "is", "should be", "met"), "lrrl", [*_goals(found), _speed(speed)]),
        f"Choices at the catalog's prices, with the SLA predicted to hold at {100 * CONFIDENT:.0f} % confidence.",
        "",
        "## Choosing the cheapest setting",
        "",
        CHOICES,
        fill(limits, WIDTH),
        "",
        *_table(CHOICE_HEAD, CHOICE_ALIGNMENT, choice_cells(found.parts)),
    ]
    for number, part in enumerate(found.parts):
        lines += [f"## {TITLES[part.left_out]}", "", *([GROUPS] if not number else [])]
        lines += _table(HEAD, ALIGNMENT, error_cells(part))
    return "\n".join(lines).rstrip() + "\n"


def _goals(found: Accuracy) -> Iterator[tuple[str, ...]]:
    kinds = {part.left_out for part in found.parts}
    for goal in GOALS:
        if goal.kind not in kinds:
            continue
        try:
            value = goal.figure(found, goal.kind)
        except (StopIteration, IndexError):
            yield goal.what, "-", _bounds(goal), "not measured"
            continue
        yield goal.what, percent(value), _bounds(goal), "yes" if goal.low <= value <= goal.high else "**no**"


def _bounds(goal: Goal) -> str:
    if goal.low and goal.high < 1.0:
        return f"{percent(goal.low)} to {percent(goal.high)}"
    return f"at least {percent(goal.low)}" if goal.low else f"at most {percent(goal.high)}"


def _speed(speed: Speed) -> tuple[str, ...]:
    met = "yes" if speed.seconds < 1.0 else "**no**"
    return f"{speed.candidates:,} candidates estimated, whole table at once", f"{speed.seconds:.2f} s", "under 1 s", met


def _table(
    head: Sequence[str], alignment: str, rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]
) -> list[str]:
    rule = "|" + "".join("---:|" if each == "r" else "---|" for each in alignment)
    return [_line(head), rule, *map(_line, rows), ""]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
