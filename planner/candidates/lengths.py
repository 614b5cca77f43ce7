"""How long requests are: all alike, or classes of which the long ones are few and yet decide what has to be held.

Three means differ as soon as sizes do. Prefill and throughput go by the requests that **arrive**. Memory and the reads
of a decode step go by those **in flight**: a request stays for as long as it generates, so one with ten times the
output is ten times as likely to be met. And a 95th percentile goes by the **tail**: the longest class that at least
5 % of the requests reach, shorter ones being faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.scenario.workload import SizeClass, Workload

TAIL = 0.05
"""Share of the requests that may be slower than a 95th percentile."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of the requests that a fleet serves."""

    input_tokens: float
    """Prompt, mean of what arrives."""
    output_tokens: float
    """Generated, mean of what arrives."""
    full_tokens: float
    """Prompt and output, mean of what is in flight."""
    context_tokens: float
    """Prompt and half of the output, mean of what is in flight: what a decode step reads of a sequence."""
    tail_input_tokens: float
    tail_output_tokens: float

    @classmethod
    def of(cls, work: Workload) -> Lengths:
        """Read the lengths of a workload, whose shares are of what arrives or, at a concurrency, of what is in flight.

        Time in flight is taken as proportional to the output, since every step gives each sequence one token.
        """
        if not work.sizes:
            prompt, output = float(work.input_tokens), float(work.output_tokens)
            return cls(prompt, output, prompt + output, prompt + output / 2, prompt, output)
        arriving, in_flight = weights_of(work)
        return cls(
            input_tokens=_mean(arriving, (item.input_tokens for item in work.sizes)),
            output_tokens=_mean(arriving, (item.output_tokens for item in work.sizes)),
            full_tokens=_mean(in_flight, (item.input_tokens + item.output_tokens for item in work.sizes)),
            context_tokens=_mean(in_flight, (item.input_tokens + item.output_tokens / 2 for item in work.sizes)),
            tail_input_tokens=_tail(arriving, [item.input_tokens for item in work.sizes]),
            tail_output_tokens=_tail(arriving, [item.output_tokens for item in work.sizes]),
        )


def weights_of(work: Workload) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the share of each class among what arrives and among what is in flight."""
    stated = tuple(item.share for item in work.sizes)
    outputs = [item.output_tokens for item in work.sizes]
    if work.concurrency is not None:
        return _shares(share / output for share, output in zip(stated, outputs, strict=True)), _shares(stated)
    return _shares(stated), _shares(share * output for share, output in zip(stated, outputs, strict=True))


def by_length(sizes: Iterable[SizeClass]) -> tuple[SizeClass, ...]:
    """Return classes from short to long."""
    return tuple(sorted(sizes, key=lambda item: (item.input_tokens + item.output_tokens, item.input_tokens)))


def _shares(weights: Iterable[float]) -> tuple[float, ...]:
    found = tuple(weights)
    return tuple(weight / sum(found) for weight in found)


def _mean(weights: Sequence[float], values: Iterable[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def _tail(weights: Sequence[float], values: Sequence[float]) -> float:
    """Return the largest value that at least ``TAIL`` of the requests reach."""
    reached = 0.0
    for value, weight in sorted(zip(values, weights, strict=True), reverse=True):
        reached += weight
        if reached >= TAIL - _ROUNDING:
            return float(value)
    return float(max(values))
