"""The section of a scenario about the requests to serve: how long they are, how many, when, and how fast they grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from planner.scenario.kinds import CONCURRENCY, HIT_SHARE, REQUEST_RATE, SHARE, TOKENS
from planner.scenario.sections import Section
from planner.scenario.values import GROWTH, PROFILE
from planner.scenario.words import constant


@dataclass(frozen=True, slots=True)
class SizeClass(Section):
    """Requests of one size among those of a workload."""

    input_tokens: Annotated[int, TOKENS]
    """Prompt tokens of such a request, on average."""

    output_tokens: Annotated[int, TOKENS]
    """Tokens generated for such a request, on average."""

    share: Annotated[float, SHARE]
    """Share of the requests: of those that arrive, or of those in flight where `concurrency` is given."""


@dataclass(frozen=True, slots=True)
class Workload(Section):
    """The requests to serve: how long they are and how many there are.

    Exactly one of `concurrency` and `request_rate` says how many. Lengths are `input_tokens` and `output_tokens`, or
    `sizes` where requests of different size may be served apart.
    """

    EXAMPLE: ClassVar[str] = "input_tokens: 2048, output_tokens: 512, concurrency: 200"

    input_tokens: Annotated[int, TOKENS] = 0
    """Prompt tokens of a request, on average."""

    output_tokens: Annotated[int, TOKENS] = 0
    """Tokens generated for a request, on average."""

    concurrency: Annotated[int | None, CONCURRENCY] = None
    """Requests in flight at any time (closed loop: when one ends, the next begins)."""

    request_rate_per_s: Annotated[float | None, REQUEST_RATE] = None
    """Requests that arrive per second, whether or not earlier ones have ended (open loop)."""

    prefix_hit_share: Annotated[float, HIT_SHARE] = 0.0
    """Share of the prompt tokens that a prefix cache already holds, so that they need no prefill."""

    hourly: Annotated[tuple[float, ...] | None, PROFILE] = None
    """The load in each hour of a day (24 values) or of a week (168), as shares of what is stated above. Instances on
    demand then follow it, reserved and bought ones stay."""

    sizes: tuple[SizeClass, ...] = ()
    """Classes of requests by size, instead of one average. Each range of sizes may get accelerators of its own, where
    that is cheaper."""

    growth: Annotated[float, GROWTH] = 0.0
    """How fast the load grows. The plan is for the load as stated; the report says for how long it lasts, and what a
    year from now costs."""

    kind: Annotated[str, constant("serving")] = "serving"
    """What the hardware is for."""

    def __post_init__(self) -> None:
        if self.sizes and not self.input_tokens:
            # What is said of a workload as a whole is said of its average request.
            for name in ("input_tokens", "output_tokens"):
                mean = sum(item.share * getattr(item, name) for item in self.sizes)
                object.__setattr__(self, name, max(round(mean), 1))
