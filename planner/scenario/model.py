"""Scenario: what the user asks, in base units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from planner.scenario.future import ApiPrice, Uncertainty
from planner.scenario.sections import SLA, Budget, DisabledRule, Quality, Search, Section, Site
from planner.scenario.supply import Limits, Objective, Owned
from planner.scenario.values import CURRENCY_RATES, DAY, RULE_PENALTIES
from planner.scenario.words import MODEL, NAME, RULE_FILE, RULE_ID, list_of
from planner.scenario.workload import Workload
from planner.source.document import Marks, SourceDocument
from planner.units import CURRENCY_UNITS_PER_USD, Money

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

    sla: SLA = field(default_factory=SLA)
    """What every plan has to hold."""

    budget: Budget = field(default_factory=Budget)
    """What may be spent."""

    quality: Quality = field(default_factory=Quality)
    """How much of the 16-bit model's quality has to remain."""

    search: Search = field(default_factory=Search)
    """What may be considered; everything, unless it is narrowed here."""

    site: Site = field(default_factory=Site)
    """Where bought hardware would stand; needed for `purchase`."""

    inventory: tuple[Owned, ...] = ()
    """Servers that are there already."""

    limits: Limits = field(default_factory=Limits)
    """What may be taken and run at most."""

    objective: Objective = field(default_factory=Objective)
    """What makes one plan better than another."""

    compare: tuple[ApiPrice, ...] = ()
    """Prices by the token, of an API, beside which the plan is told: what it costs there, and from which load on the
    plan is the cheaper."""

    uncertainty: Uncertainty = field(default_factory=Uncertainty)
    """What may be wrong, and by how much; told of the plan and of what else was possible."""

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
            object.__setattr__(self, "budget", replace(self.budget, rates=self.rates))

    @property
    def parts(self) -> tuple[Scenario, ...]:
        """One scenario per service: this one, as it has one service."""
        return (self,)

    @property
    def asks_about_the_future(self) -> bool:
        """Whether something beyond the plan itself is asked: a price beside it, growth, or the cost of being wrong."""
        return bool(self.compare or self.uncertainty.anything or any(it.workload.growth for it in self.parts))

    @property
    def rates(self) -> Mapping[str, float]:
        """Units of each currency that one US dollar buys."""
        return {**CURRENCY_UNITS_PER_USD, **self.currency_rates}

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
        return {name: money.to_usd_per_month(self.rates) for name, money in self.rule_penalties.items()}

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
