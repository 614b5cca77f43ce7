"""The shipped calibration against a few published runs, so that no change of the model goes unnoticed."""

from __future__ import annotations

import csv
from io import StringIO

import numpy as np

from planner.catalog import load_catalog
from planner.performance.validation import validate_serving

# InferenceX (github.com/SemiAnalysisAI/InferenceX), the day of the run in the last column, and AIConfigurator's sample.
RUNS = """\
model,accelerator,engine,engine_version,weights,isl,osl,concurrency,tp,pp,attention_dp,moe_tp,moe_ep,ttft_ms,tpot_ms,source
meta-llama/Llama-3.1-70B,h100-sxm,vllm,,fp8,1024,1024,16,4,1,1,4,1,121.413,13.1922,inferencex 2025-10-29
meta-llama/Llama-3.1-70B,h200-sxm,vllm,,fp8,1024,1024,64,2,1,1,2,1,417.028,22.7072,inferencex 2025-10-29
meta-llama/Llama-3.1-70B,h200-sxm,trtllm,,fp8,8192,1024,32,8,1,1,8,1,706.049,16.6672,inferencex 2025-10-29
meta-llama/Llama-3.1-70B,b200-sxm,trtllm,,nvfp4,1024,8192,64,2,1,1,2,1,175.137,14.3712,inferencex 2025-10-29
openai/gpt-oss-120b,h100-sxm,vllm,0.18.0,mxfp4,1024,1024,32,8,1,1,8,1,64.636,5.7721,inferencex 2026-03-27
openai/gpt-oss-120b,b200-sxm,vllm,0.15.1,mxfp4,8192,1024,64,1,1,1,1,1,380.785,14.241,inferencex 2026-02-25
MiniMaxAI/MiniMax-M2.5,h200-sxm,vllm,0.18.0,fp8,1024,1024,32,8,1,1,8,1,148.169,13.6884,inferencex 2026-03-28
MiniMaxAI/MiniMax-M2.5,b200-sxm,vllm,0.19.0,fp8,8192,1024,64,4,1,1,4,1,639.354,23.3303,inferencex 2026-04-03
deepseek-ai/DeepSeek-R1,h200-sxm,sglang,0.5.9,fp8,1024,1024,32,8,1,1,8,1,337.535,23.307,inferencex 2026-03-25
Qwen/Qwen3-32B,h100-sxm,vllm,0.12.0,bf16,1024,1024,32,4,1,1,1,1,177.877,13.6851,published silicon sample
Qwen/Qwen3-235B-A22B,h100-sxm,trtllm,1.0.0rc3,fp8,1024,512,64,8,1,1,1,8,363.712,25.5596,published silicon sample
meta-llama/Llama-3.1-8B-Instruct,h100-sxm,trtllm,1.0.0rc3,bf16,4096,128,16,2,1,1,1,1,240.311,12.1432,published silicon sample
"""  # noqa: E501


def test_published_runs_are_met() -> None:
    rows = list(csv.DictReader(StringIO(RUNS)))
    predicted, _ = validate_serving(rows, load_catalog())
    assert not any(row["error"] for row in predicted)
    for metric, median, largest in (("tpot", 0.05, 0.2), ("ttft", 0.2, 0.7)):
        errors = [abs(row[f"predicted_{metric}_ms"] / float(row[f"{metric}_ms"]) - 1.0) for row in predicted]
        assert np.median(errors) <= median, f"{metric}: {np.round(errors, 3)}"
        assert max(errors) <= largest, f"{metric}: {np.round(errors, 3)}"


def test_most_published_runs_lie_within_their_intervals() -> None:
    rows = list(csv.DictReader(StringIO(RUNS)))
    predicted, _ = validate_serving(rows, load_catalog())
    for metric in ("tpot", "ttft"):
        held = [
            row[f"predicted_{metric}_ms_low"] <= float(row[f"{metric}_ms"]) <= row[f"predicted_{metric}_ms_high"]
            for row in predicted
        ]
        assert sum(held) >= 10, metric


def test_shuffled_rows_get_the_same_predictions() -> None:
    rows = list(csv.DictReader(StringIO(RUNS)))
    forward, _ = validate_serving(rows, load_catalog())
    backward, _ = validate_serving(rows[::-1], load_catalog())
    assert forward == backward[::-1]
