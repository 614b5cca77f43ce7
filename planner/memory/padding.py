"""What engines add to weights when they load them: shapes rounded up to what their kernels can read."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from planner.catalog.schema.accelerators import Accelerator


@dataclass(frozen=True, slots=True)
class ExpertPadding:
    """Multiples to which one GPU's share of an expert is rounded up: its inner width, and the hidden size."""

    width: int = 1
    hidden: int = 1

    def apply(self, rows: int, columns: int, *, inner_rows: bool) -> tuple[int, int]:
        """Return the padded shape; ``inner_rows``: the rows are the expert's inner width (up projections)."""
        down, across = (self.width, self.hidden) if inner_rows else (self.hidden, self.width)
        return ceil(rows / down) * down, ceil(columns / across) * across


MARLIN_MXFP4 = ExpertPadding(128, 256)
"""vLLM repacks MXFP4 experts for the Marlin kernel below compute capability 10 (Mxfp4MoEMethod.create_weights)."""

BLACKWELL_MXFP4 = ExpertPadding(256, 256)
"""Layout of the TensorRT-LLM kernels from compute capability 10 on."""


def expert_padding(engine_id: str, format_id: str, accelerator: Accelerator) -> ExpertPadding | None:
    """Return how the engine pads the experts of that format on that device; None where it loads them as stored."""
    if engine_id != "vllm" or format_id != "mxfp4" or accelerator.vendor.upper() != "NVIDIA":
        return None
    return BLACKWELL_MXFP4 if accelerator.cuda_capability >= 10 else MARLIN_MXFP4
