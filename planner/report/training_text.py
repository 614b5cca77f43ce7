"""What training a model takes on one GPU, as text: terms at the peak, phases, stages, rules of thumb."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planner.report.layout import Paint, table, unpainted, wrap
from planner.units import format_bytes_gib

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.catalog.schema.accelerators import Accelerator
    from planner.memory.rule_of_thumb import Comparison
    from planner.training.memory import TrainingMemory
    from planner.training.setup import TrainingSetup

COLUMNS = 100
VISIBLE_BYTES = 5_000_000
"""Smaller terms and steps would print as 0.00 GiB."""


@dataclass(frozen=True, slots=True)
class TrainingAnswer:
    """One question about training memory and its answer."""

    architecture: ModelArchitecture
    setup: TrainingSetup
    accelerator: Accelerator
    memory: TrainingMemory
    rules: tuple[Comparison, ...]

    @property
    def fits(self) -> bool:
        """Whether one device holds its share."""
        return self.memory.fits(self.accelerator.memory_bytes_usable)

    @property
    def notes(self) -> tuple[str, ...]:
        """What reading the model left open, and what will not run as asked."""
        found = list(self.architecture.notes)
        longest = self.architecture.max_position_embeddings
        if longest and self.setup.sequence_length > longest:
            found.append(f"sequences of {self.setup.sequence_length:,} tokens are longer than the model's {longest:,}")
        if self.setup.precision.compute_format == "fp8" and not self.accelerator.peak_flops("fp8"):
            found.append(f"{self.accelerator.name} does not compute in FP8")
        return tuple(found)


def training_text(answer: TrainingAnswer, paint: Paint = unpainted) -> str:
    """Return the answer as text of at most ``COLUMNS`` columns."""
    blocks = [list(_head(answer, paint)), list(_terms(answer, paint)), list(_phases(answer, paint))]
    blocks += [list(_comparison(item, paint)) for item in answer.rules]
    blocks.append([line for note in answer.notes for line in wrap(f"Note: {note}", COLUMNS)])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _head(answer: TrainingAnswer, paint: Paint) -> Iterator[str]:
    setup = answer.setup
    yield paint("strong", f"{answer.architecture.id}: {setup.method} training")
    yield from wrap(setup_sentence(answer), COLUMNS)


def setup_sentence(answer: TrainingAnswer) -> str:
    """Return precision, optimizer, layout, batch and checkpointing as one line."""
    setup, parallel = answer.setup, answer.setup.parallel
    kept = f"adapters over {setup.frozen.id}" if setup.frozen is not None else setup.precision.name
    gpus = f"{parallel.gpus:,} GPU{'s' if parallel.gpus > 1 else ''}"
    degrees = f"data {parallel.dp} ({parallel.sharding}), TP {parallel.tp}, PP {parallel.pp}, CP {parallel.cp}"
    batch = f"micro-batch {setup.micro_batch} x {setup.sequence_length:,} tokens, {setup.accumulation} per step"
    parts = (kept, setup.optimizer.name, gpus, f"{degrees}, EP {parallel.ep}", batch)
    return f"{'; '.join(parts)}; checkpointing {setup.checkpointing}"


def _terms(answer: TrainingAnswer, paint: Paint) -> Iterator[str]:
    memory, device = answer.memory, answer.accelerator
    where = f"stage {memory.fullest.stage}, " if len(memory.stages) > 1 else ""
    yield paint("strong", f"On the fullest GPU ({where}peak in the {memory.phase} phase)")
    rows = [
        (term.name, format_bytes_gib(term.value, 2), term.formula)
        for term in memory.terms
        if term.value >= VISIBLE_BYTES
    ]
    rows.append(("total", format_bytes_gib(memory.device_bytes, 2), ""))
    yield from (f"  {line}" for line in table(rows, "lrl"))
    if memory.host_bytes >= VISIBLE_BYTES:
        yield f"  and {format_bytes_gib(memory.host_bytes, 2)} in host memory for each GPU"
    usable = format_bytes_gib(device.memory_bytes_usable, 2)
    verdict = "fits" if answer.fits else "does not fit"
    yield paint("good" if answer.fits else "bad", f"  {verdict} {device.name} ({usable} usable)")


def _phases(answer: TrainingAnswer, paint: Paint) -> Iterator[str]:
    yield paint("strong", "Tensors alive by phase" + (", first to last stage" if len(answer.memory.stages) > 1 else ""))
    names = [name for name, _ in answer.memory.fullest.phases]
    rows = [("stage", *names, "reserved")]
    rows += [
        (
            str(stage.stage),
            *(format_bytes_gib(stage.allocated_bytes(name), 2) for name in names),
            format_bytes_gib(stage.reserved_bytes, 2),
        )
        for stage in answer.memory.stages
    ]
    yield from (f"  {line}" for line in table(rows, "lrrrr"))


def _comparison(item: Comparison, paint: Paint) -> Iterator[str]:
    yield paint("strong", f"Rule of thumb and truth: {item.name}")
    rows = [("", item.formula, format_bytes_gib(item.rule, 2), "rule of thumb")]
    rows += [
        ("+" if step.value >= 0 else "-", step.name, format_bytes_gib(abs(step.value), 2), step.why)
        for step in item.steps
        if abs(step.value) >= VISIBLE_BYTES
    ]
    rows.append(("=", "exact", format_bytes_gib(item.exact, 2), ""))
    yield from (f"  {line}" for line in table(rows, "llrl"))


def training_data(answer: TrainingAnswer) -> dict[str, Any]:
    """Return the answer as JSON-ready data, sizes in bytes."""
    setup, memory, parallel = answer.setup, answer.memory, answer.setup.parallel
    return {
        "model": answer.architecture.id,
        "method": setup.method,
        "optimizer": setup.optimizer.id,
        "precision": setup.precision.id,
        "frozen_weights": setup.frozen.id if setup.frozen else None,
        "adapter_rank": setup.adapters.rank if setup.adapters else None,
        "software": setup.software.id,
        "loss": setup.cross_entropy.id,
        "checkpointing": setup.checkpointing,
        "micro_batch": setup.micro_batch,
        "accumulation": setup.accumulation,
        "sequence_length": setup.sequence_length,
        "parallel": {
            "gpus": parallel.gpus,
            "dp": parallel.dp,
            "tp": parallel.tp,
            "pp": parallel.pp,
            "cp": parallel.cp,
            "ep": parallel.ep,
            "sharding": parallel.sharding,
            "schedule": parallel.pipeline,
        },
        "accelerator": answer.accelerator.id,
        "notes": list(answer.notes),
        "fits": answer.fits,
        "usable_bytes": answer.accelerator.memory_bytes_usable,
        "device_bytes": memory.device_bytes,
        "reserved_bytes": memory.reserved_bytes,
        "allocated_bytes": memory.allocated_bytes,
        "host_bytes": memory.host_bytes,
        "peak_phase": memory.phase,
        "terms": [
            {"name": term.name, "bytes": term.value, "formula": term.formula, "source": term.source}
            for term in memory.terms
        ],
        "stages": [
            {
                "stage": stage.stage,
                "reserved_bytes": stage.reserved_bytes,
                "phases": {name: stage.allocated_bytes(name) for name, _ in stage.phases},
            }
            for stage in memory.stages
        ],
        "rules_of_thumb": [
            {
                "name": item.name,
                "formula": item.formula,
                "rule_bytes": item.rule,
                "steps": [{"name": step.name, "bytes": step.value, "why": step.why} for step in item.steps],
                "exact_bytes": item.exact,
            }
            for item in answer.rules
        ],
    }
