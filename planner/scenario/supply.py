"""The sections of a scenario about what is there, what may be taken, and what is wanted first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from planner.scenario.kinds import MONEY_RATE, POWER, SHARE, count
from planner.scenario.sections import Section
from planner.scenario.values import WITHIN
from planner.scenario.words import IDENTIFIER, PRICING_KIND, choice, list_of
from planner.units import Money

NODES = count(0, 1_000_000, 4)
GPUS = count(0, 8_000_000, 64)
GPUS_PER_NODE = count(1, 1024, 8)
TYPES = count(1, 100, 2)

GOALS = ("cost", "energy", "carbon")
"""What a plan may be best in before anything else."""
TIES = ("types", "nodes", "energy", "cost")
"""What may decide between plans that are equal in the goal."""


@dataclass(frozen=True, slots=True)
class Owned(Section):
    """Servers that are there already and cost only what it takes to run them."""

    accelerator: Annotated[str, IDENTIFIER]
    """Accelerator in them."""

    nodes: Annotated[int, NODES]
    """How many there are."""

    gpus_per_node: Annotated[int, GPUS_PER_NODE] = 8
    """Accelerators in each."""

    cost: Annotated[Money | None, MONEY_RATE] = None
    """What running one costs; left out, its power at the price of electricity of `site.region`."""

    offer: Annotated[str | None, IDENTIFIER] = None
    """Offer of the catalog that is like them, which gives link, network and host power; else one is looked up."""


@dataclass(frozen=True, slots=True)
class Quota(Section):
    """Most that may be taken of what fits every word given; exactly one of `nodes` and `gpus` says how much."""

    offer: Annotated[str | None, IDENTIFIER] = None
    """An offer of the catalog."""

    accelerator: Annotated[str | None, IDENTIFIER] = None
    """An accelerator, wherever it is."""

    provider: Annotated[str | None, IDENTIFIER] = None
    """A provider."""

    region: Annotated[str | None, IDENTIFIER] = None
    """A region of a provider, or a country."""

    pricing: Annotated[str | None, PRICING_KIND] = None
    """A way to pay."""

    nodes: Annotated[int | None, NODES] = None
    """Most instances or servers."""

    gpus: Annotated[int | None, GPUS] = None
    """Most accelerators."""

    WORDS: ClassVar[tuple[str, ...]] = ("offer", "accelerator", "provider", "region", "pricing")

    @property
    def words(self) -> str:
        """What it is a quota of: ``h100-sxm on-demand aws``."""
        return " ".join(str(getattr(self, name)) for name in self.WORDS if getattr(self, name) is not None)


@dataclass(frozen=True, slots=True)
class Limits(Section):
    """What may be taken and run at most, of everything together."""

    types: Annotated[int | None, TYPES] = None
    """Different accelerators."""

    nodes: Annotated[int | None, NODES] = None
    """Instances and servers."""

    power_w: Annotated[float | None, POWER] = None
    """Rated power of the servers that are bought or owned."""

    power_per_rack_w: Annotated[float | None, POWER] = None
    """Rated power that a rack feeds; a bought or owned server that draws more cannot stand there."""

    spot_share: Annotated[float | None, SHARE] = None
    """Share of each service's load that spot instances may carry; all of it where it is left out."""

    spot_interruption: Annotated[float, SHARE] = 0.0
    """Share of the spot instances that is taken to be gone at any time, and held beyond the need."""

    quotas: tuple[Quota, ...] = ()
    """Limits of single offers, accelerators, providers, regions or ways to pay."""


@dataclass(frozen=True, slots=True)
class Objective(Section):
    """What is wanted first of a plan, and what decides between equals."""

    first: Annotated[str, choice("a goal", GOALS)] = "cost"
    """What is least in the best plan: its cost, its energy, or the carbon dioxide of that energy where it runs."""

    ties: Annotated[tuple[str, ...], list_of(choice("a way to break ties", TIES), ["types", "nodes", "energy"])] = (
        "types",
        "nodes",
        "energy",
    )
    """What decides between plans that are equal in that, in this order, less first."""

    within: Annotated[float | str, WITHIN] = 0.0
    """Difference below which plans count as equal: a share, or `predictions` for what predictions are off by."""
