"""``planner memory`` as one self-contained HTML page: no script, charts as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planner.report.charts import Bar, Segment, bars, stacked_bar
from planner.report.environment import render
from planner.report.memory_view import (
    cache_lines,
    load_cells,
    memory_terms,
    places_text,
    quality_text,
    short_name,
    shown_formats,
    subtitle,
    terms_sentence,
)
from planner.units import format_bytes_gib

if TYPE_CHECKING:
    from markupsafe import Markup

    from planner.memory.overview import Overview

_TONES = {"unused": "rest"}


def memory_document(view: Overview, *, all_formats: bool = False) -> str:
    """Return the overview as HTML."""
    formats = shown_formats(view, all_formats)
    values: dict[str, Any] = {
        "view": view,
        "subtitle": subtitle(view),
        "sentence": terms_sentence(view),
        "cache": "; ".join(cache_lines(view)),
        "terms": [(term.name, format_bytes_gib(term.value, 2), term.formula) for term in memory_terms(view)],
        "bar": _device(view),
        "comparisons": [
            {
                "name": item.name,
                "formula": item.formula,
                "rule": format_bytes_gib(item.rule, 2),
                "steps": [(step.name, format_bytes_gib(step.value, 2), step.why) for step in item.steps],
                "exact": format_bytes_gib(item.exact, 2),
            }
            for item in (view.weights_rule, view.cache_rule)
        ],
        "formats": [
            (
                item.name,
                f"{item.checkpoint_bytes / 1e9:,.1f}",
                f"{item.saving:.0%}",
                f"{item.bits_per_weight:.2f}",
                quality_text(item),
                places_text(item),
            )
            for item in formats
        ],
        "sizes": bars(
            "sizes",
            [
                Bar(
                    short_name(item.name),
                    item.checkpoint_bytes,
                    f"{item.checkpoint_bytes / 1e9:,.1f} GB",
                    item.id == view.question.weights.id,
                )
                for item in formats
            ],
            title="Size by format",
            description="; ".join(f"{item.name} {item.checkpoint_bytes / 1e9:,.1f} GB" for item in formats),
        ),
        "curve": [(f"{tokens:,}", format_bytes_gib(size, 2)) for tokens, size in view.curve],
        "loading": [load_cells(time) for time in view.loading],
    }
    return render("memory.html.j2", **values)


def _device(view: Overview) -> Markup:
    terms = memory_terms(view)
    segments = [
        Segment(term.name, term.value, format_bytes_gib(term.value), _TONES.get(term.name, f"c{1 + index % 8}"))
        for index, term in enumerate(terms)
    ]
    described = ", ".join(f"{term.name} {format_bytes_gib(term.value)}" for term in terms)
    total = view.budget.runtime.total
    limit = view.budget.runtime.limit if view.budget.runtime.limit < total else None
    return stacked_bar(
        "device", segments, total=float(total), title="Memory of one GPU", description=described, limit=limit
    )
