"""Fleets to measure solvers on: generated from a seed, shaped like procurement.

Services are models between 1B and 400B parameters with demands over two and a half decades. Offers are instances of 1,
2, 4 or 8 accelerators of fifteen kinds, rented whole, at prices over two decades; a part of them has a quota. An option
is a tensor-parallel group of a service on an offer: the weights have to fit, what is left holds the KV cache, and the
batch is cut where the time per token would exceed the service's limit.

Over a day each service follows an office day of its own time zone, and a third of the offers are reserved: cheaper, and
the same in every hour.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from math import ceil, exp, log

from planner.solve.problem import UNLIMITED, Options, Pools, Problem, Service

# memory GB, bandwidth TB/s and watts of the board (data sheets), dollars per hour and board (cloud price lists, 2025)
ACCELERATORS: tuple[tuple[str, float, float, int, float], ...] = (
    ("t4", 16, 0.32, 70, 0.40),
    ("l4", 24, 0.30, 72, 0.70),
    ("a10", 24, 0.60, 150, 0.90),
    ("rtx-4090", 24, 1.01, 450, 0.45),
    ("rtx-5090", 32, 1.79, 575, 0.80),
    ("a40", 48, 0.70, 300, 0.55),
    ("l40s", 48, 0.86, 350, 1.10),
    ("rtx-6000-ada", 48, 0.96, 300, 0.90),
    ("a100-40", 40, 1.56, 400, 1.30),
    ("a100-80", 80, 2.04, 400, 1.80),
    ("h100-pcie", 80, 2.04, 350, 2.20),
    ("h100-sxm", 80, 3.35, 700, 2.80),
    ("mi300x", 192, 5.30, 750, 3.00),
    ("h200", 141, 4.80, 700, 3.60),
    ("b200", 180, 8.00, 1000, 5.50),
)
SIZES = (1, 2, 4, 8)
EFFICIENCY = {1: 1.0, 2: 0.92, 4: 0.82, 8: 0.70}
"""Of a tensor-parallel group's bandwidth, what its collectives leave."""

DAY = (10, 10, 10, 10, 10, 15, 25, 50, 80, 100, 100, 95, 85, 95, 100, 95, 90, 75, 55, 40, 30, 25, 20, 15)
"""Percent of the peak in each hour: that of scenarios/70b-day.yaml."""

RESERVED = 0.66
"""Price of an instance reserved for a year over the same on demand: median of six offers of the catalog."""

USABLE = 0.9
"""Of the memory, the usual share that an engine may fill."""


@dataclass(frozen=True, slots=True)
class _Model:
    weights_gb: float
    kv_gb_per_sequence: float
    tpot_ms: float


def fleet_instance(
    services: int, offers: int, seed: int = 0, *, max_options: int = 1, by_hour: bool = False
) -> Problem:
    """Return a fleet of ``services`` over ``offers``; the same arguments give the same problem.

    ``max_options`` is how many layouts may share the traffic of a service. With ``by_hour`` the load changes over 24
    hours; models, peaks and offers are the same as without.
    """
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    rows = [_offer(rng, index) for index in range(offers)]
    pools = Pools(
        id=tuple(f"{ACCELERATORS[kind][0]}x{gpus}-{index}" for index, (kind, gpus, _, _) in enumerate(rows)),
        gpus=tuple(gpus for _, gpus, _, _ in rows),
        cost=tuple(cost for _, _, cost, _ in rows),
        max_instances=tuple(quota for _, _, _, quota in rows),
        watts=tuple(gpus * ACCELERATORS[kind][3] for kind, gpus, _, _ in rows),
    )
    asked, options = [], []
    for index in range(services):
        asked.append(Service(f"service-{index}", (_between(rng, 10, 3200),), max_options))
        found: list[tuple[int, int, int]] = []
        while not found:  # a model that fits nothing on offer is drawn again
            found = _layouts(_model(rng), rows)
        options += [(index, pool, group, capacity, 0, 0, 0) for pool, group, capacity in found]
    problem = Problem(tuple(asked), pools, Options(*(tuple(column) for column in zip(*options, strict=True))))
    return _over_a_day(problem, seed) if by_hour else problem


def _over_a_day(problem: Problem, seed: int) -> Problem:
    """Return ``problem`` with a day's load and every third pool reserved."""
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    services = []
    for service in problem.services:
        shift = rng.randrange(len(DAY))
        demand = tuple(ceil(service.peak * share / 100) for share in (*DAY[shift:], *DAY[:shift]))
        services.append(replace(service, demand=demand))
    committed = tuple(index % 3 == 0 for index in range(len(problem.pools)))
    cost = tuple(
        round(price * RESERVED) if held else price for price, held in zip(problem.pools.cost, committed, strict=True)
    )
    pools = replace(problem.pools, cost=cost, committed=committed)
    return replace(problem, services=tuple(services), pools=pools, hours=(1,) * len(DAY))


def _layouts(model: _Model, rows: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int]]:
    """Return (pool, accelerators of a replica, its capacity) of every group that serves ``model``."""
    return [
        (pool, group, capacity)
        for pool, (kind, gpus, _, _) in enumerate(rows)
        for group in SIZES
        if group <= gpus and (capacity := _capacity(model, kind, group))
    ]


def _offer(rng: random.Random, index: int) -> tuple[int, int, int, int]:
    """Return (accelerator, its number per instance, micro-dollars per hour, quota)."""
    kind = index % len(ACCELERATORS)
    gpus = rng.choice(SIZES)
    markup = rng.uniform(0.75, 1.6)
    quota = rng.randint(4, 64) if rng.random() < 0.3 else UNLIMITED
    return kind, gpus, round(ACCELERATORS[kind][4] * gpus * markup * 1000) * 1000, quota


def _model(rng: random.Random) -> _Model:
    billions = exp(rng.uniform(log(1.0), log(400.0)))
    bytes_per_weight = rng.choice((2.0, 2.0, 1.0, 0.5))
    tokens = exp(rng.uniform(log(500), log(16_000)))
    # KV cache per token grows with about the square root of the size: 128 KiB at 8B, 320 KiB at 70B (16 bit, GQA)
    kv_gb = 46e-6 * billions**0.5 * tokens
    return _Model(billions * bytes_per_weight, kv_gb, rng.choice((25.0, 40.0, 60.0, 100.0)))


def _capacity(model: _Model, kind: int, group: int) -> int:
    """Return the sequences that one replica holds: those that fit, as long as a step takes no longer than allowed."""
    _, memory, bandwidth, _, _ = ACCELERATORS[kind]
    by_memory = (USABLE * memory * group - model.weights_gb) / model.kv_gb_per_sequence
    gb_per_step = bandwidth * 1000 * group * EFFICIENCY[group] * model.tpot_ms / 1000
    by_time = (gb_per_step - model.weights_gb) / model.kv_gb_per_sequence
    return max(int(min(by_memory, by_time, 512)), 0)


def _between(rng: random.Random, low: float, high: float) -> int:
    return round(exp(rng.uniform(log(low), log(high))))
