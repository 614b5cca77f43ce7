"""Feed-forward blocks: dense (gated or plain) and mixture of experts with a router and shared experts."""

from __future__ import annotations

from collections.abc import Iterator

from planner.architecture.facts import Facts
from planner.architecture.fields import Fields
from planner.architecture.model import Component, Tensor
from planner.architecture.tensors import linear, vector

_PLAIN = ("relu", "relu2", "gelu", "gelu_new", "gelu_fast", "gelu_python", "xielu", "squared_relu", "relu_squared")
"""Activations of two-matrix MLPs. Gated ones say silu or swiglu; gelu_pytorch_tanh is Gemma's gate."""


def is_gated(fields: Fields, facts: Facts) -> bool:
    """Whether the MLP multiplies two up-projections (three matrices) or applies one activation (two)."""
    if facts.gated_mlp is not None:
        return facts.gated_mlp
    return fields.text("hidden_act", "silu") not in _PLAIN


def mlp_bias(fields: Fields, facts: Facts) -> bool:
    """Whether the matrices of the MLP have biases."""
    return facts.mlp_bias if facts.mlp_bias is not None else fields.flag("mlp_bias", fields.flag("use_bias"))


def mlp(
    name: str, component: Component, hidden: int, width: int, *, gated: bool, bias: bool = False
) -> Iterator[Tensor]:
    """Yield the matrices of one dense MLP of ``width`` hidden features."""
    if gated:
        yield from linear(f"{name}gate_proj", component, width, hidden, "column", bias=bias)
    yield from linear(f"{name}up_proj", component, width, hidden, "column", bias=bias)
    yield from linear(f"{name}down_proj", component, hidden, width, "row", bias=bias)


def dense(fields: Fields, facts: Facts) -> list[Tensor]:
    """Return the tensors of a dense feed-forward block."""
    hidden = fields.integer("hidden_size")
    width = fields.integer("intermediate_size", 4 * hidden)
    return list(mlp("", "mlp", hidden, width, gated=is_gated(fields, facts), bias=mlp_bias(fields, facts)))


def mixture(fields: Fields, facts: Facts) -> list[Tensor]:
    """Return the tensors of a mixture-of-experts block."""
    return list(_mixture(fields, facts))


def _mixture(fields: Fields, facts: Facts) -> Iterator[Tensor]:
    hidden = fields.integer("hidden_size")
    experts = fields.integer("num_experts")
    width = fields.integer("moe_intermediate_size", fields.integer("intermediate_size", 4 * hidden))
    gated = is_gated(fields, facts)
    yield from linear("router", "router", experts, hidden, "replicated", bias=facts.router_bias)
    for name, rows, columns in _matrices(hidden, width, gated):
        yield Tensor(f"experts.{name}", "experts_routed", rows, columns, "experts", count=experts)
        if facts.expert_bias:
            yield vector(f"experts.{name}.bias", "experts_routed", rows, "experts", count=experts)
    shared = shared_width(fields, width)
    if shared:
        yield from mlp("shared_expert.", "experts_shared", hidden, shared, gated=gated)
        if facts.shared_expert_gate:
            yield from linear("shared_expert_gate", "experts_shared", 1, hidden, "replicated")


def _matrices(hidden: int, width: int, gated: bool) -> list[tuple[str, int, int]]:
    up = [("gate_proj", width, hidden)] if gated else []
    return [*up, ("up_proj", width, hidden), ("down_proj", hidden, width)]


def shared_width(fields: Fields, width: int) -> int:
    """Return the width of all shared experts together, 0 when there are none."""
    if "shared_expert_intermediate_size" in fields:
        return fields.integer("shared_expert_intermediate_size", minimum=0)
    return width * fields.integer("num_shared_experts", 0, minimum=0)
