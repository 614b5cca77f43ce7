"""Bytes of activations that one layer keeps per token of a micro-batch on one GPU.

The coefficients count what autograd saves, operation by operation, in 16-bit activations; Korthikanti et al., Reducing
Activation Recomputation in Large Transformer Models, arXiv 2205.05198, section 4, is the method. Widths: d hidden,
q = heads x head size, f feed-forward, k experts per token.

| kept | eager | fused kernels |
|---|---|---|
| a norm: its input in FP32, the normalised value | 6d | 2d |
| input of the projections, input of the feed-forward | 2 x 2d | 2 x 2d |
| queries, keys, values (repeated to all heads), attention output | 8q | 8q |
| gated feed-forward: gate, up, activation, product | 8f | 6f |
| scores without FlashAttention, per head and token of context | 5 | 5 |

For Llama that is 24d + 8f eager and 16d + 6f fused. Both agree with what torchtune's table of optimisation flags and
unsloth's table of context lengths imply (``tests/reference/test_training_memory_tables.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from planner.architecture.model import LayerGroup, Tensor
from planner.memory.sharding import group_kv_heads, local_shape
from planner.training.setup import TrainingSetup

SCORE_BYTES = 5
"""Per head, query and key: softmax output 2, dropout mask 1, dropout output 2 (Korthikanti et al., section 4.1)."""

_NORM_EAGER, _NORM_FUSED = 6, 2
_ELEMENT = 2


@dataclass(frozen=True, slots=True)
class LayerActivations:
    """Bytes per token on one GPU. ``kept`` stays until the backward pass; ``working`` is one layer being recomputed."""

    kept: float
    working: float
    whole: float
    """Everything that autograd saves of the layer without checkpointing."""
    by_part: tuple[tuple[str, float], ...]
    """The addends of ``whole``."""


def layer_activations(group: LayerGroup, hidden: int, experts_per_token: int, setup: TrainingSetup) -> LayerActivations:
    """Return what one layer of ``group`` keeps under the setup's checkpointing."""
    parallel = setup.parallel
    replicated = hidden / (parallel.tp if parallel.sequence_parallel else 1)
    parts = {
        "norms": _norms(group, hidden) * (_NORM_FUSED if setup.is_fused else _NORM_EAGER) * replicated,
        "inputs": 2 * _ELEMENT * replicated,
        "attention": _ELEMENT * _mixer_width(group, setup),
        "scores": 0.0 if setup.flash_attention else SCORE_BYTES * _heads(group, setup) * _context(group, setup),
        "mlp": _feed_forward(group, hidden, setup),
        "experts": _experts(group, hidden, experts_per_token, setup),
    }
    whole = sum(parts.values())
    recomputing = setup.checkpointing != "none"
    kept = {
        "none": whole,
        "selective": _selective(group, hidden, replicated, whole - parts["scores"], setup),
        "full": _ELEMENT * replicated,
        "offloaded": 0.0,
    }[setup.checkpointing]
    # Without recomputation the backward pass still needs gradients of the layer's widest intermediates.
    working = whole if recomputing else _ELEMENT * (replicated + 2 * _widest(group, setup))
    return LayerActivations(kept, working, whole, tuple((name, size) for name, size in parts.items() if size))


def _local(tensor: Tensor, group: LayerGroup, hidden: int, setup: TrainingSetup) -> int:
    """Output features of one tensor class on one GPU."""
    rows, _, _ = local_shape(tensor, group_kv_heads(group), hidden, setup.parallel.layout)
    return rows


def _norms(group: LayerGroup, hidden: int) -> int:
    """Norms over the hidden vector."""
    return sum(t.count for t in group.tensors if t.component == "norm" and t.columns == 1 and t.rows == hidden) or 2


def _heads(group: LayerGroup, setup: TrainingSetup) -> int:
    return ceil(group.mixer.heads / setup.parallel.tp)


def _context(group: LayerGroup, setup: TrainingSetup) -> float:
    """Keys per query in the score matrix: the whole sequence, or the window."""
    return min(setup.sequence_length, group.mixer.window or setup.sequence_length)


def _mixer_width(group: LayerGroup, setup: TrainingSetup) -> float:
    """Features kept of the token mixer: queries, keys, values and output; of recurrent ones projections, twice."""
    mixer = group.mixer
    if mixer.kind in ("full", "sliding", "chunked", "mla"):
        heads = _heads(group, setup)
        value = mixer.value_head_dim or mixer.head_dim
        if setup.software.repeats_kv or mixer.kind == "mla":
            return heads * (2 * mixer.head_dim + 2 * value)
        groups = max(1, ceil(mixer.kv_heads / setup.parallel.tp))
        return heads * (mixer.head_dim + value) + groups * (mixer.head_dim + value)
    outputs = sum(
        t.rows / (setup.parallel.tp if t.split != "replicated" else 1)
        for t in group.tensors
        if t.component in ("linear_attention", "mamba", "convolution") and t.linear and t.split != "row"
    )
    return 2 * outputs


def _gated(group: LayerGroup, component: str) -> bool:
    return any(t.component == component and t.name.endswith("gate_proj") for t in group.tensors)


def _inner(group: LayerGroup, component: str, setup: TrainingSetup) -> float:
    """Inner width of a feed-forward block on one GPU."""
    ups = [
        t.rows / setup.parallel.tp
        for t in group.tensors
        if t.component == component and t.linear and t.columns > 1 and not t.name.endswith(("down_proj", "_gate"))
    ]
    return max(ups, default=0.0)


def _per_width(group: LayerGroup, component: str, setup: TrainingSetup) -> int:
    """Bytes per inner feature: 8 eager, 6 fused for a gated block; 4 for one with a single up projection."""
    if not _gated(group, component):
        return 2 * _ELEMENT
    return (3 if setup.is_fused else 4) * _ELEMENT


def _feed_forward(group: LayerGroup, hidden: int, setup: TrainingSetup) -> float:
    return sum(_per_width(group, name, setup) * _inner(group, name, setup) for name in ("mlp", "experts_shared"))


def _experts(group: LayerGroup, hidden: int, top_k: int, setup: TrainingSetup) -> float:
    """Routed experts under balanced routing: each token's copies, their blocks, and what the router keeps in FP32."""
    if not group.is_moe:
        return 0.0
    width = max(1, setup.parallel.tp // setup.parallel.ep)
    copies = top_k * width / setup.parallel.tp
    experts = max(t.count for t in group.tensors if t.component == "experts_routed")
    blocks = _per_width(group, "experts_routed", setup) * _inner(group, "experts_routed", setup) * top_k
    return blocks + copies * 2 * _ELEMENT * hidden + 2 * 4 * experts / setup.parallel.tp


def _widest(group: LayerGroup, setup: TrainingSetup) -> float:
    return max(_inner(group, name, setup) for name in ("mlp", "experts_shared", "experts_routed"))


def _selective(group: LayerGroup, hidden: int, replicated: float, whole: float, setup: TrainingSetup) -> float:
    """Kept under selective checkpointing.

    ``attention`` (Korthikanti et al., section 5): everything but the scores. ``alternate`` (torchtitan
    ``parallelize_llama.py``): the layer's input, the attention output, and every second matrix product of those that
    are plain ones, which grouped expert products are not.
    """
    if setup.software.selective == "attention":
        return whole
    products = [
        t
        for t in group.tensors
        if t.linear and t.columns > 1 and t.component in ("attention", "mlp", "experts_shared", "router")
    ]
    outputs = [replicated if t.split == "row" else float(_local(t, group, hidden, setup)) for t in products]
    attention = _heads(group, setup) * (group.mixer.value_head_dim or group.mixer.head_dim)
    return min(whole, _ELEMENT * (replicated + attention + sum(outputs[::2])))
