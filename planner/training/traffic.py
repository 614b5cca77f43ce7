"""Seconds of a step's communication and transfers, one function per kind of parallelism, before anything hides them.

Formulas: Korthikanti et al., arXiv 2205.05198, section 4.2.2 (tensor and sequence parallel); ZeRO, arXiv 1910.02054,
section 7 (sharded); Liu et al., arXiv 2310.01889 (context parallel); Dao et al., arXiv 2205.14135 (attention scores).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.training.host import host_seconds
from planner.training.parallel import SHARDS_STATES, SHARDS_WEIGHTS

if TYPE_CHECKING:
    from planner.training.time import Cluster, StepInput


def _rank_tokens(step: StepInput) -> float:
    """Tokens that one rank processes in a step, over all its micro-batches."""
    return step.accumulation * step.micro_batch * step.sequence_length / step.parallel.cp


def tensor_seconds(step: StepInput, cluster: Cluster, passes: float) -> float:
    """Two all-gathers and two reduce-scatters per layer and pass, of tokens x hidden x 2 B; nothing hides them."""
    tp = step.parallel.tp
    if tp == 1:
        return 0.0
    layers = step.shape.layers / step.parallel.pp
    size = 4 * passes * layers * _rank_tokens(step) * step.shape.hidden * 2 * (tp - 1) / tp
    return size / cluster.rate(tp)


def context_seconds(step: StepInput, cluster: Cluster, passes: float) -> float:
    """Each rank's keys and values visit the others once per forward pass, twice with their gradients in the backward.

    Liu et al., Ring Attention, arXiv 2310.01889, section 3. ``passes``: forward passes and one for the backward.
    """
    cp, tp, shape = step.parallel.cp, step.parallel.tp, step.shape
    if cp == 1:
        return 0.0
    local = shape.kv * max(1 / tp, 1 / max(1, shape.kv_heads))
    size = (cp - 1) * (passes + 1) * shape.layers / step.parallel.pp * _rank_tokens(step) * local * 2
    return size / cluster.rate(cp, tp)


SCORE_TRAFFIC_BYTES = 8
"""Per head, query and key, of a forward pass of attention that writes its scores: scores and probabilities in 16 bit,
each written and read; the backward pass moves twice as much (Dao et al., arXiv 2205.14135, algorithms 0 and 3)."""


def score_seconds(step: StepInput, cluster: Cluster) -> float:
    """Scores of attention, written to and read from the device's memory where FlashAttention is not used."""
    shape, bandwidth = step.shape, cluster.accelerator.bandwidth_bytes_per_s
    positions = shape.window_share * step.sequence_length
    each = SCORE_TRAFFIC_BYTES * (3 + (step.recompute in ("full", "offloaded", "selective")))
    layers = shape.layers / step.parallel.pp
    return each * layers * shape.heads / step.parallel.tp * positions * _rank_tokens(step) / bandwidth


def offload_seconds(step: StepInput, cluster: Cluster, busy: float) -> float:
    """Exposed time of what is offloaded: the layers' inputs, or the optimizer and the weights."""
    parallel, shape, precision = step.parallel, step.shape, step.precision
    pcie = cluster.pcie_bytes_per_s
    inputs = 0.0
    if step.recompute == "offloaded":
        width = shape.hidden / (parallel.tp if parallel.sequence_parallel else 1)
        inputs = 2 * 2 * width * _rank_tokens(step) * shape.layers / parallel.pp / pcie
    if step.offload == "none":
        return max(0.0, inputs - busy)
    ways = parallel.shard_ways if parallel.sharding in SHARDS_STATES else 1
    local = shape.total / (parallel.tp * parallel.pp * ways)
    return host_seconds(
        step.offload,
        local,
        step.accumulation,
        gradient_bytes=precision.gradients,
        compute_bytes=precision.compute,
        state_bytes=step.state_bytes,
        pcie_bytes_per_s=pcie,
        busy=busy,
        other=inputs,
    )


def expert_seconds(step: StepInput, cluster: Cluster, passes: float) -> float:
    """Each token travels to its experts and back, once per layer and pass, in 16 bit.

    To experts of one node it travels once; routing may limit their nodes (DeepSeek-V3: four).
    """
    ep, shape = step.parallel.ep, step.shape
    if ep == 1 or not shape.experts_per_token:
        return 0.0
    layers = shape.layers / step.parallel.pp
    tokens = _rank_tokens(step) / step.parallel.tp
    nodes = -(-ep // cluster.gpus_per_node)
    copies, rate = shape.experts_per_token * (ep - 1) / ep, cluster.rate(ep)
    if nodes > 1:
        copies = min(shape.experts_per_token, nodes, shape.nodes_per_token or nodes) * (nodes - 1) / nodes
        rate = cluster.rate(2, cluster.gpus_per_node)
    return 2 * passes * layers * tokens * copies * shape.hidden * 2 / rate


def data_seconds(step: StepInput, cluster: Cluster) -> float:
    """Traffic of sharding and gradients in one step.

    Full sharding gathers the weights in forward and backward of each micro-batch, in a pipeline once, and reduces
    gradients once; otherwise gradients are reduced, and updated weights gathered, once. Experts already divided by
    ``ep`` are not counted again.
    """
    parallel, shape = step.parallel, step.shape
    ways = parallel.shard_ways
    ranks = parallel.dp * parallel.cp
    if ranks == 1:
        return 0.0
    dense = min(shape.parameters, shape.total) if parallel.ep > 1 else shape.total
    local = (dense + (shape.total - dense) / parallel.ep) / (parallel.tp * parallel.pp)
    trained = local if step.trains_all else step.adapter_parameters / (parallel.tp * parallel.pp)
    precision = step.precision
    rate = cluster.rate(ways, parallel.tp)
    if parallel.sharding in SHARDS_WEIGHTS:
        gathered = (2 * step.accumulation if parallel.pp == 1 else 1) * local * precision.compute
        size = (gathered + trained * precision.gradients) * (ways - 1) / ways if ways > 1 else 0.0
        if ways == ranks:
            return size / rate
        across = trained * precision.gradients * 2 / ways
        return size / rate + across / cluster.rate(ranks // ways, ways * parallel.tp)
    size = trained * (precision.gradients + precision.compute) * (ranks - 1) / ranks
    return size / cluster.rate(ranks, parallel.tp)
