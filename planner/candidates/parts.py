"""The parts into which a service's load may be divided, each carried by fleets of its own, and the ways to divide it.

**By size.** Classes are ordered from short to long, and a part is a range of neighbours: of 3 classes there are 6
ranges, and 4 ways to cut them (after any of the 2 gaps or not). Short requests then run where memory is scarce and
cheap, long ones where it is large (Mélange, arXiv:2404.14527).

**By stage.** Prefill and decode apart, the KV cache handed over in between: see ``stages``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import ceil
from typing import TYPE_CHECKING, Literal

from planner.candidates.lengths import by_length, weights_of

if TYPE_CHECKING:
    from planner.scenario import Scenario
    from planner.scenario.workload import SizeClass

Stage = Literal["", "prefill", "decode"]

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a service's load."""

    label: str = ""
    """What it is, in a word or two; empty for the whole."""
    share: float = 1.0
    """Share of the service's sequences in flight, and so of its output."""
    of: int = 1
    """Parts into which the service may be divided, each of which has to be up for it to be up."""
    stage: Stage = ""
    ttft_share: float = 1.0
    """Share of the service's limit on TTFT that the part may use."""


WHOLE = Part()
Way = tuple[int, ...]


def divided(scenario: Scenario) -> tuple[tuple[tuple[Part, Scenario], ...], tuple[Way, ...]]:
    """Return the parts of a service, each as a scenario of its own, and the ways: indices of parts that make it whole.

    The first part is the whole, and the first way takes it alone; a service that is not divided has nothing else.
    """
    parts = [(WHOLE, scenario)]
    ways: list[Way] = [(0,)]
    sizes = by_length(scenario.workload.sizes)
    if len(sizes) > 1:
        numbers = {(0, len(sizes)): 0}
        for cuts in _cuts(len(sizes)):
            for span in cuts:
                if span not in numbers:
                    numbers[span] = len(parts)
                    parts.append(_of_sizes(scenario, sizes, *span))
            if len(cuts) > 1:
                ways.append(tuple(numbers[span] for span in cuts))
    return tuple(parts), tuple(ways)


def _cuts(count: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield every division of ``count`` neighbours into ranges [start, end), the undivided one first."""
    for cut in product((False, True), repeat=count - 1):
        edges = [0, *(index + 1 for index, here in enumerate(cut) if here), count]
        yield tuple(pairwise(edges))


def _of_sizes(scenario: Scenario, sizes: tuple[SizeClass, ...], start: int, end: int) -> tuple[Part, Scenario]:
    """Return the part that serves ``sizes[start:end]``."""
    work = scenario.workload
    mine = sizes[start:end]
    stated = sum(item.share for item in mine)
    _, in_flight = weights_of(replace(work, sizes=sizes))
    kept = tuple(replace(item, share=item.share / stated) for item in mine)
    load = replace(
        work,
        # The means are those of the classes that are left: none are given, so that they are taken from them.
        input_tokens=0,
        output_tokens=0,
        sizes=kept,
        concurrency=None if work.concurrency is None else ceil(work.concurrency * stated - _ROUNDING),
        request_rate_per_s=None if work.request_rate_per_s is None else work.request_rate_per_s * stated,
    )
    part = Part(_label(sizes, start, end), sum(in_flight[start:end]), len(sizes))
    return part, replace(scenario, workload=load)


def _label(sizes: tuple[SizeClass, ...], start: int, end: int) -> str:
    """Return ``up to 2,500 tokens``, ``2,500 to 9,000 tokens``, ``9,000 tokens and more``: prompt with output."""
    totals = [item.input_tokens + item.output_tokens for item in sizes[start:end]]
    if start == 0:
        return f"up to {totals[-1]:,} tokens"
    if end == len(sizes):
        return f"{totals[0]:,} tokens and more"
    return f"{totals[0]:,} to {totals[-1]:,} tokens" if len(totals) > 1 else f"{totals[0]:,} tokens"
