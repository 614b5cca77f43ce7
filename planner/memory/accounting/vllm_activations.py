"""The peak of vLLM's profiling run: the widest layer against the sampler, and what stays allocated beside them.

The coefficients are bytes that follow from the code; start-up logs confirm them:

- Sorting sampler: 2 (16-bit logits) + 4 (32-bit copy) + 4 + 8 (sorted values and indices) + 8 + 12 (reversed indices
  and buffers of torch's radix sort) = 38 bytes per sequence and vocabulary entry; 38.33 with the masks.
- Triton top-k and top-p: 2 + 4 + 4 + 4 (probabilities, exponentials) = 14, and a row of the vocabulary per program.
- Model runner V2: 2 + 4 = 6; its profile skips top-k and top-p.
- MLP: outputs of the up projections and of the activation, and the hidden vectors alive beside them.
- Fused experts: two scratch buffers of tokens x top-k rows; freed with the layer up to 0.13, kept from 0.14.
"""

from __future__ import annotations

from planner.memory.accounting.runtime import Setting
from planner.memory.accounting.vllm_version import Version
from planner.units import GIB

SORT_BYTES = 38.33
"""Measured: 38.3 to 38.6 over ten V0 logs, 38.4 on Qwen3-14B with 0.15 and 0.16, 38.5 on Qwen3-Next with 0.11."""

TRITON_BYTES = 14.0
TRITON_ROW_BYTES = 4.0 * 132
"""A 32-bit row of the vocabulary for each of 132 programs, one per streaming multiprocessor of an H100."""

RUNNER_V2_BYTES = 6.0
RUNNER_V2_SINCE = 27
RUNNER_V2_FIRST = frozenset({"llama", "mistral", "qwen3"})
RUNNER_V2_FIRST_SINCE = 23
"""Model types that took the new runner first; from 0.27 every dense, unquantized text model does."""

EXPERTS_KEPT_SINCE = 14

RESIDUE_BYTES = 0.045 * GIB
"""Input buffers and small tensors alive beside the sampler from 0.17 on: median residue of 30 models on 0.19."""

HIDDEN_COPIES = {"v0": 3.0, "sort": 4.24, "triton": 4.24}
"""Hidden vectors per token alive at the MLP's peak: Llama-3.1-8B on 0.6.4 (3.0), CodeLlama-7B and Granite-8B (4.24)."""

PIPELINE_COPIES = 2.0
"""Hidden vectors more that a pipeline stage receives or sends: hidden states and residual."""

MULTIMODAL_BYTES = 0.145 * GIB
"""Image embeddings that a multimodal model's profile keeps: Gemma 3 4B to 27B and Kimi-VL on 0.19."""


def activation_peak(setting: Setting, version: Version, tokens: int, sequences: int) -> tuple[float, str]:
    """Return the bytes of the profiling run's peak, and the formula with its numbers."""
    shape = setting.shape
    copies = HIDDEN_COPIES[version.era]
    hidden = 2.0 * tokens * shape.hidden
    experts = _expert_scratch(setting, version, tokens)
    kept = experts if version.minor >= EXPERTS_KEPT_SINCE else 0.0
    forward = 2.0 * tokens * shape.mlp + copies * hidden + experts - kept
    last_stage = setting.layout.pp == 1
    if not last_stage:
        forward += PIPELINE_COPIES * hidden
    per_entry = sampler_bytes(setting, version)
    sampling = (
        per_entry * sequences * shape.vocab + hidden if last_stage and _samples(setting, version, tokens) else 0.0
    )
    if version.era == "triton":
        kept += RESIDUE_BYTES
        sampling += TRITON_ROW_BYTES * shape.vocab if sampling and per_entry == TRITON_BYTES else 0.0
    if shape.multimodal and not version.v0_engine:
        kept += MULTIMODAL_BYTES + hidden
    if shape.encoder > max(sampling, forward) + kept and not version.v0_engine and not setting.options.text_only:
        return float(shape.encoder), "vision encoder with one image of the largest size"
    if sampling >= forward:
        formula = f"{per_entry:g} B x {sequences} sequences x {shape.vocab} vocabulary + {tokens} tokens x hidden"
        return sampling + kept, formula
    return forward + kept, f"2 B x {tokens} tokens x ({shape.mlp} MLP + {copies:g} x {shape.hidden} hidden)"


def sampler_bytes(setting: Setting, version: Version) -> float:
    """Return the bytes per sequence and vocabulary entry that the version's sampler takes."""
    if version.era != "triton":
        return SORT_BYTES
    shape = setting.shape
    plain = not (shape.top_k or shape.recurrent or shape.multimodal or setting.kernels != "plain")
    first = shape.model_type in RUNNER_V2_FIRST and version.minor >= RUNNER_V2_FIRST_SINCE
    return RUNNER_V2_BYTES if plain and (first or version.minor >= RUNNER_V2_SINCE) else TRITON_BYTES


def _samples(setting: Setting, version: Version, tokens: int) -> bool:
    """Return whether the profile samples at all: V0 with chunked prefill ends its dummy prompts before sampling."""
    return not (version.v0_engine and tokens < (setting.options.max_model_len or 0))


def _expert_scratch(setting: Setting, version: Version, tokens: int) -> float:
    """Return the bytes of the fused experts' two scratch buffers.

    From 0.14: max(activation, hidden) and max(up projections, hidden) features per row; before, the first held both
    outputs and the second the activation. Kernels of MXFP4 experts gather and scatter without them (gpt-oss-20b on
    0.19 keeps nothing beside the sampler).
    """
    shape = setting.shape
    if setting.kernels == "mxfp4":
        return 0.0
    rows = tokens * shape.top_k
    if version.minor >= EXPERTS_KEPT_SINCE:
        return 2.0 * rows * (max(shape.expert_out, shape.hidden) + max(shape.expert_in, shape.hidden))
    return 2.0 * rows * (max(shape.expert_in, shape.hidden) + shape.expert_out)
