"""A whole run: steps, checkpoints, failures and restarts, energy."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

GPU_HOURS_BETWEEN_FAILURES = 50_677
"""Any unexpected interruption on H100: 419 in 54 days on 16,384 GPUs (Llama 3 report, arXiv 2407.21783, table 5)."""

GPU_HOURS_BETWEEN_FAILURES_OLDER = 9_158
"""8-GPU jobs on A100 research clusters: 47.7 days between failures (arXiv 2410.21680, 2024-10)."""

OLDER_GENERATIONS = frozenset({"volta", "turing", "ampere"})

RESTART_HOURS = 0.25
"""From a failure to the first step after it, an assumption: finding and replacing the node (10 to 60 minutes where
spares wait) is not published as a distribution; above 90 % effective time at 16,384 GPUs allows no more."""

WRITE_BYTES_PER_S_PER_NODE = 1e9
"""Storage of the Llama 3 clusters sustains 2 TB/s for about 2,000 nodes (arXiv 2407.21783, section 3.3.1)."""

SOURCE = "Llama 3 report, arXiv 2407.21783; Young 1974, Daly 2006"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is saved, and how often it pays (Young's interval)."""

    size_bytes: float
    write_seconds: float
    interval_seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """A run from the first token to the last. ``overhead`` is time lost over time computed."""

    steps: int
    compute_seconds: float
    checkpoint: Checkpoint
    failures: float
    """Expected over the run."""
    overhead: float

    @property
    def seconds(self) -> float:
        """Wall-clock time expected, restarts included."""
        return self.compute_seconds * (1 + self.overhead)


def checkpoint_bytes(parameters: float, bytes_each: float) -> float:
    """Return the size of a checkpoint that training can resume from: weights, master weights and states.

    >>> checkpoint_bytes(70e9, 2 + 4 + 8) / 1e9
    980.0
    """
    return parameters * bytes_each


def seconds_between_failures(gpus: int, generation: str) -> float:
    """Return the mean time between failures that stop a job on so many GPUs."""
    hours = GPU_HOURS_BETWEEN_FAILURES_OLDER if generation in OLDER_GENERATIONS else GPU_HOURS_BETWEEN_FAILURES
    return hours * 3600 / gpus


def checkpoint_interval(write_seconds: float, mean_seconds: float) -> float:
    """Return the interval that loses least: sqrt(2 x write time x time between failures) (Young 1974)."""
    return sqrt(2 * write_seconds * mean_seconds)


def run_of(
    tokens: float,
    step_tokens: float,
    step_seconds: float,
    *,
    gpus: int,
    nodes: int,
    generation: str,
    checkpoint_size: float,
) -> Run:
    """Return the run that trains ``tokens`` in steps of ``step_tokens``.

    Lost are the writes (training waits for them), half an interval of work per failure, and the restart.
    """
    steps = ceil(tokens / step_tokens)
    computed = steps * step_seconds
    mean = seconds_between_failures(gpus, generation)
    write = checkpoint_size / (nodes * WRITE_BYTES_PER_S_PER_NODE)
    interval = min(checkpoint_interval(write, mean), max(computed, write))
    overhead = write / interval + (interval / 2 + RESTART_HOURS * 3600) / mean
    failures = computed * (1 + overhead) / mean
    return Run(steps, computed, Checkpoint(checkpoint_size, write, interval), failures, overhead)


def energy_kwh(gpus: int, tdp_w: float, host_w: float, seconds: float, pue: float = 1.0) -> float:
    """Return the energy of GPUs at their rated power, as model cards count it, with their hosts.

    An upper bound: measured mean power is 0.7 to 0.9 of it.
    """
    return (gpus * tdp_w + host_w) / 1000 * seconds / 3600 * pue
