"""What fills the templates that start a training run."""

from __future__ import annotations

import re
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

from planner.errors import InputError
from planner.plan import TrainingDeployment, TrainingPlan

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.catalog import Catalog
    from planner.deploy.launch import Launch
    from planner.plan import Plan

RESOURCES = {
    "NVIDIA": "nvidia.com/gpu",
    "AMD": "amd.com/gpu",
    "Intel": "habana.ai/gaudi",
    "Huawei": "huawei.com/Ascend910",
}
"""Vendor -> resource that its device plugin for Kubernetes announces."""

LABELLED = frozenset({"aws", "azure", "gcp", "oci"})
"""Providers whose nodes carry the instance type as ``node.kubernetes.io/instance-type``, in the offer's own words."""

STORED = ("IMAGE", "CLAIM")
"""Inputs of a cluster: the container image, and the volume claim with data, weights and checkpoints."""

TAIL = 3.1
"""Standard deviations of a Poisson count that one run in a thousand exceeds."""


def training_values(
    plan: Plan, catalog: Catalog, architecture: ModelArchitecture | None, inputs: dict[str, str]
) -> dict[str, Any]:
    """Return the values of the templates of training targets.

    Raises InputError for a plan that trains nothing, one whose launcher cannot be told all of it, and inputs that the
    launcher does not have.
    """
    if not isinstance(plan, TrainingPlan):
        raise InputError("the plan serves requests; this target starts training runs")
    (made,) = plan.deployments
    if not isinstance(made, TrainingDeployment) or not (made.sequence_length and plan.steps):
        raise InputError("the plan does not say how the run is laid out\n  help: write it anew with `planner solve`")
    launch = launch_of(plan, made, catalog, architecture)
    device = catalog.accelerators.get(made.accelerator)
    if device is None or device.vendor not in RESOURCES:
        raise InputError(f"no device plugin for Kubernetes is known for {made.accelerator}")
    known = [item.name for item in launch.inputs]
    unknown = sorted(set(inputs) - set(known) - set(STORED))
    if unknown:
        raise InputError(f"--input {unknown[0]}: {launch.software} has no such input; it has {', '.join(known)}")
    provider, instance, _ = made.offer.split("/", 2) if made.offer.count("/") >= 2 else (made.provider, "", "")
    return {
        "plan": plan,
        "made": made,
        "launch": launch,
        "name": kubernetes_name(plan.scenario),
        "inputs": inputs,
        "restarts": restarts(plan),
        "resource": RESOURCES[device.vendor],
        "instance": instance if provider in LABELLED else "",
        "hours": f"{plan.run_hours:,.1f}",
        "usd": f"{plan.run_usd:,.0f}",
    }


def launch_of(
    plan: TrainingPlan, made: TrainingDeployment, catalog: Catalog, architecture: ModelArchitecture | None
) -> Launch:
    """Return how the plan's software runs it."""
    if made.engine == "megatron":
        from planner.architecture import resolve_model
        from planner.deploy.megatron import megatron_launch

        return megatron_launch(plan, made, architecture or resolve_model(made.model, catalog=catalog))
    from planner.deploy.transformers import transformers_launch

    return transformers_launch(plan, made)


def restarts(plan: TrainingPlan) -> int:
    """Return the restarts to allow: more failures than these come in one run of a thousand.

    >>> from types import SimpleNamespace as N
    >>> restarts(N(estimates=(N(name="expected_failures", value=4.0),)))
    11
    """
    expected = next((item.value for item in plan.estimates if item.name == "expected_failures"), 0.0)
    return max(1, ceil(expected + TAIL * sqrt(expected)))


def kubernetes_name(text: str) -> str:
    """Return a name that Kubernetes accepts (RFC 1123): lower case letters, digits and hyphens, at most 50 of them.

    >>> kubernetes_name("70B_QLoRA.run")
    '70b-qlora-run'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].rstrip("-") or "run"
