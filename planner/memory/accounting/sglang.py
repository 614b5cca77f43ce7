"""SGLang: KV budget = free memory after loading - (1 - mem_fraction_static) x free memory before loading.

Activations and CUDA graphs live in the share that ``mem_fraction_static`` leaves free.
"""

from __future__ import annotations

from planner.memory.accounting.runtime import Runtime, Setting
from planner.units import GIB, MIB

CONTEXT_BYTES = 0.45 * GIB
"""CUDA context and libraries, taken before the engine looks at what is free (24 to 141 GB cards: 0.4 to 0.6)."""

NCCL_BYTES = {2: 1.3 * GIB, 4: 1.7 * GIB}
"""Communicators and all-reduce buffers of two and of four or more GPUs with NVLink, as vLLM's."""

NCCL_PCIE_BYTES = 0.1 * GIB

LOADING_BYTES = 12 * MIB
"""Kernels that loading brings in, beside what the allocator and the model explain (4 and 13 MiB in two logs)."""


def account(setting: Setting) -> Runtime:
    """Return what SGLang takes of one GPU."""
    tokens, graph_batch = _defaults(setting)
    tokens = setting.options.max_num_batched_tokens or tokens
    before = setting.total_bytes - CONTEXT_BYTES - _communication(setting)
    fraction = setting.options.gpu_memory_utilization or _fraction(setting, tokens, graph_batch)
    activation = 2.0 * tokens * (setting.shape.mlp + 4 * setting.shape.hidden) + 6.0 * graph_batch * setting.shape.vocab
    sizes = 0 if setting.options.eager else 4 + graph_batch // 8
    return Runtime(
        total=setting.total_bytes,
        limit=fraction * before,
        non_torch=0.0,
        activation_peak=activation,
        cuda_graphs=sizes * setting.shape.layers * 0.33 * MIB,
        graphs_inside=False,
        activation_inside=False,
        loading_bytes=LOADING_BYTES,
        weighs_free_memory=True,
        max_num_batched_tokens=tokens,
        max_num_seqs=setting.options.max_num_seqs or graph_batch,
        limit_formula=f"mem_fraction_static {fraction:.3f} x free before loading",
        activation_formula=f"2 B x {tokens} tokens x ({setting.shape.mlp} MLP + 4 x {setting.shape.hidden} hidden)",
        source="SGLang model_runner.profile_max_num_token and server_args._handle_gpu_memory_settings",
    )


def _communication(setting: Setting) -> float:
    tp = setting.layout.tp
    if tp == 1:
        return 0.0
    if not setting.accelerator.link.gbytes_per_s_one_way:
        return NCCL_PCIE_BYTES
    return NCCL_BYTES[2] if tp == 2 else NCCL_BYTES[4]


def _defaults(setting: Setting) -> tuple[int, int]:
    """Return (chunked_prefill_size, cuda_graph_max_bs) by memory and GPUs, as server_args does."""
    return int(setting.default("chunked_prefill_size", 8192)), int(setting.default("cuda_graph_max_bs", 256))


def _fraction(setting: Setting, tokens: int, graph_batch: int) -> float:
    """Return the default ``mem_fraction_static``: what a reserve for activations and graphs leaves."""
    mib = setting.total_bytes / MIB
    layout = setting.layout
    reserve = setting.default("reserved_mib", 512)
    reserve += setting.default("reserved_mib_per_chunk_token", 1.5) * max(tokens, 2048)
    reserve += setting.default("reserved_mib_per_graph_sequence", 2) * graph_batch
    reserve += setting.default("reserved_mib_per_gpu", 128) * layout.tp * layout.pp
    if layout.attention_dp > 1:
        reserve += ATTENTION_DP_MIB * graph_batch * layout.attention_dp
    reserve = max(reserve, setting.default("reserved_mib_at_least", 0))
    return max(0.1, (mib - reserve) / mib)


ATTENTION_DP_MIB = 3.0
"""MiB more per graph sequence and attention group (server_args, --enable-dp-attention)."""
