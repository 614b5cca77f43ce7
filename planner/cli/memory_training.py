"""``planner memory --training``: the options of training, and the answer to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli.names import known
from planner.cli.output import emit, painter

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.catalog import Catalog
    from planner.training.setup import TrainingSetup

OPTIMIZERS = ("sgd", "momentum", "adam", "adamw", "adamw-8bit", "paged-adamw-8bit", "adafactor", "muon")
PRECISIONS = ("fp32", "mixed", "mixed-fp32-gradients", "mixed-fp32-weights", "bf16", "fp8")
SHARDINGS = ("ddp", "zero1", "zero2", "zero3", "fsdp", "hsdp")
SCHEDULES = ("1f1b", "gpipe")
SOFTWARE = ("torch", "torchtitan", "torchtune", "megatron", "transformers", "unsloth")
LOSSES = ("eager", "eager-held", "eager-16bit", "compiled", "compiled-fp32", "chunked-eager", "chunked", "fused-linear")

_SHARED = frozenset({"model", "form", "output", "weights", "accelerator", "tp", "pp", "ep"})
"""Parameters of ``planner memory`` that mean the same in training; the others are about serving."""

SIXTEEN_BITS = 16

_DEGREE = click.IntRange(1, 100_000)

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--training", type=click.Choice(("full", "lora", "qlora")), help="Ask about training instead."),
    click.option("--optimizer", type=click.Choice(OPTIMIZERS), help="Training: the optimizer.  [default: adamw]"),
    click.option("--precision", type=click.Choice(PRECISIONS),
                 help="Training: what weights, gradients and states are kept in.  [default: mixed]"),
    click.option("--gpus", type=_DEGREE, help="Training: GPUs in all.  [default: tp x pp x cp]"),
    click.option("--sharding", type=click.Choice(SHARDINGS),
                 help="Training: what data-parallel ranks divide.  [default: fsdp]"),
    click.option("--shard-group", type=_DEGREE, help="Training: ranks of one hybrid sharding group."),
    click.option("--cp", type=_DEGREE, help="Training: context parallel size.  [default: 1]"),
    click.option("--virtual-stages", type=_DEGREE, help="Training: interleaving of the pipeline.  [default: 1]"),
    click.option("--schedule", type=click.Choice(SCHEDULES),
                 help="Training: order of the pipeline's passes.  [default: 1f1b]"),
    click.option("--micro-batch", type=_DEGREE, help="Training: sequences at once on a rank.  [default: 1]"),
    click.option("--accumulation", type=_DEGREE, help="Training: micro-batches of a step.  [default: 1]"),
    click.option("--sequence-length", type=click.IntRange(1, 10**8),
                 help="Training: tokens of a sequence.  [default: 4096]"),
    click.option("--checkpointing", type=click.Choice(("none", "selective", "full", "offloaded")),
                 help="Training: which activations are kept.  [default: full]"),
    click.option("--software", type=click.Choice(SOFTWARE), help="Training: whose behaviour.  [default: torch]"),
    click.option("--loss", type=click.Choice(LOSSES), help="Training: kind of loss.  [default: software's]"),
    click.option("--rank", type=click.IntRange(1, 4096), help="Training: rank of the adapters.  [default: 16]"),
    click.option("--no-flash-attention", is_flag=True, help="Training: keep the attention scores."),
    click.option("--optimizer-in-backward", is_flag=True, help="Training: step each parameter as its gradient comes."),
    click.option("--offload", type=click.Choice(("none", "optimizer", "all")),
                 help="Training: what lies in host memory.  [default: none]"),
)  # fmt: skip

_NAMES = (
    "training", "optimizer", "precision", "gpus", "sharding", "shard_group", "cp", "virtual_stages", "schedule",
    "micro_batch",
    "accumulation", "sequence_length", "checkpointing", "software", "loss", "rank", "no_flash_attention",
    "optimizer_in_backward", "offload",
)  # fmt: skip


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of training to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def taken(asked: dict[str, Any]) -> dict[str, Any] | None:
    """Take the options of training out of ``asked``; None where training is not asked about.

    Raises click.UsageError for an option of training without ``--training``, or of serving with it: neither would
    have an effect.
    """
    given = {name: asked.pop(name) for name in _NAMES}
    if given["training"] is None:
        for name in _NAMES[1:]:
            if given[name]:
                raise click.UsageError(f"{_flag(name)} is about training; add --training full, lora or qlora")
        return None
    context = click.get_current_context()
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in _NAMES and name not in _SHARED and source is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{_flag(name)} is about serving and has no effect with --training")
    if given["training"] == "full" and given["rank"]:
        raise click.UsageError("--rank is of adapters: use it with --training lora or qlora")
    if given["training"] != "full" and given["precision"]:
        raise click.UsageError("--precision is of full training; --weights says how the frozen weights are kept")
    return given


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def answer(
    architecture: ModelArchitecture,
    catalog: Catalog,
    given: dict[str, Any],
    shared: dict[str, Any],
    form: str,
    output: Path | None,
) -> None:
    """Print what training takes on one GPU. Raises click.UsageError for what cannot be asked."""
    from planner.report.training_text import TrainingAnswer, training_data, training_text
    from planner.training.memory import training_memory
    from planner.training.rule_of_thumb import comparisons

    device = known(catalog, "accelerators", shared["accelerator"], "--accelerator")
    try:
        setup = _setup(catalog, given, shared)
        memory = training_memory(architecture, setup)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    rules = comparisons(architecture, setup, memory) if setup.trains_all else ()
    found = TrainingAnswer(architecture, setup, catalog.accelerators[device], memory, rules)
    if form == "json":
        emit(json.dumps(training_data(found), indent=2, ensure_ascii=False), output)
    elif form == "html":
        from planner.report.training_document import training_document

        emit(training_document(found), output)
    else:
        emit(training_text(found, painter(output)), output)


def _setup(catalog: Catalog, given: dict[str, Any], shared: dict[str, Any]) -> TrainingSetup:
    from planner.training import optimizers, precision, software
    from planner.training.parallel import Parallel
    from planner.training.setup import Adapters, TrainingSetup

    method = given["training"]
    tp, pp, ep, cp = shared["tp"] or 1, shared["pp"], shared["ep"], given["cp"] or 1
    gpus = given["gpus"] or tp * pp * cp
    if gpus % (tp * pp * cp):
        raise ValueError(f"--gpus {gpus} is no multiple of tp x pp x cp = {tp * pp * cp}")
    frozen = None
    if method == "full" and shared["weights"]:
        raise ValueError("--weights is the format of frozen weights; full training has none, see --precision")
    if method != "full":
        name = shared["weights"] or ("nf4" if method == "qlora" else "bf16")
        frozen = catalog.formats[known(catalog, "formats", name, "--weights")]
        if method == "qlora" and frozen.bits_per_weight >= SIXTEEN_BITS:
            raise ValueError(f"--weights {name}: qlora trains over quantized weights; over these it is --training lora")
    return TrainingSetup(
        sequence_length=given["sequence_length"] or 4096,
        micro_batch=given["micro_batch"] or 1,
        accumulation=given["accumulation"] or 1,
        method=method,
        precision=precision.PRECISIONS[given["precision"] or "mixed"],
        optimizer=optimizers.OPTIMIZERS[given["optimizer"] or "adamw"],
        parallel=Parallel(
            dp=gpus // (tp * pp * cp),
            tp=tp,
            pp=pp,
            cp=cp,
            ep=ep,
            sharding=given["sharding"] or "fsdp",
            shard_group=given["shard_group"],
            virtual_stages=given["virtual_stages"] or 1,
            schedule=given["schedule"] or "1f1b",
        ),
        software=software.SOFTWARE[given["software"] or "torch"],
        loss=software.LOSSES[given["loss"]] if given["loss"] else None,
        checkpointing=given["checkpointing"] or "full",
        flash_attention=not given["no_flash_attention"],
        optimizer_in_backward=given["optimizer_in_backward"],
        offload=given["offload"] or "none",
        adapters=None if method == "full" else Adapters(given["rank"] or 16),
        frozen=frozen,
    )
