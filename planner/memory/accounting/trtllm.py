"""TensorRT-LLM: KV budget = free_gpu_memory_fraction x what is free after weights, context and a dry run's peak."""

from __future__ import annotations

from planner.memory.accounting.runtime import Runtime, Setting
from planner.units import GIB, MIB

CONTEXT_BYTES = 2.1 * GIB
"""CUDA context, cuBLAS, autotuner and the runtime's buffers: free memory in logs of an RTX 5090 and a 24 GB card."""

NCCL_BYTES = 1.3 * GIB
"""Communicators and all-reduce workspaces with NVLink, as vLLM's."""

SAMPLER_BYTES = 14.0
"""Per sequence and vocabulary entry: 16-bit logits, their 32-bit copy, probabilities and one more buffer."""

GRAPH_SIZES = 35


def account(setting: Setting) -> Runtime:
    """Return what TensorRT-LLM takes of one GPU."""
    options, shape = setting.options, setting.shape
    tokens = options.max_num_batched_tokens or int(setting.default("max_num_tokens", 8192))
    sequences = options.max_num_seqs or int(setting.default("max_batch_size", 2048))
    fraction = options.gpu_memory_utilization or setting.default("free_gpu_memory_fraction", 0.9)
    experts = 2.0 * tokens * shape.top_k * (shape.hidden + shape.expert_in)
    layer = 2.0 * tokens * (shape.mlp + 4 * shape.hidden) + experts
    activation = max(layer, SAMPLER_BYTES * min(sequences, tokens) * shape.vocab + 2.0 * tokens * shape.hidden)
    linked = setting.layout.tp > 1 and setting.accelerator.link.gbytes_per_s_one_way > 0
    return Runtime(
        total=setting.total_bytes,
        limit=float(setting.total_bytes),
        non_torch=CONTEXT_BYTES + (NCCL_BYTES if linked else 0.0),
        activation_peak=activation,
        cuda_graphs=0.0 if options.eager else GRAPH_SIZES * shape.layers * 0.33 * MIB,
        graphs_inside=False,
        share_of_rest=fraction,
        max_num_batched_tokens=tokens,
        max_num_seqs=sequences,
        limit_formula=f"total; the cache takes {fraction:g} of what is free after loading",
        activation_formula=f"{tokens} tokens through a layer, or logits of {min(sequences, tokens)} sequences",
        source="tensorrt_llm pyexecutor estimate_max_kv_cache_tokens; llm_args.KvCacheConfig",
    )
