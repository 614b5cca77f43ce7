"""The variables that a rule may read: name, type, stage and what each means.

One table. The CEL environment, the checks of names and types, ``did you mean``, the columns of the candidate table
and the reference page in the docs all come from it, so that they cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stage = Literal["static", "estimate", "plan"]
"""When a variable is known: before anything is estimated, once a candidate is, or once the fleet is chosen."""

STAGES: tuple[Stage, ...] = ("static", "estimate", "plan")

VariableType = Literal["bool", "int", "double", "string", "list(string)", "list(int)"]
Value = bool | int | float | str | tuple[str, ...] | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable. ``name`` is dotted (``accelerator.tdp_w``) or bare (``tp``)."""

    name: str
    type: VariableType
    stage: Stage
    doc: str

    @property
    def subject(self) -> str:
        """What it belongs to: ``accelerator``, ``offer``, ... or ``layout`` for the bare names."""
        return self.name.partition(".")[0] if "." in self.name else "layout"

    def accepts(self, value: object) -> bool:
        """Whether ``value`` has this variable's type; CEL converts nothing, so neither does this."""
        match self.type:
            case "bool":
                return isinstance(value, bool)
            case "int":
                return isinstance(value, int) and not isinstance(value, bool)
            case "double":
                return isinstance(value, int | float) and not isinstance(value, bool)
            case "string":
                return isinstance(value, str)
            case "list(string)":
                return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
            case "list(int)":
                return isinstance(value, list | tuple) and all(
                    isinstance(item, int) and not isinstance(item, bool) for item in value
                )


_Row = tuple[str, VariableType, str]

_STATIC: tuple[_Row, ...] = (
    # What the candidate runs on.
    ("accelerator.id", "string", "Catalog id, such as `h100-sxm`."),
    ("accelerator.name", "string", "Name as sold."),
    ("accelerator.vendor", "string", "Maker in lower case: `nvidia`, `amd`, `intel`, `google`, `huawei`, `aws`."),
    ("accelerator.generation", "string", "`hopper`, `ada`, `ampere`, `blackwell`, `cdna3`, ..."),
    (
        "accelerator.compute_capability",
        "double",
        "CUDA compute capability (9.0 on Hopper); 0.0 on what is not NVIDIA's.",
    ),
    ("accelerator.gfx", "string", "AMD's target (`gfx942`); empty on what is not AMD's."),
    ("accelerator.memory_gib", "double", "Memory that the driver offers to programs, GiB."),
    ("accelerator.bandwidth_gb_per_s", "double", "Memory bandwidth, GB/s."),
    ("accelerator.compute_formats", "list(string)", "Formats with a published dense peak: `bf16`, `fp8`, ..."),
    (
        "accelerator.total_processing_performance",
        "double",
        "TPP of US export rules: the greatest dense TFLOPS (or TOPS) x bits of the operation.",
    ),
    ("accelerator.link_kind", "string", "How its GPUs are joined, as the catalog says; `none` is PCIe alone."),
    ("accelerator.link_gb_per_s", "double", "Link bandwidth per GPU, one way, GB/s; 0.0 without a link."),
    (
        "accelerator.pcie_peer_to_peer",
        "string",
        "Whether the stock driver copies between GPUs over PCIe directly: `yes`, `no` or `unknown`.",
    ),
    ("accelerator.tdp_w", "double", "Board power, W; 0.0 where the maker states none."),
    # What is rented or bought.
    ("offer.id", "string", "Catalog id of the offer."),
    ("offer.provider", "string", "Who rents or sells it, as in the catalog."),
    ("offer.instance", "string", "The provider's name of the instance or server."),
    ("offer.gpus", "int", "GPUs of one instance; an instance is taken whole."),
    ("offer.link_domain", "int", "GPUs of one instance that share a fast link; 1 where PCIe alone joins them."),
    ("offer.network_gbps", "double", "Network of one instance, Gbit/s; 0.0 where unknown."),
    ("offer.region", "string", "The provider's region."),
    ("offer.interconnect", "string", "`nvswitch`, `nvlink-bridge`, `pcie`, `infinity-fabric`, ..."),
    (
        "offer.country",
        "string",
        "ISO 3166 code in lower case; `any` where one list price holds everywhere, `eu` where no more is said.",
    ),
    ("offer.pricing", "string", "`on-demand`, `reserved-1y`, `reserved-3y`, `spot` or `purchase`."),
    ("offer.usd_per_hour", "double", "Price of one instance, USD per hour; 0.0 for a purchase."),
    ("offer.capex_usd", "double", "Purchase price of one server, USD; 0.0 for rent."),
    ("offer.price_age_days", "int", "Days from the price's date to the scenario's date (or the newest price)."),
    # What is served, and how its numbers are stored.
    ("model.id", "string", "Id of the model."),
    ("model.type", "string", "`model_type` of its config.json: `llama`, `qwen3_moe`, `deepseek_v3`, ..."),
    ("model.parameters", "double", "All parameters."),
    ("model.layers", "int", "Layers, MTP ones left out."),
    ("model.hidden_size", "int", "Width of the residual stream."),
    ("model.heads", "int", "Greatest number of query heads of a layer; 0 without attention."),
    ("model.kv_heads", "int", "Greatest number of KV heads of a layer; 0 without attention."),
    ("model.head_counts", "list(int)", "Numbers of query heads that its layers have."),
    ("model.kv_head_counts", "list(int)", "Numbers of KV heads that its layers have; MLA layers left out."),
    ("model.head_dim", "int", "Greatest width of a head; 0 without attention."),
    ("model.mixers", "list(string)", "Kinds of its layers: `full`, `sliding`, `mla`, `linear`, `mamba`, ..."),
    ("model.experts", "int", "Routed experts per layer; 0 for a dense model."),
    ("model.experts_per_token", "int", "Routed experts that one token visits."),
    ("model.max_context", "int", "Positions that it was trained for."),
    ("model.native_format", "string", "Format of the published checkpoint; empty for 16 bit."),
    (
        "model.column_widths",
        "list(int)",
        "Output features of attention and MLP matrices that TP divides by output; KV heads and experts left out.",
    ),
    (
        "model.row_widths",
        "list(int)",
        "Input features of attention and MLP matrices that TP divides by input; routed experts left out.",
    ),
    ("model.expert_width", "int", "Inner features of one routed expert; 0 for a dense model."),
    ("format.id", "string", "Weight format: `bf16`, `fp8-e4m3`, `int4-awq-g128`, ..."),
    ("format.name", "string", "Its name."),
    ("format.kind", "string", "`float`, `integer` or `gguf`."),
    ("format.family", "string", "Family of the quality figures: `fp8-w8a8`, `int4-w4a16`, ..."),
    ("format.bits_per_weight", "double", "Bits of a stored value, metadata left out."),
    ("format.bytes_per_weight", "double", "Bytes of a stored value, metadata (scales, zeros) included."),
    ("format.granularity", "string", "What shares a scale: `tensor`, `channel`, `group`, `block` or `none`."),
    (
        "format.group_size",
        "int",
        "Weights along the input that share a scale, in groups or blocks; 0 otherwise, and for GGUF.",
    ),
    ("format.activations", "string", "What activations are computed in: `bf16`, `fp8`, `int8`, ..."),
    ("format.compute_format", "string", "Which peak of the accelerator it runs at natively."),
    ("kv_format.id", "string", "KV-cache format: `bf16`, `fp8`, ..."),
    ("kv_format.bits", "double", "Bits of a cached element, scales left out."),
    ("engine.id", "string", "`vllm`, `sglang`, `trtllm` or `llamacpp`."),
    ("engine.name", "string", "Its name."),
    ("engine.version", "string", "Version that the catalog describes."),
    ("engine.tensor_parallel", "bool", "Whether it splits a layer over GPUs."),
    ("engine.pipeline_parallel", "bool", "Whether it splits the layers into stages."),
    ("engine.expert_parallel", "bool", "Whether it spreads experts over GPUs."),
    ("engine.multi_node", "bool", "Whether one replica may span instances."),
    (
        "engine.format_support",
        "string",
        "How the engine runs this weight format on this accelerator: `native`, `weight-only` (16-bit compute) or `no`.",
    ),
    ("engine.kv_support", "string", "How it caches keys and values in this KV format on this accelerator."),
    # The layout.
    ("tp", "int", "Tensor-parallel degree."),
    ("pp", "int", "Pipeline-parallel degree."),
    ("ep", "int", "Expert-parallel degree; 1 without."),
    ("gpus_per_replica", "int", "GPUs of one replica, tp x pp."),
    ("nodes_per_replica", "int", "Instances that one replica spans."),
    # What is asked. A requirement that the scenario does not state is 0.0.
    ("scenario.name", "string", "Name of the scenario."),
    (
        "scenario.destination",
        "string",
        "ISO 3166 code, lower case, of where the hardware is to stand; empty where not stated.",
    ),
    ("scenario.input_tokens", "int", "Prompt tokens per request."),
    ("scenario.output_tokens", "int", "Generated tokens per request."),
    ("scenario.concurrency", "double", "Requests in flight; 0.0 where a rate is asked instead."),
    ("scenario.request_rate_per_s", "double", "Requests per second; 0.0 where a concurrency is asked instead."),
    ("scenario.ttft_p95_ms", "double", "Asked 95th percentile of TTFT, ms."),
    ("scenario.tpot_p95_ms", "double", "Asked 95th percentile of TPOT, ms."),
    ("scenario.availability", "double", "Asked availability, 0 to 1."),
    ("scenario.min_recovery", "double", "Asked share of the 16-bit model's quality, 0 to 1."),
    ("scenario.budget_usd_per_month", "double", "Budget per month of rent; 0.0 where it has another shape."),
)

# What the candidate would do.
_ESTIMATE: tuple[_Row, ...] = (
    ("replicas", "int", "Replicas that run: what the load needs, and what fills rented instances."),
    ("estimates.instances", "int", "Instances that the replicas need."),
    ("estimates.gpus", "int", "GPUs that are paid for: whole instances."),
    ("estimates.ttft_p95_ms", "double", "95th percentile of the time to first token, ms."),
    ("estimates.tpot_p95_ms", "double", "95th percentile of the time per output token, ms."),
    ("estimates.output_tokens_per_second", "double", "Generated tokens per second, all replicas."),
    ("estimates.batch", "int", "Sequences that a replica may hold at once."),
    ("estimates.usd_per_hour", "double", "Cost per hour."),
    ("estimates.usd_per_month", "double", "Cost per month."),
    ("estimates.recovery", "double", "Expected share of the 16-bit model's quality; 0.0 where nothing was measured."),
    ("estimates.power_kw", "double", "Rated power of what is paid for: TDP of the boards, and hosts where known, kW."),
    ("estimates.evidence", "string", "What the performance figures rest on, as the estimates print it."),
)

# The whole plan. `forbid` and `require` here become constraints of the solver.
_PLAN: tuple[_Row, ...] = (
    ("plan.nodes", "int", "Instances of the plan."),
    ("plan.gpus", "int", "GPUs of the plan, idle ones of whole instances included."),
    ("plan.replicas", "int", "Replicas of the plan."),
    ("plan.types", "int", "Distinct accelerators of the plan."),
    ("plan.power_kw", "double", "Rated power of the plan: TDP of the boards, and hosts where known, kW."),
    ("plan.usd_per_month", "double", "Cost of the plan per month, USD."),
    ("plan.spot_share", "double", "Share of the plan's GPUs that are spot, 0 to 1."),
)

_TABLE: tuple[tuple[Stage, tuple[_Row, ...]], ...] = (("static", _STATIC), ("estimate", _ESTIMATE), ("plan", _PLAN))

VARIABLES: dict[str, Variable] = {
    name: Variable(name, kind, stage, doc) for stage, rows in _TABLE for name, kind, doc in rows
}
"""Every declared variable by name, in the order of the reference page."""

DECLARED = frozenset(VARIABLES)


def stage_of(names: tuple[str, ...]) -> Stage:
    """Return the earliest stage at which all of ``names`` are known.

    >>> stage_of(("tp", "replicas"))
    'estimate'
    """
    return STAGES[max((STAGES.index(VARIABLES[name].stage) for name in names), default=0)]


def suggest(name: str) -> str | None:
    """Return the declared variable nearest to a misspelt ``name``, or None when none is near.

    >>> suggest("accelerator.compute_capabilty")
    'accelerator.compute_capability'
    """
    import difflib

    near = difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.6)
    if near:
        return near[0]
    tail = name.rpartition(".")[2]
    tails = [known for known in VARIABLES if known.rpartition(".")[2] == tail]
    return tails[0] if tails else None
