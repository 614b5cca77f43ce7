"""vLLM: KV budget = gpu_memory_utilization x total - weights - non-torch - activation peak (- CUDA graphs from 0.21).

The activation peak is what a profiling run of ``max_num_batched_tokens`` tokens and ``max_num_seqs`` sequences
allocates at most. Two moments compete: the widest MLP, and the sampler with the logits of every sequence.

The coefficients are bytes that follow from the code, checked against start-up logs:

- Sorting sampler (to 0.16): 2 (16-bit logits) + 4 (32-bit copy) + 4 + 8 (sorted values, indices) + 8 + 12 (reversed
  indices and radix-sort buffers of torch) = 38 bytes per sequence and vocabulary entry, 38.33 with the masks.
- Triton top-k top-p (from 0.17): 2 + 4 + 4 + 4 (probabilities, exponentials) = 14, and one 32-bit row of the
  vocabulary for each of the 132 programs.
- Model runner V2 (from 0.23, dense and unquantized models): 2 + 4 = 6, no top-k in the profile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.memory.accounting.runtime import Runtime, Setting
from planner.units import GIB, MIB

SORT_BYTES = 38.33
"""Per sequence and vocabulary entry. Measured: 38.3 to 38.6 over ten V0 logs; Qwen3-14B on 0.15 and 0.16."""
TRITON_BYTES = 14.0
TRITON_PROGRAMS = 132
"""32-bit vocabulary rows of scratch; streaming multiprocessors of an H100."""
RUNNER_V2_BYTES = 6.0
RESIDUE_BYTES = 0.045 * GIB
"""Input buffers and small tensors alive beside the sampler from 0.17 on: median residue of 30 models on 0.19."""
MLP_HIDDEN_COPIES = {"v0": 3.0, "v1": 4.24}
"""Hidden-width tensors alive beside the MLP's own at its peak."""
MULTIMODAL_BYTES = 0.145 * GIB
"""Embeddings and encoder outputs that a multimodal model's profile keeps (Gemma 3 and Kimi-VL on 0.19)."""
GRAPH_BYTES_PER_SIZE_AND_LAYER = {"v0": 0.85 * MIB, "v1": 0.33 * MIB, "v2": 0.12 * MIB}


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """The version of vLLM as far as memory depends on it."""

    minor: int
    """The 19 of 0.19.0."""
    v0_engine: bool = False

    @property
    def era(self) -> str:
        """``v0`` (engine V0), ``sort`` (V1 to 0.16), ``triton`` (0.17 on)."""
        if self.v0_engine:
            return "v0"
        return "sort" if self.minor < 17 else "triton"


def parse_version(text: str) -> Version:
    """Return the version that a text such as ``0.11.0``, ``0.8.x V0 (2025-05-05)`` or ``V1 (2026)`` means.

    Without a number the newest known behaviour is assumed. V1 became the default engine in 0.8.

    >>> parse_version("0.6.4.post1"), parse_version("0.8.5 dev V1")
    (Version(minor=6, v0_engine=True), Version(minor=8, v0_engine=False))
    """
    number = re.search(r"\b0\.(\d{1,2})(?![\dx])", text) or re.search(r"\b0\.(\d{1,2})", text)
    minor = int(number[1]) if number else NEWEST
    stated = re.search(r"\bV([01])\b", text)
    v0 = stated[1] == "0" if stated else bool(number) and minor < 8
    return Version(minor, v0)


NEWEST = 26
"""Assumed where a text has no version."""


def account(setting: Setting) -> Runtime:
    """Return what vLLM takes of one GPU."""
    version = parse_version(setting.options.version or setting.engine.version)
    options = setting.options
    utilization = options.gpu_memory_utilization
    if utilization is None:
        utilization = setting.default("gpu_memory_utilization", 0.92)
        if options.version is not None:
            utilization = 0.92 if version.minor >= 17 else 0.90
    tokens, sequences = batch_limits(setting, version)
    activation, formula = activation_peak(setting, version, tokens, sequences)
    return Runtime(
        total=setting.total_bytes,
        limit=utilization * setting.total_bytes,
        non_torch=non_torch(setting, version),
        activation_peak=activation,
        cuda_graphs=0.0 if options.eager else cuda_graphs(setting, version, sequences),
        graphs_inside=version.minor >= 21,
        max_num_batched_tokens=tokens,
        max_num_seqs=sequences,
        limit_formula=f"gpu_memory_utilization {utilization:g} x total",
        activation_formula=formula,
        source="vLLM gpu_worker.determine_available_memory; start-up logs",
    )


def batch_limits(setting: Setting, version: Version) -> tuple[int, int]:
    """Return (max_num_batched_tokens, max_num_seqs): the options, else the version's defaults for the device.

    From 0.8 the server takes 8192 tokens and 1024 sequences on devices of 70 GiB and more except A100, else 2048 and
    256; the ``LLM`` class 16384 or 8192 tokens. V0 takes one whole context, 2048 tokens when that exceeds 32k.
    """
    options = setting.options
    context = options.max_model_len
    if version.v0_engine:
        longest = context or 8192
        tokens = 2048 if longest > 32768 else max(longest, 2048)
        sequences = 256
    else:
        large = setting.total_bytes >= 70 * GIB and not setting.accelerator.id.startswith(("a100", "a800"))
        large = large and version.minor >= 8
        tokens = (16384 if large else 8192) if options.offline else (8192 if large else 2048)
        sequences = 1024 if large else 256
    tokens = options.max_num_batched_tokens or tokens
    sequences = options.max_num_seqs or sequences
    if context and not version.v0_engine and not options.max_num_batched_tokens:
        tokens = min(tokens, sequences * context)
    return tokens, min(sequences, tokens)


def activation_peak(setting: Setting, version: Version, tokens: int, sequences: int) -> tuple[float, str]:
    """Return the bytes of the profiling run's peak, and the formula with the numbers in it."""
    shape = setting.shape
    last_stage_only = setting.layout.pp == 1
    hidden = 2.0 * tokens * shape.hidden
    experts, kept = _expert_workspace(setting, version, tokens)
    copies = MLP_HIDDEN_COPIES["v0" if version.era == "v0" else "v1"]
    forward = 2.0 * tokens * (shape.mlp + copies * shape.hidden) + (0.0 if kept else experts)
    sampler, name = _sampler_bytes(setting, version, sequences)
    chunked_v0 = version.v0_engine and tokens < (setting.options.max_model_len or 0)
    sampling = sampler + hidden if last_stage_only and not chunked_v0 else 0.0
    extra = experts if kept else 0.0
    if version.era == "triton":
        extra += RESIDUE_BYTES
    if shape.multimodal and not version.v0_engine:
        extra += MULTIMODAL_BYTES + hidden
    if not last_stage_only:
        forward += 2 * hidden
    if sampling >= forward:
        return sampling + extra, f"{name} + 2 B x {tokens} tokens x {shape.hidden} hidden"
    widths = f"{shape.mlp} MLP + {copies:g} x {shape.hidden} hidden"
    return forward + extra, f"2 B x {tokens} tokens x ({widths})"


def _sampler_bytes(setting: Setting, version: Version, sequences: int) -> tuple[float, str]:
    vocab = setting.shape.vocab
    if version.era != "triton":
        return SORT_BYTES * sequences * vocab, f"{SORT_BYTES:g} B x {sequences} sequences x {vocab} vocabulary"
    per_entry = RUNNER_V2_BYTES if version.minor >= 23 and not setting.shape.top_k else TRITON_BYTES
    size = per_entry * sequences * vocab
    if per_entry == TRITON_BYTES:
        size += 4.0 * TRITON_PROGRAMS * vocab
    return size, f"{per_entry:g} B x {sequences} sequences x {vocab} vocabulary"


def _expert_workspace(setting: Setting, version: Version, tokens: int) -> tuple[float, bool]:
    """Return the bytes of the fused experts' scratch and whether it stays allocated (from 0.14)."""
    shape = setting.shape
    if not shape.top_k:
        return 0.0, False
    rows = tokens * shape.top_k
    if version.minor < 14:
        return 2.0 * rows * (max(shape.expert_in, shape.hidden) + shape.expert_out), False
    first = max(shape.expert_out, shape.hidden)
    return 2.0 * rows * (first + max(shape.expert_in, shape.hidden)), True


def non_torch(setting: Setting, version: Version) -> float:
    """Return what CUDA, NCCL and all-reduce buffers take outside PyTorch's allocator, in bytes.

    Medians of start-up logs: 0.25 GiB from 0.18 on (0.13 before, 0.05 before 0.11), with NVLink 1.35 to 1.9 GiB more
    for NCCL and the custom all-reduce of two to eight GPUs, 0.2 without peer access, 0.5 on ROCm.
    """
    if setting.accelerator.vendor.lower() == "amd":
        return 0.5 * GIB
    base = 0.25 if version.minor >= 18 else 0.13 if version.minor >= 11 else 0.05
    tp = setting.layout.tp
    if tp > 1:
        if setting.accelerator.link.gbytes_per_s_one_way:
            base += (1.82 if version.minor >= 17 else 1.35) + (0.06 if tp == 4 else 0.4 if tp >= 8 else 0.0)
        else:
            base += 0.2
    return base * GIB


def cuda_graphs(setting: Setting, version: Version, sequences: int) -> float:
    """Return the bytes of the captured graphs: sizes x layers x what one size of one layer takes."""
    if version.v0_engine:
        sizes = 3 + min(sequences, 256) // 8
        kind = "v0"
    else:
        top = min(2 * sequences, 512)
        sizes = 3 + min(top, 256) // 8 + max(0, top - 256) // 16
        if version.minor >= 11:
            sizes *= 2
        kind = "v2" if version.minor >= 23 and not setting.shape.top_k else "v1"
    return sizes * setting.shape.layers * GRAPH_BYTES_PER_SIZE_AND_LAYER[kind]
