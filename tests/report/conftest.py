"""A plan and a conflict as the solver gives them, made by hand so that reports are tested without it."""

from __future__ import annotations

import pytest

from planner.plan import (
    Alternative,
    Conflict,
    Deployment,
    Estimate,
    Margin,
    Plan,
    Preference,
    Proof,
    Rejection,
    Relaxation,
    Term,
)
from planner.units import GIB


def deployment(**changes: object) -> Deployment:
    """Return a deployment of a 70B model on two H100 servers, with ``changes``."""
    values: dict[str, object] = {
        "service": "70b-chat",
        "model": "meta-llama/Llama-3.1-70B-Instruct",
        "weights": "fp8-e4m3",
        "kv_cache": "fp8",
        "engine": "vllm",
        "accelerator": "h100-sxm-80gb",
        "offer": "lambda-gpu-8x-h100-sxm5",
        "provider": "Lambda",
        "region": "us-south-1",
        "pricing": "on-demand",
        "tensor_parallel": 4,
        "pipeline_parallel": 1,
        "expert_parallel": 1,
        "gpus_per_replica": 4,
        "replicas": 4,
        "instances": 2,
        "gpus_per_instance": 8,
        "gpus": 16,
        "batch_per_replica": 50,
    }
    return Deployment(**(values | changes))  # type: ignore[arg-type]


def _rival(cost: float, ttft: float, tpot: float, reason: str, **changes: object) -> Alternative:
    estimates = (Estimate("ttft_p95_ms", ttft, "ms"), Estimate("tpot_p95_ms", tpot, "ms"))
    return Alternative(deployment(**changes), cost, estimates, reason)


@pytest.fixture
def plan() -> Plan:
    """A plan with everything that a report shows; one margin lies inside the interval of its figure."""
    return Plan(
        scenario="70b-chat",
        preferences=(Preference("one-accelerator", "a second type of accelerator is one more to keep", 250.0),),
        deployments=(deployment(),),
        estimates=(
            Estimate(
                "ttft_p95_ms",
                1312.4,
                "ms",
                1051.0,
                1961.0,
                (
                    Term("prefill", 402.1, "ms", "2 x P x tokens / (TP x TFLOPS x MFU)", "fit on 412 runs"),
                    Term("waiting", 910.3, "ms", "other requests' prefills", "closed loop"),
                ),
            ),
            Estimate(
                "tpot_p95_ms",
                44.2,
                "ms",
                39.9,
                51.3,
                (
                    Term("weights", 11.2, "ms"),
                    Term("kv_cache", 8.4, "ms"),
                    Term("all_reduce", 9.6, "ms"),
                    Term("host", 15.0, "ms"),
                ),
            ),
            Estimate("output_tokens_per_second", 4510.0, "tok/s", 3990.0, 5010.0),
            Estimate(
                "memory_per_gpu_bytes",
                78.2 * GIB,
                "bytes",
                terms=(
                    Term(
                        "weights", 16.9 * GIB, "bytes", "70.55e9 parameters x 1 B / TP 4", "Llama-3.1-70B config.json"
                    ),
                    Term("kv_cache", 54.4 * GIB, "bytes", "what the engine reserves", "gpu_memory_utilization 0.92"),
                    Term("activations", 2.9 * GIB, "bytes", "one layer's peak at 8,192 tokens", "start-up logs"),
                    Term("cuda_graphs", 1.8 * GIB, "bytes", "0.85 MiB x sizes x layers", "start-up logs"),
                    Term("non_torch", 2.2 * GIB, "bytes", "NCCL and context", "start-up logs"),
                ),
            ),
            Estimate(
                "cost_usd_per_month",
                36791.0,
                "USD/month",
                terms=(
                    Term("instances", 36791.0, "USD/month", "2 x $25.20/h x 730 h", "lambda.ai, 2025-11-02"),
                    Term("network", 0.0, "USD/month", "included", "lambda.ai, 2025-11-02"),
                ),
            ),
            Estimate("cost_usd_per_million_output_tokens", 3.11, "USD"),
            Estimate("recovery", 0.997, "share", 0.990, 1.004),
        ),
        margins=(
            Margin("sla.ttft_p95", 2000.0, 1312.4, "ms", 0.344, True),
            Margin("sla.tpot_p95", 50.0, 44.2, "ms", 0.116, True),
            Margin("budget", 60000.0, 36791.0, "USD/month", 0.387, True),
            Margin("quality.min_recovery", 0.98, 0.997, "share", 0.017, True),
            Margin("memory_per_gpu", 79.18 * GIB, 78.2 * GIB, "bytes", 0.012, True),
        ),
        cost_usd_per_hour=50.40,
        cost_usd_per_month=36791.0,
        proof=Proof("optimal", "CP-SAT", 50_400_000, 50_400_000, 0.0, 18402, 2113, True),
        alternatives=(
            _rival(38544.0, 1102.0, 38.1, "costs $1,753/month more", offer="nebius-8x-h100", provider="Nebius"),
            _rival(
                41200.0,
                890.0,
                31.7,
                "costs $4,409/month more",
                accelerator="h200-sxm-141gb",
                offer="runpod-h200-8x",
                instances=1,
                gpus=8,
                replicas=2,
            ),
            _rival(
                31000.0,
                2350.0,
                48.0,
                "TTFT p95 2.35 s exceeds 2 s",
                accelerator="a100-sxm-80gb",
                offer="lambda-a100-8x",
            ),
        ),
        rejected=(
            Rejection("memory", "the weights and one sequence do not fit the GPU", 9120),
            Rejection("sla.ttft_p95", "TTFT p95 exceeds its limit", 4410),
            Rejection("sla.tpot_p95", "TPOT p95 exceeds its limit", 1903),
            Rejection("quality.min_recovery", "quality recovery is below its limit", 856),
        ),
        warnings=("the price of lambda-gpu-8x-h100-sxm5 is 120 days old",),
        reasons=(
            "FP8 weights halve the memory of 16 bit: TP 4 leaves 54.4 GiB per GPU for the KV cache.",
            "H100 at $3.15 per GPU and hour carries 282 tok/s per GPU, the most per dollar of 11 accelerators.",
        ),
        inputs=(("scenario", "a" * 64), ("catalog.offers", "b" * 64), ("planner", "0.1.0"), ("ortools", "9.15.6755")),
    )


@pytest.fixture
def conflict() -> Conflict:
    """Three requirements that exclude each other."""
    return Conflict(
        summary="No plan holds every requirement.",
        requirements=("sla.tpot_p95", "budget", "quality.min_recovery"),
        because=(
            "TPOT p95 of at most 8 ms needs at least 8 GPUs per replica at 16 bit",
            "the cheapest 8 GPUs that hold it cost $14,600/month",
            "the budget is $9,000/month",
        ),
        relaxations=(
            Relaxation("budget", "$9,000/month", "$14,600/month", 14600.0),
            Relaxation("sla.tpot_p95", "8 ms", "13.1 ms", 8830.0),
            Relaxation("quality.min_recovery", "99.9%", "99.4%", None),
        ),
        rejected=(("sla.tpot_p95", 8012), ("budget", 911)),
    )
