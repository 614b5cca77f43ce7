"""``planner estimate``: how fast one deployment is, and what limits it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli.output import emit, output_option, painter

if TYPE_CHECKING:
    from planner.catalog import Catalog
    from planner.performance.estimate import Question


@click.command(
    epilog="""\b
Examples:
  planner estimate meta-llama/Llama-3.1-70B-Instruct --accelerator h100-sxm --gpus 4 \\
      --weights fp8 --input-tokens 1024 --output-tokens 1024 --concurrency 32
  planner estimate Qwen/Qwen3-8B --accelerator l4 --gpus 1 --input-tokens 1000 --output-tokens 200 --request-rate 2/s
  planner estimate ./my-model/config.json --accelerator a100-sxm-80 --gpus 8 --tp 4 \\
      --input-tokens 2048 --output-tokens 256 --batch 16 --format json

\b
Load, exactly one of:
  --concurrency    requests always in flight, over all replicas (closed loop)
  --request-rate   requests that arrive at random, over all replicas (open loop)
  --batch          one batch without a server"""
)
@click.argument("model")
@click.option("--accelerator", required=True, metavar="DEVICE", help="The accelerator.")
@click.option("--gpus", required=True, type=click.IntRange(1, 100_000), help="How many in all.")
@click.option("--weights", metavar="FORMAT", help="Weight format; default: as published.")
@click.option("--kv-cache", metavar="FORMAT", default="bf16", show_default=True, help="Format of the KV cache.")
@click.option("--tp", type=click.IntRange(1, 1024), help="Tensor parallel size; default: all GPUs of a replica.")
@click.option("--pp", type=click.IntRange(1, 1024), default=1, show_default=True, help="Pipeline stages.")
@click.option("--ep", type=click.IntRange(1, 1024), default=1, show_default=True, help="Expert parallel size.")
@click.option("--attention-dp", type=click.IntRange(1, 1024), default=1, show_default=True,
              help="Data-parallel attention groups inside the tensor-parallel group.")  # fmt: skip
@click.option("--engine", metavar="ENGINE", help="The engine.  [default: vllm, llamacpp for GGUF]")
@click.option("--input-tokens", required=True, metavar="N", help="Prompt tokens of a request, such as 2048 or 8k.")
@click.option("--output-tokens", required=True, metavar="N", help="Tokens generated for a request.")
@click.option("--prefix-hit", metavar="SHARE", default="0%", show_default=True,
              help="Share of the prompt found in the prefix cache.")  # fmt: skip
@click.option("--speculative-tokens", type=click.IntRange(1, 64), help="Tokens drafted per step.")
@click.option("--acceptance", metavar="SHARE", help="Share of drafted tokens accepted, such as 80%.")
@click.option("--concurrency", metavar="N", help="Requests always in flight.")
@click.option("--request-rate", metavar="RATE", help="Requests that arrive, such as 12/s.")
@click.option("--batch", metavar="N", help="Sequences of one static batch.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@output_option
def estimate(model: str, form: str, output: Path | None, **asked: Any) -> None:
    """Predict TTFT, TPOT and throughput of MODEL on one deployment, with 90 % intervals and what the time is made of.

    MODEL is a catalog id or alias, a directory, a config.json, a safetensors or GGUF file, or a Hugging Face id. No
    model whose config.json can be read is refused: the intervals are as wide as the evidence is thin.
    """
    from planner.architecture.resolve import resolve_model
    from planner.catalog import load_catalog
    from planner.performance.estimate import estimate as predict
    from planner.report.estimate_text import estimate_data, estimate_text

    catalog = load_catalog()
    architecture = resolve_model(model, catalog=catalog, base_dir=Path.cwd(), allow_network=True)
    try:
        answer = predict(_question(catalog, architecture, **asked))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if form == "json":
        emit(json.dumps(estimate_data(answer), indent=2, ensure_ascii=False), output)
    else:
        emit(estimate_text(answer, painter(output)), output)


def _question(
    catalog: Catalog,
    architecture: Any,
    *,
    accelerator: str,
    gpus: int,
    weights: str | None,
    kv_cache: str,
    tp: int | None,
    pp: int,
    ep: int,
    attention_dp: int,
    engine: str | None,
    input_tokens: str,
    output_tokens: str,
    prefix_hit: str,
    speculative_tokens: int | None,
    acceptance: str | None,
    concurrency: str | None,
    request_rate: str | None,
    batch: str | None,
) -> Question:
    """Return the flags as a question. Raises ValueError or click.UsageError for what contradicts itself."""
    from planner.cli.names import known
    from planner.performance.deployments import Load
    from planner.performance.estimate import Question, speculation_of
    from planner.units import parse_count, parse_percent, parse_rate_per_second

    if sum(value is not None for value in (concurrency, request_rate, batch)) != 1:
        raise click.UsageError("say the load once: --concurrency, --request-rate or --batch")
    tp = tp or gpus // pp
    if tp < 1 or gpus % (tp * pp):
        raise click.UsageError(f"{gpus} GPUs are not whole replicas of TP {tp} x PP {pp}")
    if tp % attention_dp or tp % ep:
        raise click.UsageError(f"TP {tp} is not a multiple of --ep {ep} and --attention-dp {attention_dp}")
    fmt = catalog.formats[known(catalog, "formats", weights or architecture.native_format or "bf16", "--weights")]
    fallback = "llamacpp" if fmt.kind == "gguf" else "vllm"
    share = parse_percent(prefix_hit)
    if not 0 <= share < 1:
        raise click.UsageError("--prefix-hit lies between 0% and below 100%")
    return Question(
        architecture=architecture,
        accelerator=catalog.accelerators[known(catalog, "accelerators", accelerator, "--accelerator")],
        engine=catalog.engines[known(catalog, "engines", engine or fallback, "--engine")],
        weights=fmt,
        kv=catalog.kv_formats[known(catalog, "kv_formats", kv_cache, "--kv-cache")],
        gpus=gpus,
        tp=tp,
        pp=pp,
        ep=ep,
        attention_dp=attention_dp,
        load=Load(
            _positive(parse_count(input_tokens), "--input-tokens"),
            _positive(parse_count(output_tokens), "--output-tokens"),
            prefix_hit_share=share,
            speculation=speculation_of(speculative_tokens, None if acceptance is None else parse_percent(acceptance)),
        ),
        concurrency=None if concurrency is None else _positive(parse_count(concurrency), "--concurrency"),
        request_rate_per_s=None if request_rate is None else parse_rate_per_second(request_rate),
        batch=None if batch is None else _positive(parse_count(batch), "--batch"),
    )


def _positive(value: int, flag: str) -> int:
    if value < 1:
        raise click.UsageError(f"{flag} must be at least 1")
    return value
