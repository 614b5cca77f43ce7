"""The coefficients of the iteration: what they mean and what is assumed of them before any measurement.

All are positive and kept as logarithms. An *inefficiency* of 1.3 means that a kernel takes 1.3 times what the data
sheet's peak allows; a fit moves it by evidence, away from the prior here only as far as measurements pull.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One coefficient. ``prior`` is where a fit starts; ``spread`` the standard deviation of its logarithm."""

    name: str
    unit: str
    prior: float
    meaning: str
    varies: float = 1.0
    """How much more it differs between engines and machines than the others do."""
    of_kernels: bool = True
    """Whether it is a property of kernels on hardware, rather than of how an engine is run."""
    spread: float = 1.0


COEFFICIENTS: tuple[Coefficient, ...] = (
    Coefficient("weight_read", "1", 1.25, "dense weights over peak bandwidth"),
    Coefficient("expert_read", "1", 1.5, "touched experts over peak bandwidth"),
    Coefficient("expert_visit", "ms", 0.0001, "fixed time per touched expert and layer of a GPU"),
    Coefficient("cache_read", "1", 1.4, "KV cache over peak bandwidth"),
    Coefficient("state_read", "1", 3.0, "recurrent state over peak bandwidth"),
    Coefficient("dense_compute", "1", 1.5, "dense matrix products over peak FLOPs"),
    Coefficient("expert_compute", "1", 2.2, "grouped expert products over peak FLOPs"),
    Coefficient("attention_compute", "1", 2.5, "attention over peak 16-bit FLOPs"),
    Coefficient("elementwise", "passes", 12.0, "reads and writes of the hidden state per layer and token"),
    Coefficient("collective", "ms", 0.006, "latency of one all-reduce, per doubling of the GPUs"),
    Coefficient("link", "1", 1.7, "all-reduce bytes over the link's peak rate"),
    Coefficient("layer", "ms", 0.02, "fixed time per layer and step: launches, norms, small kernels"),
    Coefficient("expert_layer", "ms", 0.03, "further fixed time of a layer with experts: routing, sorting, combining"),
    Coefficient("latent_layer", "ms", 0.02, "further fixed time of a layer with latent attention (MLA)"),
    Coefficient("recurrent_layer", "ms", 0.03, "further fixed time of a layer with linear attention or Mamba"),
    Coefficient("step", "ms", 1.0, "fixed time per step: scheduling, sampling, detokenising", of_kernels=False),
    Coefficient(
        "sequence",
        "ms",
        0.005,
        "host time per sequence and step of a rank: attention data parallelism has a scheduler each",
        varies=2,
        of_kernels=False,
    ),
    Coefficient(
        "eager",
        "1",
        1.0,
        "launches of a step with prefill, which no CUDA graph replays, over those of decoding",
        varies=1.5,
    ),
    Coefficient(
        "request",
        "ms",
        12.0,
        "time before prefill starts: HTTP, tokenising, queueing into the scheduler",
        varies=1.5,
        of_kernels=False,
    ),
    Coefficient(
        "waiting", "1", 1.0, "waiting for other prefills, over the fluid estimate", varies=0.6, of_kernels=False
    ),
    Coefficient("missed", "steps", 0.5, "steps that pass before a prompt is scheduled", varies=6, of_kernels=False),
    Coefficient(
        "interference",
        "1",
        1.0,
        "prefill work that decoding sequences sit through, over its share",
        varies=0.6,
        of_kernels=False,
    ),
)
NAMES: tuple[str, ...] = tuple(item.name for item in COEFFICIENTS)
