"""How one replica is spread, and which degrees are tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.architecture.model import ModelArchitecture
    from planner.scenario import Scenario

TENSOR_PARALLEL = (1, 2, 4, 8, 16)
"""Degrees tried when the scenario asks for any: the sizes of instances on offer."""

PIPELINE_PARALLEL = (1, 2, 4, 8)
"""Degrees tried when the scenario asks for any, under the conditions of ``space``."""

MAX_REPLICA_GPUS = 32


@dataclass(frozen=True, slots=True)
class Parallelism:
    """Degrees of one replica: tensor, pipeline and expert parallel."""

    tp: int
    pp: int = 1
    ep: int = 1

    @property
    def gpus(self) -> int:
        """Accelerators of one replica; experts are spread over the tensor-parallel group."""
        return self.tp * self.pp


def degrees_to_try(scenario: Scenario, architecture: ModelArchitecture, *, marked: bool) -> tuple[Parallelism, ...]:
    """Return the degrees that a scenario asks for, or the usual ones; with ``marked`` both. Rules cut among them."""

    def degrees(asked: tuple[int, ...] | None, usual: tuple[int, ...]) -> list[int]:
        return sorted({*usual, *(asked or ())}) if marked else sorted(asked or usual)

    tensor = degrees(scenario.search.tensor_parallel, TENSOR_PARALLEL)
    pipeline = degrees(scenario.search.pipeline_parallel, PIPELINE_PARALLEL)
    most = max(MAX_REPLICA_GPUS, tensor[-1], pipeline[-1])
    return tuple(
        Parallelism(tp, pp, ep)
        for tp in tensor
        for pp in pipeline
        for ep in ((1, tp) if architecture.experts and tp > 1 else (1,))
        if tp * pp <= most
    )
