"""Serving performance and power of many configurations at once: the only module that calls the performance model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner import power
from planner.candidates.fitting import degrees_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from planner.architecture.model import ModelArchitecture
    from planner.candidates.demand import Demand
    from planner.candidates.fitting import Memory
    from planner.candidates.space import Layouts
    from planner.performance.calibration import Calibration
    from planner.performance.profile import ModelProfile
    from planner.performance.serving import ServingEstimates

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimated:
    """Estimates of configurations: columns of one value per configuration. Throughput is per replica."""

    serving: ServingEstimates
    e2e_p95_ms: Floats
    """TTFT p95 plus the remaining tokens at TPOT p95: an upper estimate, since both are rarely late together."""
    e2e_p95_ms_high: Floats
    power_share: Floats
    """Mean power of a serving accelerator over its TDP."""

    @property
    def ttft_p95_ms(self) -> Floats:
        """95th percentile of the time to first token."""
        return self.serving.ttft_p95_ms

    @property
    def tpot_p95_ms(self) -> Floats:
        """95th percentile of the time per output token."""
        return self.serving.tpot_p95_ms

    @property
    def output_tok_s(self) -> Floats:
        """Output tokens per second of one replica."""
        return self.serving.output_tok_s

    def column(self, name: str) -> Floats:
        """Return an estimate or a bound of its interval by name: ``tpot_p95_ms``, ``tpot_p95_ms_high``, ..."""
        owner = self if name.startswith("e2e") else self.serving
        values: Floats = getattr(owner, name)
        return values


@dataclass(frozen=True, slots=True)
class Estimator:
    """Estimates any (layout, batch) pairs of one scenario; what is the same for all of them is made once."""

    architecture: ModelArchitecture
    layouts: Layouts
    kv_tokens: Ints
    demand: Demand
    profile: ModelProfile
    calibration: Calibration
    stage: str = ""

    @classmethod
    def of(
        cls, architecture: ModelArchitecture, layouts: Layouts, found: Memory, demand: Demand, stage: str = ""
    ) -> Estimator:
        """Prepare the estimates of ``layouts``, which serve whole requests or a ``stage`` of them."""
        from planner.performance.calibration import load_calibration
        from planner.performance.profile import ModelProfile

        profile = ModelProfile.from_architecture(architecture)
        return cls(architecture, layouts, found.kv_tokens, demand, profile, load_calibration(), stage)

    def __call__(self, layout: Ints, batch: Ints) -> Estimated:
        """Estimate replicas of the given layouts (indices) that hold the given batches."""
        from planner.performance.deployments import Deployments, Load
        from planner.performance.serving import estimate_serving

        axes = self.layouts.axes
        tp, pp, ep = degrees_of(self.layouts)
        hardware = self.layouts.hardware[layout]
        domain = np.array([item.link_domain for item in axes.hardware], dtype=np.float64)
        deployments = Deployments.of(
            accelerators=tuple(item.accelerator for item in axes.hardware),
            accelerator=hardware,
            weight_formats=axes.weights,
            weight_format=self.layouts.weights[layout],
            kv_formats=axes.kv_formats,
            kv_format=self.layouts.kv[layout],
            engines=tuple(item.id for item in axes.engines),
            engine=self.layouts.engine[layout],
            tp=tp[layout],
            pp=pp[layout],
            ep=ep[layout],
            concurrency=batch,
            link_domain=domain[hardware],
        )
        lengths = self.demand.lengths
        load = Load(
            lengths.input_tokens,
            lengths.output_tokens,
            self.demand.prefix_hit_share,
            context_tokens=lengths.context_tokens,
            tail_input_tokens=lengths.tail_input_tokens if lengths.tail_input_tokens > lengths.input_tokens else None,
        )
        kv_tokens = self.kv_tokens[layout].astype(np.float64)
        serving = estimate_serving(
            self.profile,
            deployments,
            load,
            self.calibration,
            kv_tokens,
            prefill_only=self.stage == "prefill",
        )
        if self.stage:
            from planner.candidates.handover import handover_ms, later

            serving = later(serving, handover_ms(self, layout, serving))
        rest = self.demand.decode_steps
        return Estimated(
            serving=serving,
            e2e_p95_ms=serving.ttft_p95_ms + rest * serving.tpot_p95_ms,
            e2e_p95_ms_high=serving.ttft_p95_ms_high + rest * serving.tpot_p95_ms_high,
            power_share=self._power_share(hardware, batch),
        )

    def _power_share(self, hardware: Ints, batch: Ints) -> Floats:
        kind = power.model_kind(self.architecture)
        shares = np.zeros(batch.shape)
        generations: dict[str, list[int]] = {}
        for index, item in enumerate(self.layouts.axes.hardware):
            generations.setdefault(item.accelerator.generation, []).append(index)
        for generation, members in generations.items():
            rows = np.isin(hardware, members)
            shares[rows] = power.mean_share_of_tdp(generation, kind, batch[rows].astype(np.float64))
        return shares


def joined(parts: list[Estimated], order: Ints) -> Estimated:
    """Return the rows of several estimates, one after the other, in the order given."""
    from dataclasses import fields, is_dataclass
    from typing import Any

    def merge(values: list[Any]) -> Any:
        first = values[0]
        if isinstance(first, np.ndarray):
            return np.concatenate(values)[order]
        if isinstance(first, Mapping):
            return {key: merge([value[key] for value in values]) for key in first}
        if is_dataclass(first) and not isinstance(first, type):
            columns = {f.name: merge([getattr(value, f.name) for value in values]) for f in fields(first)}
            return type(first)(**columns)
        return first

    merged: Estimated = merge(list(parts))
    return merged
