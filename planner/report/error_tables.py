"""How far predictions are from measurements, as a table or as data: memory, training and serving alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from planner.report.layout import Paint, table, unpainted

if TYPE_CHECKING:
    from planner.error_summary import Errors

SHOWN_REASONS = 6


def errors_text(errors: Sequence[Errors], rows: Sequence[Mapping[str, Any]], paint: Paint = unpainted) -> str:
    """Return the errors by group, and why rows have no prediction."""
    head = ["", "quantity", "rows", "answered", "median", "mean", "p90", "bias"]
    covered = any(item.coverage is not None for item in errors)
    cells = [
        (
            item.group,
            item.quantity,
            str(item.measured),
            str(item.predicted),
            percent(item.median),
            percent(item.mean),
            percent(item.p90),
            percent(item.bias, signed=True),
            *([percent(item.coverage)] if covered else ()),
        )
        for item in errors
    ]
    if covered:
        head.append("in 90 %")
    lines = [
        paint("strong", f"{len(rows):,} rows: predictions beside measurements"),
        *table([head, *cells], "llrrrrrrr"[: len(head)]),
    ]
    reasons = unanswered(rows)
    if reasons:
        lines += ["", paint("strong", f"{sum(reasons.values()):,} rows without a prediction")]
        lines += [f"  {count:>4}  {reason}" for reason, count in list(reasons.items())[:SHOWN_REASONS]]
        if len(reasons) > SHOWN_REASONS:
            left = list(reasons.values())[SHOWN_REASONS:]
            lines.append(f"  {sum(left):>4}  for {len(left)} further reasons, beside the rows")
    return "\n".join(lines) + "\n"


def errors_data(errors: Sequence[Errors], rows: Sequence[Mapping[str, Any]], kind: str) -> dict[str, Any]:
    """Return the errors as plain data: shares, not percent."""
    return {
        "kind": kind,
        "rows": len(rows),
        "errors": [
            {
                "group": item.group,
                "quantity": item.quantity,
                "measured": item.measured,
                "predicted": item.predicted,
                "median": item.median,
                "mean": item.mean,
                "p90": item.p90,
                "bias": item.bias,
                "coverage": item.coverage,
            }
            for item in errors
        ],
        "unanswered": unanswered(rows),
    }


def unanswered(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return why rows have no prediction at all, the most frequent reason first."""
    reasons: dict[str, int] = {}
    for row in rows:
        predicted = any(name.startswith("predicted_") and value is not None for name, value in row.items())
        if not predicted:
            reason = str(row.get("prediction_notes") or row.get("error") or "nothing to compare")
            reasons[reason] = reasons.get(reason, 0) + 1
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


def percent(share: float | None, *, signed: bool = False) -> str:
    """Return a share in percent, a dash where there is none."""
    if share is None:
        return "-"
    return f"{100 * share:+.2f} %" if signed else f"{100 * share:.2f} %"
