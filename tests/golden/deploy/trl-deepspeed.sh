#!/usr/bin/env bash
# two-nodes: full training of meta-llama/Llama-3.1-8B-Instruct, 1200 steps, about 50.0 h and 5,000 USD.
# 2 x aws/p5.48xlarge/us-east-1 (on-demand): 16 x h100-sxm.
# Data parallel 16 (zero1), TP 1, PP 1, CP 1, EP 1; micro-batch 2 x 4.
# Run it on every node with TRL (0.24 or later), DeepSpeed. Inputs, from the environment:
#   MODEL: the model's weights: a directory or an id of the Hugging Face hub
#   DATASET: the data: a directory or an id of the Hugging Face hub
#   OUTPUT: directory of checkpoints, shared by all nodes; training goes on from the last one in it
#   LR: learning rate
#   HEAD: address of one node, which the others reach
set -euo pipefail

need() {
  [ -n "${!1:-}" ] || { printf '%s is not set: %s\n' "$1" "$2" >&2; exit 2; }
}
need MODEL 'the model'"'"'s weights: a directory or an id of the Hugging Face hub'
need DATASET 'the data: a directory or an id of the Hugging Face hub'
need OUTPUT 'directory of checkpoints, shared by all nodes; training goes on from the last one in it'
[ -n "${LR:-}" ] || LR=2e-5
need HEAD 'address of one node, which the others reach'

FILES=$(mktemp -d)
trap 'rm -rf "$FILES"' EXIT
cat > "$FILES"/sft.py <<'END_OF_FILE'
"""Supervised fine-tuning with TRL that goes on from its last checkpoint."""

from pathlib import Path

from datasets import load_dataset
from transformers.trainer_utils import get_last_checkpoint
from trl import (
    ModelConfig,
    ScriptArguments,
    SFTConfig,
    SFTTrainer,
    TrlParser,
    get_kbit_device_map,
    get_peft_config,
    get_quantization_config,
)

script, training, model = TrlParser((ScriptArguments, SFTConfig, ModelConfig)).parse_args_and_config()
training.model_init_kwargs = {"attn_implementation": model.attn_implementation, "dtype": model.dtype}
quantization = get_quantization_config(model)
if quantization is not None:
    training.model_init_kwargs |= {"device_map": get_kbit_device_map(), "quantization_config": quantization}
trainer = SFTTrainer(
    model=model.model_name_or_path,
    args=training,
    train_dataset=load_dataset(script.dataset_name)[script.dataset_train_split],
    peft_config=get_peft_config(model),
)
last = get_last_checkpoint(training.output_dir) if Path(training.output_dir).is_dir() else None
trainer.train(resume_from_checkpoint=last)
trainer.save_model(training.output_dir)
END_OF_FILE
cat > "$FILES"/deepspeed.json <<'END_OF_FILE'
{
  "train_micro_batch_size_per_gpu": 2,
  "gradient_accumulation_steps": 4,
  "gradient_clipping": "auto",
  "bf16": {
    "enabled": true
  },
  "zero_optimization": {
    "stage": 1,
    "overlap_comm": true,
    "contiguous_gradients": true
  },
  "data_types": {
    "grad_accum_dtype": "bf16"
  }
}
END_OF_FILE

torchrun \
  --nnodes 2 --nproc-per-node 8 \
  --rdzv-backend c10d --rdzv-endpoint "${HEAD}":29500 --rdzv-id two-nodes \
  --max-restarts 11 \
  "${FILES}"/sft.py \
  --model_name_or_path "${MODEL}" \
  --attn_implementation flash_attention_2 \
  --dtype bfloat16 \
  --bf16 true \
  --dataset_name "${DATASET}" \
  --packing true \
  --max_length 8192 \
  --per_device_train_batch_size 2 \
  --gradient_accumulation_steps 4 \
  --max_steps 1200 \
  --learning_rate "${LR}" \
  --optim adamw_torch_fused \
  --gradient_checkpointing true \
  --torch_compile true \
  --deepspeed "${FILES}"/deepspeed.json \
  --output_dir "${OUTPUT}" \
  --save_strategy steps \
  --save_steps 75
