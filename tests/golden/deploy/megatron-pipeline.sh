#!/usr/bin/env bash
# two-nodes: full training of meta-llama/Llama-3.1-70B-Instruct, 1200 steps, about 50.0 h and 5,000 USD.
# 2 x aws/p5.48xlarge/us-east-1 (on-demand): 16 x h100-sxm.
# Data parallel 1 (zero1), TP 8, PP 2, CP 1, EP 1; micro-batch 2 x 4.
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
export CUDA_DEVICE_MAX_CONNECTIONS=1

torchrun \
  --nnodes 2 --nproc-per-node 8 \
  --rdzv-backend c10d --rdzv-endpoint "${HEAD}":29500 --rdzv-id two-nodes \
  --max-restarts 11 \
  "${MEGATRON}"/pretrain_gpt.py \
  --use-mcore-models \
  --num-layers 80 \
  --hidden-size 8192 \
  --ffn-hidden-size 28672 \
  --num-attention-heads 64 \
  --kv-channels 128 \
  --max-position-embeddings 131072 \
  --position-embedding-type rope \
  --rotary-base "${ROTARY_BASE}" \
  --normalization RMSNorm \
  --swiglu \
  --disable-bias-linear \
  --group-query-attention \
  --num-query-groups 8 \
  --untie-embeddings-and-output-weights \
  --tensor-model-parallel-size 8 \
  --pipeline-model-parallel-size 2 \
  --context-parallel-size 1 \
  --num-virtual-stages-per-pipeline-rank 4 \
  --sequence-parallel \
  --use-distributed-optimizer \
  --overlap-grad-reduce \
  --overlap-param-gather \
  --seq-length 8192 \
  --micro-batch-size 2 \
  --global-batch-size 8 \
  --train-iters 1200 \
  --bf16 \
  --optimizer adam \
  --recompute-granularity selective \
  --recompute-modules core_attn \
  --attention-backend unfused \
  --lr "${LR}" \
  --tokenizer-type HuggingFaceTokenizer \
  --tokenizer-model "${TOKENIZER}" \
  --data-path "${DATA}" \
  --save "${OUTPUT}" \
  --load "${OUTPUT}" \
  --save-interval 75 \
  --distributed-backend nccl
