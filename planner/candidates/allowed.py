"""Which rules forbid a candidate that somebody names, or every candidate like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.candidates.mixing import refuse_training
from planner.candidates.parallelism import Parallelism, degrees_to_try
from planner.errors import InputError
from planner.rules.engine import evaluate_rules
from planner.rules.facts import Asked, Priced
from planner.rules.table import CandidateColumns

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.catalog import Catalog
    from planner.rules.rule import Rule, RuleSet
    from planner.scenario import Scenario

_KINDS = {
    "accelerator": "accelerators",
    "offer": "offers",
    "engine": "engines",
    "weights": "formats",
    "kv_cache": "kv_formats",
}
_DEGREES = ("tp", "pp", "ep")
KEYS = (*_KINDS, *_DEGREES)
"""What a candidate may be named by."""


@dataclass(frozen=True, slots=True)
class Objection:
    """A rule against candidates. ``always``: against every combination of what was left open."""

    rule: Rule
    message: str
    always: bool


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the rules say of the candidates that a name leaves open."""

    combinations: int
    allowed: int
    objections: tuple[Objection, ...]
    """Rules that cut everything first, each in the order of the rules."""


def allowance(scenario: Scenario, catalog: Catalog, rules: RuleSet, named: Mapping[str, str]) -> Allowance:
    """Judge every combination of price, engine, formats and degrees that ``named`` (a value by key of ``KEYS``) allows.

    Only rules that need no estimate are asked. Raises InputError for keys and values that do not exist.
    """
    from planner.architecture import resolve_model

    refuse_training(scenario)
    architecture = resolve_model(scenario.model, catalog=catalog, base_dir=scenario.base_dir)
    chosen = {key: _resolved(catalog, key, value) for key, value in named.items()}
    asked = Asked.of(scenario, catalog)
    prices = _prices(catalog, chosen, asked.today)
    devices = sorted({priced.offer.accelerator for priced in prices})
    engines = _one_or(chosen.get("engine"), [item for item in catalog.engines.values() if item.serving])
    weights = _one_or(chosen.get("weights"), [item for item in catalog.formats.values() if not item.compute_only])
    kv_formats = _one_or(chosen.get("kv_cache"), list(catalog.kv_formats.values()))
    degrees = _degrees(scenario, architecture, chosen)
    shape = (len(prices), len(engines), len(weights), len(kv_formats), len(degrees))
    price, engine, fmt, kv, degree = np.ogrid[tuple(slice(size) for size in shape)]
    device = np.array([devices.index(priced.offer.accelerator) for priced in prices], dtype=np.int64)
    columns = CandidateColumns(
        {
            "accelerator": (device[price], [catalog.accelerators[name] for name in devices]),
            "offer": (price, prices),
            "engine": (engine, engines),
            "format": (fmt, weights),
            "kv_format": (kv, kv_formats),
            "model": architecture,
            "scenario": asked,
        },
        {name: np.array([getattr(item, name) for item in degrees])[degree] for name in _DEGREES},
    )
    static = [rule for rule in rules.rules if rule.cuts and rule.stage == "static"]
    verdicts = evaluate_rules(static, columns, shape)
    cut = verdicts.cut()
    found = [
        Objection(verdicts.rules[name], verdicts.message(name), bool(mask.all()))
        for name, mask in verdicts.violations.items()
    ]
    return Allowance(
        cut.size, int(cut.size - np.count_nonzero(cut)), tuple(sorted(found, key=lambda it: not it.always))
    )


def _resolved(catalog: Catalog, key: str, value: str) -> Any:
    from planner.source import closest

    if key in _DEGREES:
        if not value.isdigit() or int(value) < 1:
            raise InputError(f"{key} must be a whole number of at least 1, not {value!r}")
        return int(value)
    if key not in _KINDS:
        near = closest(key, KEYS)
        hint = f"did you mean {near!r}?" if near else f"there are {', '.join(KEYS)}"
        raise InputError(f"a candidate is not named by {key!r}; {hint}")
    found = catalog.resolve(_KINDS[key], value)
    if found is None:
        near = catalog.suggest(_KINDS[key], value)
        hint = f"; did you mean {near!r}?" if near else f"; `planner catalog list {_KINDS[key]}` shows what there is"
        raise InputError(f"the catalog has no {key} {value!r}{hint}")
    return catalog.entities(_KINDS[key])[found]


def _one_or(one: Any, rest: Sequence[Any]) -> Sequence[Any]:
    return rest if one is None else [one]


def _prices(catalog: Catalog, chosen: Mapping[str, Any], today: str) -> list[Priced]:
    offer, accelerator = chosen.get("offer"), chosen.get("accelerator")
    offers = [offer] if offer is not None else list(catalog.offers.values())
    if accelerator is not None:
        offers = [item for item in offers if item.accelerator == accelerator.id]
        if not offers:
            where = f" in {offer.id}" if offer is not None else ""
            raise InputError(f"nothing on offer has {accelerator.id}{where}")
    return [Priced(item, price, today) for item in offers for price in item.prices]


def _degrees(scenario: Scenario, architecture: ModelArchitecture, chosen: Mapping[str, Any]) -> list[Parallelism]:
    usual = degrees_to_try(scenario, architecture, marked=False)
    axes = [[chosen[name]] if name in chosen else sorted({getattr(x, name) for x in usual}) for name in _DEGREES]
    tp, pp, ep = axes
    return [Parallelism(t, p, e) for t in tp for p in pp for e in ep if e <= t or "ep" in chosen]
