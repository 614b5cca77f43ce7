"""The sampler's bytes per sequence and vocabulary entry, fitted on all models but one, predict the one left out.

The code gives the coefficients; this shows that measurements give the same ones, and that no single log decides them.
0.19.0 and Qwen3-14B: llm-d's "Capacity Planner Accuracy Report"; Qwen2.5-1.5B, Phi-4-mini and Qwen3-Next: start-up logs
in public.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import pytest

from planner.memory.accounting.vllm_activations import RESIDUE_BYTES, SORT_BYTES, TRITON_BYTES, TRITON_ROW_BYTES
from planner.units import GIB


@dataclass(frozen=True)
class Peak:
    """A printed activation peak in GiB that the sampler decides."""

    model: str
    vocab: int
    hidden: int
    gib: float
    tokens: int = 8192
    sequences: int = 1024

    def coefficient(self, beside: Callable[[Peak], float]) -> float:
        """Return the bytes per sequence and entry, once what lies beside the sampler's buffers is taken off."""
        return (self.gib * GIB - beside(self)) / (self.sequences * self.vocab)


SORTED = (
    Peak("Qwen2.5-1.5B, 0.7", 151_936, 1536, 1.40, 4096, 256),
    Peak("Phi-4-mini, 0.7", 200_064, 3072, 1.83, 2048, 256),
    Peak("Qwen3-Next-80B, 0.11", 151_936, 2048, 5.58),
    Peak("Qwen3-14B, 0.15", 151_936, 5120, 5.64),
)
TRITON = (
    Peak("Llama-3.1-8B", 128_256, 4096, 1.89),
    Peak("Qwen2.5-7B", 152_064, 3584, 2.21),
    Peak("Qwen3-8B", 151_936, 4096, 2.21),
    Peak("Qwen3-14B", 151_936, 5120, 2.23),
    Peak("gemma-2-2b", 256_000, 2304, 3.62),
    Peak("gemma-2-9b", 256_000, 3584, 3.65),
    Peak("gemma-2-27b", 256_000, 4608, 3.66),
    Peak("phi-4", 100_352, 5120, 1.52),
    Peak("phi-2", 51_200, 2560, 0.79),
    Peak("Qwen2.5-72B", 152_064, 8192, 2.29),
)


def hidden_vectors(peak: Peak) -> float:
    return 2.0 * peak.tokens * peak.hidden


def beside_triton(peak: Peak) -> float:
    return hidden_vectors(peak) + TRITON_ROW_BYTES * peak.vocab + RESIDUE_BYTES


@pytest.mark.parametrize(
    ("peaks", "beside", "shipped"), [(SORTED, hidden_vectors, SORT_BYTES), (TRITON, beside_triton, TRITON_BYTES)]
)
def test_the_one_left_out_is_predicted(
    peaks: tuple[Peak, ...], beside: Callable[[Peak], float], shipped: float
) -> None:
    for left_out in peaks:
        others = [peak.coefficient(beside) for peak in peaks if peak.model != left_out.model]
        fitted = median(others)
        predicted = fitted * left_out.sequences * left_out.vocab + beside(left_out)
        assert predicted / GIB == pytest.approx(left_out.gib, rel=0.015)
        assert fitted == pytest.approx(shipped, rel=0.01)
