#!/usr/bin/env bash
# two-nodes: full training of mistralai/Mixtral-8x7B-v0.1, 1200 steps, about 50.0 h and 5,000 USD.
# 2 x aws/p5.48xlarge/us-east-1 (on-demand): 16 x h100-sxm.
# Data parallel 8 (hsdp), TP 1, PP 1, CP 2, EP 8; micro-batch 2 x 4.
# Run it on every node with Megatron-LM (pretrain_gpt.py, core 0.14 or later). Inputs, from the environment:
#   MEGATRON: directory of Megatron-LM
#   TOKENIZER: tokenizer of the model: a directory or an id of the Hugging Face hub
#   DATA: prefix of the data that tools/preprocess_data.py made
#   OUTPUT: directory of checkpoints, shared by all nodes; training goes on from the last one in it
#   LR: learning rate
#   ROTARY_BASE: rope_theta of the model's config.json
#   HEAD: address of one node, which the others reach
set -euo pipefail

need() {
  [ -n "${!1:-}" ] || { printf '%s is not set: %s\n' "$1" "$2" >&2; exit 2; }
}
need MEGATRON 'directory of Megatron-LM'
need TOKENIZER 'tokenizer of the model: a directory or an id of the Hugging Face hub'
need DATA 'prefix of the data that tools/preprocess_data.py made'
need OUTPUT 'directory of checkpoints, shared by all nodes; training goes on from the last one in it'
[ -n "${LR:-}" ] || LR=2e-5
need ROTARY_BASE 'rope_theta of the model'"'"'s config.json'
need HEAD 'address of one node, which the others reach'

torchrun \
  --nnodes 2 --nproc-per-node 8 \
  --rdzv-backend c10d --rdzv-endpoint "${HEAD}":29500 --rdzv-id two-nodes \
  --max-restarts 11 \
  "${MEGATRON}"/pretrain_gpt.py \
  --use-mcore-models \
  --num-layers 32 \
  --hidden-size 4096 \
  --ffn-hidden-size 14336 \
  --num-attention-heads 32 \
  --kv-channels 128 \
  --max-position-embeddings 32768 \
  --position-embedding-type rope \
  --rotary-base "${ROTARY_BASE}" \
  --normalization RMSNorm \
  --swiglu \
  --disable-bias-linear \
  --group-query-attention \
  --num-query-groups 8 \
  --untie-embeddings-and-output-weights \
  --num-experts 8 \
  --moe-router-topk 2 \
  --moe-grouped-gemm \
  --moe-token-dispatcher-type alltoall \
  --expert-model-parallel-size 8 \
  --expert-tensor-parallel-size 1 \
  --tensor-model-parallel-size 1 \
  --pipeline-model-parallel-size 1 \
  --context-parallel-size 2 \
  --use-distributed-optimizer \
  --overlap-grad-reduce \
  --overlap-param-gather \
  --use-megatron-fsdp \
  --data-parallel-sharding-strategy optim_grads_params \
  --no-gradient-accumulation-fusion \
  --ckpt-format fsdp_dtensor \
  --num-distributed-optimizer-instances 2 \
  --outer-dp-sharding-strategy no_shard \
  --seq-length 8192 \
  --micro-batch-size 2 \
  --global-batch-size 64 \
  --train-iters 1200 \
  --bf16 \
  --grad-reduce-in-bf16 \
  --use-precision-aware-optimizer \
  --main-grads-dtype bf16 \
  --optimizer adam \
  --attention-backend flash \
  --lr "${LR}" \
  --tokenizer-type HuggingFaceTokenizer \
  --tokenizer-model "${TOKENIZER}" \
  --data-path "${DATA}" \
  --save "${OUTPUT}" \
  --load "${OUTPUT}" \
  --save-interval 75 \
  --distributed-backend nccl
