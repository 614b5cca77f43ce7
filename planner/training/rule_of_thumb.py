"""The rules of thumb of training memory beside the exact terms, and what lies between them, step by step."""

from __future__ import annotations

from collections.abc import Mapping

from planner.architecture import count_parameters
from planner.architecture.model import ModelArchitecture
from planner.memory.rule_of_thumb import Comparison, Step
from planner.training.memory import TrainingMemory
from planner.training.setup import TrainingSetup

SAFETY = 1.2
"""The founding notes' safety factor; they give 1.2 to 1.3."""

ADAM_BYTES = 8
"""Two FP32 states."""

BUFFER_SHARE = 0.1
"""Of the weights, for accumulation and communication; the notes give 0.1 to 0.2."""

TRAINING_ACTIVATIONS = 3
"""Activations over those of inference; the notes give 2 to 3."""

_WHY: Mapping[str, str] = {
    "weights": "what lies on this GPU: sharding divides them, a quantized base shrinks them",
    "gradients": "their own type and sharding; none at the peak where they come after it",
    "optimizer states": "in the type of the master weights, sharded",
    "master weights": "a second copy in FP32 that only the optimizer reads",
    "activations": "kept by layer kind and checkpointing, for this batch and length",
    "logits": "tokens x vocabulary, several times over",
    "communication": "gathered layers, buckets, temporaries",
    "runtime": "allocator and CUDA context",
}

_CATEGORY: Mapping[str, str] = {
    "weights": "weights",
    "frozen weights": "weights",
    "compute copy of the weights": "weights",
    "adapters": "weights",
    "gradients": "gradients",
    "gradient of the head": "gradients",
    "master weights": "master weights",
    "logits and loss": "logits",
    "one layer's activations": "activations",
    "allocator": "runtime",
    "CUDA context": "runtime",
}


def category(term: str) -> str:
    """Return the group of a term in the comparison with a rule."""
    if term.startswith("activations"):
        return "activations"
    if term.endswith(("moment", "momentum")):
        return "optimizer states"
    return _CATEGORY.get(term, "communication")


def multiplier_bytes(parameters: float, bytes_each: float, multiplier: float) -> float:
    """Return the memory of inference times the optimizer's multiplier: SGD 2, momentum 3, Adam 4.

    >>> multiplier_bytes(7e9, 2, 4) / 1e9
    56.0
    """
    return parameters * bytes_each * multiplier


def safety_bytes(parameters: float, bytes_each: float, optimizer_bytes: float = ADAM_BYTES) -> float:
    """Return parameters x (bytes of a parameter + bytes of the optimizer) x safety.

    >>> round(safety_bytes(7e9, 2) / 1e9, 1)
    84.0
    """
    return parameters * (bytes_each + optimizer_bytes) * SAFETY


def inference_activation_bytes(architecture: ModelArchitecture, tokens: int) -> float:
    """Return tokens x hidden x layers x 2 B, the notes' activations of inference: 512 MiB for 7B and 2,048 tokens."""
    return 2.0 * tokens * architecture.hidden_size * architecture.num_layers


def comparisons(
    architecture: ModelArchitecture, setup: TrainingSetup, memory: TrainingMemory
) -> tuple[Comparison, ...]:
    """Return the founding notes' rules of full training beside the exact memory of one GPU."""
    count, each = count_parameters(architecture).total, setup.precision.weights
    weights = count * each
    exact: dict[str, float] = {}
    for term in memory.terms:
        exact[category(term.name)] = exact.get(category(term.name), 0.0) + term.value
    found = []
    multiplier = setup.optimizer.multiplier
    if multiplier is not None:
        rule = {"weights": weights, "gradients": weights, "optimizer states": (multiplier - 2) * weights}
        found.append(
            _comparison(
                f"{setup.optimizer.name} {multiplier:g}N",
                f"{multiplier:g} x {count:,} parameters x {each:g} B",
                rule,
                exact,
            )
        )
    parts = {"weights": weights, "optimizer states": float(ADAM_BYTES * count)}
    safety = (SAFETY - 1) * sum(parts.values())
    found.append(
        _comparison(
            "parameters and optimizer with safety",
            f"{count:,} x ({each:g} + {ADAM_BYTES}) B x {SAFETY}",
            {**parts, "activations": safety},
            exact,
        )
    )
    tokens = round(setup.tokens_per_rank)
    activations = TRAINING_ACTIVATIONS * inference_activation_bytes(architecture, tokens)
    found.append(
        _comparison(
            "weights, gradients, states, activations",
            f"{4 + BUFFER_SHARE:g} W + {TRAINING_ACTIVATIONS} A",
            {
                "weights": weights,
                "gradients": weights,
                "optimizer states": 2 * weights,
                "communication": BUFFER_SHARE * weights,
                "activations": activations,
            },
            exact,
        )
    )
    return tuple(found)


def _comparison(name: str, formula: str, rule: Mapping[str, float], exact: Mapping[str, float]) -> Comparison:
    steps = tuple(
        Step(key, exact.get(key, 0.0) - rule.get(key, 0.0), why)
        for key, why in _WHY.items()
        if exact.get(key, 0.0) != rule.get(key, 0.0)
    )
    return Comparison(name, formula, sum(rule.values()), steps, sum(exact.values()))
