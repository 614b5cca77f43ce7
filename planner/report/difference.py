"""The difference of two plans as terraform tells it, and as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from planner.report.deployment import degrees
from planner.report.figures import asked, figure, label, money
from planner.report.i18n import ENGLISH
from planner.report.layout import Paint, table, unpainted

if TYPE_CHECKING:
    from planner.plan import Deployment
    from planner.plan_diff import FigureChange, PlanDiff

_SIGNS = {"+": "good", "-": "bad", "~": "warn"}


def diff_text(diff: PlanDiff, *, paint: Paint = unpainted) -> str:
    """Return ``diff`` as lines of ``+ add``, ``- remove``, ``~ change (old -> new)`` and one summary with money."""
    lines = [_line("-", _deployment(item), paint) for item in diff.removed]
    lines += [_line("+", _deployment(item), paint) for item in diff.added]
    for change in diff.changed:
        lines.append(_line("~", f"{change.new.service}: {change.new.offer} ({change.new.pricing})", paint))
        rows = [[f"    {item.name}", f"{item.old} -> {item.new}"] for item in change.fields]
        lines += table(rows, "ll")
    for heading, changes, word in (("Figures", diff.figures, figure), ("Asked", diff.limits, asked)):
        if changes:
            rows = [[f"  {_label(item.name)}", _values(item, word)] for item in changes]
            lines += ["", paint("strong", heading), *table(rows, "ll")]
    if diff.inputs:
        lines += ["", paint("faint", f"Inputs that differ: {', '.join(diff.inputs)}")]
    return "\n".join([*lines, *([""] if lines else []), paint("strong", summary(diff))]) + "\n"


def summary(diff: PlanDiff) -> str:
    """Return one sentence: how many deployments differ, and the bill of both plans."""
    if not diff.different:
        return f"No changes; {_per_month(diff.new.cost_usd_per_month)}."
    counts = f"{len(diff.added)} to add, {len(diff.changed)} to change, {len(diff.removed)} to remove"
    before, after = diff.old.cost_usd_per_month, diff.new.cost_usd_per_month
    if round(after - before, 2) == 0:
        return f"Plan: {counts}; {_per_month(after)} as before."
    more = after - before
    share = f"{more / before:+.1%}" if before else "new"
    return f"Plan: {counts}; {money(before)} -> {_per_month(after)} ({'+' if more > 0 else ''}{money(more)}, {share})."


def diff_to_dict(diff: PlanDiff) -> dict[str, Any]:
    """Return ``diff`` as plain values; ``from`` and ``to`` are null where a plan does not state a figure."""

    def changes(items: Iterable[FigureChange]) -> list[dict[str, Any]]:
        return [{"name": it.name, "unit": it.unit, "from": it.old, "to": it.new} for it in items]

    old, new = diff.old, diff.new
    return {
        "different": diff.different,
        "add": [asdict(item) for item in diff.added],
        "remove": [asdict(item) for item in diff.removed],
        "change": [
            {
                "service": item.new.service,
                "offer": item.new.offer,
                "pricing": item.new.pricing,
                "fields": {it.name: {"from": it.old, "to": it.new} for it in item.fields},
            }
            for item in diff.changed
        ],
        "figures": changes(diff.figures),
        "asked": changes(diff.limits),
        "cost_usd_per_hour": {"from": old.cost_usd_per_hour, "to": new.cost_usd_per_hour},
        "cost_usd_per_month": {"from": old.cost_usd_per_month, "to": new.cost_usd_per_month},
        "inputs": list(diff.inputs),
    }


def _label(name: str) -> str:
    return label(name.replace("_usd_per_million", "_per_million"), ENGLISH)


def _line(sign: str, text: str, paint: Paint) -> str:
    return f"{paint(_SIGNS[sign], sign)} {text}"


def _deployment(item: Deployment) -> str:
    cache = f", KV {item.kv_cache}" if item.kv_cache else ""  # training keeps none
    layout = f"{item.replicas} x {degrees(item)}, {item.weights}{cache}, {item.engine}"
    return (
        f"{item.service}: {item.instances} x {item.offer} ({item.pricing}), {item.gpus} x {item.accelerator}; {layout}"
    )


def _values(item: FigureChange, word: Any) -> str:
    old, new = ("none" if value is None else word(value, item.unit) for value in (item.old, item.new))
    share = f"  ({item.new / item.old - 1:+.1%})" if item.old and item.new is not None else ""
    return f"{old} -> {new}{share}"


def _per_month(usd: float) -> str:
    return f"{money(usd)}/month"
