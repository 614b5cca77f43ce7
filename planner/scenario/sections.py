"""The sections of a scenario: one frozen dataclass each.

The text below a field is its documentation: hover text in editors, ``docs/scenario.md``, and the JSON Schema come
from it. A field is written in the file under its own name unless ``KEYS`` says otherwise, because inside a figure
carries its unit in its name and in a file it carries it in its value (``ttft_p95: 2s`` is ``ttft_p95_ms``, 2000.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from planner.scenario.kinds import (
    AVAILABILITY,
    CONFIDENCE,
    DURATION,
    HORIZON,
    MONEY_RATE,
    MONEY_SUM,
    PER_TOKEN,
    RECOVERY,
    SHARE,
    TOKEN_RATE,
    count,
)
from planner.scenario.values import PUE
from planner.scenario.words import (
    DEGREE,
    IDENTIFIER,
    PRICING_KIND,
    RULE_ID,
    SWITCH,
    TEXT,
    any_or_list,
)
from planner.units import CURRENCY_UNITS_PER_USD, Money

KEYS: Mapping[str, str] = {
    "request_rate_per_s": "request_rate",
    "ttft_p50_ms": "ttft_p50",
    "ttft_p95_ms": "ttft_p95",
    "tpot_p95_ms": "tpot_p95",
    "e2e_p95_ms": "e2e_p95",
    "horizon_months": "horizon",
    "power_w": "power",
    "power_per_rack_w": "power_per_rack",
    "colocation_per_kw": "colocation",
    "maintenance_share": "maintenance",
    "salvage_share": "salvage",
    "electricity_per_kwh": "electricity",
    "rule_paths": "rules",
    "disabled_rules": "disable_rules",
}
"""Field -> the key it has in a file, where the two differ."""


def key_of(name: str) -> str:
    """Return the key under which a field stands in a file."""
    return KEYS.get(name, name)


_IDS = any_or_list(IDENTIFIER, ["h100-sxm", "l40s"])
SPARES = count(0, 16, 1)
MIX = count(1, 8, 2)


class Section:
    """Base of all sections. ``__pydantic_config__`` speaks to pydantic when it writes the JSON Schema."""

    __slots__ = ()
    HIDDEN: ClassVar[frozenset[str]] = frozenset()
    """Inherited fields that no file can set in this section."""
    EXAMPLE: ClassVar[str] = ""
    """What such a section may hold, where its required keys alone do not say."""
    HIDDEN_WHY: ClassVar[str] = "is about serving, and this is about training"
    HIDDEN_HELP: ClassVar[str] = "leave it out"

    __pydantic_config__: ClassVar[Any] = {
        "extra": "forbid",
        "alias_generator": key_of,
        "use_attribute_docstrings": True,
        "arbitrary_types_allowed": True,
    }


@dataclass(frozen=True, slots=True)
class SLA(Section):
    """What every plan has to hold. Whatever is left out is not asked."""

    ttft_p50_ms: Annotated[float | None, DURATION] = None
    """Time to first token that half of the requests may exceed."""

    ttft_p95_ms: Annotated[float | None, DURATION] = None
    """Time to first token that 5 % of the requests may exceed."""

    tpot_p95_ms: Annotated[float | None, PER_TOKEN] = None
    """Time per output token after the first that 5 % of the requests may exceed."""

    e2e_p95_ms: Annotated[float | None, DURATION] = None
    """Time from request to last token that 5 % of the requests may exceed."""

    output_tokens_per_second: Annotated[float | None, TOKEN_RATE] = None
    """Tokens that all replicas together have to generate per second."""

    availability: Annotated[float | None, AVAILABILITY] = None
    """Share of the time in which the SLA has to hold although replicas and nodes fail."""

    spare_nodes: Annotated[int, SPARES] = 0
    """Instances that may be lost at once, on each offer that is used, with everything else still held (1 is N+1)."""

    confidence: Annotated[float | None, CONFIDENCE] = None
    """How sure latencies and throughput have to be, given the errors of predictions; left out, they hold by the best
    estimate, which is as often too low as too high."""


@dataclass(frozen=True, slots=True)
class Budget(Section):
    """What may be spent. Several limits hold together."""

    max: Annotated[Money | None, MONEY_RATE] = None
    """Most that the plan may cost per hour, month or year; what is bought counts with its write-off and power."""

    peak: Annotated[Money | None, MONEY_RATE] = None
    """Most that it may cost in its dearest hour, where the load changes over the day."""

    capex: Annotated[Money | None, MONEY_SUM] = None
    """Most that may be paid for hardware at the start."""

    tco: Annotated[Money | None, MONEY_SUM] = None
    """Most that everything may cost over the `horizon`."""

    horizon_months: Annotated[int | None, HORIZON] = None
    """Time over which total cost is counted and bought hardware is written off."""

    rates: Mapping[str, float] = field(default_factory=lambda: dict(CURRENCY_UNITS_PER_USD), repr=False, compare=False)

    @property
    def usd_per_hour(self) -> float | None:
        """``max`` in US dollars per hour."""
        return None if self.max is None else self.max.to_usd_per_hour(self.rates)

    @property
    def usd_per_month(self) -> float | None:
        """``max`` in US dollars per month of 730 hours."""
        return None if self.max is None else self.max.to_usd_per_month(self.rates)

    @property
    def peak_usd_per_hour(self) -> float | None:
        """``peak`` in US dollars per hour."""
        return None if self.peak is None else self.peak.to_usd_per_hour(self.rates)

    @property
    def capex_usd(self) -> float | None:
        """``capex`` in US dollars."""
        return None if self.capex is None else self.capex.to_usd(self.rates)

    @property
    def tco_usd(self) -> float | None:
        """``tco`` in US dollars over ``horizon_months``."""
        return None if self.tco is None else self.tco.to_usd(self.rates)


@dataclass(frozen=True, slots=True)
class Quality(Section):
    """How much of the 16-bit model's quality has to remain after quantization."""

    min_recovery: Annotated[float | None, RECOVERY] = None
    """Least share of the 16-bit model's benchmark scores, as measured for format, KV format and model size."""

    accept_unmeasured: Annotated[bool, SWITCH] = False
    """Allow formats for which no recovery has been measured at the model's size."""


@dataclass(frozen=True, slots=True)
class Search(Section):
    """What may be considered: `any`, one id, or a list of ids. `planner catalog list` shows the ids."""

    weights: Annotated[tuple[str, ...] | None, any_or_list(IDENTIFIER, ["bf16", "fp8-e4m3"])] = None
    """Formats of the weights."""

    kv_cache: Annotated[tuple[str, ...] | None, any_or_list(IDENTIFIER, ["bf16", "fp8"])] = None
    """Formats of the KV cache."""

    accelerators: Annotated[tuple[str, ...] | None, _IDS] = None
    """Accelerators."""

    vendors: Annotated[tuple[str, ...] | None, any_or_list(IDENTIFIER, ["nvidia"], ["nvidia", "amd"])] = None
    """Vendors of accelerators."""

    engines: Annotated[tuple[str, ...] | None, any_or_list(IDENTIFIER, ["vllm", "sglang"])] = None
    """Inference engines."""

    tensor_parallel: Annotated[tuple[int, ...] | None, any_or_list(DEGREE, [1, 2, 4, 8])] = None
    """GPUs over which each layer is split."""

    pipeline_parallel: Annotated[tuple[int, ...] | None, any_or_list(DEGREE, [1, 2])] = None
    """Stages into which the layers are divided."""

    pricing: Annotated[tuple[str, ...] | None, any_or_list(PRICING_KIND, ["on-demand", "reserved-1y"])] = None
    """Ways to pay. `any` leaves `spot` out, which can be taken away, and `purchase` without what that needs: a
    `budget.horizon` and a `site.region`."""

    providers: Annotated[tuple[str, ...] | None, any_or_list(IDENTIFIER, ["aws", "gcp"])] = None
    """Cloud providers."""

    regions: Annotated[tuple[str, ...] | None, any_or_list(IDENTIFIER, ["us-east-1"])] = None
    """Regions of the providers, in their own names, or countries such as `us` and `de`."""

    mix: Annotated[int | None, MIX] = None
    """Most different fleets (a layout on an offer) over which a service may be spread. Left out it is 1, and 2 where
    an inventory or an hourly load makes a second one worth while."""

    disaggregated: Annotated[bool, SWITCH] = False
    """Consider prefill and decode on pools of their own as well, with the KV cache handed over."""


@dataclass(frozen=True, slots=True)
class Site(Section):
    """Where hardware that is bought would stand."""

    region: Annotated[str | None, IDENTIFIER] = None
    """Region of the catalog that gives the price of electricity, the PUE and the carbon of its grid."""

    electricity_per_kwh: Annotated[Money | None, MONEY_SUM] = None
    """Price of a kWh, instead of the region's."""

    pue: Annotated[float | None, PUE] = None
    """Power of the site over that of its computers, instead of the region's."""

    colocation_per_kw: Annotated[Money | None, MONEY_RATE] = None
    """Fee for a kW of rated power in a hosted site; it covers energy and cooling, which are then not charged."""

    maintenance_share: Annotated[float, SHARE] = 0.0
    """Yearly cost of keeping bought hardware, as a share of its price."""

    salvage_share: Annotated[float, SHARE] = 0.0
    """Share of its price that bought hardware fetches at the end of the horizon."""


@dataclass(frozen=True, slots=True)
class DisabledRule(Section):
    """A rule that is switched off, and why; the report shows both."""

    id: Annotated[str, RULE_ID]
    """Id of the rule."""

    reason: Annotated[str, TEXT]
    """Why it does not apply here."""
