"""What the user asks: one frozen dataclass per section of a scenario file.

The text below a field is its documentation: hover text in editors, ``docs/scenario.md``, and the JSON Schema come
from it. A field is written in the file under its own name unless ``KEYS`` says otherwise, because inside a figure
carries its unit in its name and in a file it carries it in its value (``ttft_p95: 2s`` is ``ttft_p95_ms``, 2000.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

from planner.scenario.kinds import (
    AVAILABILITY,
    CONCURRENCY,
    DURATION,
    HIT_SHARE,
    HORIZON,
    MONEY_RATE,
    MONEY_SUM,
    PER_TOKEN,
    RECOVERY,
    REQUEST_RATE,
    TOKEN_RATE,
    TOKENS,
)
from planner.scenario.words import (
    CURRENCY_RATES,
    DAY,
    DEGREE,
    IDENTIFIER,
    MODEL,
    NAME,
    PRICING_KIND,
    RULE_FILE,
    RULE_ID,
    RULE_PENALTIES,
    SWITCH,
    TEXT,
    any_or_list,
    constant,
    list_of,
)
from planner.source.document import Marks, SourceDocument
from planner.units import CURRENCY_UNITS_PER_USD, HOURS_PER_MONTH, Money

KEYS: Mapping[str, str] = {
    "request_rate_per_s": "request_rate",
    "ttft_p50_ms": "ttft_p50",
    "ttft_p95_ms": "ttft_p95",
    "tpot_p95_ms": "tpot_p95",
    "e2e_p95_ms": "e2e_p95",
    "horizon_months": "horizon",
    "rule_paths": "rules",
    "disabled_rules": "disable_rules",
}
"""Field -> the key it has in a file, where the two differ."""


def key_of(name: str) -> str:
    """Return the key under which a field stands in a file."""
    return KEYS.get(name, name)


_IDS = any_or_list(IDENTIFIER, ["h100-sxm", "l40s"])


class Section:
    """Base of all sections. ``__pydantic_config__`` speaks to pydantic when it writes the JSON Schema."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Any] = {
        "extra": "forbid",
        "alias_generator": key_of,
        "use_attribute_docstrings": True,
        "arbitrary_types_allowed": True,
    }


@dataclass(frozen=True, slots=True)
class Workload(Section):
    """The requests to serve: how long they are and how many there are.

    Exactly one of `concurrency` and `request_rate` says how many.
    """

    input_tokens: Annotated[int, TOKENS]
    """Prompt tokens of a request, on average."""

    output_tokens: Annotated[int, TOKENS]
    """Tokens generated for a request, on average."""

    concurrency: Annotated[int | None, CONCURRENCY] = None
    """Requests in flight at any time (closed loop: when one ends, the next begins)."""

    request_rate_per_s: Annotated[float | None, REQUEST_RATE] = None
    """Requests that arrive per second, whether or not earlier ones have ended (open loop)."""

    prefix_hit_share: Annotated[float, HIT_SHARE] = 0.0
    """Share of the prompt tokens that a prefix cache already holds, so that they need no prefill."""

    kind: Annotated[str, constant("serving")] = "serving"
    """What the hardware is for."""


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


@dataclass(frozen=True, slots=True)
class Budget(Section):
    """What may be spent. Several limits hold together."""

    max: Annotated[Money | None, MONEY_RATE] = None
    """Most that the plan may cost per hour, month or year; what is bought counts with its write-off and power."""

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
        return None if self.max is None else self.max.to_usd_per_hour(self.rates) * HOURS_PER_MONTH

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

    engines: Annotated[tuple[str, ...] | None, any_or_list(IDENTIFIER, ["vllm", "sglang"])] = None
    """Inference engines."""

    tensor_parallel: Annotated[tuple[int, ...] | None, any_or_list(DEGREE, [1, 2, 4, 8])] = None
    """GPUs over which each layer is split."""

    pipeline_parallel: Annotated[tuple[int, ...] | None, any_or_list(DEGREE, [1, 2])] = None
    """Stages into which the layers are divided."""

    pricing: Annotated[tuple[str, ...] | None, any_or_list(PRICING_KIND, ["on-demand", "reserved-1y"])] = None
    """Ways to pay. `any` leaves `spot` out, which can be taken away, and `purchase` without what that needs: a
    `budget.horizon` and a `site.region`."""

    providers: Annotated[tuple[str, ...] | None, any_or_list(IDENTIFIER, ["AWS", "GCP"])] = None
    """Cloud providers."""

    regions: Annotated[tuple[str, ...] | None, any_or_list(IDENTIFIER, ["us-east-1"])] = None
    """Regions of the providers, in their own names, or countries such as `us` and `de`."""


@dataclass(frozen=True, slots=True)
class Site(Section):
    """Where hardware that is bought would stand."""

    region: Annotated[str | None, IDENTIFIER] = None
    """Region of the catalog that gives the price of electricity and the PUE."""


@dataclass(frozen=True, slots=True)
class DisabledRule(Section):
    """A rule that is switched off, and why; the report shows both."""

    id: Annotated[str, RULE_ID]
    """Id of the rule."""

    reason: Annotated[str, TEXT]
    """Why it does not apply here."""


NO_DOCUMENT = SourceDocument({}, "", "", Marks((0, 0, 1)))
"""Stands for the file of a scenario that was built in Python."""


@dataclass(frozen=True, slots=True)
class Scenario(Section):
    """One question to the planner: a model, its load, and what the answer has to hold."""

    name: Annotated[str, NAME]
    """Name of the scenario, for reports and file names."""

    model: Annotated[str | dict[str, Any], MODEL]
    """Id of a catalog entry, path of a config.json, safetensors or GGUF file, or the content of a config.json.

    A path starts with `./` and is relative to this file.
    """

    workload: Workload
    """The requests to serve."""

    sla: SLA = SLA()
    """What every plan has to hold."""

    budget: Budget = Budget()
    """What may be spent."""

    quality: Quality = Quality()
    """How much of the 16-bit model's quality has to remain."""

    search: Search = Search()
    """What may be considered; everything, unless it is narrowed here."""

    site: Site = Site()
    """Where bought hardware would stand; needed for `purchase`."""

    rule_paths: Annotated[tuple[str, ...], list_of(RULE_FILE, ["company.yaml"])] = ()
    """Files with rules of your own, relative to this file and not outside its directory."""

    disabled_rules: tuple[DisabledRule, ...] = ()
    """Rules that are switched off, each with its reason."""

    rule_packs: Annotated[tuple[str, ...], list_of(RULE_ID, ["procurement"])] = ()
    """Packs of rules beside those that always apply; `planner rules list` shows them."""

    rule_penalties: Annotated[Mapping[str, Money], RULE_PENALTIES] = field(default_factory=dict)
    """What violating a rule with `effect: prefer` counts for here, instead of what the rule says."""

    as_of: Annotated[str | None, DAY] = None
    """Day at which the age of prices is counted; the newest price of the catalog where it is left out."""

    currency_rates: Annotated[Mapping[str, float], CURRENCY_RATES] = field(default_factory=dict)
    """Units of a currency that one US dollar buys, for the sums of this file; CNY is known, others are not."""

    document: SourceDocument = field(default=NO_DOCUMENT, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.currency_rates:
            rates = {**CURRENCY_UNITS_PER_USD, **self.currency_rates}
            object.__setattr__(self, "budget", replace(self.budget, rates=rates))

    @property
    def base_dir(self) -> Path:
        """Directory that relative paths of the file start from; the working directory for stdin."""
        return Path(self.document.path).parent

    @property
    def rules(self) -> tuple[Path, ...]:
        """Rule files of the scenario, in its order."""
        return tuple(self.base_dir / path for path in self.rule_paths)

    @property
    def rule_penalties_usd_per_month(self) -> Mapping[str, float]:
        """``rule_penalties`` in US dollars per month of 730 hours."""
        rates = {**CURRENCY_UNITS_PER_USD, **self.currency_rates}
        return {name: money.to_usd_per_hour(rates) * HOURS_PER_MONTH for name, money in self.rule_penalties.items()}

    @property
    def considers_purchase(self) -> bool:
        """Whether bought hardware is among the options: asked for, or not excluded and priceable."""
        if self.search.pricing is not None:
            return "purchase" in self.search.pricing
        return self.budget.horizon_months is not None and self.site.region is not None

    @property
    def digest(self) -> str:
        """SHA-256 of what the scenario says, whatever its spelling, comments, key order and place on disk."""
        import json
        from hashlib import sha256

        content = asdict(replace(self, document=NO_DOCUMENT))
        del content["document"], content["budget"]["rates"]
        return sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


INTERNAL = frozenset({"rates", "document"})
"""Fields that no file can set."""
