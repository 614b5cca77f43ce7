"""Random small problems: what both the oracle and the solver can finish."""

from __future__ import annotations

import random

from planner.solve.problem import TIES, UNLIMITED, Limit, Options, Pools, Problem, Service


def random_problem(seed: int, *, services: int | None = None) -> Problem:
    """One or two services, up to four pools, quotas, budgets, spares; feasible or not, with many ties of cost.

    Every second problem has a load that changes, an inventory, spot, choices between ways to serve, or limits on kinds.
    """
    rng = random.Random(seed)
    rich = seed % 2 == 0
    count = services or rng.choice((1, 1, 2))
    hours = rng.choice(((1,), (1, 2), (3, 1))) if rich else (1,)
    spot = rich and rng.random() < 0.4
    asked = tuple(_service(rng, f"s{i}", len(hours), spot, small=rich) for i in range(count))
    choices: tuple[tuple[tuple[int, ...], ...], ...] = ()
    if rich and rng.random() < 0.4:
        # The last service may be carried as it is, or by two others in its stead.
        asked += tuple(_service(rng, f"part{i}", len(hours), spot, small=True) for i in range(2))
        choices = (((count - 1,), (count, count + 1)),)
    sizes = [rng.choice((1, 2, 4, 8)) for _ in range(rng.randint(1, 4))]
    owned = rich and rng.random() < 0.4
    pools = Pools(
        id=tuple(f"p{i}" for i in range(len(sizes))),
        gpus=tuple(sizes),
        cost=tuple(
            0 if owned and i == 0 else size * rng.choice((1, 1, 2, 3)) * 500_000 + rng.randint(0, 2)
            for i, size in enumerate(sizes)
        ),
        max_instances=tuple(
            rng.choice((1, 2, 3)) if owned and i == 0 else rng.choice((UNLIMITED, UNLIMITED, 1, 2, 3))
            for i in range(len(sizes))
        ),
        watts=tuple(size * rng.choice((70, 100)) for size in sizes),
        committed=tuple(rng.random() < 0.5 for _ in sizes) if rich else (),
        kind=tuple(rng.randrange(2) for _ in sizes) if rich else (),
    )
    rows = []
    for index in range(len(asked)):
        for _ in range(rng.randint(1, 3 if rich else 4)):
            pool = rng.randrange(len(sizes))
            gpus = rng.choice([g for g in (1, 2, 4, 8, 16) if g <= sizes[pool] or g % sizes[pool] == 0])
            row = (index, pool, gpus, rng.randint(1, 16), rng.choice((0, 0, 1000)), gpus * 300, rng.choice((0, 0, 1)))
            rows.append((*row, rng.choice((0, 0, 0, 400_000))))
    options = Options(*(tuple(column) for column in zip(*rows, strict=True)), firm=())
    if spot:
        firm = [rng.random() < 0.6 for _ in sizes]
        options = Options(*(tuple(column) for column in zip(*rows, strict=True)), tuple(firm[p] for p in options.pool))
    limits = []
    if rng.random() < 0.6:
        limits.append(Limit("budget", rng.randint(1, 12) * 2_000_000, pools.cost, options.cost, rng.random() < 0.5))
    if rng.random() < 0.3:
        limits.append(Limit("power", rng.randint(1, 10) * 1000, pools.watts, options.watts))
    if rich and rng.random() < 0.3:
        limits.append(Limit("quota", rng.randint(1, 16), pools.gpus, (0,) * len(rows)))
    return Problem(
        asked,
        pools,
        options,
        tuple(limits),
        hours,
        choices,
        max_kinds=1 if rich and rng.random() < 0.3 else None,
        ties=rng.choice((TIES, ("nodes", "types"), ("watts", "nodes", "types"))) if rich else TIES,
        tie_ppm=rng.choice((0, 0, 50_000)) if rich else 0,
    )


def _service(rng: random.Random, name: str, periods: int, spot: bool, *, small: bool) -> Service:
    demand = tuple(rng.randint(1, 14 if small else 40) for _ in range(periods))
    firm = tuple(rng.randint(0, amount) for amount in demand) if spot else ()
    return Service(name, demand, rng.choice((1, 1, 2)), firm)
