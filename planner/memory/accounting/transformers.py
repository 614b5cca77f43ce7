"""Plain transformers: nothing is reserved; the peak is the prefill of the prompt or the cache at the end.

Prefill keeps the MLP's three widths and four hidden vectors per token in 16 bits: the slope that Qwen's published
speed tables show to the byte (Qwen2.5, transformers 4.46).
"""

from __future__ import annotations

from planner.memory.accounting.runtime import Runtime, Setting
from planner.units import GIB, MIB

CONTEXT_BYTES = 0.5 * GIB
"""CUDA context and cuBLAS workspace, outside what PyTorch reports."""
WORKSPACE_BYTES = 60 * MIB
"""Logits in 32 bit, cuBLAS workspace and allocator rounding that PyTorch's own figures include."""
HIDDEN_COPIES = 4


def account(setting: Setting) -> Runtime:
    """Return what transformers takes of one GPU for a prompt of ``max_num_batched_tokens`` tokens."""
    tokens = setting.options.max_num_batched_tokens or setting.options.max_model_len or 2048
    return Runtime(
        total=setting.total_bytes,
        limit=float(setting.total_bytes),
        non_torch=CONTEXT_BYTES,
        activation_peak=prefill_bytes(setting, tokens) + WORKSPACE_BYTES,
        cuda_graphs=0.0,
        graphs_inside=False,
        rotary_tables=False,
        max_num_batched_tokens=tokens,
        max_num_seqs=setting.options.max_num_seqs or 1,
        limit_formula="total",
        activation_formula=f"2 B x {tokens} prompt tokens x ({setting.shape.mlp} MLP + 4 x {setting.shape.hidden})",
        source="speed tables of Qwen2.5 and Qwen3",
    )


def prefill_bytes(setting: Setting, tokens: int) -> float:
    """Return the activation bytes of one layer while a prompt of ``tokens`` is read."""
    return 2.0 * tokens * (setting.shape.mlp + HIDDEN_COPIES * setting.shape.hidden)
