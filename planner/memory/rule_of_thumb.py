"""The rule of thumb beside the exact figure, and what lies between them, step by step."""

from __future__ import annotations

from dataclasses import dataclass

from planner.architecture.model import ModelArchitecture
from planner.catalog.schema.formats import KvFormat, WeightFormat
from planner.memory.inference import InferenceBudget
from planner.memory.storage import is_quantized
from planner.memory.weights import weight_bytes


@dataclass(frozen=True, slots=True)
class Step:
    """One addend between a rule of thumb and the exact figure, in bytes; negative where the rule was too high."""

    name: str
    value: float
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A rule of thumb and the exact figure: ``rule`` + the steps = ``exact``, in bytes."""

    name: str
    formula: str
    rule: float
    steps: tuple[Step, ...]
    exact: float


def rule_bytes(parameters: float, bits: float) -> float:
    """Return parameters x bytes per parameter, the rule that everyone knows.

    >>> rule_bytes(70e9, 32) / 1e9, rule_bytes(70e9, 4) / 1e9
    (280.0, 35.0)
    """
    return parameters * bits / 8


def compare_weights(architecture: ModelArchitecture, fmt: WeightFormat, budget: InferenceBudget | None) -> Comparison:
    """Return how parameters x bytes becomes the bytes of the checkpoint, or with a budget those of one GPU."""
    weights = weight_bytes(architecture, fmt)
    bits = fmt.bits_per_weight
    converted = kept = 0
    for tensor, copies in architecture.tensors():
        if bits >= 16 or (fmt.kind != "gguf" and not is_quantized(tensor, fmt, mixture=architecture.experts > 0)):
            kept += tensor.parameters * copies
        else:
            converted += tensor.parameters * copies
    rule = rule_bytes(converted + kept, bits)
    wide = kept * (fmt.unquantized_bits - bits) / 8 if bits < 16 else 0.0
    steps = []
    if wide:
        steps.append(
            Step("left in 16 bit", wide, f"{kept:,} parameters: {', '.join(_kept_parts(fmt)) or 'small ones'}")
        )
    rest = weights.checkpoint - rule - wide
    if fmt.kind == "gguf":
        steps.append(Step("scales and wider types of the mix", rest, "blocks with scales; some tensors take more bits"))
    elif round(rest):
        steps.append(Step("scales and zero points", rest, f"{fmt.bytes_per_weight * 8:.3g} bits per weight in all"))
    if architecture.stores_tied_head and bits >= 16:
        steps = [Step("tied head stored twice", rest, "the checkpoint repeats the embedding")]
    exact = float(weights.checkpoint)
    if budget is not None:
        layout = budget.layout
        gpus = layout.tp * layout.pp
        share = weights.checkpoint / gpus
        rotary = budget.weights.rotary if budget.runtime.rotary_tables else 0
        if gpus > 1:
            steps.append(Step(f"shared by {gpus} GPUs", share - exact, f"TP {layout.tp} x PP {layout.pp}"))
        repeated = budget.weights_bytes - rotary - share
        if round(repeated):
            why = "norms, KV heads, embeddings, padding, uneven stages" if gpus > 1 else "shapes padded for the kernels"
            steps.append(
                Step("repeated or padded", repeated, "input embedding stays on the host" if repeated < 0 else why)
            )
        if rotary:
            steps.append(Step("rotary tables", rotary, "cosines and sines of every position"))
        exact = float(budget.weights_bytes)
    name = f"{fmt.name} weights on one GPU" if budget is not None else f"{fmt.name} checkpoint"
    return Comparison(name, f"{converted + kept:,} parameters x {bits / 8:g} B", rule, tuple(steps), exact)


def _kept_parts(fmt: WeightFormat) -> tuple[str, ...]:
    order = ("embedding", "lm_head", "norm", "router", "attention", "vision")
    return tuple(part.replace("_", " ") for part in order if part in fmt.unquantized)


def compare_cache(architecture: ModelArchitecture, kv: KvFormat, context: int, exact: float) -> Comparison:
    """Return how 2 x layers x hidden x 2 bytes per token, as if every head had keys and values, becomes the truth."""
    layers, hidden = architecture.num_layers, architecture.hidden_size
    rule = 4.0 * layers * hidden * context
    elements = sum(group.mixer.kv_elements_per_token * group.count for group in architecture.layers)
    shared = sum(
        group.mixer.kv_elements_per_token * group.count for group in architecture.layers if group.mixer.shares_kv
    )
    growing = 2.0 * (elements - shared) * context
    steps = [
        Step("fewer or wider heads", growing - rule, "grouped queries, latents, layers without a cache, head width"),
    ]
    narrow = growing * (kv.bytes_per_element / 2 - 1)
    if round(narrow):
        steps.append(Step(f"{kv.name}", narrow, f"{kv.bytes_per_element:g} B per value instead of 2"))
    rest = exact - growing - narrow
    if round(rest):
        steps.append(Step("windows, state and pages", rest, "layers that stop growing, constant state, whole pages"))
    return Comparison(
        f"KV cache of {context:,} tokens", "2 x layers x hidden x 2 B x tokens", rule, tuple(steps), exact
    )
