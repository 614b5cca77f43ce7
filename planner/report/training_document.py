"""``planner memory --training`` as one self-contained HTML page: no script, the device as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.report.charts import Segment, stacked_bar
from planner.report.environment import render
from planner.report.training_text import VISIBLE_BYTES, setup_sentence
from planner.units import format_bytes_gib

if TYPE_CHECKING:
    from markupsafe import Markup

    from planner.report.training_text import TrainingAnswer


def training_document(answer: TrainingAnswer) -> str:
    """Return the answer as HTML."""
    memory = answer.memory
    names = [name for name, _ in memory.fullest.phases]
    return render(
        "memory-training.html.j2",
        answer=answer,
        subtitle=f"{answer.setup.method} training: {setup_sentence(answer)}",
        total=_gib(memory.device_bytes),
        usable=_gib(answer.accelerator.memory_bytes_usable),
        host=_gib(memory.host_bytes) if memory.host_bytes >= VISIBLE_BYTES else "",
        bar=_device(answer),
        terms=[(term.name, _gib(term.value), term.formula) for term in memory.terms if term.value >= VISIBLE_BYTES],
        phases=names,
        stages=[
            (stage.stage, [*(_gib(stage.allocated_bytes(name)) for name in names), _gib(stage.reserved_bytes)])
            for stage in memory.stages
        ],
        comparisons=[
            {
                "name": item.name,
                "formula": item.formula,
                "rule": _gib(item.rule),
                "steps": [
                    (step.name, _gib(step.value), step.why) for step in item.steps if abs(step.value) >= VISIBLE_BYTES
                ],
                "exact": _gib(item.exact),
            }
            for item in answer.rules
        ],
    )


def _gib(size: float) -> str:
    return format_bytes_gib(size, 2)


def _device(answer: TrainingAnswer) -> Markup:
    """The terms in one bar; the tick is what the device has where they do not fit."""
    usable, needed = answer.accelerator.memory_bytes_usable, answer.memory.device_bytes
    segments = [
        Segment(term.name, term.value, format_bytes_gib(term.value), f"c{1 + index % 8}")
        for index, term in enumerate(answer.memory.terms)
    ]
    if needed < usable:
        segments.append(Segment("free", usable - needed, format_bytes_gib(usable - needed), "rest"))
    described = ", ".join(f"{item.label} {item.text}" for item in segments)
    total = float(max(usable, needed))
    limit = float(usable) if needed > usable else None
    return stacked_bar("device", segments, total=total, title="Memory of one GPU", description=described, limit=limit)
