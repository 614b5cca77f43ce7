"""A scenario about training: ``workload: {kind: training, ...}``.

What belongs to serving (an SLA, the quality of quantized weights, engines, rules over replicas) cannot be asked of a
training run; its keys are refused rather than passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from planner.scenario.checks import money_with_a_rate
from planner.scenario.kinds import MONEY_SUM, TOKENS, Kind, between, count
from planner.scenario.model import Scenario
from planner.scenario.reader import Draft, Problem
from planner.scenario.sections import Budget, Search, Section
from planner.scenario.words import DEGREE, IDENTIFIER, SWITCH, any_or_list, choice, constant
from planner.units import Money, format_duration_ms, parse_duration_ms

METHODS = ("full", "lora", "qlora")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw", "adamw-8bit", "paged-adamw-8bit", "adafactor", "muon")
PRECISIONS = ("fp32", "mixed", "mixed-fp32-gradients", "mixed-fp32-weights", "bf16", "fp8")
CHECKPOINTING = ("none", "selective", "full", "offloaded")
SHARDINGS = ("ddp", "zero1", "zero2", "zero3", "fsdp", "hsdp")
SCHEDULES = ("1f1b", "interleaved", "gpipe")
LOSS_KINDS = ("standard", "chunked", "fused-linear")
OFFLOADS = ("none", "optimizer", "all")
_MS_PER_HOUR = 3_600_000
_TEN_YEARS_MS = 10 * 365 * 24 * _MS_PER_HOUR


_DEADLINE = between(parse_duration_ms, format_duration_ms, "14d", above=0, most=_TEN_YEARS_MS)
DEADLINE = Kind(
    lambda value: _DEADLINE(value) / _MS_PER_HOUR,
    {"type": "string", "pattern": r"^\s*[0-9.,_]+\s*[a-zµμ天小时分钟秒毫]+\s*$", "examples": ["14d", "36h"]},
)
RUN_TOKENS = count(1, 10**15, "10B", 50_000_000)
BATCH = count(1, 10**7, 1024)
RANK = count(1, 4096, 16)


@dataclass(frozen=True, slots=True)
class TrainingWorkload(Section):
    """The run: how much is trained, and how."""

    method: Annotated[str, choice("a method", METHODS)]
    """`full` updates every weight; `lora` trains adapters over 16-bit weights, `qlora` over quantized ones."""

    tokens: Annotated[int, RUN_TOKENS]
    """Tokens of the whole run, repetitions counted."""

    sequence_length: Annotated[int, TOKENS]
    """Tokens of a training sequence."""

    global_batch: Annotated[int, BATCH]
    """Sequences of one optimizer step over all GPUs."""

    deadline: Annotated[float | None, DEADLINE] = None
    """Time within which the run has to end, checkpoints and expected restarts included."""

    optimizer: Annotated[str, choice("an optimizer", OPTIMIZERS)] = "adamw"
    """The optimizer, which decides what is kept per parameter."""

    precision: Annotated[str | None, choice("a precision policy", PRECISIONS)] = None
    """What weights, gradients and states are kept in, for `full`; `mixed` where it is left out."""

    rank: Annotated[int | None, RANK] = None
    """Rank of the adapters, for `lora` and `qlora`; 16 where it is left out."""

    frozen_weights: Annotated[str | None, IDENTIFIER] = None
    """Format of the frozen weights, for `lora` and `qlora`; `bf16` and `nf4` where it is left out."""

    flash_attention: Annotated[bool, SWITCH] = True
    """Whether attention is computed without writing its scores to memory."""

    sequence_parallel: Annotated[bool, SWITCH] = True
    """Whether tensor-parallel GPUs divide norms and residuals along the sequence as well."""

    kind: Annotated[str, constant("training")] = "training"
    """What the hardware is for."""

    @property
    def deadline_hours(self) -> float | None:
        """``deadline``, which is read in hours."""
        return self.deadline


@dataclass(frozen=True, slots=True)
class TrainingBudget(Budget):
    """What the run may cost."""

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"capex", "tco", "horizon_months", "peak"})

    run: Annotated[Money | None, MONEY_SUM] = None
    """Most that the whole run may cost."""

    @property
    def run_usd(self) -> float | None:
        """``run`` in US dollars."""
        return None if self.run is None else self.run.to_usd(self.rates)


@dataclass(frozen=True, slots=True)
class TrainingSearch(Search):
    """What may be considered."""

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"weights", "kv_cache", "engines", "vendors", "mix", "disaggregated"})

    sharding: Annotated[tuple[str, ...] | None, any_or_list(choice("a way to shard", SHARDINGS), ["fsdp"])] = None
    """What data-parallel ranks divide among themselves; `hsdp` is FSDP within groups. `any` is ZeRO-1, FSDP and HSDP,
    in a pipeline ZeRO-1."""

    shard_group: Annotated[tuple[int, ...] | None, any_or_list(DEGREE, [8])] = None
    """Ranks of a group of `hsdp`. `any` is 8, those of the usual node."""

    context_parallel: Annotated[tuple[int, ...] | None, any_or_list(DEGREE, [1, 2, 4])] = None
    """GPUs over which each sequence is split. `any` leaves each at least 8,192 tokens."""

    expert_parallel: Annotated[tuple[int, ...] | None, any_or_list(DEGREE, [1, 8])] = None
    """GPUs over which the experts of a mixture are spread. `any` is 1 and whole nodes of 8, up to 64."""

    pipeline_schedule: Annotated[
        tuple[str, ...] | None, any_or_list(choice("a pipeline schedule", SCHEDULES), ["1f1b", "interleaved"])
    ] = None
    """Order in which pipeline stages work. `any` leaves `gpipe` out, which idles as long as 1F1B and keeps more."""

    checkpointing: Annotated[
        tuple[str, ...] | None, any_or_list(choice("a way to checkpoint", CHECKPOINTING), ["selective", "full"])
    ] = None
    """Which activations are kept: all (`none`), all but what is cheap to recompute (`selective`), the layers' inputs
    (`full`), or these in host memory (`offloaded`)."""

    loss: Annotated[tuple[str, ...] | None, any_or_list(choice("a kind of loss", LOSS_KINDS), ["standard"])] = None
    """How logits and loss are computed: as the software does by itself (`standard`), in chunks (`chunked`), or together
    with the head, without ever keeping logits (`fused-linear`)."""

    offload: Annotated[tuple[str, ...] | None, any_or_list(choice("what is offloaded", OFFLOADS), ["none"])] = None
    """What lies in host memory: nothing (`none`), the optimizer (`optimizer`), or the weights too (`all`)."""

    optimizer_in_backward: Annotated[bool, SWITCH] = False
    """Consider stepping each weight as its gradient comes as well: gradients are not kept, accumulated or clipped by
    their global norm."""

    micro_batch: Annotated[tuple[int, ...] | None, any_or_list(DEGREE, [1, 2, 4])] = None
    """Sequences that a GPU works on at once."""

    gpus: Annotated[tuple[int, ...] | None, any_or_list(count(1, 100_000, 1024), [1024])] = None
    """GPUs in all."""


@dataclass(frozen=True, slots=True)
class TrainingScenario(Scenario):
    """One question to the planner: a model, how it is trained, when that has to be done, what it may cost."""

    HIDDEN: ClassVar[frozenset[str]] = frozenset(
        {"sla", "quality", "site", "rule_paths", "disabled_rules", "rule_packs", "rule_penalties", "as_of"}
        | {"inventory", "limits", "objective", "compare", "uncertainty"}
    )

    # A run has no requests: whoever reads a workload asks its kind first.
    workload: TrainingWorkload  # type: ignore[assignment]
    """The run."""

    budget: TrainingBudget = field(default_factory=TrainingBudget)
    """What may be spent."""

    search: TrainingSearch = field(default_factory=TrainingSearch)
    """What may be considered; everything, unless it is narrowed here."""


def options_of_the_method(draft: Draft) -> Iterator[Problem]:
    """Each method has options of its own; what belongs to another is refused."""
    work = draft.get("workload")
    if not isinstance(work, dict) or "method" not in work:
        return
    method = work["method"]
    wrong = ("rank", "frozen_weights") if method == "full" else ("precision",)
    for name in wrong:
        if work.get(name) is not None:
            yield Problem(
                ("workload", name), f"has no meaning for method {method}", "leave it out", "contradiction", True
            )


def runs_that_can_be(draft: Draft) -> Iterator[Problem]:
    """A run has at least one step, and hardware is rented for it."""
    work, search = draft.get("workload"), draft.get("search")
    if isinstance(work, dict) and all(name in work for name in ("tokens", "sequence_length", "global_batch")):
        step = work["sequence_length"] * work["global_batch"]
        if work["tokens"] < step:
            yield Problem(
                ("workload", "tokens"), f"{work['tokens']:,} are less than one step of {step:,} tokens",
                "lower global_batch or sequence_length", "contradiction",
            )  # fmt: skip
    if isinstance(search, dict) and "purchase" in (search.get("pricing") or ()):
        yield Problem(
            ("search", "pricing"), "a run rents its hardware: purchase is not considered",
            "leave purchase out", "contradiction",
        )  # fmt: skip


def savings_that_can_be(draft: Draft) -> Iterator[Problem]:
    """What is asked of the search has to have an effect."""
    work, search = draft.get("workload"), draft.get("search")
    if not isinstance(work, dict) or not isinstance(search, dict):
        return
    adapters = work.get("method") in ("lora", "qlora")
    offload = search.get("offload")
    if adapters and offload and offload != ("none",):
        yield Problem(
            ("search", "offload"), f"has no meaning for method {work['method']}: adapters have few states",
            "leave it out", "contradiction",
        )  # fmt: skip
    if adapters and search.get("optimizer_in_backward"):
        yield Problem(
            ("search", "optimizer_in_backward"),
            f"has no meaning for method {work['method']}: adapters have few gradients",
            "leave it out", "contradiction",
        )  # fmt: skip
    sharding = search.get("sharding")
    if search.get("shard_group") and sharding is not None and "hsdp" not in sharding:
        yield Problem(
            ("search", "shard_group"), "has no effect: search.sharding leaves hsdp out",
            "add hsdp to search.sharding, or leave it out", "contradiction",
        )  # fmt: skip


TRAINING_CHECKS = (options_of_the_method, runs_that_can_be, savings_that_can_be, money_with_a_rate)
