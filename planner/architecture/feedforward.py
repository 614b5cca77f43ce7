"""Feed-forward blocks: dense (gated or plain) and mixture of experts with a router and shared experts."""

from __future__ import annotations

from collections.abc import Iterator

from planner.architecture.facts import Facts
from planner.architecture.fields import Fields
from planner.architecture.model import Component, Tensor
from planner.architecture.tensors import linear, norm, vector

PLAIN_ACTIVATIONS = frozenset(
    {"relu", "relu2", "gelu", "gelu_new", "gelu_fast", "gelu_python", "xielu", "squared_relu"}
)
"""Activations of two-matrix MLPs. Gated ones say silu or swiglu; gelu_pytorch_tanh is Gemma's gate."""


def is_gated(fields: Fields, facts: Facts) -> bool:
    """Whether the MLP multiplies two up-projections (three matrices) or applies one activation (two)."""
    if facts.gated_mlp is not None:
        return facts.gated_mlp
    return fields.text("hidden_act", "silu") not in PLAIN_ACTIVATIONS


def mlp_bias(fields: Fields, facts: Facts) -> bool:
    """Whether the matrices of the MLP have biases."""
    return facts.mlp_bias if facts.mlp_bias is not None else fields.flag("mlp_bias", fields.flag("use_bias"))


def mlp(
    name: str, component: Component, hidden: int, width: int, *, gated: bool, bias: bool = False
) -> Iterator[Tensor]:
    """Yield the matrices of one dense MLP of ``width`` inner features."""
    if gated:
        yield from linear(f"{name}gate_proj", component, width, hidden, "column", bias=bias)
    yield from linear(f"{name}up_proj", component, width, hidden, "column", bias=bias)
    yield from linear(f"{name}down_proj", component, hidden, width, "row", bias=bias)


def dense(fields: Fields, facts: Facts) -> Iterator[Tensor]:
    """Yield the tensors of a dense feed-forward block."""
    hidden = fields.integer("hidden_size")
    width = dense_width(fields, hidden) // (2 if facts.halved_mlp else 1)
    yield from mlp("", "mlp", hidden, width, gated=is_gated(fields, facts), bias=mlp_bias(fields, facts))
    if facts.sub_norms:
        yield vector("ffn_sub_norm", "mlp", width)
    if facts.activation_parameters:
        yield vector("act_fn", "mlp", facts.activation_parameters)


def dense_width(fields: Fields, hidden: int) -> int:
    """Return the inner width of a dense block.

    ``dense_intermediate_size`` and its like are for models whose ``intermediate_size`` is the expert width. LFM2
    shrinks the stated width to two thirds and rounds up (``block_auto_adjust_ff_dim``).
    """
    for name in ("dense_intermediate_size", "intermediate_size_mlp", "prefix_dense_intermediate_size"):
        if name in fields:
            return fields.integer(name)
    multiple = fields.number("intermediate_multiple_size", fields.number("expansion_ratio", 4.0))
    width = fields.integer("intermediate_size", int(multiple * hidden))
    if fields.flag("block_auto_adjust_ff_dim"):
        width = int(fields.number("block_ffn_dim_multiplier", 1.0) * int(2 * width / 3))
        unit = fields.integer("block_multiple_of", 256)
        width = -(-width // unit) * unit
    return width


def expert_width(fields: Fields, hidden: int) -> int:
    """Return the inner width of one routed expert."""
    return fields.integer("moe_intermediate_size", fields.integer("intermediate_size", 4 * hidden))


def mixture(fields: Fields, facts: Facts) -> Iterator[Tensor]:
    """Yield the tensors of a mixture-of-experts block.

    With ``moe_latent_size`` the experts work on a latent vector, projected down before and up behind them.
    """
    hidden = fields.integer("hidden_size")
    experts = fields.integer("num_experts")
    if fields.integer("num_experts_per_tok", 1, minimum=0) > experts:
        fields.problem("num_experts_per_tok", f"is more than the {experts} experts that there are")
    width = expert_width(fields, hidden)
    gated = is_gated(fields, facts)
    latent = fields.integer("moe_latent_size", 0, minimum=0)
    yield from _router(fields, facts, hidden, experts)
    inner = latent or hidden
    matrices = [("up_proj", width, inner), ("down_proj", inner, width)]
    for name, rows, columns in [("gate_proj", width, inner), *matrices] if gated else matrices:
        yield Tensor(f"experts.{name}", "experts_routed", rows, columns, "experts", count=experts)
        if facts.expert_bias:
            yield Tensor(f"experts.{name}.bias", "experts_routed", rows, 1, "experts", count=experts, linear=False)
    if latent:
        yield from linear("latent_down", "other", latent, hidden, "replicated")
        yield from linear("latent_up", "other", hidden, latent, "replicated")
        norms = facts.latent_norms or fields.flag("latent_moe_use_norm")
        if norms:
            yield vector("latent_norm", "norm", latent, count=int(norms))
    shared = shared_width(fields, width)
    if shared:
        bias = bool(facts.mlp_bias)
        yield from mlp("shared_expert.", "experts_shared", hidden, shared, gated=gated, bias=bias)
        if facts.shared_expert_gate:
            yield from linear("shared_expert_gate", "experts_shared", 1, hidden, "replicated")
    if facts.expert_layer_norms:
        yield from norm("expert_norm", hidden, facts.norm, count=facts.expert_layer_norms)
    if facts.experts_are_dense_too or facts.sublayers > 1:
        yield from dense(fields, facts)
    yield from _vision_experts(fields, hidden, experts)


def _vision_experts(fields: Fields, hidden: int, experts: int) -> Iterator[Tensor]:
    """Yield a second set of experts for image tokens, where the expert width is given for both (ERNIE 4.5 VL)."""
    widths = fields.raw("moe_intermediate_size")
    if not (isinstance(widths, list | tuple) and len(widths) == 2) or fields.integer("num_hidden_layers") == 2:
        return
    width = fields.integer("moe_intermediate_size", layer=1)
    yield from linear("vision_router", "vision", experts, hidden, "replicated")
    yield vector("vision_router.correction_bias", "vision", experts)
    for name, rows, columns in (("up_and_gate", 2 * width, hidden), ("down_proj", hidden, width)):
        yield Tensor(f"vision_experts.{name}", "vision", rows, columns, "experts", count=experts)


def _router(fields: Fields, facts: Facts, hidden: int, experts: int) -> Iterator[Tensor]:
    choices = experts + fields.integer("zero_expert_num", 0, minimum=0)
    yield from linear("router", "router", choices, hidden, "replicated", bias=facts.router_bias)
    if facts.correction_bias:
        yield vector("router.correction_bias", "router", choices)
    if facts.router_scales:
        yield vector("router.scale", "router", hidden + experts)


def shared_width(fields: Fields, width: int) -> int:
    """Return the inner width of all shared experts together, 0 when there are none.

    A stated width is that of one expert where their number is stated too, as every publisher with both has it.
    """
    count = fields.integer("num_shared_experts", 0, minimum=0)
    if "shared_expert_intermediate_size" in fields:
        return fields.integer("shared_expert_intermediate_size", minimum=0) * max(count, 1)
    return width * count
