"""What lies on a rank whatever the batch: weights, master weights, optimizer states, gradients, gathered copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from planner.architecture.model import ModelArchitecture
from planner.memory.storage import FULL_PRECISION_BITS, bytes_per_copy, is_quantized
from planner.plan import Term
from planner.training.optimizer_states import ZERO, optimizer_states, sized, ways_of
from planner.training.parallel import SHARDS_GRADIENTS, SHARDS_STATES, SHARDS_WEIGHTS
from planner.training.precision import PRECISIONS, Precision
from planner.training.setup import TrainingSetup
from planner.training.shares import Piece, Stage, adapter_elements

_PIPELINED = "torchtitan parallelize_llama.py: no resharding after forward under PP; torch.distributed.pipelining"
_LORA = "Hu et al., LoRA, arXiv 2106.09685, section 4.1"


@dataclass(frozen=True, slots=True)
class StateBytes:
    """Bytes on one GPU. ``resident``: terms that are there in every phase."""

    resident: tuple[Term, ...]
    gradients: float
    gradients_formula: str
    in_flight: tuple[Term, ...]
    """Weights gathered and gradients reduced while the backward pass runs."""
    gathered_head: float
    head_gradient: float
    step: float
    host: float = 0.0
    """What is offloaded to host memory."""


@dataclass(frozen=True, slots=True)
class _Trained:
    """What trains on one rank: how many parameters are there, and how many after each kind of sharding."""

    precision: Precision
    all: float
    weights: float
    gradients: float
    states: float
    largest: float


def state_bytes(architecture: ModelArchitecture, setup: TrainingSetup, stage: Stage) -> StateBytes:
    """Return what one GPU of a stage holds beside activations."""
    if setup.trains_all:
        return _full(setup, stage)
    return _adapted(architecture, setup, stage)


def _full(setup: TrainingSetup, stage: Stage) -> StateBytes:
    precision = setup.precision
    everything = stage.everything
    trained = _Trained(
        precision,
        everything,
        stage.shared(*ways_of(setup, SHARDS_WEIGHTS)),
        stage.shared(*ways_of(setup, SHARDS_GRADIENTS)),
        stage.shared(*ways_of(setup, SHARDS_STATES)),
        max(stage.largest_tensor(), 0),
    )
    ways = ways_of(setup, SHARDS_WEIGHTS)[0]
    terms = []
    if setup.offload != "all":
        terms.append(sized("weights", trained.weights, precision.weights, ways, precision.source))
    if precision.compute != precision.weights and ways == 1 and setup.offload != "all":
        terms.append(
            Term(
                "compute copy of the weights",
                everything * precision.compute,
                "bytes",
                f"{everything:,} x {precision.compute:g} B",
                "torch.autocast caches the casts of a step",
            )
        )
    shard = ways_of(setup, SHARDS_STATES)[0]
    if setup.offload == "none":
        if precision.master:
            terms.append(sized("master weights", trained.states, precision.master, shard, precision.source))
        terms += optimizer_states(setup, stage, precision)
    streamed = ways > 1 or setup.offload == "all"  # weights come from other ranks, or from the host
    gathered = stage.largest_layer * precision.compute * setup.software.gathered_layers if streamed else 0.0
    head = stage.head()
    if ways > 1 and setup.parallel.pp > 1:
        # Gathering them for every micro-batch would stall the pipeline; gradients are reduced behind the last one.
        gathered, trained = 0.0, replace(trained, gradients=float(everything) + trained.gradients)
        kept = "the whole stage, from the first micro-batch to the last"
        terms.append(Term("gathered weights", everything * precision.compute, "bytes", kept, _PIPELINED))
    return StateBytes(
        resident=tuple(terms),
        gradients=_gradients(setup, trained),
        gradients_formula=_gradients_formula(setup, trained),
        in_flight=_communication(setup, trained, gathered, stage),
        gathered_head=head * precision.compute if streamed and setup.parallel.pp == 1 else 0.0,
        head_gradient=head * min(precision.gradients, precision.compute),
        step=_step(setup, trained),
        host=_host(setup, stage, trained, precision),
    )


def _host(setup: TrainingSetup, stage: Stage, trained: _Trained, precision: Precision) -> float:
    """Return what lies in host memory: master weights, states and gradients, weights as well, or paged states alone."""
    if setup.offload == "none" and not setup.optimizer.paged:
        return 0.0
    states = sum(term.value for term in optimizer_states(setup, stage, precision, paged=True))
    if setup.offload == "none":
        return states
    gradients = precision.gradients if _gradients_leave(setup) else 0.0
    kept = trained.states * (precision.master + gradients) + states
    return kept + (trained.weights * precision.weights if setup.offload == "all" else 0.0)


def _adapted(architecture: ModelArchitecture, setup: TrainingSetup, stage: Stage) -> StateBytes:
    """Frozen weights in their own format, adapters beside them."""
    adapters, fmt = setup.adapters, setup.frozen
    assert adapters is not None  # noqa: S101  # TrainingSetup has checked
    assert fmt is not None  # noqa: S101
    precision = PRECISIONS[setup.software.adapter_precision]
    ways, expert_ways = ways_of(setup, SHARDS_WEIGHTS)
    widened = setup.software.widens_unquantized and fmt.bits_per_weight < FULL_PRECISION_BITS
    mixture = architecture.experts > 0

    def size(piece: Piece) -> float:
        if widened and not is_quantized(piece.tensor, fmt, mixture=mixture):
            return piece.elements * 4.0
        each = bytes_per_copy(piece.tensor, piece.rows, piece.columns, fmt, architecture, piece.layers)
        return each * piece.count * piece.copies

    held = sum(size(piece) / (expert_ways if piece.is_expert else ways) for piece in stage.pieces)
    formula = f"{stage.everything:,} parameters in {fmt.id}" + (", the rest in FP32" if widened else "")
    formula += f" / {ways}" if ways > 1 else ""
    terms = [] if setup.offload == "all" else [Term("frozen weights", held, "bytes", formula, fmt.source)]
    count = float(adapter_elements(stage.pieces, adapters.rank, adapters.targets))
    vocabulary = stage.elements(lambda piece: piece.is_vocabulary) if adapters.embeddings else 0
    count += vocabulary
    state_ways, gradient_ways = ways_of(setup, SHARDS_STATES)[0], ways_of(setup, SHARDS_GRADIENTS)[0]
    trained = _Trained(precision, count, count / ways, count / gradient_ways, count / state_ways, count)
    what = f"rank {adapters.rank}" + (", embedding and head" if vocabulary else "")
    terms.append(Term("adapters", trained.weights * precision.weights, "bytes", f"{what}: {count:,.0f}", _LORA))
    states = [
        sized(
            state.name,
            trained.states,
            0.0 if state.factored else state.bytes_per_parameter or precision.states,
            state_ways,
            setup.optimizer.source,
        )
        for state in setup.optimizer.states
    ]
    host = sum(term.value for term in states) if setup.optimizer.paged or setup.offload != "none" else 0.0
    if setup.offload == "none":
        if precision.master:
            terms.append(sized("master weights", trained.states, precision.master, state_ways, precision.source))
        terms += [] if setup.optimizer.paged else states
    else:
        left = precision.master + (precision.gradients if _gradients_leave(setup) else 0.0)
        host += trained.states * left + (held if setup.offload == "all" else 0.0)
    layer = max((_layer_bytes(stage, size), 0.0))
    dequantized = stage.largest_tensor(lambda piece: piece.is_matrix) * 2.0 if fmt.bits_per_weight < 16 else 0.0
    in_flight = list(_communication(setup, trained, layer * setup.software.gathered_layers if ways > 1 else 0.0, stage))
    if dequantized:
        in_flight.append(
            Term("dequantized matrix", dequantized, "bytes", "the largest one in 16 bit", "QLoRA, section 3")
        )
    head = max((size(piece) for piece in stage.pieces if piece.is_vocabulary), default=0.0) if stage.last else 0.0
    return StateBytes(
        resident=tuple(terms),
        gradients=_gradients(setup, trained),
        gradients_formula=_gradients_formula(setup, trained),
        in_flight=tuple(in_flight),
        gathered_head=head if ways > 1 else 0.0,
        head_gradient=0.0,
        step=_step(setup, trained),
        host=host,
    )


def _layer_bytes(stage: Stage, size: Callable[[Piece], float]) -> float:
    sizes: dict[tuple[int, ...], float] = {}
    for piece in stage.pieces:
        if piece.in_layers:
            sizes[piece.layers] = sizes.get(piece.layers, 0.0) + size(piece) / piece.copies
    return max(sizes.values(), default=0.0)


def _gradients_leave(setup: TrainingSetup) -> bool:
    return setup.offload != "none" and setup.software.offloads_gradients


def _gradients(setup: TrainingSetup, trained: _Trained) -> float:
    if _gradients_leave(setup):
        return 0.0
    if setup.optimizer_in_backward:
        return trained.largest * trained.precision.gradients
    return trained.gradients * trained.precision.gradients


def _step(setup: TrainingSetup, trained: _Trained) -> float:
    if setup.optimizer_in_backward or setup.offload != "none":
        return 0.0
    return setup.software.step_bytes_per_parameter * min(trained.states, setup.software.step_parameters)


def _gradients_formula(setup: TrainingSetup, trained: _Trained) -> str:
    if setup.optimizer_in_backward:
        return "of the largest tensor: the optimizer runs in the backward pass"
    if trained.gradients > trained.all:
        return f"{trained.all:,.0f} x {trained.precision.gradients:g} B until reduced, and this rank's share"
    ways = round(trained.all / trained.gradients) if trained.gradients else 1
    return f"{trained.all:,.0f} x {trained.precision.gradients:g} B" + (f" / {ways}" if ways > 1 else "")


def _communication(setup: TrainingSetup, trained: _Trained, gathered: float, stage: Stage) -> tuple[Term, ...]:
    """Gathered weights, and buckets in which gradients are reduced."""
    parallel = setup.parallel
    terms = []
    live = setup.software.live_parameters
    if live and parallel.sharding in SHARDS_WEIGHTS and setup.trains_all:
        size = min(float(live), trained.all) * trained.precision.compute
        terms.append(Term("gathered weights", size, "bytes", f"at most {live:,} parameters", setup.software.source))
    elif gathered:
        formula = f"{setup.software.gathered_layers} layers, unsharded"
        terms.append(Term("gathered weights", gathered, "bytes", formula, "FSDP, arXiv 2304.11277, section 3"))
    reduced = parallel.shard_ways > 1 and parallel.sharding in SHARDS_GRADIENTS
    if setup.trains_all and (reduced or _gradients_leave(setup)):
        size = stage.largest_layer * trained.precision.gradients
        formula = "one layer before it is reduced" if reduced else "one layer before it leaves for the host"
        terms.append(Term("gradient buckets", size, "bytes", formula, ZERO))
    elif parallel.dp * parallel.cp > 1 and parallel.sharding == "ddp":
        size = trained.all * trained.precision.gradients
        terms.append(
            Term("gradient buckets", size, "bytes", "a copy of the gradients", "torch DistributedDataParallel, buckets")
        )
    if setup.software.bucket_bytes:
        terms.append(
            Term("communication buffers", setup.software.bucket_bytes, "bytes", "two buckets", setup.software.source)
        )
    return tuple(terms)
