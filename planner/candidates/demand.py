"""What a replica must carry: the load of a scenario as batches per replica and replicas per fleet.

Two kinds of load. A **concurrency** C is a closed loop: C requests are always in flight, R replicas hold C / R each. A
**request rate** is open: arrivals are Poisson, so the number in flight at a replica varies around its mean m by about
sqrt(m) (an M/G/infinity queue has Poisson occupancy whatever the service time). An SLA on a 95th percentile is then
asked to hold at the 95th percentile of the occupancy, b = m + 1.645 sqrt(m), and a replica that holds its SLA at b
sequences is given the rate that keeps m in flight.

Where one is served after the other, as where replicas only prefill, occupancy has a longer tail than Poisson's: the
b-th prompt is met with a probability of at most rho^b at a utilisation rho (M/M/1, whose tail is that of M/D/1 or
longer), so rho may be 0.05^(1/b).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates.lengths import Lengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.scenario import Scenario

Z_95 = 1.645
"""95th percentile of the standard normal distribution."""

LATE = 0.05
"""Share of requests that may meet more others than a 95th percentile is held for."""

MICRO = 1_000_000
"""Request rates enter the solver as whole micro-requests per second."""

MAX_BATCH = 4096
"""Sequences in one engine: four times the highest default of the catalog's engines."""


COARSE_REPLICAS = 16
"""Replicas up to which the first round of batches goes."""

_ROUNDING = 1e-6
"""What products of shares in binary may exceed the whole number that they mean."""

RATE_TOLERANCE = 0.02
"""How near, as a share, the batch that a request rate allows is found: below the error of any prediction."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The load. One of ``concurrency`` (requests in flight) and ``request_rate_per_s`` is given."""

    lengths: Lengths
    prefix_hit_share: float
    concurrency: int | None
    request_rate_per_s: float | None
    hourly: tuple[float, ...] = (1.0,)
    """The load in each hour of a cycle, as shares of what is given above."""
    shared: bool = False
    """Whether several fleets may carry the load together, so that every batch makes a difference."""
    in_turn: bool = False
    """Whether a replica serves one request after the other."""

    @classmethod
    def of(cls, scenario: Scenario, *, shared: bool = False, in_turn: bool = False) -> Demand:
        """Read the load of a scenario."""
        work = scenario.workload
        return cls(
            hourly=work.hourly or (1.0,),
            shared=shared,
            in_turn=in_turn,
            lengths=Lengths.of(work),
            prefix_hit_share=work.prefix_hit_share,
            concurrency=work.concurrency,
            request_rate_per_s=work.request_rate_per_s,
        )

    @property
    def tokens_per_sequence(self) -> int:
        """KV-cache tokens of a sequence at its end, mean of those in flight."""
        return ceil(self.lengths.full_tokens - _ROUNDING)

    @property
    def decode_steps(self) -> int:
        """Tokens after the first of a request that 95 % of the others do not exceed."""
        return max(ceil(self.lengths.tail_output_tokens) - 1, 0)

    @property
    def amount(self) -> int:
        """The load of the busiest hour in solver units: sequences, or micro-requests per second."""
        return max(self.amounts)

    @property
    def amounts(self) -> tuple[int, ...]:
        """The load of each hour in solver units."""
        whole = self.request_rate_per_s * MICRO if self.request_rate_per_s is not None else self.concurrency or 0
        return tuple(ceil(whole * share - _ROUNDING) for share in self.hourly)

    def grid(self, *, fine: bool) -> NDArray[np.int64]:
        """Batches to try on every layout, ascending: the load over 1, 2, 4, ... replicas, or powers of four.

        Without ``fine`` it stops at ``COARSE_REPLICAS`` or thins out; ``below`` and ``between`` fill in what matters.
        """
        if self.concurrency is None:
            powers = np.left_shift(1, np.arange(MAX_BATCH.bit_length(), dtype=np.int64))
            return powers if fine else powers[2::2]
        steps = self.concurrency.bit_length() + 1 if fine else COARSE_REPLICAS.bit_length()
        replicas = np.left_shift(1, np.arange(steps, dtype=np.int64))
        return np.unique(np.minimum(-(-self.concurrency // replicas), MAX_BATCH))

    def below(self, batch: int) -> NDArray[np.int64]:
        """Batches to try where even ``batch`` is too many, ascending."""
        if self.concurrency is None:
            return np.array([value for value in (batch // 4, batch // 2) if value], dtype=np.int64)
        replicas = -(-self.concurrency // batch)
        tried = np.unique(-(-self.concurrency // (replicas * np.array([2, 4, 8], dtype=np.int64))))
        return tried[tried < batch]

    def between(self, low: int, high: int) -> NDArray[np.int64]:
        """Batches strictly between two that could lower the number of replicas, ascending.

        For a concurrency on one fleet these are all values of ceil(C / R): no other batch makes a difference. Elsewhere
        they narrow the interval down, until it is within ``RATE_TOLERANCE``.
        """
        if self.concurrency is None or self.shared:
            if high <= low + max(1, int(low * RATE_TOLERANCE)):
                return np.zeros(0, dtype=np.int64)
            values = np.unique(np.linspace(low, high, 9).round().astype(np.int64))
        else:
            fewest, most = -(-self.concurrency // high), -(-self.concurrency // max(low, 1))
            values = np.unique(-(-self.concurrency // np.arange(fewest, most + 1)))
        return values[(values > low) & (values < high)]

    def capacity(self, batch: NDArray[np.int64], output_tok_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Load that a replica carries when it may hold ``batch`` sequences, in solver units.

        ``output_tok_s`` is its throughput with ``batch`` in flight. With fewer in flight each is served no slower, so
        the rate given for a Poisson mean below ``batch`` is on the safe side.
        """
        if self.concurrency is not None:
            return batch.astype(np.int64)
        if self.in_turn:
            busiest = output_tok_s / self.lengths.output_tokens
            return np.asarray(np.floor(busiest * LATE ** (1.0 / batch) * MICRO), dtype=np.int64)
        root = (np.sqrt(Z_95**2 + 4.0 * batch) - Z_95) / 2.0
        rate = output_tok_s / self.lengths.output_tokens * root**2 / batch
        return np.asarray(np.floor(rate * MICRO), dtype=np.int64)
