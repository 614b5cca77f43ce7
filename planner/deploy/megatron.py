"""How Megatron-LM's ``pretrain_gpt.py`` is told what a plan decides.

Flags as in NVIDIA/Megatron-LM ``megatron/training/arguments.py`` (core 0.14 and later: ``--use-megatron-fsdp``,
``--num-virtual-stages-per-pipeline-rank``, ``--use-precision-aware-optimizer``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.deploy.launch import Argument, Input, Launch, Ref, Refusals

if TYPE_CHECKING:
    from planner.architecture.model import LayerGroup, ModelArchitecture
    from planner.plan import TrainingDeployment, TrainingPlan

_PRECISIONS: dict[str, tuple[Argument, ...]] = {
    "fp32": (),
    "mixed-fp32-gradients": (("--bf16",),),
    "mixed": (
        ("--bf16",),
        ("--grad-reduce-in-bf16",),
        ("--use-precision-aware-optimizer",),
        ("--main-grads-dtype", "bf16"),
    ),
}
_OPTIMIZERS: dict[str, tuple[Argument, ...]] = {
    "adamw": (("--optimizer", "adam"),),
    "adam": (("--optimizer", "adam"), ("--weight-decay", "0")),
    "sgd": (("--optimizer", "sgd"), ("--sgd-momentum", "0")),
    "momentum": (("--optimizer", "sgd"), ("--sgd-momentum", "0.9")),
}
_STRATEGIES = {"zero2": "optim_grads", "zero3": "optim_grads_params", "fsdp": "optim_grads_params"}
_STRATEGIES["hsdp"] = _STRATEGIES["fsdp"]
_CHECKPOINTING: dict[str, tuple[Argument, ...]] = {
    "none": (),
    "selective": (("--recompute-granularity", "selective"), ("--recompute-modules", "core_attn")),
    "full": (
        ("--recompute-granularity", "full"),
        ("--recompute-method", "uniform"),
        ("--recompute-num-layers", "1"),
    ),
}

_INPUTS = (
    Input("MEGATRON", "directory of Megatron-LM"),
    Input("TOKENIZER", "tokenizer of the model: a directory or an id of the Hugging Face hub"),
    Input("DATA", "prefix of the data that tools/preprocess_data.py made"),
    Input("OUTPUT", "directory of checkpoints, shared by all nodes; training goes on from the last one in it"),
    Input("LR", "learning rate"),
    Input("ROTARY_BASE", "rope_theta of the model's config.json"),
)


def megatron_launch(plan: TrainingPlan, made: TrainingDeployment, architecture: ModelArchitecture) -> Launch:
    """Return how Megatron-LM runs ``made``. Raises InputError with everything that it cannot be told."""
    refusals = Refusals("Megatron-LM")
    refusals.check(
        made.method != "full", f"method {made.method}",
        "set search.tensor_parallel, pipeline_parallel and context_parallel to 1: whole layers are trained by TRL",
    )  # fmt: skip
    if made.method == "full":
        refusals.choice(made.weights, _PRECISIONS, "precision", "workload.precision")
    refusals.choice(made.optimizer, _OPTIMIZERS, "optimizer", "workload.optimizer")
    refusals.choice(made.checkpointing, _CHECKPOINTING, "checkpointing", "search.checkpointing")
    refusals.check(made.schedule == "gpipe", "schedule gpipe", "set search.pipeline_schedule to 1f1b or interleaved")
    refusals.check(
        made.sharding in _STRATEGIES and made.pipeline_parallel > 1, f"sharding {made.sharding} in a pipeline",
        "set search.sharding to zero1",
    )  # fmt: skip
    refusals.check(made.offload == "all", "weights in host memory", "set search.offload to none or optimizer")
    refusals.check(
        made.offload == "optimizer" and made.sharding != "zero1",
        f"an offloaded optimizer with sharding {made.sharding}",
        "set search.sharding to zero1: the distributed optimizer is the one that can be offloaded",
    )  # fmt: skip
    group = _described(architecture, refusals)
    refusals.end()
    return Launch(
        software="Megatron-LM (pretrain_gpt.py, core 0.14 or later)",
        program=(Ref("MEGATRON", "/pretrain_gpt.py"),),
        arguments=(
            *_model(architecture, group, made),
            *_layout(made),
            *_batch(plan, made),
            *_unique(
                (
                    *_PRECISIONS[made.weights],
                    *_OPTIMIZERS[made.optimizer],
                    *_CHECKPOINTING[made.checkpointing],
                    *_offload(made),
                )
            ),
            ("--attention-backend", "flash" if made.flash_attention else "unfused"),
            ("--lr", Ref("LR")),
            ("--tokenizer-type", "HuggingFaceTokenizer"),
            ("--tokenizer-model", Ref("TOKENIZER")),
            ("--data-path", Ref("DATA")),
            ("--save", Ref("OUTPUT")),
            ("--load", Ref("OUTPUT")),
            ("--save-interval", str(plan.checkpoint_steps)),
            ("--distributed-backend", "nccl"),
        ),
        inputs=_INPUTS,
        # Communication and computing are ordered by one queue, except under FSDP, which needs several to overlap.
        environment=() if made.sharding in _STRATEGIES else (("CUDA_DEVICE_MAX_CONNECTIONS", "1"),),
    )


def _described(architecture: ModelArchitecture, refusals: Refusals) -> LayerGroup:
    """Return what all layers are alike in; the flags describe models of one kind of layer."""
    group = architecture.layers[0]
    names = {tensor.name for tensor in group.tensors}
    gated = {"gate_proj", "experts.gate_proj"} & names
    alike = len({(item.mixer, item.tensors) for item in architecture.layers}) == 1
    plain = (
        alike and group.mixer.kind == "full" and gated and not any(name.startswith("shared_expert") for name in names)
    )
    refusals.check(
        not plain, f"the layers of {architecture.id}, which are not all attention and a gated feed-forward",
        "describe the model in a launcher of your own",
    )  # fmt: skip
    return group


def _model(architecture: ModelArchitecture, group: LayerGroup, made: TrainingDeployment) -> tuple[Argument, ...]:
    mixer, sizes = group.mixer, {tensor.name: tensor.rows for tensor in group.tensors}
    found: list[Argument] = [
        ("--use-mcore-models",),
        ("--num-layers", str(architecture.num_layers)),
        ("--hidden-size", str(architecture.hidden_size)),
        ("--ffn-hidden-size", str(sizes.get("gate_proj") or sizes["experts.gate_proj"])),
        ("--num-attention-heads", str(mixer.heads)),
        ("--kv-channels", str(mixer.head_dim)),
        ("--max-position-embeddings", str(max(made.sequence_length, architecture.max_position_embeddings))),
        ("--position-embedding-type", "rope"),
        ("--rotary-base", Ref("ROTARY_BASE")),
        ("--normalization", "RMSNorm"),
        ("--swiglu",),
        ("--disable-bias-linear",),
    ]
    if mixer.kv_heads < mixer.heads:
        found += [("--group-query-attention",), ("--num-query-groups", str(mixer.kv_heads))]
    if "q_proj.bias" in sizes:
        found.append(("--add-qkv-bias",))
    if "q_norm" in sizes:
        found.append(("--qk-layernorm",))
    if not architecture.tied_embeddings:
        found.append(("--untie-embeddings-and-output-weights",))
    if group.is_moe:
        found += [
            ("--num-experts", str(architecture.experts)),
            ("--moe-router-topk", str(architecture.experts_per_token)),
            ("--moe-grouped-gemm",),
            ("--moe-token-dispatcher-type", "alltoall"),
            ("--expert-model-parallel-size", str(made.expert_parallel)),
            ("--expert-tensor-parallel-size", str(max(1, made.tensor_parallel // made.expert_parallel))),
        ]
    return tuple(found)


def _layout(made: TrainingDeployment) -> tuple[Argument, ...]:
    found: list[Argument] = [
        ("--tensor-model-parallel-size", str(made.tensor_parallel)),
        ("--pipeline-model-parallel-size", str(made.pipeline_parallel)),
        ("--context-parallel-size", str(made.context_parallel)),
    ]
    if made.virtual_stages > 1:
        found.append(("--num-virtual-stages-per-pipeline-rank", str(made.virtual_stages)))
    if made.tensor_parallel > 1 and made.sequence_parallel:
        found.append(("--sequence-parallel",))
    if made.sharding != "ddp":
        found.append(("--use-distributed-optimizer",))
        found += [("--overlap-grad-reduce",), ("--overlap-param-gather",)]
    if made.sharding in _STRATEGIES:
        found += [
            ("--use-megatron-fsdp",),
            ("--data-parallel-sharding-strategy", _STRATEGIES[made.sharding]),
            ("--no-gradient-accumulation-fusion",),
            ("--ckpt-format", "fsdp_dtensor"),
        ]
    if made.sharding == "hsdp":
        groups = made.replicas * made.context_parallel // made.shard_group
        found += [
            ("--num-distributed-optimizer-instances", str(groups)),
            ("--outer-dp-sharding-strategy", "no_shard"),
        ]
    return tuple(found)


def _batch(plan: TrainingPlan, made: TrainingDeployment) -> tuple[Argument, ...]:
    sequences = made.replicas * made.accumulation * made.batch_per_replica
    return (
        ("--seq-length", str(made.sequence_length)),
        ("--micro-batch-size", str(made.batch_per_replica)),
        ("--global-batch-size", str(sequences)),
        ("--train-iters", str(plan.steps)),
    )


def _offload(made: TrainingDeployment) -> tuple[Argument, ...]:
    if made.offload != "optimizer":
        return ()
    return (("--optimizer-cpu-offload",), ("--use-precision-aware-optimizer",))


def _unique(arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
    return tuple(dict.fromkeys(arguments))
