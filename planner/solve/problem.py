"""The optimisation problem, free of everything that it is about: services, pools, options and limits as integers.

A **pool** is something bought whole: one offer at one price kind. An **option** is one way to serve one service on one
pool: a layout with what a replica of it takes and carries. A **limit** is a linear cap over what is bought and run
(budget, capex, power, nodes). Solvers, checker and oracle read this and nothing else.

Money is integer micro-dollars per hour (``planner.cost.MICRO_USD``), so that no two solvers can round differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

UNLIMITED = 1_000_000
"""Instances of a pool when no quota is stated: more than any plan of this planner's scale buys."""


@dataclass(frozen=True, slots=True)
class Service:
    """What must be carried. ``demand`` is in the unit of its options' capacity; both are the caller's to choose.

    ``max_options`` is how many different layouts may share the traffic: 1 asks for a uniform fleet.
    """

    id: str
    demand: int
    max_options: int = 1


@dataclass(frozen=True, slots=True)
class Pools:
    """Things bought whole, as columns of equal length."""

    id: tuple[str, ...]
    gpus: tuple[int, ...]
    """Accelerators per instance."""
    cost: tuple[int, ...]
    """Micro-dollars per hour of one instance, used or not."""
    max_instances: tuple[int, ...]
    """Quota."""
    watts: tuple[int, ...]
    """Power of one instance before any replica runs on it, for ties and power limits."""

    def __len__(self) -> int:
        return len(self.id)


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
    """Instances held beyond the need when the option is used (availability)."""
    preference: tuple[int, ...] = ()
    """Micro-dollars per hour that the objective counts when the option is used and nobody pays; empty for none."""

    def __len__(self) -> int:
        return len(self.service)

    def preference_of(self, option: int) -> int:
        """Return what the objective counts beside the cost when ``option`` is used."""
        return self.preference[option] if self.preference else 0


@dataclass(frozen=True, slots=True)
class Limit:
    """sum(pool x instances) + sum(option x replicas) <= maximum. ``id`` names the requirement it comes from."""

    id: str
    maximum: int
    pool: tuple[int, ...]
    option: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Services x options over pools. All coefficients are nonnegative; capacities and GPUs are positive."""

    services: tuple[Service, ...]
    pools: Pools
    options: Options
    limits: tuple[Limit, ...] = ()

    def needed(self, option: int) -> int:
        """Replicas of ``option`` that carry its service's demand alone."""
        return -(-self.services[self.options.service[option]].demand // self.options.capacity[option])

    def instances(self, replicas: Sequence[int]) -> list[int]:
        """Least instances per pool that hold ``replicas`` (per option) and the spares of the options used."""
        taken = [0] * len(self.pools)
        for option, count in enumerate(replicas):
            if count:
                pool = self.options.pool[option]
                taken[pool] += count * self.options.gpus[option] + self.options.spare[option] * self.pools.gpus[pool]
        return [-(-gpus // size) for gpus, size in zip(taken, self.pools.gpus, strict=True)]

    def cost(self, replicas: Sequence[int], instances: Sequence[int]) -> int:
        """Micro-dollars per hour of a choice, preferences counted: what is minimised."""
        preferred = sum(self.options.preference_of(option) for option, count in enumerate(replicas) if count)
        return dot(self.pools.cost, instances) + dot(self.options.cost, replicas) + preferred

    def tie_keys(self, replicas: Sequence[int], instances: Sequence[int]) -> tuple[int, int, int, int]:
        """Return what decides between choices of equal cost, less first: types, nodes, watts, order of options."""
        return (
            sum(count > 0 for count in instances),
            sum(instances),
            dot(self.pools.watts, instances) + dot(self.options.watts, replicas),
            sum(order for order, count in enumerate(replicas) if count),
        )


@dataclass(frozen=True, slots=True)
class Solution:
    """Counts per option and per pool."""

    replicas: tuple[int, ...]
    instances: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A solver's answer. ``bound`` is proven: no solution costs less. ``solution`` is None when there is none."""

    status: str
    """``optimal``, ``feasible`` (stopped early), ``infeasible`` or ``unknown``."""
    solver: str
    solution: Solution | None = None
    objective: int = 0
    bound: int = 0

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
