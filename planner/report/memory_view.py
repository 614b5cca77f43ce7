"""Words and cells that the text and the HTML of ``planner memory`` share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from planner.units import GIB, format_bytes_gib

if TYPE_CHECKING:
    from planner.memory.fitting import FormatSize
    from planner.memory.loading import LoadTime
    from planner.memory.overview import Overview
    from planner.plan import Term

MAIN_FORMATS = frozenset({
    "fp32", "bf16", "fp8-e4m3", "fp8-e4m3-block128", "int8-w8a8", "int4-awq-g128", "int4-gptq-g128", "nf4", "mxfp4",
    "nvfp4", "gguf-q8_0", "gguf-q6_k", "gguf-q5_k_m", "gguf-q4_k_m", "gguf-q3_k_m", "int2-g64", "int4-g32-experts",
})  # fmt: skip
"""What fits on a screen; the others are told with ``--all-formats`` and in JSON."""

SYMBOLS = {"weights": "weights", "non-torch": "runtime", "activation peak": "activations", "CUDA graphs": "graphs"}
_BAR = 12


def subtitle(view: Overview) -> str:
    """Return what the budget is for: format, engine, device and layout."""
    question, layout = view.question, view.budget.layout
    degree = (
        f"TP {layout.tp}"
        + (f" PP {layout.pp}" if layout.pp > 1 else "")
        + (f" EP {layout.ep}" if layout.ep > 1 else "")
    )
    chosen = " (the least that fits)" if view.tp_chosen and view.budget.fits and layout.tp > 1 else ""
    engine = f"{question.engine.name} {question.options.version or question.engine.version}"
    return (
        f"One GPU of {layout.tp * layout.pp} x {question.accelerator.name}: {short_name(question.weights.name)}, "
        f"KV {short_name(question.kv.name)}, {engine}, {degree}{chosen}"
    )


def memory_terms(view: Overview) -> tuple[Term, ...]:
    """Return the terms of the device: what the engine accounts for, and what it leaves alone."""
    from planner.plan import Term

    runtime = view.budget.runtime
    inside = sum(term.value for term in view.budget.terms)
    terms = [term for term in view.budget.terms if term.value > 0]
    outside = []
    if not runtime.activation_inside:
        outside.append(Term("activations", runtime.activation_peak, "bytes", runtime.activation_formula))
    if runtime.cuda_graphs and not runtime.graphs_inside:
        outside.append(Term("CUDA graphs", runtime.cuda_graphs, "bytes", "outside the engine's budget"))
    rest = runtime.total - max(inside, 0.0) - sum(term.value for term in outside)
    if rest > 0:
        outside.append(Term("unused", rest, "bytes", "left to the driver and other processes"))
    return (*terms, *outside)


def terms_sentence(view: Overview) -> str:
    """Return ``weights 65.7 GiB + KV cache 9.1 GiB + ... = 78.2 of 79.2 GiB``."""
    parts = [f"{SYMBOLS.get(term.name, term.name)} {format_bytes_gib(term.value)}" for term in view.budget.terms]
    used = sum(term.value for term in view.budget.terms)
    return f"{' + '.join(parts)} = {used / GIB:,.1f} of {format_bytes_gib(view.budget.runtime.total)}"


def cache_lines(view: Overview) -> tuple[str, str]:
    """Return what a token and what a sequence costs in the cache of the whole model."""
    text = f"KV cache {view.bytes_per_token_bf16 / 1024:,.1f} KiB per token in 16 bit while all layers grow"
    if view.state_bytes_per_sequence:
        text += f", {view.state_bytes_per_sequence / 1024**2:,.1f} MiB of constant state per sequence"
    return text, f"a sequence of {curve_text(view)}"


def curve_text(view: Overview) -> str:
    """Return the cache of one sequence at a few lengths."""
    points = [point for point in view.curve if point[0] in (8192, 32768, 131072, 1048576)] or view.curve[-1:]
    return ", ".join(f"{tokens // 1024:,}k {format_bytes_gib(size, 2)}" for tokens, size in points)


def shown_formats(view: Overview, everything: bool) -> Sequence[FormatSize]:
    """Return the formats to show: all, or the main ones and the one that was asked for."""
    asked = view.question.weights.id
    return [item for item in view.formats if everything or item.id in MAIN_FORMATS or item.id == asked]


def format_cells(item: FormatSize, largest: int) -> tuple[str, ...]:
    """Return the cells of a format's row: name, GB, bar, saving, bits, quality, devices."""
    width = max(1, round(_BAR * item.checkpoint_bytes / largest))
    return (
        short_name(item.name),
        f"{item.checkpoint_bytes / 1e9:,.1f}",
        "█" * width,
        f"{item.saving:.0%}",
        f"{item.bits_per_weight:.2f}",
        quality_text(item),
        places_text(item),
    )


def short_name(name: str) -> str:
    """Return a format's name without what follows its first comma; blocks and groups tell formats of a kind apart."""
    head, _, rest = name.partition(", ")
    return f"{head}, 128 x 128 blocks" if "128 x 128" in rest else head


def quality_text(item: FormatSize) -> str:
    """Return the recovery as a percentage, ``~`` where it is borrowed from a neighbouring size, ``-`` without any."""
    if item.recovery_median is None:
        return "-"
    return f"{'' if item.recovery_measured else '~'}{min(item.recovery_median, 1.0):.1%}"


def places_text(item: FormatSize) -> str:
    """Return the smallest devices by number: ``1 x h200-sxm, 2 x h100-pcie``."""
    return ", ".join(f"{place.gpus} x {place.accelerator}" for place in item.places) or "-"


MAIN_STORAGE = ("hub-10g", "cloud-disk", "sata-ssd", "nvme-gen3", "nvme-gen4", "nvme-array", "page-cache")


def shown_loading(view: Overview, everything: bool) -> Sequence[LoadTime]:
    """Return the storage classes to show: all, or those that most people have."""
    return [time for time in view.loading if everything or time.storage in MAIN_STORAGE]


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 120 else f"{seconds:.3g} s"


def load_cells(time: LoadTime) -> tuple[str, ...]:
    """Return the cells of a storage class: name, time, rate and what was added."""
    rate = f"{time.gbytes_per_s:g} GB/s"
    if time.overhead_share:
        rate += f" and {time.overhead_share:.0%} for deserialising and copying"
    name = re.sub(r" \(.*?\)", "", time.name)
    return (
        name,
        _duration(time.seconds),
        f"{rate}{', measured' if time.measured else ''}",
    )
