"""What a rule is, once its file has been read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from planner.rules.formula import Formula
from planner.rules.variables import Stage

Effect = Literal["forbid", "require", "prefer", "warn"]
EFFECTS: tuple[Effect, ...] = ("forbid", "require", "prefer", "warn")

PenaltyPer = Literal["plan", "replica", "instance", "gpu"]
"""What a penalty is counted on: once, or for each replica, instance or paid GPU of the candidate."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A rule over the whole plan as the solver takes it: ``variable`` ``operator`` ``bound``."""

    variable: str
    operator: Literal["<=", ">="]
    bound: float


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    It *applies* where ``when`` holds (always, where there is none) and is *violated* where it applies and ``require``
    does not hold (always, where there is none). ``forbid`` and ``require`` cut what violates them, ``prefer`` adds
    its penalty to it, ``warn`` reports it. ``reads`` are the variables of both expressions, sorted; ``stage`` is when
    all of them are known. ``limits`` is filled for ``forbid`` and ``require`` over ``plan.*``.
    """

    id: str
    pack: str
    effect: Effect
    when: str
    require: str
    message: Mapping[str, str] = field(hash=False)
    fix: Mapping[str, str] = field(hash=False)
    source: str
    as_of: str
    reads: tuple[str, ...]
    stage: Stage
    violation: Formula
    """``when`` and not ``require``, taken apart."""
    penalty_usd_per_month: float = 0.0
    penalty_per: PenaltyPer = "plan"
    limits: tuple[Limit, ...] = ()
    path: str = ""
    line: int = 0
    policy: bool = True
    """Somebody's choice, which a conflict may propose to drop; false for facts of hardware and engines."""

    @property
    def cuts(self) -> bool:
        """Whether a violation rules a candidate out."""
        return self.effect in ("forbid", "require")

    def text(self, language: str = "en") -> str:
        """Return the message template in ``language``, or in English where there is no translation."""
        return self.message.get(language, self.message["en"])

    def remedy(self, language: str = "en") -> str:
        """Return what to do about a violation in ``language``, or in English where there is no translation."""
        return self.fix.get(language, self.fix["en"])

    def as_json(self, *, compiled: bool = False) -> dict[str, Any]:
        """Return the rule as plain data, which ``from_json`` reads back; with ``compiled`` conditions start sooner."""
        return {
            "id": self.id,
            "pack": self.pack,
            "effect": self.effect,
            "when": self.when,
            "require": self.require,
            "message": dict(self.message),
            "fix": dict(self.fix),
            "source": self.source,
            "as_of": self.as_of,
            "reads": list(self.reads),
            "stage": self.stage,
            "violation": self.violation.as_json(compiled=compiled),
            "penalty_usd_per_month": self.penalty_usd_per_month,
            "penalty_per": self.penalty_per,
            "limits": [[limit.variable, limit.operator, limit.bound] for limit in self.limits],
            "path": self.path,
            "line": self.line,
            "policy": self.policy,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rule:
        """Read what ``as_json`` wrote. Raises KeyError or TypeError on anything else."""
        read = {
            "reads": tuple(data["reads"]),
            "limits": tuple(Limit(*limit) for limit in data["limits"]),
            "violation": Formula.from_json(data["violation"]),
        }
        return cls(**{**data, **read})


@dataclass(frozen=True, slots=True)
class Disabled:
    """A rule that a scenario switched off, and the reason it gave."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one scenario in their order: packs by name, then files as listed; by id within each."""

    rules: tuple[Rule, ...]
    disabled: tuple[Disabled, ...] = ()

    def __getitem__(self, rule_id: str) -> Rule:
        """Return the rule of that id. Raises KeyError where there is none."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(rule_id)

    def without(self, rule_id: str) -> RuleSet:
        """Return the set less one rule, for asking what that rule costs."""
        return RuleSet(tuple(rule for rule in self.rules if rule.id != rule_id), self.disabled)
