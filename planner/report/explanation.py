"""Explanations as text and as plain values: the derivation of a plan, and why it is not something else."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from planner.report.deployment import degrees
from planner.report.figures import figure, label
from planner.report.i18n import ENGLISH
from planner.report.layout import Paint, unpainted, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from planner.explain.derivation import Step
    from planner.explain.why_not import WhyNot
    from planner.plan import Alternative

COLUMNS = 100

_VERDICTS = {
    "chosen": "That is the plan.",
    "beaten": "It holds every requirement, but the plan costs less.",
    "rejected": "It is rejected:",
    "impossible": "Nothing of the kind can run here or be rented:",
}


def derivation_text(title: str, steps: Sequence[Step], *, paint: Paint = unpainted) -> str:
    """Return the steps under their headings."""
    blocks = [[paint("strong", title)]]
    blocks += [[paint("strong", step.title), *_bullets(step.lines)] for step in steps if step.lines]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def derivation_to_dict(scenario: str, steps: Sequence[Step]) -> dict[str, Any]:
    """Return the steps as plain values."""
    return {"scenario": scenario, "steps": [{"title": step.title, "lines": list(step.lines)} for step in steps]}


def why_not_text(found: WhyNot, *, paint: Paint = unpainted) -> str:
    """Return the verdict on what was wanted, with the numbers of it and of the plan."""
    counts = f"{found.matching:,} candidates match, {found.feasible:,} of them hold every requirement"
    lines = [f"{paint('strong', found.wanted.words)}  {paint('faint', counts)}", ""]
    if found.candidate is not None:
        lines += [*_candidate(found.candidate, "best of them" if found.matching > 1 else "it"), ""]
    tone = {"chosen": "good", "beaten": "warn"}.get(found.verdict, "bad")
    lines.append(paint(tone, _verdict(found)))
    if found.candidate is not None and found.candidate.reason:
        lines += _bullets([f"It {found.candidate.reason}."])
    lines += _bullets(f"{cause.code}: {cause.text}" for cause in found.causes)
    if found.plan is None:
        lines += ["", "The scenario has no plan at all; `planner solve` says why."]
    elif found.verdict != "chosen":
        lines += ["", *_candidate(found.plan, "the plan")]
    return "\n".join(lines) + "\n"


def _verdict(found: WhyNot) -> str:
    cheaper = found.candidate and found.plan and found.candidate.cost_usd_per_month < found.plan.cost_usd_per_month
    if found.verdict == "beaten" and cheaper:
        return "It holds every requirement, but the plan is better in what is wanted first."
    return _VERDICTS[found.verdict]


def why_not_to_dict(found: WhyNot) -> dict[str, Any]:
    """Return the verdict as plain values."""
    return {
        "wanted": {"words": found.wanted.words, **{key: list(values) for key, values in found.wanted.values.items()}},
        "verdict": found.verdict,
        "matching": found.matching,
        "feasible": found.feasible,
        "causes": [asdict(cause) for cause in found.causes],
        "candidate": asdict(found.candidate) if found.candidate else None,
        "plan": asdict(found.plan) if found.plan else None,
    }


def _candidate(item: Alternative, name: str) -> list[str]:
    if item.holdings:
        lines = [f"{name}: {figure(item.cost_usd_per_month, 'USD/month')}"]
        return lines + [f"  {it.instances} x {it.offer} ({it.pricing}), {it.accelerator}" for it in item.holdings]
    made = item.deployment
    rented = f"{made.instances} x {made.offer} ({made.pricing}), {made.gpus} x {made.accelerator}"
    layout = f"{made.replicas} x {degrees(made)}, {made.weights}, KV {made.kv_cache}, {made.engine}"
    figures = [f"{label(it.name, ENGLISH)} {figure(it.value, it.unit)}" for it in item.estimates if "_p95" in it.name]
    cost = figure(item.cost_usd_per_month, "USD/month")
    return [f"{name}: {rented}", f"  {layout}", f"  {', '.join([cost, *figures])}"]


def _bullets(sentences: Iterable[str]) -> list[str]:
    lines = []
    for sentence in sentences:
        first, *rest = wrap(sentence, COLUMNS - 2)
        lines += [f"- {first}", *(f"  {line}" for line in rest)]
    return lines
