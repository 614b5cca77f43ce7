"""What a model's code does and its config.json does not say: the vocabulary of conventions.

``Facts`` holds one convention per field, with the Llama ones as defaults; ``families`` has the table by model_type.
``None`` means that the config decides, by the fields named in the comment.
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

Where = Literal["none", "all", "sliding", "full"]
"""Layers that have a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The conventions of one model family."""

    known: bool = True
    defaults: tuple[tuple[str, Any], ...] = ()
    """Config fields with the value that the model's code takes when they are absent."""
    tied: bool = False
    """``tie_word_embeddings`` where the config is silent."""
    stores_tied_head: bool = False
    """Published checkpoints hold the tied head a second time."""

    norm: NormKind = "rms"
    layer_norms: int = 2
    """Norms of hidden width in a layer with a mixer and a feed-forward block; configs may add post-norms."""
    parallel_shares_norm: bool = True
    """Attention and MLP in parallel read one norm (not so in GPT-NeoX)."""
    final_norm: bool = True
    embedding_norm: bool = False
    learned_positions: int | None = None
    """Rows of a learned position table beyond ``max_position_embeddings``; None when positions are computed."""
    head_bias: bool | None = None  # lm_head_bias

    window_pattern: int | str | None = None  # sliding_window_pattern
    window_first_full: bool = False
    """The full layer of a period is its first, not its last."""

    qkv_bias: bool | None = None  # attention_bias, else use_bias
    key_bias: bool = True
    """The key projection has a bias where the query projection has one."""
    o_bias: bool | None = None  # attention_out_bias, else as qkv_bias
    qk_norm: QkNorm | None = None  # qk_norm, of width ``qk_norm_width`` unless qk_norm_type says
    qk_norm_width: QkNorm = "head"
    qk_norm_bias: bool = False
    qk_norm_on: Where = "all"
    value_norm: bool = False
    output_gate: OutputGate | None = None  # attn_output_gate, gating, use_head_wise_attn_gate, use_attention_gate
    sinks: Where | None = None  # add_swa_attention_sink_bias, add_full_attention_sink_bias
    sub_norms: bool = False
    """Norms before the output projections of attention and MLP (BitNet)."""
    shared_key_layers: bool = True
    """Layers that read another layer's cache have no key and value projections of their own."""
    shared_key_norm: bool = False
    """... but keep the key norm (Hunyuan-Large)."""

    shared_blocks: bool = False
    """Attending layers call transformer blocks that they share (Zamba)."""
    feedforward: bool = True
    halved_mlp: bool = False
    """The stated inner width is that of both halves of the gated MLP together (RecurrentGemma)."""
    gated_mlp: bool | None = None  # by the activation
    mlp_bias: bool | None = None  # mlp_bias, else use_bias
    sublayers: int = 1
    """Layers of attention and dense MLP per counted layer; only the first of them routes (LongCat's shortcut)."""
    expert_layer_norms: int = 0
    """Norms of hidden width that only layers with experts have, beside the usual ones."""
    router_scales: bool = False
    """Learned scales of the router's input and of every expert (Gemma 4)."""
    latent_norms: int = 0
    """Norms of the latent vector that experts work on."""
    experts_are_dense_too: bool = False
    """Expert layers also keep the dense MLP (Gemma 4)."""
    router_bias: bool = False
    expert_bias: bool = False
    shared_expert_gate: bool = False
    correction_bias: bool = False
    """The load-balancing bias of the router is a parameter, not a buffer."""
    activation_parameters: int = 0
    """Learned scalars of the activation function, per MLP."""
    rope_key_norm: bool = False
    """MLA norms its rotary key."""
    mamba_bc_norms: bool = False
    """Jamba's norms of dt, B and C."""
