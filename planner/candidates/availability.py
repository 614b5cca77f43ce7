"""Spare instances for an asked availability, from published failure rates.

An instance is down for a share ``u = repair / (time between failures + repair)`` of the time; everything on it fails
together. Instances fail independently. The service is up while at least the needed number is up, so with n bought

    A = sum over j = 0 .. n - needed of C(n, j) u^j (1 - u)^(n - j)

and the least n with A at or above the target is bought. What no spare cures (region, network, software releases) is
outside of this model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GPU_HOURS_BETWEEN_FAILURES = 50_677
"""Any unexpected interruption: 419 in 54 days on 16,384 H100 (Llama 3 report, 2024-07)."""

GPU_HOURS_BETWEEN_FAILURES_OLDER = 9_158
"""8-GPU jobs on A100 research clusters: 47.7 days between failures (arXiv 2410.21680, 2024-10)."""

OLDER_GENERATIONS = frozenset({"volta", "turing", "ampere"})

REPAIR_HOURS_RENTED = 1.0
"""An assumption, as no distribution is published: the long end of 10 to 60 minutes for replacing a cloud node."""

REPAIR_HOURS_OWNED = 168.0
"""An assumption: a week, within the 3 to 14 days from failure to swapped part on one's own premises."""

MAX_SPARES = 16
"""Beyond it an option is given up: such a target is met by better hardware, not by more of it."""

SOURCE = "Llama 3 report 2024-07; arXiv 2410.21680; repair times are assumptions"


def unavailability(gpus: int, generation: str, *, owned: bool) -> float:
    """Return the share of time that an instance with ``gpus`` accelerators is down."""
    per_gpu = GPU_HOURS_BETWEEN_FAILURES_OLDER if generation in OLDER_GENERATIONS else GPU_HOURS_BETWEEN_FAILURES
    repair = REPAIR_HOURS_OWNED if owned else REPAIR_HOURS_RENTED
    return repair / (per_gpu / gpus + repair)


def availability(needed: NDArray[np.int64], spares: int, down: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability that ``needed`` of ``needed + spares`` units are up, each down a share ``down``."""
    import numpy as np

    bought = needed + spares
    term = (1.0 - down) ** bought
    total = term.copy()
    for j in range(1, spares + 1):
        term = term * (bought - j + 1) / j * down / (1.0 - down)
        total += term
    return np.minimum(total, 1.0)


def spares_needed(needed: NDArray[np.int64], down: NDArray[np.float64], target: float) -> NDArray[np.int64]:
    """Return the least spares that reach ``target``; ``MAX_SPARES`` + 1 where that many do not."""
    import numpy as np

    spares = np.full(needed.shape, MAX_SPARES + 1, dtype=np.int64)
    open_ = np.arange(needed.size)
    for count in range(MAX_SPARES + 1):
        if not open_.size:
            break
        reached = availability(needed[open_], count, down[open_]) >= target
        spares[open_[reached]] = count
        open_ = open_[~reached]
    return spares
