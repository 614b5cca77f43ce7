"""The rule of thumb beside the exact figure, and what lies between them, step by step."""

from __future__ import annotations

from dataclasses import dataclass

from planner.architecture.model import ModelArchitecture
from planner.catalog.schema.formats import KvFormat, WeightFormat
from planner.memory.inference import InferenceBudget
from planner.memory.storage import converts, differs_by_width
from planner.memory.weights import weight_bytes

SIXTEEN_BITS = 16


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
    converted, parts = _converted(architecture, fmt)
    kept = sum(parts.values())
    rule = rule_bytes(converted + kept, bits)
    steps = []
    wide = kept * (fmt.unquantized_bits - bits) / 8 if bits < SIXTEEN_BITS else 0.0
    if wide:
        largest = sorted(parts, key=lambda part: (-parts[part], part))[:4]
        names = ", ".join(part.replace("_", " ") for part in largest)
        steps.append(Step(f"left in {fmt.unquantized_bits:g} bit", wide, f"{kept:,} parameters: {names}"))
    rest = weights.checkpoint - rule - wide
    if round(rest):
        steps.append(_metadata_step(architecture, fmt, rest))
    exact = float(weights.checkpoint)
    if budget is not None:
        steps += _gpu_steps(budget, exact)
        exact = float(budget.weights_bytes)
    kind = fmt.name.partition(",")[0]
    name = f"{kind} weights on one GPU" if budget is not None else f"{kind} checkpoint"
    return Comparison(name, f"{converted + kept:,} parameters x {bits / 8:g} B", rule, tuple(steps), exact)


def _converted(architecture: ModelArchitecture, fmt: WeightFormat) -> tuple[int, dict[str, int]]:
    """Return (parameters that the format converts, those that it leaves by component)."""
    converted = 0
    parts: dict[str, int] = {}
    for tensor, copies in architecture.tensors():
        size = tensor.parameters * copies
        if converts(tensor, fmt, architecture):
            converted += size
        else:
            parts[tensor.component] = parts.get(tensor.component, 0) + size
    return converted, parts


def _metadata_step(architecture: ModelArchitecture, fmt: WeightFormat, size: float) -> Step:
    """Return what lies between the values and the file: scales, wider types, a head stored twice."""
    if fmt.kind == "gguf":
        return Step("scales and wider types of the mix", size, "blocks with scales; some tensors take more bits")
    if fmt.bits_per_weight >= SIXTEEN_BITS:
        return Step("tied head stored twice", size, "the checkpoint repeats the embedding")
    if differs_by_width(fmt, architecture):
        return Step("scales and other widths", size, "scales beside the weights; some tensors have bits of their own")
    return Step("scales and zero points", size, f"{fmt.bytes_per_weight * 8:.3g} bits per converted weight in all")


def _gpu_steps(budget: InferenceBudget, checkpoint: float) -> list[Step]:
    """Return the steps from the checkpoint to the GPU that holds most of it."""
    layout, steps = budget.layout, []
    gpus = layout.tp * layout.pp
    rotary = budget.weights.rotary if budget.runtime.rotary_tables else 0
    if gpus > 1:
        steps.append(Step(f"shared by {gpus} GPUs", checkpoint / gpus - checkpoint, f"TP {layout.tp} x PP {layout.pp}"))
    loading = budget.left_by_loading
    more = budget.weights_bytes - loading - rotary - checkpoint / gpus
    if more < 0:
        steps.append(Step("left on the host", more, "the input embedding"))
    elif round(more):
        why = "norms, KV heads, embeddings, padding, uneven stages" if gpus > 1 else "shapes padded for the kernels"
        steps.append(Step("repeated or padded", more, why))
    if rotary:
        steps.append(Step("rotary tables", float(rotary), "cosines and sines of every position"))
    if loading:
        steps.append(Step("left by loading", float(loading), "segments not filled, copies of latents, kernels"))
    return steps


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
        steps.append(Step(kv.name.partition(",")[0], narrow, f"{kv.bytes_per_element:g} B per value instead of 2"))
    rest = exact - growing - narrow
    if round(rest):
        steps.append(Step("windows, state and pages", rest, "layers that stop growing, constant state, whole pages"))
    return Comparison(
        f"KV cache of {context:,} tokens", "2 x layers x hidden x 2 B x tokens", rule, tuple(steps), exact
    )
