"""What a model's code does and its config.json does not say: the vocabulary of conventions.

``Facts`` holds one convention per field, with the Llama ones as defaults; ``families`` has the table by model_type.
``None`` means that the config decides, by the field named in the comment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

NormKind = Literal["rms", "layer", "layer_no_bias", "none"]
"""``rms``: one weight. ``layer``: weight and bias. ``layer_no_bias``: weight only. ``none``: no parameters."""

QkNorm = Literal["none", "head", "full", "heads"]
"""Width of the norms of queries and keys: one head shared by all, all heads at once, or each head its own."""

OutputGate = Literal["none", "fused", "full", "head"]
"""Gate on the attention output: twice as wide q_proj, a projection of its own, or one value per head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The conventions of one model family."""

    known: bool = True
    tied: bool = False
    """``tie_word_embeddings`` where the config is silent."""
    stores_tied_head: bool = False
    """Published checkpoints hold the tied head a second time."""
    defaults: tuple[tuple[str, Any], ...] = ()
    """Config fields with the value the model's code takes when they are absent."""

    norm: NormKind = "rms"
    layer_norms: int = 2
    """Norms of hidden width around the mixer and the MLP of a layer."""
    final_norm: bool = True
    embedding_norm: bool = False
    learned_positions: int | None = None
    """Rows of a learned position table beyond ``max_position_embeddings``; None when positions are computed."""
    head_bias: bool | None = None  # lm_head_bias

    qkv_bias: bool | None = None  # attention_bias, else use_bias
    o_bias: bool | None = None  # attention_out_bias, else as qkv_bias
    qk_norm: QkNorm | None = None  # qk_norm flag, of width ``qk_norm_width``
    qk_norm_width: QkNorm = "head"
    output_gate: OutputGate | None = None  # attn_output_gate and its like
    sinks: Literal["none", "all", "sliding", "full"] | None = None  # add_*_attention_sink_bias

    gated_mlp: bool | None = None  # by the activation
    mlp_bias: bool | None = None  # mlp_bias, else use_bias
    router_bias: bool = False
    expert_bias: bool = False
    shared_expert_gate: bool = False
    correction_bias: bool = False
    """The load-balancing bias of the router is a parameter, not a buffer."""
