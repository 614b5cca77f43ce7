"""vLLM: KV budget = share of the total - weights - non-torch - activation peak (- CUDA graphs in 0.21 and 0.22)."""

from __future__ import annotations

from planner.memory.accounting.runtime import Runtime, Setting
from planner.memory.accounting.vllm_activations import RUNNER_V2_BYTES, activation_peak, sampler_bytes
from planner.memory.accounting.vllm_version import Version, parse_version
from planner.units import GIB, MIB

UTILIZATION_092_SINCE = 18
"""``gpu_memory_utilization`` defaults to 0.92 from about this minor version on, to 0.90 before."""

LARGE_DEVICE_BYTES = 70 * GIB
"""From 0.8 devices of at least this memory, A100 excepted, take the larger default batch."""

SEQUENCES_BY_DEVICE_SINCE = 9
"""V1 takes up to 1024 sequences on every device before this minor version (0.8.5 on an L40S leaves 19.4 GiB)."""

V0_CHUNKS_ABOVE = 32768
"""V0 splits prompts into chunks of 2048 tokens when the context is longer than this."""

ALONE_GIB: tuple[tuple[int, float], ...] = ((18, 0.25), (15, 0.13), (7, 0.06), (0, 0.3))
"""(from minor version, GiB on a single GPU) of CUDA and its libraries: medians of start-up logs; 0.24 to 0.26 on all
22 models measured on an H100 with 0.19."""

LINKED_GIB: dict[bool, dict[int, float]] = {
    False: {2: 1.33, 4: 1.75, 8: 2.1},
    True: {2: 1.82, 4: 1.9, 8: 2.25},
}
"""GiB more with NVLink for NCCL and the custom all-reduce, by GPUs; True: from 0.15 on."""

UNLINKED_GIB = 0.2
"""GiB more without a fast link, where there is no custom all-reduce: 0.1 to 0.4."""

PIPELINE_GIB = 0.07
"""GiB in all of a pipeline stage without tensor parallelism (0.19, two and four stages)."""

ROCM_GIB = 0.5

GRAPHS_INSIDE = frozenset({21, 22})
"""Minor versions that take the estimate of CUDA graphs out of the budget; logs of later ones do not subtract it."""

GRAPH_MIB = {"v0": 0.85, "v1": 0.33, "v2": 0.12}
"""MiB per captured size and layer: V0 0.75 to 0.95; V1 0.25 to 0.38; model runner V2 0.07 to 0.18."""


def account(setting: Setting) -> Runtime:
    """Return what vLLM takes of one GPU."""
    options = setting.options
    version = parse_version(options.version or setting.engine.version)
    utilization = options.gpu_memory_utilization
    if utilization is None and options.version is None:
        utilization = setting.default("gpu_memory_utilization", 0.92)
    elif utilization is None:
        utilization = 0.92 if version.minor >= UTILIZATION_092_SINCE else 0.90
    tokens, sequences = batch_limits(setting, version)
    activation, formula = activation_peak(setting, version, tokens, sequences)
    return Runtime(
        total=setting.total_bytes,
        limit=utilization * setting.total_bytes,
        non_torch=non_torch(setting, version),
        activation_peak=activation,
        cuda_graphs=0.0 if options.eager else cuda_graphs(setting, version, sequences),
        graphs_inside=version.minor in GRAPHS_INSIDE,
        max_num_batched_tokens=tokens,
        max_num_seqs=sequences,
        limit_formula=f"gpu_memory_utilization {utilization:g} x total",
        activation_formula=formula,
        source="vLLM gpu_worker.determine_available_memory; start-up logs",
    )


def batch_limits(setting: Setting, version: Version) -> tuple[int, int]:
    """Return (max_num_batched_tokens, max_num_seqs): the options, else the version's defaults for the device.

    V1's server takes 8192 tokens and 1024 sequences on large devices, else 2048 and 256; the ``LLM`` class 16384 or
    8192 tokens. V0 takes one whole context, or 2048 tokens beyond 32k, and 256 sequences.
    """
    options = setting.options
    context = options.max_model_len
    if version.v0_engine:
        longest = context or 8192
        tokens, sequences = 2048 if longest > V0_CHUNKS_ABOVE else max(longest, 2048), 256
    else:
        large = setting.total_bytes >= LARGE_DEVICE_BYTES and not setting.accelerator.id.startswith(("a100", "a800"))
        tokens, sequences = (8192, 1024) if large else (2048, 256)
        if version.minor < SEQUENCES_BY_DEVICE_SINCE:
            sequences = 1024
        if options.offline:
            tokens = 16384 if large else 8192
    sequences = options.max_num_seqs or sequences
    if options.max_num_batched_tokens:
        tokens = options.max_num_batched_tokens
    elif context and not version.v0_engine:
        tokens = min(tokens, sequences * context)
    return tokens, min(sequences, tokens)


def non_torch(setting: Setting, version: Version) -> float:
    """Return what CUDA, NCCL and all-reduce buffers take outside PyTorch's allocator, in bytes."""
    if setting.accelerator.vendor.lower() == "amd":
        return ROCM_GIB * GIB
    tp = setting.layout.tp
    if tp == 1 and setting.layout.pp > 1:
        return PIPELINE_GIB * GIB
    size = next(gib for since, gib in ALONE_GIB if version.minor >= since)
    if tp > 1 and setting.accelerator.link.gbytes_per_s_one_way:
        by_gpus = LINKED_GIB[version.minor >= 15]
        size += next(gib for gpus, gib in sorted(by_gpus.items(), reverse=True) if tp >= gpus)
    elif tp > 1:
        size += UNLINKED_GIB
    return size * GIB


def cuda_graphs(setting: Setting, version: Version, sequences: int) -> float:
    """Return the bytes of the captured graphs: sizes x layers x what one size of one layer takes.

    Sizes are 1, 2, 4, every 8 to 256 and every 16 to 512, up to twice ``max_num_seqs``; from 0.11 they are captured
    piecewise and, up to ``max_num_seqs``, whole.
    """
    if version.v0_engine:
        return (3 + min(sequences, 256) // 8) * setting.shape.layers * GRAPH_MIB["v0"] * MIB
    sizes = _sizes(2 * sequences)
    if version.minor >= 11:
        sizes += _sizes(sequences)
    kind = "v2" if sampler_bytes(setting, version) == RUNNER_V2_BYTES else "v1"
    return sizes * setting.shape.layers * GRAPH_MIB[kind] * MIB


def _sizes(largest: int) -> int:
    top = min(largest, 512)
    return 3 + min(top, 256) // 8 + max(0, top - 256) // 16
