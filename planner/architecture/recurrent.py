"""Mixers with a constant state per sequence: Mamba 1 and 2, gated delta nets, Kimi delta and lightning attention,
short convolutions and the RG-LRU."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from planner.architecture.facts import Facts
from planner.architecture.fields import Fields
from planner.architecture.model import Component, Mixer, MixerKind, Tensor
from planner.architecture.tensors import linear, vector

Built = tuple[Mixer, list[Tensor]]


def recurrent_mixer(fields: Fields, facts: Facts) -> Built:
    """Return the constant-state mixer that the config's fields describe."""
    for marker, build in _MARKERS:
        if marker in fields:
            return build(fields, facts)
    fields.problem("layer_types", "names recurrent layers, but no field says of which kind")
    return Mixer("linear"), []


def convolution(fields: Fields, facts: Facts) -> Built:
    """Gated short convolution (LFM2): the state is the last ``conv_L_cache`` inputs."""
    hidden = fields.integer("hidden_size")
    kernel = fields.integer("conv_L_cache", 3)
    bias = fields.flag("conv_bias")
    tensors = [
        *linear("conv.in_proj", "convolution", 3 * hidden, hidden, "column", bias=bias),
        *_conv1d("convolution", hidden, kernel, bias),
        *linear("conv.out_proj", "convolution", hidden, hidden, "row", bias=bias),
    ]
    return Mixer("convolution", state_elements=hidden * kernel), tensors


def _conv1d(component: Component, channels: int, kernel: int, bias: bool) -> Iterator[Tensor]:
    yield Tensor("conv1d", component, channels, kernel, "column", linear=False)
    if bias:
        yield vector("conv1d.bias", component, channels, "column")


def _mamba1(fields: Fields, facts: Facts) -> Built:
    """Mamba (arXiv:2312.00752): selective scan with a full state per channel."""
    hidden = fields.integer("hidden_size")
    inner = fields.integer("mamba_expand", fields.integer("expand", 2)) * hidden
    if "state_size" in fields and "intermediate_size" in fields:
        inner = fields.integer("intermediate_size")  # pure Mamba configs state it; ``expand`` may contradict
    state = fields.integer("mamba_d_state", fields.integer("state_size", 16))
    kernel = fields.integer("mamba_d_conv", fields.integer("conv_kernel", 4))
    rank = _rank(fields, hidden)
    bias = fields.flag("mamba_proj_bias", fields.flag("use_bias"))
    tensors = [
        *linear("in_proj", "mamba", 2 * inner, hidden, "column", bias=bias),
        *_conv1d("mamba", inner, kernel, fields.flag("mamba_conv_bias", fields.flag("use_conv_bias", True))),
        *linear("x_proj", "mamba", rank + 2 * state, inner, "row"),
        *linear("dt_proj", "mamba", inner, rank, "column", bias=True),
        Tensor("A_log", "mamba", inner, state, "column", linear=False),
        vector("D", "mamba", inner, "column"),
        *linear("out_proj", "mamba", hidden, inner, "row", bias=bias),
    ]
    if facts.mamba_bc_norms:
        tensors.append(vector("dt_b_c_norms", "mamba", rank + 2 * state))
    return Mixer("mamba", state_elements=inner * (state + kernel)), tensors


def _rank(fields: Fields, hidden: int) -> int:
    for name in ("mamba_dt_rank", "time_step_rank"):
        if name in fields and fields.raw(name) != "auto":
            return fields.integer(name)
    return -(-hidden // 16)


def _mamba2(fields: Fields, facts: Facts) -> Built:
    """Mamba-2 (arXiv:2405.21060): heads share a scalar decay; the convolution covers x, B and C."""
    hidden = fields.integer("hidden_size")
    heads = _first(fields, ("mamba_num_heads", "mamba_n_heads", "n_mamba_heads", "mamba_heads"))
    width = _first(fields, ("mamba_head_dim", "mamba_d_head", "mamba_headdim"))
    if not heads:  # a pure Mamba-2 config uses the attention names
        heads, width = fields.integer("num_attention_heads"), fields.integer("head_dim", 64)
    inner = fields.integer("mamba_d_ssm", heads * width if width else fields.integer("mamba_expand", 2) * hidden)
    state = _first(fields, ("mamba_d_state", "ssm_state_size", "state_size")) or 128
    groups = _first(fields, ("mamba_n_groups", "mamba_ngroups", "n_groups")) or 1
    kernel = _first(fields, ("mamba_d_conv", "conv_kernel")) or 4
    channels = inner + 2 * groups * state
    bias = fields.flag("mamba_proj_bias", fields.flag("use_bias"))
    out_bias = fields.flag("projectors_bias", bias)
    tensors = [
        *linear("in_proj", "mamba", inner + channels + heads, hidden, "column", bias=bias),
        *_conv1d("mamba", channels, kernel, fields.flag("mamba_conv_bias", fields.flag("use_conv_bias", True))),
        vector("dt_bias_A_log_D", "mamba", 3 * heads, "column"),
        *linear("out_proj", "mamba", hidden, inner, "row", bias=out_bias),
    ]
    if fields.flag("mamba_rms_norm", True):
        tensors.append(vector("norm", "mamba", inner, "column"))
    return Mixer("mamba", heads, state_elements=inner * state + channels * kernel), tensors


def _first(fields: Fields, names: tuple[str, ...]) -> int:
    return next((fields.integer(name) for name in names if name in fields), 0)


def _gated_delta_net(fields: Fields, facts: Facts) -> Built:
    """Gated DeltaNet (arXiv:2412.06464) as in Qwen3-Next: one matrix state of key x value width per value head."""
    hidden = fields.integer("hidden_size")
    value_heads = fields.integer("linear_num_value_heads")
    value_width = fields.integer("linear_value_head_dim", 128)
    key = fields.integer("linear_num_key_heads", value_heads) * fields.integer("linear_key_head_dim", 128)
    value = value_heads * value_width
    kernel = fields.integer("linear_conv_kernel_dim", 4)
    channels = 2 * key + value
    tensors = [
        *linear("in_proj_qkvz", "linear_attention", channels + value, hidden, "column"),
        *linear("in_proj_ba", "linear_attention", 2 * value_heads, hidden, "column"),
        *_conv1d("linear_attention", channels, kernel, bias=False),
        vector("dt_bias_A_log", "linear_attention", 2 * value_heads, "column"),
        vector("norm", "linear_attention", value_width),
        *linear("out_proj", "linear_attention", hidden, value, "row"),
    ]
    state = value_heads * fields.integer("linear_key_head_dim", 128) * value_width + channels * kernel
    return Mixer("linear", value_heads, state_elements=state), tensors


def _kimi_delta(fields: Fields, facts: Facts) -> Built:
    """Kimi delta attention (arXiv:2510.26692): a decay per channel, gates through low-rank pairs or full matrices."""
    hidden = fields.integer("hidden_size")
    nested = fields.inside("linear_attn_config")
    heads = nested.integer(
        "num_attention_heads", fields.integer("linear_num_heads", fields.integer("num_attention_heads"))
    )
    width = nested.integer("head_dim", fields.integer("linear_head_dim", 128))
    kernel = nested.integer("short_conv_kernel_size", fields.integer("linear_conv_kernel_dim", 4))
    inner = heads * width
    component: Component = "linear_attention"
    full_rank = nested.flag("use_full_rank_gate") or "kda_safe_gate" in fields
    tensors = [
        *linear("qkv_proj", component, 3 * inner, hidden, "column"),
        *_conv1d(component, 3 * inner, kernel, False),
    ]
    for name in ("forget_gate", "output_gate"):
        if full_rank:
            tensors += linear(name, component, inner, hidden, "column")
        else:
            tensors += linear(f"{name}.a", component, width, hidden, "replicated")
            tensors += linear(f"{name}.b", component, inner, width, "column")
    tensors += [
        *linear("b_proj", component, heads, hidden, "column"),
        vector("dt_bias", component, inner, "column"),
        vector("A_log", component, heads, "column"),
        vector("o_norm", component, width),
        *linear("o_proj", component, hidden, inner, "row"),
    ]
    return Mixer("linear", heads, state_elements=heads * width * width + 3 * inner * kernel), tensors


def _lightning(fields: Fields, facts: Facts) -> Built:
    """Lightning attention (MiniMax-01, arXiv:2501.08313)."""
    hidden = fields.integer("hidden_size")
    heads = fields.integer("num_attention_heads")
    width = fields.integer("head_dim", hidden // heads)
    inner = heads * width
    component: Component = "linear_attention"
    tensors = [
        *linear("qkv_proj", component, 3 * inner, hidden, "column"),
        *linear("output_gate", component, inner, hidden, "column"),
        vector("norm", component, inner, "column"),
        *linear("out_proj", component, hidden, inner, "row"),
    ]
    return Mixer("linear", heads, state_elements=heads * width * width), tensors


def _rg_lru(fields: Fields, facts: Facts) -> Built:
    """Real-gated linear recurrent unit (Griffin, arXiv:2402.19427)."""
    hidden = fields.integer("hidden_size")
    width = fields.integer("lru_width", hidden)
    heads = fields.integer("num_attention_heads")
    kernel = fields.integer("conv1d_width", 4)
    block = width // heads
    kind: MixerKind = "linear"
    component: Component = "linear_attention"
    tensors = [
        *linear("linear_y", component, width, hidden, "column", bias=True),
        *linear("linear_x", component, width, hidden, "column", bias=True),
        *linear("linear_out", component, hidden, width, "row", bias=True),
        *_conv1d(component, width, kernel, bias=True),
        vector("recurrent_param", component, width, "column"),
        Tensor("gates", component, block, block, "column", count=2 * heads, linear=False),
        vector("gates.bias", component, 2 * width, "column"),
    ]
    return Mixer(kind, heads, state_elements=width * kernel), tensors


_MARKERS: tuple[tuple[str, Callable[[Fields, Facts], Built]], ...] = (
    ("linear_num_value_heads", _gated_delta_net),
    ("linear_attn_config", _kimi_delta),
    ("linear_num_heads", _kimi_delta),
    ("lru_width", _rg_lru),
    ("mamba_dt_rank", _mamba1),
    ("mamba_n_heads", _mamba2),
    ("mamba_num_heads", _mamba2),
    ("n_mamba_heads", _mamba2),
    ("ssm_state_size", _mamba2),
    ("n_groups", _mamba2),
    ("state_size", _mamba1),
    ("mamba_d_state", _mamba1),
    ("conv_L_cache", convolution),
    ("num_attention_heads", _lightning),
)
"""Field that gives a kind of recurrence away -> its builder; the first match holds."""
