"""A plan as plain mappings and lists, and back: what JSON and YAML hold, complete and in a stable order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from planner.plan import (
    Alternative,
    Comparison,
    Deployment,
    Estimate,
    Growth,
    Holding,
    Margin,
    Plan,
    Preference,
    Proof,
    Regret,
    Rejection,
    RunProof,
    ServiceResult,
    Term,
    TrainingDeployment,
    TrainingPlan,
)

_OUTSIDE = ("alternatives", "rejected", "inputs")
"""What stands beside the plan rather than in it."""


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """Return ``plan`` as ``{"status", "plan", "alternatives", "rejected", "inputs"}`` of plain values.

    ``inputs`` is a mapping; every figure keeps its unit, terms and interval.
    """
    data: dict[str, Any] = _plain(asdict(plan))
    outside = {name: data.pop(name) for name in _OUTSIDE}
    return {
        "status": plan.proof.status,
        "plan": data,
        "alternatives": outside["alternatives"],
        "rejected": outside["rejected"],
        "inputs": dict(plan.inputs),
    }


def plan_from_dict(data: Mapping[str, Any]) -> Plan:
    """Return the plan that ``plan_to_dict`` made ``data`` of.

    Raises KeyError or TypeError when something is missing or too much.
    """
    values = {**data["plan"], "alternatives": data["alternatives"], "rejected": data["rejected"]}
    run = "run_usd" in values
    return (TrainingPlan if run else Plan)(
        **{
            **values,
            "deployments": tuple(_deployment(item) for item in values["deployments"]),
            "estimates": _estimates(values["estimates"]),
            "margins": _margins(values["margins"]),
            "proof": (RunProof if run else Proof)(**values["proof"]),
            "alternatives": tuple(_alternative(item) for item in values["alternatives"]),
            "rejected": tuple(Rejection(**item) for item in values["rejected"]),
            "warnings": tuple(values["warnings"]),
            "reasons": tuple(values["reasons"]),
            "inputs": tuple(data["inputs"].items()),
            "preferences": tuple(Preference(**item) for item in values["preferences"]),
            "holdings": tuple(Holding(**_tuples(item)) for item in values.get("holdings", ())),
            "services": tuple(_service(item) for item in values.get("services", ())),
            "comparisons": tuple(Comparison(**item) for item in values.get("comparisons", ())),
            "growth": Growth(**values["growth"]) if values.get("growth") else None,
            "regrets": tuple(Regret(**item) for item in values.get("regrets", ())),
        }
    )


def _alternative(data: Mapping[str, Any]) -> Alternative:
    known = {item.name for item in fields(Alternative)} - {"deployment", "estimates", "holdings", "regrets"}
    return Alternative(
        deployment=_deployment(data["deployment"]),
        estimates=_estimates(data["estimates"]),
        holdings=tuple(Holding(**_tuples(item)) for item in data.get("holdings", ())),
        regrets=tuple(Regret(**item) for item in data.get("regrets", ())),
        **{name: data[name] for name in known if name in data},
    )


def _deployment(data: Mapping[str, Any]) -> Deployment:
    return (TrainingDeployment if "sharding" in data else Deployment)(**_tuples(data))


def _service(data: Mapping[str, Any]) -> ServiceResult:
    estimates, margins = _estimates(data["estimates"]), _margins(data["margins"])
    return ServiceResult(**{**_tuples(data), "estimates": estimates, "margins": margins})


def _margins(items: list[Mapping[str, Any]]) -> tuple[Margin, ...]:
    return tuple(Margin(**item) for item in items)


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


def _estimates(items: list[Mapping[str, Any]]) -> tuple[Estimate, ...]:
    return tuple(Estimate(**{**item, "terms": tuple(Term(**term) for term in item["terms"])}) for item in items)


def _plain(value: Any) -> Any:
    """Return tuples as lists, all the way down."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
