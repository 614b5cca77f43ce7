"""The optimisation problem, free of everything that it is about: services, pools, options and limits as integers.

A **pool** is something bought whole: one offer at one price kind. An **option** is one way to serve one service on one
pool: a layout with what a replica of it takes and carries. A **limit** is a linear cap over what is bought and run
(budget, capex, power, nodes). Solvers, checker and oracle read this and nothing else.

Time is a cycle of **periods** (one, or the levels of a day or week), each some hours long. Replicas follow the demand
of their service: no option has fewer of them in a period of more demand, since nobody swaps accelerators by the hour to
save a remainder. Instances of a **committed** pool (reserved, bought, owned) are the same in all periods, those of
others come and go.

A **choice** says that some services stand for each other: exactly one of its ways is taken, and only the services of
that way have to be carried. Requests of all sizes together or split by size, prefill and decode together or apart, are
such ways. A service in no choice is always carried.

Money is integer micro-dollars per hour (``planner.cost.MICRO_USD``), so that no two solvers can round differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

PARTS_PER_MILLION = 1_000_000

UNLIMITED = 1_000_000
"""Instances of a pool when no quota is stated: more than any plan of this planner's scale buys."""


@dataclass(frozen=True, slots=True)
class Service:
    """What must be carried. ``demand`` is in the unit of its options' capacity; both are the caller's to choose.

    ``max_options`` is how many different options may share the traffic: 1 asks for a uniform fleet.
    """

    id: str
    demand: tuple[int, ...]
    """[period]."""
    max_options: int = 1
    firm: tuple[int, ...] = ()
    """[period]: of the demand, what options that are firm (not spot) have to carry; empty for nothing."""

    @property
    def peak(self) -> int:
        """The largest demand of any period."""
        return max(self.demand)

    def asked(self, period: int) -> tuple[int, int]:
        """Return demand and firm demand of a period."""
        return self.demand[period], self.firm[period] if self.firm else 0

    @property
    def ascending(self) -> tuple[int, ...]:
        """The periods from least to most demand; with as much of it, from least to most that has to be firm."""
        return tuple(sorted(range(len(self.demand)), key=lambda period: (self.asked(period), period)))


@dataclass(frozen=True, slots=True)
class Pools:
    """Things bought whole, as columns of equal length."""

    id: tuple[str, ...]
    gpus: tuple[int, ...]
    """Accelerators per instance."""
    cost: tuple[int, ...]
    """Micro-dollars per hour of one instance, used or not."""
    max_instances: tuple[int, ...]
    """Quota, in every period."""
    watts: tuple[int, ...]
    """Power of one instance before any replica runs on it, for ties and power limits."""
    committed: tuple[bool, ...] = ()
    """Whether as many instances are paid in every period; empty where there is but one period."""
    kind: tuple[int, ...] = ()
    """What counts as the same type under ``Problem.max_kinds``; empty: each pool is a kind of its own."""
    money: tuple[int, ...] = ()
    """Micro-dollars per hour of one instance, where ``cost`` counts something else; only the tie ``money`` reads it."""

    def __len__(self) -> int:
        return len(self.id)

    def is_committed(self, pool: int) -> bool:
        """Whether instances of ``pool`` are the same in all periods."""
        return bool(self.committed) and self.committed[pool]

    def kind_of(self, pool: int) -> int:
        """Return the type that ``pool`` counts as."""
        return self.kind[pool] if self.kind else pool


@dataclass(frozen=True, slots=True)
class Options:
    """Ways to serve, as columns of equal length, in the order that breaks the last tie (earlier wins)."""

    service: tuple[int, ...]
    pool: tuple[int, ...]
    gpus: tuple[int, ...]
    """Accelerators that one replica keeps from others: a group that does not divide its node keeps the remainder."""
    capacity: tuple[int, ...]
    """Demand that one replica carries with every requirement on it held."""
    cost: tuple[int, ...]
    """Micro-dollars per hour of one running replica, beyond its share of the instance."""
    watts: tuple[int, ...]
    """Power of one running replica, beyond its instance's."""
    spare: tuple[int, ...]
    """Instances held beyond the need, in every period, when the option is used (availability)."""
    preference: tuple[int, ...] = ()
    """Micro-dollars per hour that the objective counts when the option is used and nobody pays; empty for none."""
    firm: tuple[bool, ...] = ()
    """Whether the option counts towards ``Service.firm``; empty: all do."""
    money: tuple[int, ...] = ()
    """Micro-dollars per hour of one running replica, where ``cost`` counts something else."""

    def __len__(self) -> int:
        return len(self.service)

    def preference_of(self, option: int) -> int:
        """Return what the objective counts beside the cost when ``option`` is used."""
        return self.preference[option] if self.preference else 0

    def is_firm(self, option: int) -> bool:
        """Whether ``option`` counts towards what has to be firm."""
        return not self.firm or self.firm[option]


@dataclass(frozen=True, slots=True)
class Limit:
    """sum(pool x instances) + sum(option x replicas) <= maximum. ``id`` names the requirement it comes from.

    It holds in every period or, with ``mean``, over the whole cycle on average (money per month).
    """

    id: str
    maximum: int
    pool: tuple[int, ...]
    option: tuple[int, ...]
    mean: bool = False


Way = tuple[int, ...]
"""Services that are carried together."""

Counts = Sequence[Sequence[int]]
"""[period][option] or [period][pool]."""

TIES = ("types", "nodes", "watts")
"""What decides between choices of equal cost unless the problem says otherwise, less first."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Services x options over pools. All coefficients are nonnegative; capacities and GPUs are positive."""

    services: tuple[Service, ...]
    pools: Pools
    options: Options
    limits: tuple[Limit, ...] = ()
    hours: tuple[int, ...] = (1,)
    """[period]: its length. Costs are counted over the whole cycle, so the objective is micro-dollars per cycle."""
    choices: tuple[tuple[Way, ...], ...] = ()
    """Of each choice exactly one way is taken. No service is in two choices."""
    max_kinds: int | None = None
    """Most kinds of pools (see ``Pools.kind``) of which instances are held in any period."""
    ties: tuple[str, ...] = TIES
    """What decides between choices of equal cost, in this order: of ``types``, ``nodes``, ``watts`` and ``money``.

    Empty: any choice of least cost will do.
    """
    tie_ppm: int = 0
    """Parts per million by which a choice may exceed the least cost and still count as equal to it."""

    @property
    def cycle_hours(self) -> int:
        """Hours of all periods together."""
        return sum(self.hours)

    def needed(self, option: int, period: int | None = None) -> int:
        """Replicas of ``option`` that carry its service's demand of a period, or its peak, alone."""
        service = self.services[self.options.service[option]]
        demand = service.peak if period is None else service.demand[period]
        return -(-demand // self.options.capacity[option])

    def options_by_service(self) -> dict[int, list[int]]:
        """Return the options of each service that has any, in order."""
        found: dict[int, list[int]] = {}
        for option, service in enumerate(self.options.service):
            found.setdefault(service, []).append(option)
        return found

    def optional(self) -> frozenset[int]:
        """Return the services that are part of a choice."""
        return frozenset(service for ways in self.choices for way in ways for service in way)

    def ceiling(self, least: int) -> int:
        """Return the most that a choice may cost to be a tie of the least cost."""
        return least + least * self.tie_ppm // PARTS_PER_MILLION

    def instances(self, replicas: Counts) -> list[list[int]]:
        """Least instances [period][pool] that hold ``replicas`` [period][option] and the spares of the options used."""
        used = {o for counts in replicas for o, count in enumerate(counts) if count}
        found = []
        for counts in replicas:
            taken = [0] * len(self.pools)
            for option in used:
                pool = self.options.pool[option]
                spare = self.options.spare[option] * self.pools.gpus[pool]
                taken[pool] += counts[option] * self.options.gpus[option] + spare
            found.append([-(-gpus // size) for gpus, size in zip(taken, self.pools.gpus, strict=True)])
        for pool in range(len(self.pools)):
            if self.pools.is_committed(pool):
                most = max(row[pool] for row in found)
                for row in found:
                    row[pool] = most
        return found

    def cost(self, replicas: Counts, instances: Counts) -> int:
        """Micro-dollars per cycle of a choice, preferences counted: what is minimised."""
        used = {o for counts in replicas for o, count in enumerate(counts) if count}
        total = self.cycle_hours * sum(self.options.preference_of(option) for option in used)
        for hours, counts, bought in zip(self.hours, replicas, instances, strict=True):
            total += hours * (dot(self.pools.cost, bought) + dot(self.options.cost, counts))
        return total

    def bill(self, replicas: Counts, instances: Counts) -> int:
        """Micro-dollars per cycle that are paid for a choice, whatever is minimised: without what is only preferred."""
        pools, options = self.pools, self.options
        return self._over_hours((pools.money or pools.cost, options.money or options.cost), replicas, instances)

    def tie_keys(self, replicas: Counts, instances: Counts) -> tuple[int, ...]:
        """Return what decides between choices of equal cost, less first: ``ties``, the cost, the order of options.

        Types are pools with instances in any period; nodes, watts and money are summed over the hours of the cycle.
        """
        used = {o for counts in replicas for o, count in enumerate(counts) if count}
        held = {p for bought in instances for p, count in enumerate(bought) if count}
        keys = [
            len(held) if name == "types" else self._over_hours(self.weights(name), replicas, instances)
            for name in self.ties
        ]
        return (*keys, self.cost(replicas, instances), sum(used))

    def weights(self, tie: str) -> tuple[Sequence[int], Sequence[int]]:
        """Return what an instance of each pool and a replica of each option adds in an hour to a tie criterion."""
        pools, options = self.pools, self.options
        match tie:
            case "nodes":
                return (1,) * len(pools), (0,) * len(options)
            case "watts":
                return pools.watts, options.watts
            case "money":
                return pools.money or (0,) * len(pools), options.money or (0,) * len(options)
        raise ValueError(f"{tie!r} is no tie criterion")

    def _over_hours(self, weights: tuple[Sequence[int], Sequence[int]], replicas: Counts, instances: Counts) -> int:
        rows = zip(self.hours, replicas, instances, strict=True)
        return sum(hours * (dot(weights[0], bought) + dot(weights[1], counts)) for hours, counts, bought in rows)

    def most_instances(self) -> list[int]:
        """[pool]: how many instances a best choice may hold: its quota, or what the services that are carried need."""
        sizes: dict[tuple[int, int], list[int]] = {}
        for o in range(len(self.options)):
            pool = self.options.pool[o]
            most = -(-self.needed(o) * self.options.gpus[o] // self.pools.gpus[pool]) + self.options.spare[o]
            sizes.setdefault((pool, self.options.service[o]), []).append(most)
        needed: dict[int, dict[int, int]] = {}
        for (pool, service), found in sizes.items():
            allowed = self.services[service].max_options
            needed.setdefault(pool, {})[service] = sum(sorted(found, reverse=True)[:allowed])
        optional = self.optional()
        bounds = []
        for pool, quota in enumerate(self.pools.max_instances):
            mine = needed.get(pool, {})
            always = sum(most for service, most in mine.items() if service not in optional)
            chosen = sum(max(sum(mine.get(service, 0) for service in way) for way in ways) for ways in self.choices)
            bounds.append(min(always + chosen, quota))
        return bounds


@dataclass(frozen=True, slots=True)
class Solution:
    """Counts per option and per pool, in every period."""

    replicas: tuple[tuple[int, ...], ...]
    """[period][option]."""
    instances: tuple[tuple[int, ...], ...]
    """[period][pool]."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A solver's answer. ``bound`` is proven: no solution costs less. ``solution`` is None when there is none."""

    status: str
    """``optimal``, ``feasible`` (stopped early), ``infeasible`` or ``unknown``."""
    solver: str
    solution: Solution | None = None
    objective: int = 0
    """The least cost that was found; the solution's own may exceed it within ``Problem.tie_ppm``."""
    bound: int = 0
    ties_broken: bool = True
    """Whether the solution is the one that ``Problem.ties`` prefer among those of its cost."""

    @property
    def gap(self) -> float:
        """(objective - bound) / objective; 0 for a proven optimum."""
        return (self.objective - self.bound) / self.objective if self.objective else 0.0


class Solver(Protocol):
    """Finds the cheapest solution of a problem, ties broken by ``Problem.tie_keys``, the same one every time.

    ``solve`` returns an Outcome whose solution, if any, satisfies every constraint, and says ``infeasible`` only when
    it has proved it. It neither prints nor raises for an infeasible problem.
    """

    name: str

    def solve(self, problem: Problem) -> Outcome:
        """Solve ``problem``."""
        ...


def dot(coefficients: Sequence[int], counts: Sequence[int]) -> int:
    """Exact integer scalar product."""
    return sum(coefficient * count for coefficient, count in zip(coefficients, counts, strict=True) if count)
