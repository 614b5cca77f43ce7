"""A solution in the words of its tables: which rows carry which share of which stream, and what is held for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.cost import per_month, usd
from planner.plan import Deployment, Holding
from planner.solve.details import Detail, Placed, placed_details

if TYPE_CHECKING:
    from planner.candidates.hardware import Pool
    from planner.candidates.streams import Streams
    from planner.solve.fleet import FleetProblem
    from planner.solve.problem import Solution


@dataclass(frozen=True, slots=True)
class Placement:
    """One option of a solution. ``replicas`` and ``instances`` are those of each hour of the cycle."""

    stream: int
    row: int
    pool: int
    replicas: tuple[int, ...]
    gpus: int
    """Accelerators that a replica keeps from others."""
    spare: int
    share: float
    """Share of the load of its stream in the stream's busiest hour."""
    cost: int
    """Micro-dollars per hour of its running replicas, on average over the cycle, beyond their instances."""

    @property
    def peak(self) -> int:
        """Replicas in the busiest hour."""
        return max(self.replicas)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a solution takes: its placements by stream, and instances of each pool in each hour."""

    streams: Streams
    pools: tuple[Pool, ...]
    placements: tuple[Placement, ...]
    instances: tuple[tuple[int, ...], ...]
    """[pool][hour]."""

    @property
    def hours(self) -> int:
        """Length of the cycle."""
        return len(self.instances[0]) if self.instances else 1

    @property
    def used_pools(self) -> tuple[int, ...]:
        """Pools of which something is taken."""
        return tuple(p for p, counts in enumerate(self.instances) if any(counts))

    @property
    def cost(self) -> float:
        """Micro-dollars per hour on average."""
        fixed = sum(self.pools[p].fixed_cost * sum(self.instances[p]) for p in self.used_pools) / self.hours
        return fixed + sum(item.cost for item in self.placements)

    @property
    def peak_cost(self) -> int:
        """Micro-dollars in the dearest hour, running costs of replicas at their peak included."""
        tables = self.streams.tables
        running = [
            sum(it.replicas[h] * int(tables[it.stream].fleets.replica_cost[it.row]) for it in self.placements)
            for h in range(self.hours)
        ]
        fixed = [
            sum(self.pools[p].fixed_cost * self.instances[p][h] for p in self.used_pools) for h in range(self.hours)
        ]
        return max(a + b for a, b in zip(running, fixed, strict=True))


def choice_of(streams: Streams, fleet: FleetProblem, solution: Solution) -> Choice:
    """Return what ``solution`` takes."""
    problem = fleet.problem
    totals = [[0] * len(problem.hours) for _ in problem.services]
    for hour, counts in enumerate(solution.replicas):
        for o, count in enumerate(counts):
            totals[problem.options.service[o]][hour] += count * problem.options.capacity[o]
    placements = []
    for o, (stream, row) in enumerate(fleet.rows):
        replicas = tuple(counts[o] for counts in solution.replicas)
        if not any(replicas):
            continue
        demand = problem.services[stream].demand
        busiest = max(range(len(demand)), key=lambda hour: demand[hour])
        running = int(streams.tables[stream].fleets.replica_cost[row])
        placements.append(
            Placement(
                stream=stream,
                row=row,
                pool=problem.options.pool[o],
                replicas=replicas,
                gpus=problem.options.gpus[o],
                spare=problem.options.spare[o],
                share=replicas[busiest] * problem.options.capacity[o] / totals[stream][busiest],
                cost=round(running * sum(replicas) / len(replicas)),
            )
        )
    instances = tuple(tuple(counts[p] for counts in solution.instances) for p in range(len(fleet.pools)))
    return Choice(streams, fleet.pools, tuple(placements), instances)


def details_of(choice: Choice) -> tuple[Detail, ...]:
    """Return the fleets of ``choice`` at the load of the busiest hour, in the order of its placements."""
    found: dict[int, Detail] = {}
    for stream, table in enumerate(choice.streams.tables):
        mine = [index for index, item in enumerate(choice.placements) if item.stream == stream]
        placed = [_placed(choice, choice.placements[index]) for index in mine]
        if placed:
            found |= dict(zip(mine, placed_details(table, placed), strict=True))
    return tuple(found[index] for index in range(len(choice.placements)))


def _placed(choice: Choice, item: Placement) -> Placed:
    """Return a placement as a fleet: the instances that its own replicas fill, and its share of their cost."""
    pool = choice.pools[item.pool]
    instances = -(-item.peak * item.gpus // pool.offer.gpus) + item.spare
    cost = round(pool.fixed_cost * instances + item.cost)
    return Placed(item.row, item.peak, item.peak, instances, item.spare, cost, item.share)


def deployment(choice: Choice, item: Placement, detail: Detail) -> Deployment:
    """Return a placement as the plan's data."""
    from dataclasses import replace

    stream = choice.streams.streams[item.stream]
    made = detail.deployment(stream.service, stream.table.architecture.id)
    changing = len(set(item.replicas)) > 1
    return replace(
        made,
        requests=stream.part.label,
        load_share=item.share,
        replicas_by_hour=item.replicas if changing else (),
    )


def holdings(choice: Choice) -> tuple[Holding, ...]:
    """Return what is taken of each offer, dearest first, then by id."""
    found = []
    for p in choice.used_pools:
        pool, counts = choice.pools[p], choice.instances[p]
        mine = [item for item in choice.placements if item.pool == p]
        running = sum(item.cost for item in mine)
        mean = sum(counts) / len(counts)
        busy = sum(sum(item.replicas) * _own_gpus(choice, item) for item in mine)
        found.append(
            Holding(
                offer=pool.offer.id,
                provider=pool.offer.provider,
                region=pool.offer.region,
                accelerator=pool.offer.accelerator,
                pricing=pool.price.kind,
                gpus_per_instance=pool.offer.gpus,
                instances=max(counts),
                spare_instances=sum(item.spare for item in mine),
                cost_usd_per_month=per_month(usd(1) * (pool.fixed_cost * mean + running)),
                services=tuple(dict.fromkeys(choice.streams.streams[item.stream].service for item in mine)),
                instances_by_hour=counts if len(set(counts)) > 1 else (),
                capex_usd=pool.capex_usd * max(counts),
                utilisation=busy / (sum(counts) * pool.offer.gpus),
            )
        )
    return tuple(sorted(found, key=lambda item: (-item.cost_usd_per_month, item.offer, item.pricing)))


def _own_gpus(choice: Choice, item: Placement) -> int:
    table = choice.streams.tables[item.stream]
    layout = int(table.layout[item.row])
    return table.layouts.axes.parallelism[int(table.layouts.parallelism[layout])].gpus
