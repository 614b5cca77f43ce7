"""Measure a device with PyTorch: what its kernels reach of the data sheet, as coefficients of the iteration.

Each measurement isolates one coefficient of :mod:`planner.performance.coefficients`:

* ``weight_read``: a matrix product with so few rows that reading the weights is all it does
* ``dense_compute``: a matrix product with thousands of rows
* ``cache_read``: attention of one query per sequence over a long cache, as in decoding
* ``attention_compute``: causal attention of a whole prompt, as in prefill
* ``collective`` and ``link``: all-reduces of a hidden state and of many, with more than one GPU

An engine's own kernels may be better or worse; the figures are evidence about the device, not about an engine, and
enter a calibration as deviations of its accelerator (:func:`with_device`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import MeasurementError, MissingExtra
from planner.performance.calibration import Calibration, Level
from planner.performance.coefficients import NAMES
from planner.performance.iteration import OVER_PEAK, coefficient_of, over_peak

if TYPE_CHECKING:
    from planner.catalog.schema.accelerators import Accelerator

HIDDEN, INTERMEDIATE = 8192, 28672
"""Llama-3-70B's widths: matrices large enough that launches do not count, small enough for 16 GiB."""
FEW_ROWS, MANY_ROWS = 8, 4096
HEADS, KV_HEADS, HEAD_DIM = 32, 8, 128
DECODE_SEQUENCES, CONTEXT = 32, 8192
PROMPT = 8192
SMALL_MESSAGE, LARGE_MESSAGE = 2 * HIDDEN, 256 * 1024**2
"""Bytes of an all-reduce that only latency costs (one token's hidden state), and of one that the link bounds."""
WARMUP, REPEATS = 5, 21


@dataclass(frozen=True, slots=True)
class Measured:
    """One isolated coefficient: the median over runs, and how far the quartiles lie apart relative to it."""

    coefficient: str
    value: float
    spread: float
    milliseconds: float
    what: str


def measure_device(accelerator: Accelerator, *, device: str = "cuda") -> tuple[Measured, ...]:
    """Measure the first GPU of this machine, and its links when it has more.

    Raises MissingExtra without PyTorch and MeasurementError without a GPU. Takes about ten seconds and 8 GiB.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtra("torch", "device", "measuring a device") from None
    if device == "cuda" and not torch.cuda.is_available():
        raise MeasurementError("no GPU that PyTorch can use is on this machine")
    found = list(kernels(torch, accelerator, device))
    if device == "cuda" and (count := torch.cuda.device_count()) > 1:
        found += collectives(torch, accelerator, count)
    return tuple(found)


def kernels(torch: Any, accelerator: Accelerator, device: str, scale: int = 1) -> list[Measured]:
    """Measure the kernels of one device; ``scale`` divides the shapes, so that a processor can run them in a test."""
    hidden, wide, many = HIDDEN // scale, INTERMEDIATE // scale, MANY_ROWS // scale
    context, prompt = CONTEXT // scale, PROMPT // scale
    dtype = torch.bfloat16
    bandwidth = accelerator.bandwidth_bytes_per_s
    peak = accelerator.peak_flops("bf16") or accelerator.peak_flops("fp16")
    if not peak:
        raise MeasurementError(f"the catalog has no 16-bit rate of {accelerator.id} to measure against")

    def random(*shape: int) -> Any:
        return torch.randn(*shape, device=device, dtype=dtype)

    weights, few, rows = random(hidden, wide), random(FEW_ROWS, hidden), random(many, hidden)
    cache = random(DECODE_SEQUENCES, KV_HEADS, context, HEAD_DIM)
    query = random(DECODE_SEQUENCES, HEADS, 1, HEAD_DIM)
    whole = random(1, HEADS, prompt, HEAD_DIM)
    attend = torch.nn.functional.scaled_dot_product_attention
    time = _timer(torch, device)
    # Bytes and FLOPs are those that the iteration counts: see planner.performance.resources.
    return [
        _over("weight_read", time(lambda: few @ weights), 2.0 * hidden * wide / bandwidth, f"{FEW_ROWS} rows"),
        _over("dense_compute", time(lambda: rows @ weights), 2.0 * many * hidden * wide / peak, f"{many} rows"),
        _over(
            "cache_read",
            time(lambda: attend(query, cache, cache, enable_gqa=True)),
            2.0 * 2.0 * DECODE_SEQUENCES * KV_HEADS * context * HEAD_DIM / bandwidth,
            f"{DECODE_SEQUENCES} sequences x {context} tokens",
        ),
        _over(
            "attention_compute",
            time(lambda: attend(whole, whole, whole, is_causal=True)),
            2.0 * 2.0 * HEADS * HEAD_DIM * prompt * prompt / 2.0 / peak,
            f"{prompt} tokens, causal",
        ),
    ]


def collectives(torch: Any, accelerator: Accelerator, gpus: int) -> list[Measured]:
    """Measure all-reduces over all GPUs of this machine with NCCL."""
    pcie = accelerator.pcie.gbytes_per_s_one_way if accelerator.pcie else 0.0
    rate = (accelerator.link.gbytes_per_s_one_way or pcie) * 1e9
    if not rate:
        raise MeasurementError(f"the catalog has no link of {accelerator.id} to measure against")
    context = torch.multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    port = 29400
    torch.multiprocessing.spawn(_all_reduce, args=(gpus, port, results), nprocs=gpus, join=True)
    small, large = results.get()
    ring = 2.0 * (gpus - 1) / gpus * LARGE_MESSAGE
    return [
        Measured("collective", small[0] / math.log2(gpus), small[1], small[0], f"all-reduce of a token, {gpus} GPUs"),
        _over("link", large, ring / rate, f"all-reduce of {LARGE_MESSAGE // 1024**2} MiB, {gpus} GPUs"),
    ]


def _all_reduce(rank: int, gpus: int, port: int, results: Any) -> None:
    """Run in one process per GPU; the first one reports."""
    import torch
    import torch.distributed as distributed

    torch.cuda.set_device(rank)
    distributed.init_process_group("nccl", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=gpus)
    time = _timer(torch, "cuda")
    figures = []
    for size in (SMALL_MESSAGE, LARGE_MESSAGE):
        message = torch.zeros(size // 2, device="cuda", dtype=torch.bfloat16)

        def reduce(message: Any = message) -> None:
            distributed.all_reduce(message)

        figures.append(time(reduce))
    if rank == 0:
        results.put(figures)
    distributed.destroy_process_group()


def with_device(calibration: Calibration, accelerator: str, measured: tuple[Measured, ...]) -> Calibration:
    """Return a calibration in which ``accelerator`` has the measured coefficients where nothing else is known of it.

    They stand as deviations of the level ``accelerator`` from the global value; finer levels, fitted on serving runs of
    an engine on that device, still add to them only when they exist.
    """
    row = np.zeros(len(NAMES))
    for item in measured:
        position = NAMES.index(item.coefficient)
        value = coefficient_of(item.value) if item.coefficient in OVER_PEAK else item.value
        row[position] = math.log(value) - float(calibration.base[position])
    others = tuple(level for level in calibration.levels if level.name != "accelerator")
    kept = next((level for level in calibration.levels if level.name == "accelerator"), None)
    entries: dict[str, tuple[Any, int]] = {}
    if kept is not None:
        entries = {key: (kept.table[i], rows) for i, (key, rows) in enumerate(zip(kept.keys, kept.rows, strict=True))}
    entries[accelerator] = (row, len(measured))
    keys = tuple(sorted(entries))
    level = Level("accelerator", keys, np.stack([entries[key][0] for key in keys]), tuple(entries[k][1] for k in keys))
    return replace(calibration, levels=(*others, level))


def report(measured: tuple[Measured, ...], calibration: Calibration) -> Mapping[str, tuple[float, float]]:
    """Return coefficient -> (measured, fitted global value), for a table; times over the data sheet's both."""
    fitted = dict(zip(NAMES, np.exp(calibration.base), strict=True))
    fitted |= {name: float(over_peak(np.array(fitted[name]))) for name in OVER_PEAK}
    return {item.coefficient: (item.value, float(fitted[item.coefficient])) for item in measured}


def _over(coefficient: str, timed: tuple[float, float], ideal_seconds: float, what: str) -> Measured:
    """Return a time over what the data sheet allows."""
    return Measured(coefficient, timed[0] / (ideal_seconds * 1e3), timed[1], timed[0], what)


def _timer(torch: Any, device: str) -> Callable[[Callable[[], Any]], tuple[float, float]]:
    """Return a function that runs a kernel often and gives (median milliseconds, interquartile range / median)."""

    def on_gpu(kernel: Callable[[], Any]) -> float:
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        kernel()
        end.record()
        torch.cuda.synchronize()
        return float(start.elapsed_time(end))

    def on_host(kernel: Callable[[], Any]) -> float:
        from time import perf_counter

        start = perf_counter()
        kernel()
        return (perf_counter() - start) * 1e3

    once = on_gpu if device == "cuda" else on_host

    def timed(kernel: Callable[[], Any]) -> tuple[float, float]:
        for _ in range(WARMUP):
            once(kernel)
        times = [once(kernel) for _ in range(REPEATS)]
        low, middle, high = statistics.quantiles(times, n=4)
        return middle, (high - low) / middle

    return timed
