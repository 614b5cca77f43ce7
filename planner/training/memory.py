"""Memory of one GPU in training: the terms of each phase, the phase and pipeline stage where they peak.

A step has three peaks, and memory is the largest of them on the fullest stage:

* **loss**: all kept activations and the logits; no gradients yet, unless they are accumulated;
* **backward**: all gradients, one layer's activations, gathered weights and buckets of communication;
* **step**: all gradients and the optimizer's temporaries.

Sources: Rajbhandari et al., ZeRO, arXiv 1910.02054; Korthikanti et al., arXiv 2205.05198; Dettmers et al., QLoRA,
arXiv 2305.14314; torch, DeepSpeed and Megatron documentation as named by each term.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from planner.architecture.model import ModelArchitecture
from planner.plan import Term
from planner.training.activations import layer_activations
from planner.training.setup import TrainingSetup
from planner.training.shares import Stage, stages
from planner.training.software import ALLOCATOR_SLACK
from planner.training.states import StateBytes, state_bytes

INPUT_BYTES = 2
"""A layer's input per feature, in 16 bit."""

PHASES = ("loss", "backward", "step")


@dataclass(frozen=True)  # without slots: a search asks thousands of them for the same sums
class StageMemory:
    """One GPU of one pipeline stage. ``phases``: (phase, its terms), in the order of a step."""

    stage: int
    phases: tuple[tuple[str, tuple[Term, ...]], ...]
    resident_bytes: float
    """Of what is there in every phase."""
    gradients_bytes: float
    host_bytes: float = 0.0
    """What this GPU keeps in host memory: whatever is offloaded."""

    def allocated_bytes(self, phase: str) -> float:
        """Tensors alive in a phase."""
        return sum(term.value for term in dict(self.phases)[phase])

    @cached_property
    def peak_phase(self) -> str:
        """The phase with most alive; the earliest of equals."""
        return max((name for name, _ in self.phases), key=self.allocated_bytes)

    @cached_property
    def allocated_peak_bytes(self) -> float:
        """Tensors alive at the peak."""
        return self.allocated_bytes(self.peak_phase)

    @cached_property
    def reserved_bytes(self) -> float:
        """What the caching allocator holds after a few steps.

        Gradients are many small blocks and the loss a few large ones, so the allocator keeps room for both, and
        rounding and fragmentation add ``ALLOCATOR_SLACK`` to what is not there all the time.
        """
        at_peak = {term.name for term in dict(self.phases)[self.peak_phase]}
        other = 0.0 if "gradients" in at_peak else self.gradients_bytes
        changing = self.allocated_peak_bytes - self.resident_bytes
        return self.allocated_peak_bytes + other + changing * ALLOCATOR_SLACK


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Memory of the fullest GPU, and of the first and last stage where there are several."""

    stages: tuple[StageMemory, ...]
    """First stage first; a stage of the middle only where it is the fullest."""
    fullest: StageMemory
    context_bytes: int

    @property
    def phase(self) -> str:
        """The phase in which the fullest GPU peaks."""
        return self.fullest.peak_phase

    @property
    def allocated_bytes(self) -> float:
        """Tensors alive at the peak: what torch.cuda.max_memory_allocated prints."""
        return self.fullest.allocated_peak_bytes

    @property
    def reserved_bytes(self) -> float:
        """What the caching allocator holds: torch.cuda.max_memory_reserved."""
        return self.fullest.reserved_bytes

    @property
    def device_bytes(self) -> float:
        """What nvidia-smi shows: reserved memory and the CUDA context. This has to fit."""
        return self.reserved_bytes + self.context_bytes

    @property
    def host_bytes(self) -> float:
        """What a GPU keeps in host memory, of the stage that keeps most."""
        return max(stage.host_bytes for stage in (*self.stages, self.fullest))

    @property
    def terms(self) -> tuple[Term, ...]:
        """Addends of ``device_bytes``."""
        found = dict(self.fullest.phases)[self.phase]
        slack = self.reserved_bytes - self.allocated_bytes
        return (
            *found,
            Term(
                "allocator",
                slack,
                "bytes",
                f"{ALLOCATOR_SLACK:.0%} of what changes during a step, and gradients that come after the peak",
                "torchtitan benchmarks 2024-12, reserved over accounted",
            ),
            Term(
                "CUDA context", self.context_bytes, "bytes", "kernels and driver, outside the allocator", "nvidia-smi"
            ),
        )

    def measured_as(self, measures: str) -> float:
        """Return the figure that a framework prints: ``allocated``, ``reserved`` or ``device``."""
        return {
            "allocated": self.allocated_bytes,
            "reserved": self.reserved_bytes,
            "device": self.device_bytes,
        }[measures]

    def fits(self, usable_bytes: float) -> bool:
        """Whether a device with so much memory holds the run."""
        return self.device_bytes <= usable_bytes


def training_memory(architecture: ModelArchitecture, setup: TrainingSetup) -> TrainingMemory:
    """Return the memory of training ``architecture`` under ``setup``, on the fullest GPU.

    Raises ValueError for degrees that the model cannot be divided by.
    """
    found = [_stage(architecture, setup, stage) for stage in _candidates(stages(architecture, setup.parallel.layout))]
    fullest = max(found, key=lambda item: item.reserved_bytes)
    ends = {found[0].stage: found[0], fullest.stage: fullest, found[-1].stage: found[-1]}
    return TrainingMemory(tuple(ends[index] for index in sorted(ends)), fullest, setup.software.context_bytes)


def _candidates(every: tuple[Stage, ...]) -> list[Stage]:
    """Return the stages that can be the fullest: both ends, the earliest of most layers and of most weights."""
    chosen = {0, len(every) - 1, max(every, key=lambda s: s.layers).index, max(every, key=lambda s: s.everything).index}
    return [every[index] for index in sorted(chosen)]


def in_flight(setup: TrainingSetup, stage: int) -> float:
    """Micro-batches whose activations a stage keeps at once.

    GPipe: all of the step. 1F1B: ``pp - stage``, as far as there are so many. Interleaved over v virtual stages the
    first one keeps 1 + (pp - 1) / (pp v) times as much (Korthikanti et al., section 4.2.3; Narayanan et al., arXiv
    2104.04473).
    """
    pp, v = setup.parallel.pp, setup.parallel.virtual_stages
    if pp > 1 and setup.parallel.schedule == "gpipe":
        return float(setup.accumulation)
    depth = pp - stage + (pp - 1 - stage) / v if v > 1 else float(pp - stage)
    return min(depth, float(setup.accumulation)) if pp > 1 else 1.0


def _stage(architecture: ModelArchitecture, setup: TrainingSetup, stage: Stage) -> StageMemory:
    states = state_bytes(architecture, setup, stage)
    static = states.resident
    gradients = Term("gradients", states.gradients, "bytes", states.gradients_formula, setup.precision.source)
    held = setup.software.holds_gradients or setup.accumulation > 1
    kept, working = _activations(architecture, setup, stage)
    logits = _logits(architecture, setup, stage)
    loss = [*static, *([gradients] if held else []), *kept, *logits, *_head(setup, states, held)]
    backward = [*static, gradients, *working, *states.in_flight]
    step = [*static, gradients]
    if states.step:
        step.append(Term("optimizer step", states.step, "bytes", "temporaries", setup.software.source))
    phases = tuple(
        (name, tuple(term for term in terms if term.value > 0))
        for name, terms in zip(PHASES, (loss, backward, step), strict=True)
    )
    resident = sum(term.value for term in static)
    host = states.host + (_inputs(architecture, setup, stage) if setup.checkpointing == "offloaded" else 0.0)
    return StageMemory(stage.index, phases, resident, states.gradients, host)


def _inputs(architecture: ModelArchitecture, setup: TrainingSetup, stage: Stage) -> float:
    """Return the bytes of the layers' inputs of one step that wait in host memory."""
    parallel = setup.parallel
    width = architecture.hidden_size / (parallel.tp if parallel.sequence_parallel else 1)
    return INPUT_BYTES * width * setup.tokens_per_rank * stage.layers * in_flight(setup, stage.index)


def _activations(architecture: ModelArchitecture, setup: TrainingSetup, stage: Stage) -> tuple[list[Term], list[Term]]:
    """Return the terms of what is kept for the backward pass, and of one layer being worked on."""
    tokens, depth = setup.tokens_per_rank, in_flight(setup, stage.index)
    hidden, top_k = architecture.hidden_size, architecture.experts_per_token
    source = "Korthikanti et al., arXiv 2205.05198, counted by operation"
    kept: list[Term] = []
    largest = 0.0
    for group, count in stage.groups:
        layer = layer_activations(group, hidden, top_k, setup)
        largest = max(largest, layer.working * tokens)
        kind = f"{group.mixer.kind} {'MoE' if group.is_moe else 'dense'}"
        formula = f"{count} layers x {tokens:,.0f} tokens x {layer.kept:,.0f} B"
        formula += f" x {depth:g} micro-batches" if depth > 1 else ""
        kept.append(Term(f"activations, {kind} layers", layer.kept * tokens * count * depth, "bytes", formula, source))
    working = [Term("one layer's activations", largest, "bytes", "recomputed, or gradients of its widest part", source)]
    return _merged(kept), working


def _merged(terms: list[Term]) -> list[Term]:
    """Add up terms of one name (groups of layers that differ in what activations do not depend on)."""
    found: dict[str, Term] = {}
    for term in terms:
        if term.name in found:
            before = found[term.name]
            formula = before.formula if before.formula == term.formula else f"{before.formula}; {term.formula}"
            term = Term(term.name, before.value + term.value, "bytes", formula, term.source)
        found[term.name] = term
    return list(found.values())


def _logits(architecture: ModelArchitecture, setup: TrainingSetup, stage: Stage) -> list[Term]:
    """Logits and what the loss makes of them, on the last stage; the vocabulary is split over tensor parallelism."""
    if not stage.last:
        return []
    loss, tp = setup.cross_entropy, setup.parallel.tp
    size = setup.tokens_per_rank * architecture.vocab_size / tp * loss.bytes_per_logit
    formula = f"{setup.tokens_per_rank:,.0f} tokens x {architecture.vocab_size:,} words"
    formula += f" / TP {tp}" if tp > 1 else ""
    return [Term("logits and loss", size, "bytes", f"{formula} x {loss.bytes_per_logit:g} B ({loss.id})", loss.source)]


def _head(setup: TrainingSetup, states: StateBytes, held: bool) -> list[Term]:
    terms = []
    if states.gathered_head:
        terms.append(
            Term(
                "gathered head", states.gathered_head, "bytes", "the output matrix, unsharded", "FSDP, arXiv 2304.11277"
            )
        )
    if setup.cross_entropy.by_chunk and setup.trains_all and not held and states.head_gradient:
        terms.append(
            Term("gradient of the head", states.head_gradient, "bytes", "grows chunk by chunk", setup.software.source)
        )
    return terms
