"""The sections of a scenario about what is not known yet, and about what one would do instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from planner.scenario.kinds import SHARE, Kind, money_sum
from planner.scenario.sections import Section
from planner.scenario.words import SWITCH, TEXT
from planner.units import CURRENCY_UNITS_PER_USD, Money

_NAME = Kind(TEXT.read, {**TEXT.schema, "examples": ["a hosted API"]})
_PER_MILLION = money_sum("0.60 USD", "￥4")


@dataclass(frozen=True, slots=True)
class ApiPrice(Section):
    """What the same tokens cost elsewhere, by the token."""

    name: Annotated[str, _NAME]
    """What it is the price of."""

    input_per_million: Annotated[Money, _PER_MILLION]
    """Price of a million prompt tokens."""

    output_per_million: Annotated[Money, _PER_MILLION]
    """Price of a million generated tokens."""

    cached_per_million: Annotated[Money | None, _PER_MILLION] = None
    """Price of a million prompt tokens that are found in a cache (`workload.prefix_hit_share`); the prompt's own price
    where it is left out."""

    def usd_per_million(
        self, hit_share: float, rates: Mapping[str, float] = CURRENCY_UNITS_PER_USD
    ) -> tuple[float, float]:
        """Return dollars per million prompt tokens, ``hit_share`` of them cached, and per million generated ones."""
        prompt = self.input_per_million.to_usd(rates)
        cached = prompt if self.cached_per_million is None else self.cached_per_million.to_usd(rates)
        return prompt + (cached - prompt) * hit_share, self.output_per_million.to_usd(rates)


@dataclass(frozen=True, slots=True)
class Uncertainty(Section):
    """By how much what the plan rests on may be wrong. For each of them the report says what being wrong would cost."""

    load: Annotated[float, SHARE] = 0.0
    """Share by which there may be more or fewer requests."""

    lengths: Annotated[float, SHARE] = 0.0
    """Share by which prompts and outputs may be longer or shorter."""

    prices: Annotated[float, SHARE] = 0.0
    """Share by which the prices of what a plan takes may rise."""

    efficiency: Annotated[bool, SWITCH] = False
    """Whether a plan's throughput may be at the low end of its 90 % interval."""

    @property
    def anything(self) -> bool:
        """Whether anything may be wrong at all."""
        return bool(self.load or self.lengths or self.prices or self.efficiency)
