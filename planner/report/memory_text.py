"""What a model needs in memory, on one screen: terms, rules of thumb, formats, where it fits, how long it loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from planner.report.layout import Paint, stacked, table, unpainted, width, wrap
from planner.report.memory_view import (
    cache_lines,
    format_cells,
    load_cells,
    memory_terms,
    shown_formats,
    shown_loading,
    subtitle,
    terms_sentence,
)
from planner.units import format_bytes_gib, format_count

if TYPE_CHECKING:
    from planner.memory.overview import Overview
    from planner.memory.rule_of_thumb import Comparison

COLUMNS = 100
_BAR = 60
_VISIBLE_BYTES = 5_000_000
"""Smaller steps would print as 0.00 GiB."""
_SHADES = "█▓▒░▚·"


def memory_text(view: Overview, *, all_formats: bool = False, paint: Paint = unpainted) -> str:
    """Return the overview as text of at most ``COLUMNS`` columns."""
    blocks = (
        _head(view, paint),
        _budget(view, paint),
        _comparison(view.weights_rule, paint),
        _comparison(view.cache_rule, paint),
        _formats(view, all_formats, paint),
        _loading(view, all_formats, paint),
        _notes(view, paint),
    )
    return "\n\n".join("\n".join(block) for block in (list(lines) for lines in blocks) if block) + "\n"


def _head(view: Overview, paint: Paint) -> Iterator[str]:
    count = view.parameters
    yield paint("strong", view.architecture.id)
    yield (
        f"{count.total:,} parameters ({format_count(count.total)}); read per token {format_count(count.active)} "
        f"with the embedding, {format_count(count.active_without_embedding)} without"
    )
    for line in cache_lines(view):
        yield from wrap(line, COLUMNS)


def _budget(view: Overview, paint: Paint) -> Iterator[str]:
    yield from (paint("strong", line) for line in wrap(subtitle(view), COLUMNS))
    terms = memory_terms(view)
    total = view.budget.runtime.total
    shares = [max(0.0, term.value) / total for term in terms]
    lengths = stacked(shares, _BAR)
    bar = "".join(_SHADES[index % len(_SHADES)] * length for index, length in enumerate(lengths))
    yield f"  {bar}{' ' * max(0, _BAR - len(bar))}│ {format_bytes_gib(total)}"
    rows = [
        (_SHADES[index % len(_SHADES)], term.name, format_bytes_gib(term.value, 2), term.formula)
        for index, term in enumerate(terms)
    ]
    yield from _hanging(rows, "llr")
    yield from (f"  {line}" for line in wrap(terms_sentence(view), COLUMNS - 2))
    budget, question = view.budget, view.question
    if not budget.fits:
        yield paint(
            "bad", "  The weights leave no room for a KV cache: more GPUs, a smaller format or a larger device."
        )
        return
    most = view.max_concurrency
    yield (
        f"  KV cache holds {budget.kv_tokens:,} tokens: at most {most:,.1f} sequences "
        f"of {question.context:,} tokens at once"
        + (f", {question.shared_prefix:,} of them shared" if question.shared_prefix else "")
    )
    size, role = format_bytes_gib(view.cache_bytes, 2), "good" if view.cache_fits else "bad"
    if question.concurrency == 1:
        yield paint(role, f"  one of them takes {size} and {'fits' if view.cache_fits else 'does not fit'}")
    else:
        state = "fit" if view.cache_fits else "do not fit"
        yield paint(role, f"  {question.concurrency:,} of them take {size} and {state}")


def _comparison(item: Comparison, paint: Paint) -> Iterator[str]:
    yield paint("strong", f"Rule of thumb and truth: {item.name}")
    steps = [step for step in item.steps if abs(step.value) >= _VISIBLE_BYTES]
    rows = [("", item.formula, format_bytes_gib(item.rule, 2), "rule of thumb")]
    rows += [
        ("+" if step.value >= 0 else "-", step.name, format_bytes_gib(abs(step.value), 2), step.why) for step in steps
    ]
    rows.append(("=", "exact", format_bytes_gib(item.exact, 2), ""))
    yield from _hanging(rows, "llr")


def _hanging(rows: Sequence[tuple[str, ...]], align: str) -> Iterator[str]:
    """Yield rows as columns, the last cell of each wrapped under itself."""
    for row, line in zip(rows, table([row[:-1] for row in rows], align), strict=True):
        room = COLUMNS - width(line) - 4
        first, *others = wrap(row[-1], room) or [""]
        yield f"  {line}  {first}".rstrip()
        yield from (f"{'':{width(line) + 4}}{other}" for other in others)


def _formats(view: Overview, everything: bool, paint: Paint) -> Iterator[str]:
    yield paint("strong", f"Formats, and the smallest devices that hold them with {view.question.context:,} tokens")
    rows = shown_formats(view, everything)
    largest = max(item.checkpoint_bytes for item in rows)
    head = ("format", "GB", "", "saves", "bits", "quality", "fits on")
    cells = [format_cells(item, largest) for item in rows]
    yield from (_shortened(f"  {line}") for line in table([head, *cells], "lrlrrrl"))
    yield paint("faint", "  quality: median recovery of the 16-bit model's scores; - not measured at this size")


def _shortened(line: str) -> str:
    """Return a line without the last of its devices that would leave the screen; JSON and HTML have them all."""
    while len(line) > COLUMNS and ", " in line:
        line = line.rpartition(", ")[0]
    return line


def _loading(view: Overview, everything: bool, paint: Paint) -> Iterator[str]:
    yield paint("strong", f"Loading {format_bytes_gib(view.budget.weights.checkpoint)} of weights")
    rows: Sequence[tuple[str, ...]] = [load_cells(time) for time in shown_loading(view, everything)]
    yield from (f"  {line}" for line in table(rows, "lrl"))


def _notes(view: Overview, paint: Paint) -> Iterator[str]:
    for note in view.notes:
        yield from wrap(f"Note: {note}", COLUMNS)
    if view.architecture.estimated:
        yield paint("warn", "The model type is not known: counts follow familiar fields and may be off.")
