"""Fields that differ from layer to layer, as overrides of the scalar fields that builders read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from planner.architecture.facts import Facts
from planner.architecture.fields import Fields

Override = tuple[tuple[str, Any], ...]

_PER_LAYER = {
    "intermediate_size": "intermediate_size",
    "moe_intermediate_size": "moe_intermediate_size",
    "num_attention_heads": "num_attention_heads",
    "num_key_value_heads": "num_key_value_heads",
    "num_attention_heads_per_layer": "num_attention_heads",
    "num_key_value_heads_per_layer": "num_key_value_heads",
    "num_shared_experts": "num_shared_experts",
    "num_experts_per_tok": "num_experts_per_tok",
    "layer_head_dims": "head_dim",
}
"""Fields that may be lists with one value per layer, and the field that the value stands for."""

_BY_KIND = {
    "sliding": {
        "swa_num_attention_heads": "num_attention_heads",
        "swa_num_key_value_heads": "num_key_value_heads",
        "swa_head_dim": "head_dim",
        "swa_v_head_dim": "v_head_dim",
        "num_sliding_attention_heads": "num_attention_heads",
        "num_sliding_key_value_heads": "num_key_value_heads",
    },
    "full": {"global_head_dim": "head_dim", "num_global_key_value_heads": "num_key_value_heads"},
}
"""Fields that hold for the layers of one kind only."""


def layer_overrides(fields: Fields, facts: Facts, kinds: Sequence[str]) -> list[Override]:
    """Return what differs in each layer from the model-wide fields."""
    count = len(kinds)
    found: list[dict[str, Any]] = [{} for _ in range(count)]
    for index, kind in enumerate(kinds):
        for name, target in _BY_KIND.get(kind, {}).items():
            if name in fields:
                found[index][target] = fields.integer(name)
        if kind == "full" and fields.flag("attention_k_eq_v"):
            found[index]["shares_key_and_value"] = True
    for override, ratio in zip(found, fields.items("ffn_multipliers"), strict=False):
        if isinstance(ratio, int | float) and 0 < ratio < 1e6:  # OpenELM rounds to its divisor
            unit = fields.integer("ffn_dim_divisor", 256)
            override["intermediate_size"] = max(int(ratio * fields.integer("hidden_size") + unit / 2) // unit, 1) * unit
    other = fields.mapping("attention_other_setting")
    for index, kind in enumerate(kinds):
        if kind == "sliding" and other.get("attention_type", "sliding_attention") == "sliding_attention":
            found[index].update(_renamed(other))
    _lists(fields, found)
    _blocks(fields, found)
    for key, values in fields.mapping("per_layer_config").items():
        if str(key).isdigit() and int(key) < count and isinstance(values, Mapping):
            found[int(key)].update(values)
    _shared_caches(fields, kinds, found)
    _indexers(fields, found)
    for values in found:
        for name, value in values.items():
            if value is not None and not isinstance(value, int | float | str):
                fields.problem(name, f"must be one value per layer, is {value!r:.60}")
                values[name] = None
    return [tuple(sorted(values.items())) for values in found]


def _renamed(setting: Mapping[str, Any]) -> dict[str, Any]:
    names = {"num_attention_heads": "num_attention_heads", "num_attention_groups": "num_key_value_heads",
             "head_dim": "head_dim"}  # fmt: skip
    return {target: setting[name] for name, target in names.items() if setting.get(name)}


def _lists(fields: Fields, found: list[dict[str, Any]]) -> None:
    for name, target in _PER_LAYER.items():
        values = fields.raw(name)
        fits = isinstance(values, Sequence) and not isinstance(values, str) and len(values) >= len(found)
        if fits and (len(found) > 2 or name != "moe_intermediate_size"):
            for override, value in zip(found, values, strict=False):
                override[target] = value


def _blocks(fields: Fields, found: list[dict[str, Any]]) -> None:
    """Blocks of architecture-search models (arXiv:2411.19146): grouped heads and FFN multipliers per layer."""
    for override, block in zip(found, fields.items("block_configs"), strict=False):
        attention = (block.get("attention") if isinstance(block, Mapping) else None) or {}
        ffn = (block.get("ffn") if isinstance(block, Mapping) else None) or {}
        heads = fields.integer("num_attention_heads")
        if attention.get("n_heads_in_group"):
            override["num_key_value_heads"] = heads // int(attention["n_heads_in_group"])
        if attention.get("num_key_value_heads"):
            override["num_key_value_heads"] = attention["num_key_value_heads"]
        if attention.get("window_length"):
            override["sliding_window"] = attention["window_length"]
        if ffn.get("intermediate_size"):
            override["intermediate_size"] = ffn["intermediate_size"]
        elif ffn.get("ffn_mult"):
            width = int(2 * float(ffn["ffn_mult"]) * fields.integer("hidden_size") / 3)
            override["intermediate_size"] = -(-width // 256) * 256
        expert = ffn.get("moe")
        if isinstance(expert, Mapping):
            override["num_experts"] = expert.get("num_local_experts")
            override["moe_intermediate_size"] = expert.get("expert_intermediate_dim")
            override["shared_expert_intermediate_size"] = expert.get("shared_expert_intermediate_dim")


def _shared_caches(fields: Fields, kinds: Sequence[str], found: list[dict[str, Any]]) -> None:
    """Layers that read the keys and values of an earlier one (Gemma 3n, cross-layer attention)."""
    last = fields.integer("num_kv_shared_layers", 0, minimum=0)
    for override in found[len(found) - last :] if last else []:
        override["shares_kv"] = True
        if fields.flag("use_double_wide_mlp"):
            override["intermediate_size"] = 2 * fields.integer("intermediate_size")
    if fields.flag("use_cla"):
        factor = fields.integer("cla_share_factor", 2)
        for index, override in enumerate(found):
            if index % factor:
                override["shares_kv"] = True


def _indexers(fields: Fields, found: list[dict[str, Any]]) -> None:
    """Layers whose sparse indexer is another layer's (``shared``)."""
    for override, kind in zip(found, fields.items("indexer_types"), strict=False):
        if kind == "shared":
            override["shares_indexer"] = True
