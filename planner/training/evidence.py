"""Published training runs, and the efficiency of compute that they imply.

MFU mixes what hardware does with what a layout costs. Each run's MFU is therefore turned into the efficiency of compute
that, with the run's own traffic, bubble and recomputation, gives exactly that MFU; a generation's efficiency is the
median over its runs, its interval their range with a margin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any, Literal, cast

from planner.catalog.schema.accelerators import Accelerator
from planner.errors import CatalogError, Diagnostic
from planner.paths import data_dir
from planner.source import CATALOG_LIMITS, load_yaml
from planner.training.flops import ModelShape, flops_per_token
from planner.training.parallel import Parallel
from planner.training.precision import PRECISIONS
from planner.training.time import Cluster, StepInput, peak_flops, step_time

BORROWED_SPREAD = 1.35
"""By how much the interval of a generation without runs widens: the ratio of the medians of Ampere and Hopper is within
it (1.2), and vendors' libraries are younger elsewhere."""

BEST_GEMM: Mapping[str, float] = {"ampere": 0.87, "hopper": 0.80, "blackwell": 0.78, "cdna3": 0.51}
"""Share of the 16-bit peak that matrix products of the best shape reach: no run computes faster, and what
a generation without runs reaches is scaled with it (stas00/ml-engineering, compute/accelerator, MAMF tables, 2025)."""

OWN_SPREAD = 1.2
"""Margin on both ends of a generation's own runs, which are few: with it, 12 of 14 runs lie in the interval that the
other campaigns give."""


Confidence = Literal["high", "medium", "low"]

DOUBT: Mapping[Confidence, float] = {"high": 1.0, "medium": 1.05, "low": 1.15}
"""By how much a run widens its generation's interval where its figures were not all seen again since they were written
down: an assumption. Where two copies of a table could be compared they agreed within 2 % (Nemotron-4, Llama 3)."""


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """One run as published. ``gpus_per_node`` is 8 in all of them."""

    id: str
    accelerator: str
    step: StepInput
    network_gbytes_per_s: float
    mfu: float
    published: tuple[str, float]
    """What the source prints beside it: ``step_seconds``, ``tokens_per_gpu_second`` or ``tflops`` per GPU."""
    source: str
    as_of: str
    confidence: Confidence
    """``high``: every figure was read again at its source or in copies of it; else ``source`` says which was not."""
    gpus_per_node: int = 8

    def cluster(self, accelerator: Accelerator) -> Cluster:
        """Return the run's devices."""
        return Cluster(accelerator, self.gpus_per_node, self.network_gbytes_per_s)

    def mfu_of_throughput(self, accelerator: Accelerator) -> float:
        """Return the MFU that follows from what is published beside it, by PaLM's definition."""
        kind, value = self.published
        gpus, tokens = self.step.parallel.gpus, self.step.tokens
        if kind != "tflops":
            rate = tokens / value / gpus if kind == "step_seconds" else value
            value = rate * flops_per_token(self.step.shape, self.step.sequence_length) / 1e12
        return value * 1e12 / peak_flops(accelerator)


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Efficiency of compute with its 90 % interval. ``measured``: runs of the same generation exist."""

    value: float
    low: float
    high: float
    runs: tuple[str, ...]
    measured: bool
    uncertain: int = 0
    """How many of the runs are of less than high confidence."""


@lru_cache(maxsize=4)
def load_runs(path: Path | None = None) -> tuple[PublishedRun, ...]:
    """Return the published runs, in the file's order. Raises CatalogError for a file that cannot be read."""
    document = load_yaml(
        path or data_dir("catalogs") / "training" / "runs.yaml", limits=CATALOG_LIMITS, error=CatalogError
    )
    problems: list[Diagnostic] = []
    found = []
    for index, row in enumerate(document.data.get("runs") or ()):
        try:
            found.append(_run(row))
        except (KeyError, TypeError, ValueError) as error:
            problems.append(document.diagnostic(("runs", index), f"is no training run: {error}", code="training-run"))
    if problems:
        raise CatalogError(problems)
    return tuple(found)


def _run(row: Mapping[str, Any]) -> PublishedRun:
    model, layout, batch = row["model"], row["layout"], row["batch"]
    tp, pp, cp = layout.get("tp", 1), layout.get("pp", 1), layout.get("cp", 1)
    dp = layout["gpus"] // (tp * pp * cp)
    sharded = tp * pp == 1
    shape = ModelShape(
        parameters=float(model["parameters"]),
        total=float(model.get("total", model["parameters"])),
        layers=model["layers"],
        hidden=model["hidden"],
        attention=float(model["attention"]),
        experts_per_token=model.get("experts_per_token", 0),
        nodes_per_token=model.get("nodes_per_token", 0),
    )
    step = StepInput(
        shape=shape,
        parallel=Parallel(
            dp, tp, pp, cp, layout.get("ep", 1), "fsdp" if sharded else "zero1", virtual_stages=layout.get("virtual", 1)
        ),
        precision=PRECISIONS[row["precision"]],
        sequence_length=batch["tokens"],
        micro_batch=batch["micro"],
        accumulation=batch["sequences"] // (dp * batch["micro"]),
        recompute=row["checkpointing"],
    )
    if not row["source"] or not row["as_of"]:
        raise ValueError("a run needs its source and its day")
    return PublishedRun(
        row["id"], row["accelerator"], step, float(row["network"]), float(row["mfu"]), _published(row["published"]),
        row["source"], str(row["as_of"]), _confidence(row["confidence"]),
    )  # fmt: skip


def _confidence(value: Any) -> Confidence:
    if value not in DOUBT:
        raise ValueError(f"confidence {value!r} is none of {', '.join(DOUBT)}")
    return cast(Confidence, value)


def _published(data: Mapping[str, Any]) -> tuple[str, float]:
    ((kind, value),) = data.items()
    if kind not in ("step_seconds", "tokens_per_gpu_second", "tflops") or value <= 0:
        raise ValueError(f"published {kind} {value} is no throughput")
    return kind, float(value)


def implied_efficiency(run: PublishedRun, accelerator: Accelerator) -> float:
    """Return the efficiency of compute at which the run's own layout gives its MFU, by bisection."""
    low, high = 0.01, 1.5
    for _ in range(40):
        middle = (low + high) / 2
        if step_time(run.step, run.cluster(accelerator), middle).mfu < run.mfu:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def efficiencies(
    accelerators: Mapping[str, Accelerator], runs: tuple[PublishedRun, ...] | None = None
) -> dict[str, Efficiency]:
    """Return the efficiency of each generation: of its own runs, else borrowed and scaled with its matrix products."""
    by_generation: dict[str, list[_Implied]] = {}
    for run in load_runs() if runs is None else runs:
        device = accelerators[run.accelerator]
        implied = _Implied(run, implied_efficiency(run, device), best_gemm(device.generation))
        by_generation.setdefault(device.generation, []).append(implied)
    found = {}
    for generation, own in sorted(by_generation.items()):
        found[generation] = Efficiency(
            median(item.value for item in own),
            min(item.low for item in own) / OWN_SPREAD,
            min(best_gemm(generation), max(item.high for item in own) * OWN_SPREAD),
            tuple(item.run.id for item in own),
            True,
            _uncertain(own),
        )
    every = [item for own in by_generation.values() for item in own]
    for generation in sorted({device.generation for device in accelerators.values()} - set(found)):
        best = best_gemm(generation)
        found[generation] = Efficiency(
            median(item.value / item.best for item in every) * best,
            min(item.low / item.best for item in every) / BORROWED_SPREAD * best,
            min(1.0, max(item.high / item.best for item in every) * BORROWED_SPREAD) * best,
            tuple(item.run.id for item in every),
            False,
            _uncertain(every),
        )
    return found


@dataclass(frozen=True, slots=True)
class _Implied:
    """A run's efficiency of compute. ``best``: what matrix products of its generation reach at best."""

    run: PublishedRun
    value: float
    best: float

    @property
    def low(self) -> float:
        return self.value / DOUBT[self.run.confidence]

    @property
    def high(self) -> float:
        return self.value * DOUBT[self.run.confidence]


def _uncertain(runs: list[_Implied]) -> int:
    return sum(item.run.confidence != "high" for item in runs)


def best_gemm(generation: str) -> float:
    """Return the share of the peak that the best matrix products reach; the median generation's where none is known."""
    family = generation.rstrip("0123456789")
    known = [share for name, share in BEST_GEMM.items() if name.rstrip("0123456789") == family]
    return known[0] if known else median(BEST_GEMM.values())


def efficiency_of(generation: str, known: Mapping[str, Efficiency]) -> Efficiency:
    """Return a generation's efficiency. Raises KeyError for one that no accelerator of the catalog has."""
    return known[generation]
