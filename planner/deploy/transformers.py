"""How TRL's SFTTrainer on the transformers Trainer is told what a plan decides.

Flags as in huggingface/trl (ModelConfig, SFTConfig, 0.24 and later) and transformers ``TrainingArguments``; the script
is ``templates/deploy/sft.py``, because TRL's own does not go on from its last checkpoint. BF16 weights under an FP32
master are DeepSpeed's BF16 optimizer; weights of one type are torch's FSDP. Both divide what the plan's way of sharding
divides. Sharding the states of adapters alone is DeepSpeed's as well, which keeps a master copy of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from planner.deploy.launch import Argument, Input, Launch, Ref, Refusals
from planner.paths import data_dir

if TYPE_CHECKING:
    from planner.plan import TrainingDeployment, TrainingPlan

_OPTIMIZERS: dict[str, tuple[Argument, ...]] = {
    "adamw": (("--optim", "adamw_torch_fused"),),
    "adam": (("--optim", "adamw_torch_fused"), ("--weight_decay", "0")),
    "sgd": (("--optim", "sgd"),),
    "momentum": (("--optim", "sgd"), ("--optim_args", "momentum=0.9")),
    "adamw-8bit": (("--optim", "adamw_bnb_8bit"),),
    "paged-adamw-8bit": (("--optim", "paged_adamw_8bit"),),
    "adafactor": (("--optim", "adafactor"),),
}
_CHECKPOINTING: dict[str, tuple[Argument, ...]] = {
    "none": (("--gradient_checkpointing", "false"),),
    "full": (("--gradient_checkpointing", "true"),),
    "offloaded": (("--gradient_checkpointing", "true"), ("--activation_offloading", "true")),
}
_PRECISIONS: dict[str, tuple[Argument, ...]] = {
    "fp32": (("--dtype", "float32"), ("--bf16", "false"), ("--tf32", "true")),
    "mixed": (("--dtype", "bfloat16"), ("--bf16", "true")),
    "mixed-fp32-gradients": (("--dtype", "bfloat16"), ("--bf16", "true")),
    "mixed-fp32-weights": (("--dtype", "float32"), ("--bf16", "true")),
    "bf16": (("--dtype", "bfloat16"), ("--bf16", "false")),
}
_MASTER = ("mixed", "mixed-fp32-gradients")
"""Precision policies with a master copy beside the weights."""

_LOSSES: dict[str, tuple[Argument, ...]] = {"standard": (), "fused-linear": (("--use_liger_kernel", "true"),)}
_BASES: dict[str, tuple[Argument, ...]] = {
    "bf16": (),
    "nf4": (("--load_in_4bit", "true"), ("--bnb_4bit_quant_type", "nf4")),
    "int8-w8a16": (("--load_in_8bit", "true"),),
}
_STAGES = {"ddp": 0, "zero1": 1, "zero2": 2, "zero3": 3, "fsdp": 3}
_FSDP = {"zero2": "shard_grad_op", "zero3": "full_shard", "fsdp": "full_shard", "hsdp": "hybrid_shard"}

SCRIPT_FILE = "sft.py"
DEEPSPEED_FILE = "deepspeed.json"

_INPUTS = (
    Input("MODEL", "the model's weights: a directory or an id of the Hugging Face hub"),
    Input("DATASET", "the data: a directory or an id of the Hugging Face hub"),
    Input("OUTPUT", "directory of checkpoints, shared by all nodes; training goes on from the last one in it"),
    Input("LR", "learning rate"),
)


def transformers_launch(plan: TrainingPlan, made: TrainingDeployment) -> Launch:
    """Return how TRL runs ``made``. Raises InputError with everything that it cannot be told."""
    full = made.method == "full"
    refusals = Refusals("TRL")
    refusals.choice(made.optimizer, _OPTIMIZERS, "optimizer", "workload.optimizer")
    refusals.choice(made.checkpointing, _CHECKPOINTING, "checkpointing", "search.checkpointing")
    refusals.choice(made.loss, _LOSSES, "loss", "search.loss")
    if full:
        refusals.choice(made.weights, _PRECISIONS, "precision", "workload.precision")
    else:
        refusals.choice(made.weights, _BASES, "frozen weights", "workload.frozen_weights")
    refusals.check(made.optimizer_in_backward, "an optimizer in the backward pass", "leave it out of the search")
    deepspeed = _needs_deepspeed(made)
    if deepspeed:
        refusals.check(
            made.sharding == "hsdp", "hybrid sharding with a master copy of the weights",
            "set search.sharding to zero1 or fsdp, or workload.precision to mixed-fp32-weights",
        )  # fmt: skip
    else:
        refusals.check(
            made.sharding == "zero1", f"sharding zero1 with precision {made.weights}",
            "set search.sharding to fsdp, or workload.precision to mixed",
        )  # fmt: skip
        refusals.check(
            made.sharding == "hsdp" and made.shard_group != made.gpus_per_instance,
            f"groups of {made.shard_group} on nodes of {made.gpus_per_instance}",
            "set search.shard_group to the node's GPUs",
        )  # fmt: skip
        refusals.check(made.offload == "optimizer", "an optimizer in host memory alone", "set search.offload to all")
    refusals.end()
    return Launch(
        software="TRL (0.24 or later)" + (", DeepSpeed" if deepspeed else ""),
        program=(Ref("FILES", f"/{SCRIPT_FILE}"),),
        arguments=(
            ("--model_name_or_path", Ref("MODEL")),
            ("--attn_implementation", "flash_attention_2" if made.flash_attention else "eager"),
            *(_PRECISIONS[made.weights] if full else _adapters(made)),
            ("--dataset_name", Ref("DATASET")),
            ("--packing", "true"),
            ("--max_length", str(made.sequence_length)),
            ("--per_device_train_batch_size", str(made.batch_per_replica)),
            ("--gradient_accumulation_steps", str(made.accumulation)),
            ("--max_steps", str(plan.steps)),
            ("--learning_rate", Ref("LR")),
            *_OPTIMIZERS[made.optimizer],
            *_CHECKPOINTING[made.checkpointing],
            *_LOSSES[made.loss],
            ("--torch_compile", "true"),
            *_sharding(made, deepspeed),
            ("--output_dir", Ref("OUTPUT")),
            ("--save_strategy", "steps"),
            ("--save_steps", str(plan.checkpoint_steps)),
        ),
        inputs=_INPUTS,
        files=(
            (SCRIPT_FILE, (data_dir("templates") / "deploy" / SCRIPT_FILE).read_text("utf-8")),
            *(((DEEPSPEED_FILE, _deepspeed(made)),) if deepspeed else ()),
        ),
    )


def _needs_deepspeed(made: TrainingDeployment) -> bool:
    """A master copy, states sharded alone, or an optimizer in host memory alone are DeepSpeed's."""
    if made.method == "full":
        return made.weights in _MASTER
    return made.sharding in ("zero1", "zero2")


def _adapters(made: TrainingDeployment) -> tuple[Argument, ...]:
    base = _BASES[made.weights]
    if made.weights == "nf4" and made.sharding in _FSDP and not _needs_deepspeed(made):
        base = (*base, ("--bnb_4bit_quant_storage", "bfloat16"))  # FSDP shards tensors of one type
    return (
        ("--dtype", "bfloat16"),
        ("--bf16", "true"),
        ("--use_peft", "true"),
        ("--lora_r", str(made.rank)),
        ("--lora_target_modules", "all-linear"),
        *base,
    )


def _sharding(made: TrainingDeployment, deepspeed: bool) -> tuple[Argument, ...]:
    if deepspeed:
        return (("--deepspeed", Ref("FILES", f"/{DEEPSPEED_FILE}")),)
    if made.sharding not in _FSDP:
        return ()
    words = [_FSDP[made.sharding], "auto_wrap", *(["offload"] if made.offload == "all" else [])]
    return (("--fsdp", " ".join(words)),)


def _deepspeed(made: TrainingDeployment) -> str:
    """Return the configuration of DeepSpeed, as its documentation of ``zero_optimization`` and ``bf16`` has it."""
    stage = 3 if made.offload == "all" else max(_STAGES[made.sharding], 1 if made.offload == "optimizer" else 0)
    zero: dict[str, Any] = {"stage": stage}
    if stage:
        zero |= {"overlap_comm": True, "contiguous_gradients": True}
    if stage == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
    if made.offload != "none":
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": True}
    if made.offload == "all":
        zero["offload_param"] = {"device": "cpu", "pin_memory": True}
    data: dict[str, Any] = {
        "train_micro_batch_size_per_gpu": made.batch_per_replica,
        "gradient_accumulation_steps": made.accumulation,
        "gradient_clipping": "auto",
        "bf16": {"enabled": True},
        "zero_optimization": zero,
    }
    if made.method == "full":
        gradients = "fp32" if made.weights == "mixed-fp32-gradients" else "bf16"
        data["data_types"] = {"grad_accum_dtype": gradients}
    return json.dumps(data, indent=2) + "\n"
