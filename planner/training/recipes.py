"""What a row of measured training memory means: its framework's defaults, with what the row says over them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from planner.catalog import Catalog
from planner.training.optimizers import OPTIMIZERS
from planner.training.parallel import Parallel
from planner.training.precision import PRECISIONS
from planner.training.rows import TrainingRow
from planner.training.setup import Adapters, Checkpointing, TrainingSetup
from planner.training.software import LOSSES, SOFTWARE, Loss, Software

_LLAMA3_CONTEXT = 8192
"""torchtitan's ``llama3_*.toml`` train at this length."""

_SHORT = 512
"""Tokens of an unpacked instruction example padded to the longest of its batch (alpaca: up to a few hundred)."""


def setup_of(row: TrainingRow, catalog: Catalog, position: int = 0) -> tuple[TrainingSetup, list[str]]:
    """Return the setup that a row describes, and notes on what was assumed.

    ``position``: how many rows with the same columns come before it in its table. Raises LookupError for a framework
    that is not known and ValueError for degrees that do not fit together.
    """
    framework = row.text("framework").lower()
    for name, reader in _READERS:
        if name in framework:
            return reader(row, catalog, position)
    known = ", ".join(name for name, _ in _READERS)
    raise LookupError(f"framework {row.text('framework')!r} is not known; known: {known}")


def _adapters(row: TrainingRow, default: int) -> Adapters | None:
    if row.method == "full":
        return None
    lora = row.get("lora") or {}
    noted = re.search(r"rank (\d+)", row.text("notes"))
    rank = lora.get("rank") or (int(noted[1]) if noted else default)
    return Adapters(int(rank), embeddings="emb" in row.text("method"))


def _parallel(row: TrainingRow) -> Parallel:
    text = row.text("parallelism")
    degrees = {key.upper(): int(value) for key, value in re.findall(r"\b([CTPE]P)[ -=]?(\d+)", text, re.IGNORECASE)}
    tp, pp, cp, ep = (degrees.get(name, 1) for name in ("TP", "PP", "CP", "EP"))
    gpus = row.integer("n_gpus") or 1
    dp = max(1, gpus // (tp * pp * cp))
    stage = row.integer("zero_stage")
    if stage in (1, 2) and "FSDP" not in text.upper():
        return Parallel(dp, tp, pp, cp, ep, sharding="zero1" if stage == 1 else "zero2")
    sharded = stage == 3 or re.search(r"[FH]SDP", text, re.IGNORECASE)
    return Parallel(dp, tp, pp, cp, ep, sharding="fsdp" if sharded else "ddp")


def _torchtitan(row: TrainingRow, catalog: Catalog, position: int) -> tuple[TrainingSetup, list[str]]:
    """FP32 weights sharded by FSDP2, BF16 compute, AdamW; since 2025 the loss is compiled as well as the layers."""
    old = "202412" in row.text("source")
    software = SOFTWARE["torchtitan-2024" if old else "torchtitan"]
    parallel = _parallel(row)
    local = row.integer("micro_batch_size") or 1
    stages = parallel.pp
    setup = TrainingSetup(
        sequence_length=row.integer("seq_len") or _LLAMA3_CONTEXT,
        micro_batch=max(1, local // stages),
        accumulation=min(stages, local) if stages > 1 else 1,
        precision=PRECISIONS["mixed-fp32-weights"],
        parallel=replace(parallel, sharding="fsdp"),
        software=software,
        checkpointing=_checkpointing(row, "selective"),
        fused=bool(row.get("compile")),
    )
    return setup, [] if row.get("seq_len") else [f"{_LLAMA3_CONTEXT} tokens by default"]


def _checkpointing(row: TrainingRow, default: Checkpointing) -> Checkpointing:
    value = row.get("activation_checkpointing")
    if value is None:
        return default
    if isinstance(value, bool):
        return "full" if value else "none"
    text = str(value).lower()
    if "offload" in text:
        return "offloaded"
    return "selective" if "selective" in text else "none" if "none" in text else "full"


def _torchtune(row: TrainingRow, catalog: Catalog, position: int) -> tuple[TrainingSetup, list[str]]:
    """Pure BF16. Recipes for one device use paged 8-bit AdamW in the backward pass, 70B offloads to the host.

    The table of optimisation flags adds, in this order: packing, compilation, chunked cross entropy, checkpointing,
    the optimizer in the backward pass, offloading of activations, 8-bit AdamW; adapters use all but the optimizer's.
    """
    cumulative = "cumulative" in row.text("notes")
    parallel = _parallel(row)
    full = row.method == "full"
    software = SOFTWARE["torchtune"]
    loss: Loss = LOSSES["chunked"]
    optimizer = OPTIMIZERS["adamw"]
    in_backward, checkpointing = False, _checkpointing(row, "full")
    notes = []
    if cumulative:
        compiled, checkpointed = bool(row.get("compile")), bool(row.get("activation_checkpointing"))
        eight_bit = "8bit" in row.text("optimizer").lower()
        if not checkpointed and not (compiled and position > 0):
            loss = LOSSES["compiled-fp32" if compiled else "eager"]
        in_backward = full and checkpointed and (position > 0 or eight_bit)
        if checkpointed and (position > 1 or eight_bit or not full):
            checkpointing = "offloaded"
        optimizer = OPTIMIZERS["adamw-8bit"] if eight_bit else optimizer
        notes.append("flags by the row's place in its table")
    elif full and parallel.gpus == 1:
        optimizer, in_backward = OPTIMIZERS["paged-adamw-8bit"], True
        notes.append("paged 8-bit AdamW in the backward pass by default")
    offload = full and parallel.gpus > 1 and (row.get("params_b") or 0) >= _TORCHTUNE_OFFLOADS_FROM
    packed = row.get("packed")
    length = row.integer("seq_len") or _SHORT
    return (
        TrainingSetup(
            sequence_length=length if packed else min(length, _SHORT),
            micro_batch=row.integer("micro_batch_size") or 2,
            method=row.method,
            precision=PRECISIONS["bf16"],
            optimizer=optimizer,
            parallel=parallel,
            software=software,
            loss=loss,
            checkpointing=checkpointing,
            fused=bool(row.get("compile")),
            optimizer_in_backward=in_backward,
            offload="all" if offload else "none",
            adapters=_adapters(row, 8),
            frozen=None if full else catalog.formats["nf4" if row.method == "qlora" else "bf16"],
        ),
        notes,
    )


_TORCHTUNE_OFFLOADS_FROM = 70
"""Billions of parameters; recipes/configs/llama3_1/70B_full.yaml: fsdp_cpu_offload True."""


def _qwen(row: TrainingRow, catalog: Catalog, position: int) -> tuple[TrainingSetup, list[str]]:
    """Gradient checkpointing, accumulation over 8, FlashAttention 2; LoRA of rank 64 on all linear layers.

    LoRA on one GPU runs without DeepSpeed, in BF16 autocast. QLoRA (GPTQ Int4, FP16) and several nodes run under
    ZeRO-2, full fine-tuning and models beyond one card under ZeRO-3.
    """
    gpus = row.integer("n_gpus") or 1
    full, quantized = row.method == "full", row.method == "qlora"
    stage3 = row.integer("zero_stage") == 3 or full or "zero3" in row.text("method").lower().replace(" ", "")
    single = gpus == 1 and not quantized
    software = SOFTWARE["qwen-zero3" if full else "qwen" if single else "qwen-zero"]
    return (
        TrainingSetup(
            sequence_length=row.integer("seq_len") or 2048,
            micro_batch=row.integer("micro_batch_size") or 1,
            accumulation=8,
            method=row.method,
            precision=PRECISIONS["mixed"],
            parallel=Parallel(dp=gpus, sharding="zero3" if stage3 or _beyond_a_card(row) else "zero2"),
            software=software,
            loss=LOSSES["eager-16bit" if quantized else "eager"],
            checkpointing="full",
            adapters=_adapters(row, 64),
            frozen=None if full else catalog.formats["int4-gptq-g128" if quantized else "bf16"],
        ),
        [],
    )


def _beyond_a_card(row: TrainingRow) -> bool:
    """A 16-bit base that one 80 GB card cannot hold is sharded."""
    return row.method == "lora" and (row.get("params_b") or 0) * 2 > 80


def _peft(row: TrainingRow, catalog: Catalog, position: int) -> tuple[TrainingSetup, list[str]]:
    offloaded = "offload" in row.text("framework").lower()
    base = "bf16" if offloaded else "fp32"
    return (
        TrainingSetup(
            sequence_length=row.integer("seq_len") or 64,
            micro_batch=row.integer("micro_batch_size") or 8,
            method=row.method,
            parallel=Parallel(sharding="ddp"),
            software=SOFTWARE["peft"],
            checkpointing=_checkpointing(row, "none"),
            offload="optimizer" if offloaded else "none",
            adapters=_adapters(row, 8),
            frozen=None if row.method == "full" else catalog.formats[base],
        ),
        [f"{base} weights, 8 sequences of 64 tokens as in the examples"],
    )


def _transformers(row: TrainingRow, catalog: Catalog, position: int) -> tuple[TrainingSetup, list[str]]:
    return _adapted_context(row, catalog, SOFTWARE["transformers"], "full")


def _unsloth(row: TrainingRow, catalog: Catalog, position: int) -> tuple[TrainingSetup, list[str]]:
    return _adapted_context(row, catalog, SOFTWARE["unsloth"], "offloaded")


def _adapted_context(
    row: TrainingRow, catalog: Catalog, software: Software, checkpointing: Checkpointing
) -> tuple[TrainingSetup, list[str]]:
    full = row.method == "full"
    return (
        TrainingSetup(
            sequence_length=row.integer("seq_len") or 2048,
            micro_batch=row.integer("micro_batch_size") or 1,
            method=row.method,
            precision=PRECISIONS["bf16"],
            parallel=_parallel(row),
            software=software,
            checkpointing=_checkpointing(row, checkpointing),
            adapters=_adapters(row, software.adapter_rank),
            frozen=None if full else catalog.formats["nf4" if row.method == "qlora" else "bf16"],
        ),
        [],
    )


def _llama_factory(row: TrainingRow, catalog: Catalog, position: int) -> tuple[TrainingSetup, list[str]]:
    """A table of totals for a short example on however many devices: states, and hardly any activations."""
    name = row.text("method").lower()
    bits = re.search(r"(\d)-bit", name)
    base = {"8": "int8-w8a16", "4": "nf4", "2": "int2-g64"}.get(bits[1] if bits else "", "bf16")
    return (
        TrainingSetup(
            sequence_length=_SHORT,
            method=row.method,
            precision=PRECISIONS["bf16" if "pure" in name else "mixed-fp32-gradients"],
            parallel=Parallel(sharding="ddp"),
            software=SOFTWARE["torch"],
            adapters=_adapters(row, 8),
            frozen=None if row.method == "full" else catalog.formats[base],
        ),
        ["the framework's own estimate, for no stated batch"],
    )


Reader = Callable[[TrainingRow, Catalog, int], tuple[TrainingSetup, list[str]]]

_READERS: tuple[tuple[str, Reader], ...] = (
    ("torchtitan", _torchtitan),
    ("torchtune", _torchtune),
    ("qwen", _qwen),
    ("peft", _peft),
    ("llama-factory", _llama_factory),
    ("unsloth", _unsloth),
    ("hf", _transformers),
    ("transformers", _transformers),
)
"""(part of the framework's name, its reader), the more telling first."""
