"""llama.cpp: weights and KV cache are allocated as asked; beside them a compute buffer for one physical batch."""

from __future__ import annotations

from planner.memory.accounting.runtime import Runtime, Setting
from planner.units import GIB

CONTEXT_BYTES = 0.5 * GIB
"""CUDA context and cuBLAS workspace."""
UBATCH = 512


def account(setting: Setting) -> Runtime:
    """Return what llama.cpp takes of one GPU; the compute buffer is ubatch x (vocabulary + 2 hidden) 32-bit values."""
    shape = setting.shape
    ubatch = setting.options.max_num_batched_tokens or int(setting.default("ubatch_size", UBATCH))
    compute = 4.0 * ubatch * (shape.vocab + max(2 * shape.hidden, shape.mlp))
    return Runtime(
        total=setting.total_bytes,
        limit=float(setting.total_bytes),
        non_torch=CONTEXT_BYTES,
        activation_peak=compute,
        cuda_graphs=0.0,
        graphs_inside=False,
        max_num_batched_tokens=ubatch,
        max_num_seqs=setting.options.max_num_seqs or int(setting.default("parallel", 1)),
        embedding_on_host=True,
        rotary_tables=False,
        limit_formula="total",
        activation_formula=f"4 B x {ubatch} tokens x ({shape.vocab} vocabulary + widest layer)",
        source="llama.cpp compute buffer of the logged graphs",
    )
