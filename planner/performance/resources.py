"""What one GPU reads, computes and sends per token, and how fast the hardware could do it at best.

Everything here is arithmetic on the model, the format and the data sheet; what the hardware really reaches is in the
coefficients (:mod:`planner.performance.coefficients`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from planner.performance.deployments import Deployments, IntArray
from planner.performance.profile import FloatArray, ModelProfile, Number

if TYPE_CHECKING:
    from planner.architecture.model import Component
    from planner.catalog.schema.accelerators import Accelerator
    from planner.catalog.schema.formats import ComputeFormat, WeightFormat

PER_MS = 1e-3
"""Rates per second to rates per millisecond."""
ROLES: tuple[Component, ...] = ("attention", "linear_attention", "mlp", "router", "experts_routed", "lm_head")
"""Components whose stored width decides the bytes of, in order, the weight fields of a profile."""
LINKS = ("single", "fast", "pcie")
"""How the GPUs of a stage talk: not at all, over NVLink or its like, or over PCIe."""

_COMPUTE_OF_ACTIVATIONS: dict[str, ComputeFormat] = {
    "fp32": "fp32",
    "bf16": "bf16",
    "fp16": "fp16",
    "fp8": "fp8",
    "mxfp8": "fp8",
    "int8": "int8",
    "fp4": "fp4",
}


@dataclass(frozen=True, slots=True)
class Resources:
    """Per row: work of one GPU of the replica, and peak rates, in bytes, FLOPs and milliseconds per replica's token."""

    # weights, in bytes per GPU over all layers of all stages
    attention_bytes: FloatArray
    dense_bytes: FloatArray
    expert_bytes: FloatArray
    head_bytes: FloatArray
    # FLOPs per token and GPU
    attention_flops: FloatArray
    dense_flops: FloatArray
    expert_flops: FloatArray
    head_flops: FloatArray
    # caches: bytes per token of context and sequence
    full_kv_bytes: FloatArray
    window_kv_bytes: FloatArray
    indexer_bytes: FloatArray
    state_bytes: FloatArray
    # attention FLOPs per query token and attended token
    full_decode_flops: FloatArray
    full_prefill_flops: FloatArray
    window_flops: FloatArray
    window: Number
    attended_limit: Number
    # experts
    experts: Number
    experts_per_token: Number
    moe_layers: Number
    # communication: bytes per token of one all-reduce, and their number per step
    hidden_bytes: FloatArray
    collectives: FloatArray
    layers: Number
    latent_layers: Number
    recurrent_layers: Number
    gpus: FloatArray
    """GPUs of one pipeline stage."""
    stages: FloatArray
    attention_groups: FloatArray
    expert_groups: FloatArray
    # rates per millisecond
    bandwidth: FloatArray
    linear_rate: FloatArray
    expert_rate: FloatArray
    half_rate: FloatArray
    link_rate: FloatArray
    resident_bytes: FloatArray
    """Weights of the fullest GPU, embedding included: what a rough KV budget subtracts."""
    memory_bytes: FloatArray
    kv_bytes_per_token: FloatArray
    """Of the fullest GPU, growing layers only."""


def resources(profile: ModelProfile, deployments: Deployments) -> Resources:
    """Divide a model among the GPUs of each deployment. Vectorised; the profile may hold one model or one per row."""
    d = deployments
    p = profile
    gpus, stages = d.tp, d.pp
    shards = gpus / d.attention_dp
    widths = np.array([_widths(item) for item in d.weight_formats])[d.weight_format].T
    attention, recurrent, dense, router, expert, head = widths
    plain = np.array([item.family.startswith("mxfp4") for item in d.weight_formats])[d.weight_format] * p.experts_only
    attention, dense = np.where(plain, 2.0, attention), np.where(plain, 2.0, dense)
    element = np.array([item.bytes_per_element for item in d.kv_formats])[d.kv_format]
    kv_shards = np.minimum(shards, np.maximum(p.kv_heads, 1.0))
    rates = _rates(d)
    link, fast = _links(d)
    mixing = p.attention_weights + p.recurrent_weights
    mixing_bytes = p.attention_weights * attention + p.recurrent_weights * recurrent
    one = np.ones_like(gpus)
    experts = np.maximum(p.experts, 1.0)
    per_token = np.minimum(p.experts_per_token, experts) / experts
    full_kv = p.full_kv_elements * element / kv_shards
    indexer = p.indexer_elements * one
    embedding = p.head_weights * 2.0
    return Resources(
        attention_bytes=mixing_bytes / shards,
        dense_bytes=(p.dense_weights * dense + p.router_weights * router) / gpus,
        expert_bytes=p.expert_weights * expert / gpus,
        head_bytes=p.head_weights * head / gpus,
        attention_flops=2.0 * mixing / gpus,
        dense_flops=2.0 * (p.dense_weights + p.router_weights) / gpus,
        expert_flops=2.0 * p.expert_weights * per_token / gpus,
        head_flops=2.0 * p.head_weights / gpus,
        full_kv_bytes=full_kv / d.attention_dp,
        window_kv_bytes=p.window_kv_elements * element / kv_shards / d.attention_dp,
        indexer_bytes=indexer / d.attention_dp,
        state_bytes=p.state_elements * 2.0 / gpus,
        full_decode_flops=2.0 * p.full_decode_macs / gpus,
        full_prefill_flops=2.0 * p.full_prefill_macs / gpus,
        window_flops=2.0 * p.window_macs / gpus,
        window=p.window,
        attended_limit=p.attended_limit,
        experts=p.experts,
        experts_per_token=p.experts_per_token,
        moe_layers=p.moe_layers,
        hidden_bytes=2.0 * p.hidden * one,
        collectives=np.where(gpus > 1, 2.0 * p.layers, 0.0),
        layers=p.layers,
        latent_layers=p.latent_layers,
        recurrent_layers=p.recurrent_layers,
        gpus=gpus,
        stages=stages,
        attention_groups=d.attention_dp,
        expert_groups=d.ep,
        bandwidth=rates[0],
        linear_rate=rates[1],
        expert_rate=rates[2],
        half_rate=rates[3],
        link_rate=np.where(fast, link[0], link[1]),
        resident_bytes=(
            mixing_bytes / shards
            + (p.dense_weights * dense + p.router_weights * router + p.expert_weights * expert) / gpus
            + (p.head_weights * head + embedding) / gpus
        )
        / stages,
        memory_bytes=np.array([item.memory_gib_usable * 2**30 for item in d.accelerators])[d.accelerator],
        kv_bytes_per_token=(full_kv + indexer) / stages,
    )


def link_index(deployments: Deployments) -> IntArray:
    """Return per row the index into :data:`LINKS`."""
    _, fast = _links(deployments)
    return np.where(deployments.tp <= 1, 0, np.where(fast, 1, 2))


def arithmetic_class(weights: WeightFormat, accelerator: Accelerator) -> str:
    """Return the kind of matrix product that a format means on a device: ``w8-fp8``, ``w4-bf16``, ...

    Where the device has no units for the format's activations, weights are unpacked to 16 bits (weight-only).

    >>> # FP8 on an A100 computes in 16 bits: arithmetic_class(fp8, a100) == "w8-bf16"
    """
    return f"w{round(weights.bits_per_weight)}-{_compute(weights, accelerator)}"


def _compute(weights: WeightFormat, accelerator: Accelerator) -> ComputeFormat:
    wanted = _COMPUTE_OF_ACTIVATIONS[weights.activations]
    if wanted in ("fp16", "bf16", "fp32"):
        return "bf16"
    return wanted if accelerator.peak_flops(wanted) else "bf16"


def _half(accelerator: Accelerator) -> float:
    rate = accelerator.peak_flops("bf16") or accelerator.peak_flops("fp16") or accelerator.peak_flops("fp32")
    return rate or accelerator.peak_flops("int8") / 2 or 1e12


def _widths(weights: WeightFormat) -> list[float]:
    """Return bytes per weight of each of :data:`ROLES`."""
    plain = weights.unquantized_bits / 8
    return [plain if role in weights.unquantized else weights.bytes_per_weight for role in ROLES]


def _rates(d: Deployments) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return bandwidth in bytes/ms and the FLOP/ms of linear layers, experts and 16-bit attention."""
    bandwidth = np.array([item.bandwidth_bytes_per_s for item in d.accelerators]) * PER_MS
    half = np.array([_half(item) for item in d.accelerators]) * PER_MS
    table = np.empty((2, len(d.weight_formats), len(d.accelerators)))
    for i, weights in enumerate(d.weight_formats):
        for j, accelerator in enumerate(d.accelerators):
            native = accelerator.peak_flops(_compute(weights, accelerator)) * PER_MS or half[j]
            table[0, i, j] = half[j] if "attention" in weights.unquantized else native
            table[1, i, j] = half[j] if "experts_routed" in weights.unquantized else native
    rows = (d.weight_format, d.accelerator)
    return bandwidth[d.accelerator], table[0][rows], table[1][rows], half[d.accelerator]


def _links(d: Deployments) -> tuple[tuple[FloatArray, FloatArray], NDArray[np.bool_]]:
    """Return (link, PCIe) rates in bytes/ms, and whether all GPUs of a stage share the fast link."""
    fast = np.array([item.link.gbytes_per_s_one_way for item in d.accelerators]) * 1e9 * PER_MS
    pcie = np.array([_pcie_gbytes(item) for item in d.accelerators]) * 1e9 * PER_MS
    domain = np.array([float(item.link.domain) for item in d.accelerators])[d.accelerator]
    if d.link_domain is not None:
        domain = np.minimum(domain, d.link_domain)
    rate = fast[d.accelerator]
    return (rate, pcie[d.accelerator]), (rate > 0) & (d.tp <= domain)


PCIE_GEN4_GBYTES = 31.5
"""A x16 slot of generation 4, one way: taken where a device's slot is not known."""


def _pcie_gbytes(accelerator: Accelerator) -> float:
    return accelerator.pcie.gbytes_per_s_one_way if accelerator.pcie else PCIE_GEN4_GBYTES
