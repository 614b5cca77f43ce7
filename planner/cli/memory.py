"""``planner memory``: what a model needs in memory, term by term."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli.memory_training import answer, taken, training_options
from planner.cli.names import known
from planner.cli.output import emit, output_option, painter

if TYPE_CHECKING:
    from planner.catalog import Catalog
    from planner.memory.overview import Question

DEFAULT_ACCELERATOR = "h100-sxm"
DEFAULT_CONTEXT = 8192


@click.command(
    epilog="""\b
Examples:
  planner memory meta-llama/Llama-3.1-8B-Instruct
  planner memory meta-llama/Llama-3.1-70B-Instruct --weights int4-awq-g128 --accelerator rtx4090 --tp 4
  planner memory deepseek-ai/DeepSeek-V3 --accelerator h200-sxm --tp 8 --context 65536 --concurrency 32
  planner memory ./my-model/config.json --kv-cache fp8 --max-num-seqs 64 --format html -o memory.html
  planner memory Qwen/Qwen3-32B --context 32768 --concurrency 64 --shared-prefix 8192
  planner memory '{hidden_size: 4096, num_hidden_layers: 32, num_attention_heads: 32, vocab_size: 32000}'
  planner memory openai/gpt-oss-120b --format json | jq .kv_cache_tokens
  planner memory meta-llama/Llama-3.1-8B-Instruct --training full --gpus 8 --sequence-length 8192
  planner memory meta-llama/Llama-3.1-70B-Instruct --training qlora --micro-batch 2"""
)
@click.argument("model")
@click.option("--weights", metavar="FORMAT", help="Weight format; default: as published.")
@click.option("--kv-cache", metavar="FORMAT", default="bf16", show_default=True, help="Format of the KV cache.")
@click.option("--accelerator", metavar="DEVICE", default=DEFAULT_ACCELERATOR, show_default=True, help="Device to fill.")
@click.option("--engine", metavar="ENGINE", help="Whose accounting to follow.  [default: vllm, llamacpp for GGUF]")
@click.option("--engine-version", metavar="VERSION", help="Its version, as vLLM 0.11.0; default: the catalog's.")
@click.option("--tp", type=click.IntRange(1, 1024), help="Tensor parallel size; default: the least that fits.")
@click.option("--pp", type=click.IntRange(1, 1024), default=1, show_default=True, help="Pipeline stages.")
@click.option("--ep", type=click.IntRange(1, 1024), default=1, show_default=True, help="Expert parallel size.")
@click.option("--attention-dp", type=click.IntRange(1, 1024), default=1, show_default=True,
              help="Data-parallel attention groups inside the tensor-parallel group.")  # fmt: skip
@click.option("--context", type=click.IntRange(1, 10**9), help=f"Tokens of a sequence.  [default: {DEFAULT_CONTEXT}]")
@click.option("--concurrency", type=click.IntRange(1, 10**9), default=1, show_default=True, help="Sequences at once.")
@click.option("--shared-prefix", type=click.IntRange(0, 10**9), default=0, show_default=True,
              help="Tokens at the start that all sequences share, kept once.")  # fmt: skip
@click.option("--block-size", "block_tokens", type=click.IntRange(1, 65536), metavar="TOKENS",
              help="Tokens per page of the KV cache; 1 is contiguous.  [default: the engine's]")  # fmt: skip
@click.option("--gpu-memory-utilization", type=click.FloatRange(0, 1, min_open=True),
              help="The engine's share; SGLang's mem_fraction_static, TensorRT-LLM's free fraction.")  # fmt: skip
@click.option("--max-num-batched-tokens", type=click.IntRange(1, 10**7), help="Tokens of one step.")
@click.option("--max-num-seqs", type=click.IntRange(1, 10**6), help="Sequences of one step.")
@click.option("--eager", is_flag=True, help="Without CUDA graphs.")
@click.option("--text-only", is_flag=True, help="Images switched off: the vision encoder is not profiled.")
@click.option("--all-formats", is_flag=True, help="Every format of the catalog in the table, not only the main ones.")
@training_options
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
@output_option
def memory(model: str, form: str, output: Path | None, all_formats: bool, **asked: Any) -> None:
    """Say what MODEL needs in memory: weights, KV cache, activations and the rest, as the engine accounts for it.

    MODEL is a catalog id or alias, a directory, a config.json, a safetensors or GGUF file (only headers are read), a
    Hugging Face id, or the content of a config.json in braces. Beside the budget of one GPU stand the rules of thumb
    with the difference explained step by step, all weight formats with their size and what they cost in quality, and
    how long loading takes.

    With --training it says what a GPU holds while MODEL is trained or fine-tuned, phase by phase.
    """
    from planner.architecture.resolve import resolve_model
    from planner.catalog import load_catalog

    training = taken(asked)
    catalog = load_catalog()
    architecture = resolve_model(model, catalog=catalog, base_dir=Path.cwd(), allow_network=True)
    if training is not None:
        answer(architecture, catalog, training, asked, form, output)
        return
    from planner.memory.overview import overview

    native = architecture.native_format or "bf16"
    longest = architecture.max_position_embeddings or DEFAULT_CONTEXT
    question = _question(catalog, native, min(DEFAULT_CONTEXT, longest), **asked)
    try:
        view = overview(architecture, question, catalog)
    except (LookupError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    if form == "json":
        from planner.report.memory_data import memory_data

        emit(json.dumps(memory_data(view), indent=2, ensure_ascii=False), output)
    elif form == "html":
        from planner.report.memory_document import memory_document

        emit(memory_document(view, all_formats=all_formats), output)
    else:
        from planner.report.memory_text import memory_text

        emit(memory_text(view, all_formats=all_formats, paint=painter(output)), output)


def _question(
    catalog: Catalog,
    native: str,
    default_context: int,
    *,
    weights: str | None,
    kv_cache: str,
    accelerator: str,
    engine: str | None,
    engine_version: str | None,
    tp: int | None,
    pp: int,
    ep: int,
    attention_dp: int,
    context: int | None,
    concurrency: int,
    shared_prefix: int,
    block_tokens: int | None,
    gpu_memory_utilization: float | None,
    max_num_batched_tokens: int | None,
    max_num_seqs: int | None,
    eager: bool,
    text_only: bool,
) -> Question:
    """Return the flags as a question; unknown names are refused with what may have been meant."""
    from planner.memory.accounting.runtime import EngineOptions
    from planner.memory.overview import Question

    fmt = catalog.formats[known(catalog, "formats", weights or native, "--weights")]
    fallback = "llamacpp" if fmt.kind == "gguf" else "vllm"
    return Question(
        weights=fmt,
        kv=catalog.kv_formats[known(catalog, "kv_formats", kv_cache, "--kv-cache")],
        accelerator=catalog.accelerators[known(catalog, "accelerators", accelerator, "--accelerator")],
        engine=catalog.engines[known(catalog, "engines", engine or fallback, "--engine")],
        tp=tp,
        pp=pp,
        ep=ep,
        context=context or default_context,
        concurrency=concurrency,
        shared_prefix=shared_prefix,
        options=EngineOptions(
            gpu_memory_utilization=gpu_memory_utilization,
            max_num_batched_tokens=max_num_batched_tokens,
            max_num_seqs=max_num_seqs,
            max_model_len=context,
            eager=eager,
            attention_dp=attention_dp,
            block_tokens=block_tokens,
            version=engine_version,
            text_only=text_only,
        ),
    )
