"""What training frameworks do differently, as a table: loss, kernels, gradient buffers, what their figures count.

Each entry is read off the framework's code or documentation; none is fitted to a row of measurements except
``ALLOCATOR_SLACK``, which says from what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from planner.units import GIB

Measures = Literal["allocated", "reserved", "device"]
"""What a framework prints: tensors alive at the peak; what the caching allocator holds; what nvidia-smi shows."""

ALLOCATOR_SLACK = 0.15
"""What the caching allocator holds over what changes during a step: blocks that no later tensor fits. The peak reserved
memory of torchtitan's Llama-3.1-8B runs (benchmarks/llama3_h100_202412_torchtitan.md, ten rows) is 12 to 23 % of the
changing part above what can be accounted for."""

CONTEXT_BYTES = 6 * GIB // 10
"""CUDA context with its kernels loaded as they are used, outside the allocator: 0.5 to 0.7 GiB on Ampere and Hopper."""

EAGER_CONTEXT_BYTES = 1_343_000_000
"""The same where every kernel is loaded at the start, as up to CUDA 11: 1,343 MB in transformers' guide
``perf_train_gpu_one``, edition of 2023."""


TORCH_RING_ATTENTION = 1.38
"""``Software.ring_attention`` of torch: torchtitan's Llama-3.1-8B on 8 H100 makes 3,890 and 2,540 tokens/s in CP 1 and
2, and 1,071 and 548 in CP 4 and 8, where attention is 87 and 93 % of the time that the first two rows let expect
(pytorch/torchtitan benchmarks/llama3_h100_202412_torchtitan.md). Megatron's, of Transformer Engine, does not slow down:
Llama-2-7B makes 574 TFLOPS per GPU in CP 2 at 65,536 tokens and 536 in CP 32 at 1,048,576 (NVIDIA/NeMo
docs/source/performance/performance_long_sequence.md)."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How many bytes one logit (a token times a word of the vocabulary) costs at the loss, forward and backward."""

    id: str
    bytes_per_logit: float
    source: str
    by_chunk: bool = False
    """Chunk after chunk, so that the head's gradient is complete while the logits are still there."""


LOSSES: Mapping[str, Loss] = {
    item.id: item
    for item in (
        Loss("eager", 12, "cross_entropy in FP32: log-softmax 4, its gradient 4, gradient of the logits 4"),
        Loss("eager-held", 16, "the same with FP32 logits kept as a model output: 4 more (transformers >= 4.40)"),
        Loss("eager-16bit", 8, "cross_entropy in 16 bit: logits 2, log-softmax 2, two gradients 4"),
        Loss("compiled", 4, "torch.compile fuses the softmax: 16-bit logits 2 and their gradient 2"),
        Loss("compiled-fp32", 10, "FP32 logits outside the compiled loss 4, their gradient 4, cast back to 16 bit 2"),
        Loss(
            "chunked-eager", 6.75, "16-bit logits 2, log-softmax of all chunks 4, gradient of one of 8 chunks 6/8", True
        ),
        Loss(
            "chunked", 2.25, "16-bit logits 2, gradient of one of 8 chunks 2/8 (torchtune ce_chunked_output_loss)", True
        ),
        Loss("fused-linear", 0, "logits made and consumed a chunk at a time (Liger, unsloth, Cut Cross-Entropy)", True),
    )
}


@dataclass(frozen=True, slots=True)
class Software:
    """One framework as it behaves by default."""

    id: str
    name: str
    source: str
    loss: str = "eager"
    fused: bool = False
    """Pointwise kernels are fused (torch.compile, Megatron, Transformer Engine): fewer intermediates are kept."""
    repeats_kv: bool = True
    """Keys and values are repeated to all heads before the attention kernel."""
    selective: Literal["attention", "alternate"] = "attention"
    """What selective checkpointing recomputes: the attention core, or every second matrix product (torchtitan)."""
    holds_gradients: bool = False
    """Gradients stay allocated through the forward pass (accumulation over micro-batches in flat buffers)."""
    offloads_gradients: bool = True
    """An offloaded optimizer takes the gradients along (DeepSpeed, FSDP); Megatron's leaves them on the device."""
    step_bytes_per_parameter: float = 0.0
    """Temporaries of the optimizer's step, per trainable parameter of the rank."""
    step_parameters: float = float("inf")
    """The step works on groups of at most so many parameters."""
    live_parameters: int = 0
    """Gathered parameters kept under full sharding, whatever the layers (DeepSpeed stage3_max_live_parameters)."""
    bucket_bytes: int = 0
    """Reduce and gather buckets."""
    ring_attention: float = 1.0
    """Time of attention over parts of a sequence that go round more than two ranks, over attention over the whole."""
    gathered_layers: int = 2
    """Layers whose gathered weights are alive at once under full sharding: the current and the prefetched one."""
    context_bytes: int = CONTEXT_BYTES
    measures: Measures = "device"
    checkpoints_if_needed: bool = False
    """Published runs checkpoint activations only where the device would not hold them otherwise."""
    adapter_precision: str = "bf16"
    adapter_rank: int = 8
    widens_unquantized: bool = False
    """Embedding, head and norms of a quantized base become FP32 (peft prepare_model_for_kbit_training)."""
    notes: tuple[str, ...] = field(default=())


_ALL: tuple[Software, ...] = (
    Software(
        "torch",
        "PyTorch FSDP2, compiled",
        "torch.distributed.fsdp fully_shard; torch.utils.checkpoint with torchtitan's policy by operation",
        ring_attention=TORCH_RING_ATTENTION,
        loss="compiled",
        fused=True,
        selective="alternate",
    ),
    Software(
        "torchtitan",
        "torchtitan",
        "pytorch/torchtitan: train.py, parallelisms/parallelize_llama.py, train_configs/llama3_8b.toml",
        ring_attention=TORCH_RING_ATTENTION,
        loss="compiled",
        fused=True,
        selective="alternate",
        measures="allocated",
    ),
    Software(
        "torchtitan-2024",
        "torchtitan, December 2024",
        "pytorch/torchtitan benchmarks/llama3_h100_202412_torchtitan.md: layers compiled, the loss not",
        ring_attention=TORCH_RING_ATTENTION,
        loss="eager",
        selective="alternate",
        measures="reserved",
    ),
    Software(
        "torchtune",
        "torchtune",
        "pytorch/torchtune recipes and modules/loss/ce_chunked_output_loss.py",
        ring_attention=TORCH_RING_ATTENTION,
        loss="chunked",
        measures="allocated",
        checkpoints_if_needed=True,
    ),
    Software(
        "megatron",
        "Megatron-LM",
        "NVIDIA/Megatron-LM: distributed optimizer, vocabulary-parallel cross entropy in FP32",
        loss="eager",
        fused=True,
        repeats_kv=False,
        holds_gradients=True,
        offloads_gradients=False,
    ),
    Software(
        "transformers",
        "transformers Trainer",
        "huggingface/transformers modeling_llama.py, trainer.py",
        loss="eager-held",
        holds_gradients=True,
        step_bytes_per_parameter=4,
        adapter_precision="mixed-fp32-weights",
        widens_unquantized=True,
    ),
    Software(
        "qwen",
        "Qwen finetune.py, no DeepSpeed",
        "QwenLM/Qwen finetune.py and finetune/finetune_lora_single_gpu.sh (bf16 autocast, r 64 on all linear layers)",
        holds_gradients=True,
        context_bytes=EAGER_CONTEXT_BYTES,
        step_bytes_per_parameter=4,
        adapter_precision="bf16",
        adapter_rank=64,
    ),
    Software(
        "qwen-zero",
        "Qwen finetune.py with DeepSpeed ZeRO",
        "QwenLM/Qwen finetune/ds_config_zero2.json, finetune_ds.sh; DeepSpeed runtime/zero/stage_1_and_2.py: averaged "
        "gradients 2, a flattened copy 2, FP32 gradients 4 in the step",
        holds_gradients=True,
        context_bytes=EAGER_CONTEXT_BYTES,
        step_bytes_per_parameter=6,
        bucket_bytes=2 * 200_000_000 * 2,
        adapter_precision="mixed",
        adapter_rank=64,
    ),
    Software(
        "qwen-zero3",
        "Qwen finetune.py with DeepSpeed ZeRO-3",
        "QwenLM/Qwen finetune/ds_config_zero3.json, finetune_ds.sh; DeepSpeed runtime/zero/stage3.py: FP32 gradients "
        "of a sub-group of 1e9 parameters, 1e9 live parameters",
        holds_gradients=True,
        context_bytes=EAGER_CONTEXT_BYTES,
        step_bytes_per_parameter=4,
        step_parameters=1e9,
        live_parameters=1_000_000_000,
    ),
    Software(
        "peft",
        "peft examples",
        "huggingface/peft examples/causal_language_modeling/peft_lora_clm_accelerate_ds_zero3_offload.py: FP32 weights "
        "as from_pretrained loads them, 8 sequences of 64 tokens, no checkpointing",
        loss="eager-held",
        holds_gradients=True,
        adapter_precision="fp32",
    ),
    Software(
        "unsloth",
        "unsloth",
        "unslothai/unsloth: fused cross entropy in chunks, checkpoints offloaded to host memory",
        loss="fused-linear",
        holds_gradients=True,
        adapter_precision="bf16",
        adapter_rank=32,
    ),
)

SOFTWARE: Mapping[str, Software] = {item.id: item for item in _ALL}
"""Id -> framework."""
