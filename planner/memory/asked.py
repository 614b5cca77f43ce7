"""What a question about an engine's memory may ask: options and degrees that would have no effect are refused.

``READS`` says what each engine's accounting and cache look at; a test changes every option in turn and compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from planner.memory.accounting.vllm_version import NEWEST, is_version, parse_version
from planner.memory.shape import forward_shape
from planner.memory.sharding import Layout
from planner.memory.weights import StoredWeights

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.catalog.schema.accelerators import Accelerator
    from planner.memory.overview import Question

_STEP = frozenset({"max_num_batched_tokens"})
_PAGED = _STEP | {"gpu_memory_utilization", "eager", "block_tokens", "shared_prefix"}

READS: Mapping[str, frozenset[str]] = {
    "vllm": _PAGED | {"max_num_seqs", "text_only", "version"},
    "sglang": _PAGED,
    "trtllm": _PAGED | {"max_num_seqs"},
    "llamacpp": _STEP,
    "transformers": _STEP,
}
"""Engine id -> the options that change its memory. What SGLang captures graphs for is a flag of its own; llama.cpp and
transformers reserve nothing, have one cache per sequence, and no graphs whose memory is known."""

WORTH_SAYING = 0.005
"""Of the checkpoint's bytes: what recipes are held to on published checkpoints."""

_FLAGS = {"block_tokens": "--block-size", "version": "--engine-version"}


def refusals(architecture: ModelArchitecture, question: Question) -> Iterator[str]:
    """Yield what cannot be asked, each with its remedy."""
    engine, options = question.engine, question.options
    reads = READS.get(engine.id, frozenset())
    given = {
        "gpu_memory_utilization": options.gpu_memory_utilization,
        "max_num_batched_tokens": options.max_num_batched_tokens,
        "max_num_seqs": options.max_num_seqs,
        "eager": options.eager,
        "text_only": options.text_only,
        "version": options.version,
        "block_tokens": options.block_tokens,
        "shared_prefix": question.shared_prefix,
    }
    for name, value in given.items():
        if value and name not in reads:
            known = ", ".join(sorted(other for other, names in READS.items() if name in names))
            yield f"{flag(name)} has no effect on the memory of {engine.name}: leave it out, or use --engine {known}"
    if options.version and "version" in reads and not is_version(options.version):
        yield f"--engine-version {options.version!r} is no version of {engine.name}: write it as 0.11.0"
    if options.text_only and not forward_shape(architecture, Layout()).multimodal:
        yield "--text-only is for models that read images, and this one does not: leave it out"
    if question.shared_prefix > question.context:
        yield f"--shared-prefix {question.shared_prefix} is longer than the sequence, --context {question.context}"
    yield from _degrees(architecture, question)


def _degrees(architecture: ModelArchitecture, question: Question) -> Iterator[str]:
    can, engine, tp = question.engine.parallelism, question.engine.name, question.tp
    if (tp or 1) > 1 and not can.tensor:
        yield f"{engine} has no tensor parallelism: use --pp {tp}"
    if question.pp > 1 and not can.pipeline:
        yield f"{engine} has no pipeline stages: use --tp {question.pp}"
    if question.pp > architecture.num_layers:
        yield f"--pp {question.pp}: the model has {architecture.num_layers} layers, and a stage needs one"
    if question.options.attention_dp > 1 and not can.attention_data:
        yield f"{engine} has no data-parallel attention: leave out --attention-dp"
    if question.ep == 1:
        return
    if not architecture.experts:
        yield f"--ep {question.ep}: the model has no experts; leave it out"
    elif not can.expert:
        yield f"{engine} has no expert parallelism: leave out --ep"
    elif tp is None or tp % question.ep:
        yield f"--ep {question.ep} must divide --tp, which is {tp or 'not given'}: its experts lie on those GPUs"


def flag(name: str) -> str:
    """Return the flag of an option."""
    return _FLAGS.get(name, f"--{name.replace('_', '-')}")


def remarks(architecture: ModelArchitecture, question: Question, tp: int) -> Iterator[str]:
    """Yield what can be computed but will not run so, or not well."""
    longest = architecture.max_position_embeddings
    if longest and question.context > longest:
        yield f"a sequence of {question.context:,} tokens is longer than the model's {longest:,}"
    share = StoredWeights(architecture, question.weights).header_share
    if abs(share - 1) > WORTH_SAYING:
        more = f"{abs(share - 1):.1%} {'more' if share > 1 else 'fewer'}"
        yield f"the headers list {more} bytes than {question.weights.name} has by its recipe: the headers count"
    version = question.options.version
    if version and parse_version(version).minor > NEWEST:
        yield f"version {version} is newer than what is known: it is taken to account as 0.{NEWEST} does"
    ways = tp // question.options.attention_dp
    odd = sorted({group.mixer.heads for group in architecture.layers if group.mixer.heads % ways})
    if odd:
        yield f"TP {ways} does not divide {', '.join(map(str, odd))} attention heads: {question.engine.name} refuses it"
    yield from _support(question, question.accelerator)


def _support(question: Question, device: Accelerator) -> Iterator[str]:
    engine = question.engine
    if engine.weight_support(question.weights.id, device) == "no":
        yield f"{engine.name} is not known to run {question.weights.name} on {device.name}"
    if engine.kv_support(question.kv.id, device) == "no":
        yield f"{engine.name} is not known to keep a KV cache in {question.kv.name} on {device.name}"
