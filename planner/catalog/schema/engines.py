"""Inference engines: what they run on which hardware, and the defaults that decide memory and batching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.catalog.schema.accelerators import Accelerator
from planner.catalog.schema.base import AsOf, Confidence, Count, Entity, NotNegative, Text

SupportLevel = Literal["native", "weight-only", "no"]
"""``native``: computes in the format's own units; ``weight-only``: stores it so, computes in 16 bits."""

SettingValue = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Support(Entity):
    """On which generations an engine runs some formats. What no record names is unsupported: silence is a no."""

    formats: tuple[str, ...]
    generations: tuple[str, ...]
    level: SupportLevel
    source: Text
    as_of: AsOf
    confidence: Confidence = "medium"
    min_compute_capability: NotNegative = 0
    """CUDA devices below it are excluded."""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class SettingRule(Entity):
    """A default's value under conditions; all must hold. The first rule that matches decides."""

    value: SettingValue
    min_memory_gib: NotNegative = 0
    below_memory_gib: NotNegative | None = None
    accelerators: tuple[str, ...] = ()
    """Only these; empty means all."""
    not_accelerators: tuple[str, ...] = ()
    min_gpus: Count = 1
    """Tensor x pipeline parallel size."""
    below_gpus: Count | None = None

    def applies(self, accelerator: Accelerator, gpus: int) -> bool:
        """Return whether the rule holds on that device when ``gpus`` of them serve one replica."""
        memory = accelerator.memory_gib_usable
        return (
            memory >= self.min_memory_gib
            and (self.below_memory_gib is None or memory < self.below_memory_gib)
            and (not self.accelerators or accelerator.id in self.accelerators)
            and accelerator.id not in self.not_accelerators
            and gpus >= self.min_gpus
            and (self.below_gpus is None or gpus < self.below_gpus)
        )


@dataclass(frozen=True, slots=True)
class Setting(Entity):
    """A default of the engine: its name as the engine spells it, the value by hardware, unit and source."""

    name: Text
    rules: tuple[SettingRule, ...]
    source: Text
    as_of: AsOf
    unit: str = ""
    confidence: Confidence = "medium"
    notes: str = ""

    def value(self, accelerator: Accelerator, gpus: int = 1) -> SettingValue:
        """Return the value on that hardware. Raises LookupError where no rule speaks of it."""
        for rule in self.rules:
            if rule.applies(accelerator, gpus):
                return rule.value
        raise LookupError(f"{self.name} has no default for {gpus} x {accelerator.id}")


@dataclass(frozen=True, slots=True)
class Parallelism(Entity):
    """Ways of spreading a model that the engine has."""

    tensor: bool = False
    pipeline: bool = False
    expert: bool = False
    attention_data: bool = False
    """Attention replicated over data-parallel ranks while experts are shared (MLA models)."""
    multi_node: bool = False
    disaggregated: bool = False
    """Prefill and decode in different instances, with the KV cache handed over between them."""


@dataclass(frozen=True, slots=True)
class Engine(Entity):
    """An inference engine at one version."""

    id: Text
    name: Text
    version: Text
    """The version whose defaults these are."""
    serving: bool
    """False: offline use only (memory reckoning); the solver leaves it out."""
    parallelism: Parallelism
    weights: tuple[Support, ...]
    kv_cache: tuple[Support, ...]
    settings: tuple[Setting, ...]
    source: Text
    as_of: AsOf
    disaggregated_source: str = ""
    """Where it says that prefill and decode may run apart."""
    aliases: tuple[str, ...] = ()
    notes: str = ""

    def weight_support(self, format_id: str, accelerator: Accelerator) -> SupportLevel:
        """Return how the engine runs weights in that format on that device; ``no`` where nothing is recorded."""
        return _level(self.weights, format_id, accelerator)

    def kv_support(self, kv_format_id: str, accelerator: Accelerator) -> SupportLevel:
        """Return how the engine caches keys and values in that format on that device."""
        return _level(self.kv_cache, kv_format_id, accelerator)

    def setting(self, name: str) -> Setting:
        """Return the default of that name. Raises KeyError where the catalog has none."""
        for item in self.settings:
            if item.name == name:
                return item
        raise KeyError(name)

    def default(self, name: str, accelerator: Accelerator, gpus: int = 1) -> SettingValue:
        """Return the default's value on that hardware. Raises KeyError or LookupError where there is none."""
        return self.setting(name).value(accelerator, gpus)


def _level(records: tuple[Support, ...], format_id: str, accelerator: Accelerator) -> SupportLevel:
    for record in records:
        if format_id in record.formats and accelerator.generation in record.generations:
            floor = record.min_compute_capability
            if floor and accelerator.cuda_capability and accelerator.cuda_capability < floor:
                continue
            return record.level
    return "no"
