"""Two plans compared: what is added, removed and changed, and what that does to figures and money.

Deployments are matched by what they stand on: service (where a plan has several), offer and way to pay. The same
instances in another number or layout are a change; other instances are one thing removed and another added, as they are
for whoever rents them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import isclose
from typing import Any

from planner.plan import Deployment, Estimate, Plan

_EQUAL = 1e-9
"""Relative difference up to which figures are the same: what rounding in a file may do."""


_HARDWARE = "memory_per_gpu"
"""The margin whose limit is not asked for but comes with the hardware."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One attribute of a deployment, before and after."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class DeploymentChange:
    """A deployment on the same instances in another number or layout."""

    old: Deployment
    new: Deployment
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure that both plans state, or one of them: None where it is not stated."""

    name: str
    unit: str
    old: float | None
    new: float | None


@dataclass(frozen=True, slots=True)
class PlanDiff:
    """What leads from one plan to the other."""

    old: Plan
    new: Plan
    added: tuple[Deployment, ...]
    removed: tuple[Deployment, ...]
    changed: tuple[DeploymentChange, ...]
    figures: tuple[FigureChange, ...]
    """Estimates that differ, in the order of the new plan."""
    limits: tuple[FigureChange, ...]
    """Requirements of which the limit differs."""
    inputs: tuple[str, ...]
    """What the plans rest on (scenario, catalogs, versions) that differs; by itself no difference of the plans."""

    @property
    def different(self) -> bool:
        """Whether anything but the inputs differs."""
        return bool(self.added or self.removed or self.changed or self.figures or self.limits)


def diff_plans(old: Plan, new: Plan) -> PlanDiff:
    """Return what leads from ``old`` to ``new``."""
    # The only service of a plan is the scenario under its name, and a variant often has another.
    named = any(len({item.service for item in plan.deployments}) > 1 for plan in (old, new))
    removed, added, pairs = _matched(old.deployments, new.deployments, named=named)
    changed = tuple(DeploymentChange(a, b, found) for a, b in pairs if (found := _fields(a, b, named=named)))
    return PlanDiff(
        old=old,
        new=new,
        added=added,
        removed=removed,
        changed=changed,
        figures=_figures(_values(old.estimates), _values(new.estimates)),
        limits=_figures(
            {item.requirement: (item.unit, item.limit) for item in old.margins if item.requirement != _HARDWARE},
            {item.requirement: (item.unit, item.limit) for item in new.margins if item.requirement != _HARDWARE},
        ),
        inputs=_inputs(dict(old.inputs), dict(new.inputs)),
    )


def _values(estimates: Sequence[Estimate]) -> dict[str, tuple[str, float]]:
    return {item.name: (item.unit, item.value) for item in estimates}


def _matched(
    old: Sequence[Deployment], new: Sequence[Deployment], *, named: bool
) -> tuple[tuple[Deployment, ...], tuple[Deployment, ...], list[tuple[Deployment, Deployment]]]:
    """Return (removed, added, pairs). Of several on the same instances, equal layouts find each other first."""
    left, right = list(old), list(new)
    pairs = []
    for similar in (_layout, _place):
        for a in list(left):
            b = next((item for item in right if similar(item, named) == similar(a, named)), None)
            if b is not None:
                left.remove(a)
                right.remove(b)
                pairs.append((a, b))
    pairs.sort(key=lambda pair: new.index(pair[1]))
    return tuple(left), tuple(right), pairs


def _place(item: Deployment, named: bool) -> tuple[object, ...]:
    return item.service if named else "", item.offer, item.pricing


def _layout(item: Deployment, named: bool) -> tuple[object, ...]:
    degrees = item.tensor_parallel, item.pipeline_parallel, item.expert_parallel
    return *_place(item, named), item.model, item.weights, item.kv_cache, item.engine, *degrees


def _fields(old: Deployment, new: Deployment, *, named: bool) -> tuple[FieldChange, ...]:
    # A training run has more fields than a service.
    names = dict.fromkeys(f.name for item in (old, new) for f in fields(item) if named or f.name != "service")
    values = ((name, getattr(old, name, None), getattr(new, name, None)) for name in names)
    return tuple(FieldChange(name, before, after) for name, before, after in values if before != after)


def _figures(old: Mapping[str, tuple[str, float]], new: Mapping[str, tuple[str, float]]) -> tuple[FigureChange, ...]:
    found = []
    for name in dict.fromkeys((*new, *old)):
        unit, after = new.get(name, ("", None))
        before_unit, before = old.get(name, ("", None))
        if before is None or after is None or unit != before_unit or not isclose(before, after, rel_tol=_EQUAL):
            # A figure in another unit is another figure: its old value would mislead beside the new unit.
            same = before is None or after is None or unit == before_unit
            found.append(FigureChange(name, unit or before_unit, before if same else None, after))
    return tuple(found)


def _inputs(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name))
