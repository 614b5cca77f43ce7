"""Random small problems: what both the oracle and the solver can finish."""

from __future__ import annotations

import random

from planner.solve.problem import UNLIMITED, Limit, Options, Pools, Problem, Service


def random_problem(seed: int, *, services: int | None = None) -> Problem:
    """One or two services, up to four pools, quotas, budgets, spares; feasible or not, with many ties of cost."""
    rng = random.Random(seed)
    count = services or rng.choice((1, 1, 2))
    asked = tuple(Service(f"s{i}", rng.randint(1, 40), rng.choice((1, 1, 2))) for i in range(count))
    sizes = [rng.choice((1, 2, 4, 8)) for _ in range(rng.randint(1, 4))]
    pools = Pools(
        id=tuple(f"p{i}" for i in range(len(sizes))),
        gpus=tuple(sizes),
        cost=tuple(size * rng.choice((1, 1, 2, 3)) * 500_000 + rng.randint(0, 2) for size in sizes),
        max_instances=tuple(rng.choice((UNLIMITED, UNLIMITED, 1, 2, 3)) for _ in sizes),
        watts=tuple(size * rng.choice((70, 100)) for size in sizes),
    )
    rows = []
    for index in range(count):
        for _ in range(rng.randint(1, 4)):
            pool = rng.randrange(len(sizes))
            gpus = rng.choice([g for g in (1, 2, 4, 8, 16) if g <= sizes[pool] or g % sizes[pool] == 0])
            row = (index, pool, gpus, rng.randint(1, 16), rng.choice((0, 0, 1000)), gpus * 300, rng.choice((0, 0, 1)))
            rows.append((*row, rng.choice((0, 0, 0, 400_000))))
    options = Options(*(tuple(column) for column in zip(*rows, strict=True)))
    limits = []
    if rng.random() < 0.6:
        limits.append(Limit("budget", rng.randint(1, 12) * 2_000_000, pools.cost, options.cost))
    if rng.random() < 0.3:
        limits.append(Limit("power", rng.randint(1, 10) * 1000, pools.watts, options.watts))
    return Problem(asked, pools, options, tuple(limits))
