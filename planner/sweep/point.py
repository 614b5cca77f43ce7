"""One variant, solved: what a sweep keeps of its plan. Runs in other processes and on other machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from planner.errors import Infeasible, PlannerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.plan import Deployment, Holding, Plan

Settings = tuple[tuple[str, str], ...]


class Kind(NamedTuple):
    """What makes a deployment another one, whatever its numbers: hardware, way to pay, formats, degrees."""

    service: str
    accelerator: str
    gpus_per_instance: int
    pricing: str
    weights: str
    tensor_parallel: int
    pipeline_parallel: int

    def beside(self, other: Kind) -> str:
        """Return in a word or two what is new against ``other``: the accelerator, else the first thing that differs."""
        words = (
            (self.accelerator, self.accelerator != other.accelerator),
            (self.pricing, self.pricing != other.pricing),
            (self.weights, self.weights != other.weights),
            (f"TP {self.tensor_parallel}", self.tensor_parallel != other.tensor_parallel),
            (f"PP {self.pipeline_parallel}", self.pipeline_parallel != other.pipeline_parallel),
        )
        return next((word for word, differs in words if differs), f"{self.gpus_per_instance}-GPU instances")


@dataclass(frozen=True, slots=True)
class Point:
    """A variant and its answer. Figures are None where there is no plan; several deployments are joined by ``+``."""

    settings: Settings
    status: str
    """``optimal`` or ``feasible`` of a plan, ``infeasible``, or ``error``."""
    cost_usd_per_month: float | None = None
    plan: str = ""
    """What is rented: ``4 x runpod/1x-mi300x/any``."""
    layout: str = ""
    """How it serves: ``4 x TP 1, fp8-e4m3, KV bf16, sglang``."""
    accelerator: str = ""
    pricing: str = ""
    gpus: int | None = None
    ttft_p95_ms: float | None = None
    tpot_p95_ms: float | None = None
    output_tokens_per_second: float | None = None
    reason: str = ""
    """The requirements in conflict, or the error."""
    kind: tuple[Kind, ...] = ()
    """Plans of equal kinds differ in their numbers alone; empty without a plan."""


def solve_variant(path: str, settings: Settings) -> Point:
    """Solve the scenario of ``path`` with ``settings`` over it. A variant's failure is its answer, not an exception."""
    from planner.scenario import load_scenario
    from planner.solve import solve

    try:
        scenario = load_scenario(path, settings=[f"{key}={value}" for key, value in settings])
        return point_of(settings, solve(scenario, alternatives=0))
    except Infeasible as ending:
        return Point(settings, "infeasible", reason=", ".join(ending.conflict.requirements))
    except PlannerError as error:
        return Point(settings, "error", reason=str(error))


def point_of(settings: Settings, plan: Plan) -> Point:
    """Return what a sweep keeps of ``plan``."""
    figures = {item.name: item.value for item in plan.estimates}
    made = plan.deployments
    held: Sequence[Deployment | Holding] = plan.holdings or made  # what several fleets share is there once
    return Point(
        settings=settings,
        status=plan.proof.status,
        cost_usd_per_month=plan.cost_usd_per_month,
        plan=" + ".join(f"{item.instances} x {item.offer}" for item in held),
        layout=" + ".join(map(_layout, made)),
        accelerator=" + ".join(dict.fromkeys(item.accelerator for item in made)),
        pricing=" + ".join(dict.fromkeys(item.pricing for item in made)),
        gpus=sum(item.instances * item.gpus_per_instance for item in held),
        ttft_p95_ms=figures.get("ttft_p95_ms"),
        tpot_p95_ms=figures.get("tpot_p95_ms"),
        output_tokens_per_second=figures.get("output_tokens_per_second"),
        kind=tuple(map(_kind, made)),
    )


def _layout(item: Deployment) -> str:
    degrees = f"TP {item.tensor_parallel}" + (f" x PP {item.pipeline_parallel}" if item.pipeline_parallel > 1 else "")
    cache = f", KV {item.kv_cache}" if item.kv_cache else ""  # training keeps none
    return f"{item.replicas} x {degrees}, {item.weights}{cache}, {item.engine}"


def _kind(item: Deployment) -> Kind:
    return Kind(
        item.service,
        item.accelerator,
        item.gpus_per_instance,
        item.pricing,
        item.weights,
        item.tensor_parallel,
        item.pipeline_parallel,
    )
