"""What is asked: deployments as a struct of arrays, and the load on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.performance.profile import FloatArray, Number

if TYPE_CHECKING:
    from planner.catalog.schema.accelerators import Accelerator
    from planner.catalog.schema.formats import KvFormat, WeightFormat

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Deployments:
    """``n`` ways to run one replica, as columns. Index columns point into the tuples beside them.

    ``tp`` counts all GPUs of a pipeline stage; ``attention_dp`` groups of ``tp / attention_dp`` GPUs hold attention
    once each and share the experts, which are divided by expert over ``ep`` and by width over ``tp / ep``.
    ``engines`` are ids (``vllm``); one that calibration does not know is answered from the accelerators' coefficients.
    """

    accelerators: tuple[Accelerator, ...]
    accelerator: IntArray
    weight_formats: tuple[WeightFormat, ...]
    weight_format: IntArray
    kv_formats: tuple[KvFormat, ...]
    kv_format: IntArray
    engines: tuple[str, ...]
    engine: IntArray
    tp: FloatArray
    pp: FloatArray
    ep: FloatArray
    attention_dp: FloatArray
    concurrency: FloatArray
    """Sequences that clients keep in flight per replica (closed loop), or an upper bound of them (request rate)."""
    link_domain: FloatArray | None = None
    """GPUs that the fast link joins, where the server differs from the accelerator's usual one."""

    def __len__(self) -> int:
        return len(self.tp)

    @classmethod
    def of(
        cls,
        *,
        accelerators: tuple[Accelerator, ...],
        weight_formats: tuple[WeightFormat, ...],
        kv_formats: tuple[KvFormat, ...],
        engines: tuple[str, ...],
        concurrency: ArrayLike,
        accelerator: ArrayLike = 0,
        weight_format: ArrayLike = 0,
        kv_format: ArrayLike = 0,
        engine: ArrayLike = 0,
        tp: ArrayLike = 1,
        pp: ArrayLike = 1,
        ep: ArrayLike = 1,
        attention_dp: ArrayLike = 1,
        link_domain: ArrayLike | None = None,
    ) -> Deployments:
        """Build from columns of any kind; scalars are repeated. Raises ValueError when lengths differ."""
        columns: dict[str, Any] = {
            "accelerator": np.asarray(accelerator, dtype=np.intp),
            "weight_format": np.asarray(weight_format, dtype=np.intp),
            "kv_format": np.asarray(kv_format, dtype=np.intp),
            "engine": np.asarray(engine, dtype=np.intp),
            **{
                name: np.asarray(value, dtype=np.float64)
                for name, value in (("tp", tp), ("pp", pp), ("ep", ep), ("attention_dp", attention_dp))
            },
            "concurrency": np.asarray(concurrency, dtype=np.float64),
        }
        if link_domain is not None:
            columns["link_domain"] = np.asarray(link_domain, dtype=np.float64)
        shape = np.broadcast_shapes(*(column.shape for column in columns.values())) or (1,)
        columns = {name: np.broadcast_to(column, shape) for name, column in columns.items()}
        return cls(
            accelerators=accelerators, weight_formats=weight_formats, kv_formats=kv_formats, engines=engines, **columns
        )


@dataclass(frozen=True, slots=True)
class Speculation:
    """Speculative decoding: ``tokens`` drafted per step, each accepted with ``acceptance`` given the one before.

    ``draft_share`` is the time of one draft token as a share of a decode step of the target model (an MTP layer of
    DeepSeek-V3 is 1 of 61 layers and a head).
    """

    tokens: int
    acceptance: float
    draft_share: float = 0.05

    def __post_init__(self) -> None:
        if self.tokens < 1 or not 0 <= self.acceptance <= 1 or self.draft_share < 0:
            raise ValueError("speculation needs tokens >= 1, acceptance within 0..1 and draft_share >= 0")

    @property
    def tokens_per_step(self) -> float:
        """Expected tokens of a step: 1 + a + a^2 + ... + a^tokens (Leviathan et al., arXiv:2211.17192, eq. 1)."""
        return float(sum(self.acceptance**k for k in range(self.tokens + 1)))


@dataclass(frozen=True, slots=True)
class Load:
    """What each request brings. Lengths are means in tokens, one for all rows or one per row.

    ``length_spread`` is the width of the uniform distribution of output lengths as a share of the mean: it decides
    how far the requests of a closed loop stay in step with each other.
    """

    input_tokens: Number
    output_tokens: Number
    prefix_hit_share: Number = 0.0
    """Share of the input that is found in the prefix cache and needs no prefill."""
    length_spread: Number = 0.5
    waves: Number = 10.0
    """Requests that each client sends one after another; with many, the initial burst weighs little."""
    speculation: Speculation | None = field(default=None)
    context_tokens: Number | None = None
    """What a decode step reads of a sequence, where it is not the mean prompt and half of the mean output: requests of
    unequal length stay for as long as their output takes."""
    tail_input_tokens: Number | None = None
    """Prompt that 5 % of the requests reach, where prompts are not all alike."""

    @property
    def context(self) -> Number:
        """Mean tokens in the cache of a sequence that decodes."""
        if self.context_tokens is not None:
            return self.context_tokens
        return np.maximum(self.input_tokens, 1.0) + np.maximum(self.output_tokens, 1.0) / 2
