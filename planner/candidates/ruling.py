"""The rules of a scenario over its search space, each decided as early as what it reads is known.

Five levels, from few to many combinations: a **price** (offer at a price kind), a **placement** (a price with degrees
of parallelism), a **layout** (a cell of the grid, without prices), a **row** (a layout on a pool) and a **fleet** (a
row with its estimates and its replicas). The first three cut before anything is estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from planner.candidates.rule_columns import table_columns
from planner.plan import Rejection
from planner.rules.engine import Verdicts, evaluate_rules
from planner.rules.facts import Asked, Priced
from planner.rules.loader import scenario_rules
from planner.rules.messages import placeholders, render
from planner.rules.rule import PenaltyPer, Rule, RuleSet
from planner.rules.table import CandidateColumns
from planner.rules.variables import VARIABLES
from planner.units import HOURS_PER_MONTH, MICRO_USD_PER_USD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.architecture.model import ModelArchitecture
    from planner.candidates.parallelism import Parallelism
    from planner.candidates.space import Axes
    from planner.candidates.table import CandidateTable
    from planner.catalog import Catalog
    from planner.catalog.schema.accelerators import Accelerator
    from planner.scenario import Scenario

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

Level = Literal["price", "placement", "layout", "row", "fleet"]

_FIXED = frozenset({"model", "scenario"})
_HARDWARE = ("offer.", "accelerator.")


@dataclass(frozen=True, slots=True)
class PriceVerdicts:
    """What the rules say of prices: which they cut, which degrees each may hold, and what tells prices apart."""

    cut: Bools
    holds: tuple[tuple[int, ...], ...]
    """[price]: indices of the degrees of parallelism that no rule forbids on it."""
    signature: tuple[tuple[object, ...], ...]
    """[price]: equal for prices of which the rules still to come cannot say different things."""
    rejected: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class LayoutCut:
    """A rule's verdict on the grid: ``mask`` is true where it is violated, with length 1 along axes that it ignores."""

    rule: Rule
    mask: Bools
    message: str


@dataclass(frozen=True)
class Ruling:
    """The rules of one scenario. ``marked``: those of policy do not cut but become requirements, to be explained."""

    rules: RuleSet
    asked: Asked
    architecture: ModelArchitecture
    marked: bool

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        architecture: ModelArchitecture,
        catalog: Catalog,
        *,
        marked: bool,
        rules: RuleSet | None = None,
    ) -> Ruling:
        """Read the rules of ``scenario``, or take ``rules`` instead. Raises RuleError where they are wrong."""
        chosen = scenario_rules(scenario) if rules is None else rules
        return cls(chosen, Asked.of(scenario, catalog), architecture, marked)

    @cached_property
    def _cutting(self) -> Mapping[Level, tuple[Rule, ...]]:
        levels: dict[Level, list[Rule]] = {"price": [], "placement": [], "layout": [], "row": [], "fleet": []}
        for rule in self.rules.rules:
            if rule.cuts:
                levels["fleet" if self.marked and rule.policy else level_of(rule)].append(rule)
        return {level: tuple(rules) for level, rules in levels.items()}

    @property
    def of_fleets(self) -> tuple[Rule, ...]:
        """The cutting rules that are judged as requirements, once fleets are known."""
        return self._cutting["fleet"]

    @property
    def preferences(self) -> tuple[Rule, ...]:
        """The rules with a price."""
        return tuple(rule for rule in self.rules.rules if rule.effect == "prefer")

    def of_prices(
        self, prices: Sequence[Priced], devices: Mapping[str, Accelerator], degrees: Sequence[Parallelism]
    ) -> PriceVerdicts:
        """Judge prices, and each with every degree of parallelism. ``devices`` are the accelerators by id."""
        names = sorted({priced.offer.accelerator for priced in prices})
        number = {name: index for index, name in enumerate(names)}
        listed = [devices[name] for name in names]
        device = np.array([number[priced.offer.accelerator] for priced in prices], dtype=np.int64)
        columns = self._columns({"accelerator": (device, listed), "offer": (np.arange(len(prices)), prices)})
        verdicts = evaluate_rules(self._cutting["price"], columns, device.shape)
        # Many prices are of the same hardware; placements are judged once for each kind of it.
        rules = self._cutting["placement"]
        kinds = _keys(columns, sorted({name for rule in rules for name in _shown(rule) if name.startswith(_HARDWARE)}))
        first, kind = _first_of(kinds)
        pairs = {"accelerator": (device[first][:, None], listed), "offer": (first[:, None], prices)}
        placed = evaluate_rules(rules, self._columns(pairs, _degrees(degrees)), (first.size, len(degrees)))
        held = ~placed.cut()
        of_kind = [(tuple(np.flatnonzero(row).tolist()), row.tobytes()) for row in held]
        later = _keys(columns, self._pending)
        return PriceVerdicts(
            cut=verdicts.cut(),
            holds=tuple(of_kind[k][0] for k in kind.tolist()),
            signature=tuple((of_kind[k][1], *rest) for k, rest in zip(kind.tolist(), later, strict=True)),
            rejected=(*rejections(verdicts), *rejections(placed, np.bincount(kind, minlength=first.size)[:, None])),
        )

    def of_layouts(self, axes: Axes) -> list[LayoutCut]:
        """Judge the grid hardware x engine x weights x KV format x degrees."""
        sizes = [len(item) for item in (axes.hardware, axes.engines, axes.weights, axes.kv_formats, axes.parallelism)]
        hardware, engine, weights, kv, degree = np.ogrid[tuple(slice(size) for size in sizes)]
        entities = {
            "accelerator": (hardware, [item.accelerator for item in axes.hardware]),
            "engine": (engine, axes.engines),
            "format": (weights, axes.weights),
            "kv_format": (kv, axes.kv_formats),
        }
        numbers = {name: values[degree] for name, values in _degrees(axes.parallelism).items()}
        verdicts = evaluate_rules(self._cutting["layout"], self._columns(entities, numbers), tuple(sizes))
        return [
            LayoutCut(verdicts.rules[name], mask.reshape((1,) * (5 - mask.ndim) + mask.shape), verdicts.message(name))
            for name, mask in verdicts.violations.items()
        ]

    def of_rows(self, table: CandidateTable) -> Verdicts:
        """Judge rows by the rules that read both the layout and the price, before fleets are sized."""
        rules = self._cutting["row"]
        return evaluate_rules(rules, table_columns(table, self.asked) if rules else {}, (len(table),))

    def preference(self, table: CandidateTable) -> Ints:
        """Return what preferences add to each row's cost in the objective, in micro-dollars per hour."""
        rules = self.preferences
        if not rules:
            return np.zeros(len(table), dtype=np.int64)
        verdicts = evaluate_rules(rules, table_columns(table, self.asked), (len(table),))
        monthly = verdicts.penalty_usd_per_month(_counts(table))
        return np.rint(monthly / HOURS_PER_MONTH * MICRO_USD_PER_USD).astype(np.int64)

    def price_of(self, table: CandidateTable, row: int, rule_id: str) -> float:
        """Return what the preference ``rule_id`` counts for a row that violates it, USD per month."""
        rule = self.rules[rule_id]
        return rule.penalty_usd_per_month * float(_counts(table)[rule.penalty_per][row])

    def words(self, table: CandidateTable, rule_id: str, rows: Bools) -> str:
        """Return the message of a rule with the values that it meets in ``rows``."""
        rule = self.rules[rule_id]
        columns = table_columns(table, self.asked)
        return render(rule.text(), {name: columns[name].met(rows) for name in placeholders(rule.text())})

    def said_of(self, table: CandidateTable, row: int, effects: Iterable[str]) -> Verdicts:
        """Return the verdicts of the rules with one of ``effects`` on a single row."""
        wanted = frozenset(effects)
        rules = [rule for rule in self.rules.rules if rule.effect in wanted]
        return evaluate_rules(rules, table_columns(table, self.asked, np.array([row])), (1,))

    def _columns(self, entities: Mapping[str, Any], numbers: Mapping[str, Ints] | None = None) -> CandidateColumns:
        return CandidateColumns({**entities, "model": self.architecture, "scenario": self.asked}, numbers)

    @property
    def _pending(self) -> list[str]:
        """Variables of offers that rules may still read once prices have been compared with each other."""
        later = (*self._cutting["row"], *self._cutting["fleet"], *self.preferences)
        return sorted({name for rule in later for name in rule.reads if name.startswith("offer.")})


def level_of(rule: Rule) -> Level:
    """Return the level at which everything is known that a rule reads or its messages show."""
    names = _shown(rule)
    if any(VARIABLES[name].stage != "static" for name in names):
        return "fleet"
    subjects = {VARIABLES[name].subject for name in names} - _FIXED
    if "nodes_per_replica" in names:
        subjects.add("offer")
    if subjects and subjects <= {"offer", "accelerator"}:
        return "price"
    if "offer" not in subjects:
        return "layout"
    return "placement" if subjects <= {"offer", "accelerator", "layout"} else "row"


def _shown(rule: Rule) -> tuple[str, ...]:
    texts = [name for text in rule.message.values() for name in placeholders(text)]
    return tuple(dict.fromkeys((*rule.reads, *texts)))


def _counts(table: CandidateTable) -> dict[PenaltyPer, NDArray[Any]]:
    gpus = np.array([pool.offer.gpus for pool in table.pools], dtype=np.int64)[table.pool]
    fleets = table.fleets
    return {
        "plan": np.ones(len(table)),
        "replica": fleets.replicas,
        "instance": fleets.instances,
        "gpu": fleets.instances * gpus,
    }


def _degrees(parallelism: Sequence[Parallelism]) -> dict[str, Ints]:
    return {
        name: np.array([getattr(item, name) for item in parallelism], dtype=np.int64) for name in ("tp", "pp", "ep")
    }


def _keys(columns: CandidateColumns, names: Sequence[str]) -> list[tuple[object, ...]]:
    """[row]: the values of ``names``."""
    listed = [columns[name] for name in names]
    size = columns["offer.id"].codes.size
    return (
        list(zip(*([item.values[code] for code in item.codes.tolist()] for item in listed), strict=True)) or [()] * size
    )


def _first_of(keys: Sequence[tuple[object, ...]]) -> tuple[Ints, Ints]:
    """Return (the first index of each distinct key, for each index the number of its key)."""
    number: dict[tuple[object, ...], int] = {}
    which = np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.int64)
    first = np.unique(which, return_index=True)[1] if len(keys) else np.zeros(0, dtype=np.int64)
    return first.astype(np.int64), which


def rejections(verdicts: Verdicts, weight: Ints | int = 1) -> tuple[Rejection, ...]:
    """Return what each rule cuts, counted; ``weight`` is how many each judged candidate stands for."""
    return tuple(
        Rejection(name, verdicts.message(name), int((verdicts.mask(name) * weight).sum()))
        for name in verdicts.violations
    )
