"""quantization_config of a checkpoint -> id of the catalog's weight format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BY_METHOD = {
    "mxfp4": "mxfp4", "awq": "int4-awq-g128", "fbgemm_fp8": "fp8-e4m3", "nvfp4": "nvfp4", "modelopt_fp4": "nvfp4",
    "auto-round": "int4-gptq-g128", "auto_round": "int4-gptq-g128",
}  # fmt: skip


def native_format(config: Mapping[str, Any]) -> str | None:
    """Return the catalog id of the format that the checkpoint is stored in; None when it is 16 bit or unreadable.

    DeepSeek-V4 keeps its experts, nearly all of the weights, in 4 bits (``expert_dtype``) and the rest in FP8.
    """
    quantization = config.get("quantization_config")
    if not isinstance(quantization, Mapping):
        nested = config.get("text_config")
        quantization = nested.get("quantization_config") if isinstance(nested, Mapping) else None
    if not isinstance(quantization, Mapping):
        return None
    if config.get("expert_dtype") == "fp4":
        return "mxfp4"
    method = str(quantization.get("quant_method", "")).lower()
    if method == "fp8":
        return _fp8(bool(quantization.get("weight_block_size")), quantization.get("activation_scheme") == "static")
    if method == "gptq":
        return "int8-w8a16" if quantization.get("bits") == 8 else "int4-gptq-g128"
    if method in ("bitsandbytes", "bnb"):
        return "nf4" if quantization.get("load_in_4bit") or quantization.get("_load_in_4bit") else "int8-w8a16"
    if method in ("modelopt", "modelopt_mixed"):
        return "nvfp4" if "FP4" in str(quantization.get("quant_algo", "")).upper() else "fp8-e4m3-tensor"
    if method in ("compressed-tensors", "compressed_tensors"):
        return _compressed_tensors(quantization)
    return _BY_METHOD.get(method)


def _fp8(block: bool, per_tensor: bool) -> str:
    return "fp8-e4m3-block128" if block else "fp8-e4m3-tensor" if per_tensor else "fp8-e4m3"


def _compressed_tensors(quantization: Mapping[str, Any]) -> str | None:
    """Read the first group: number type, bits, and the granularity of its scales."""
    groups = quantization.get("config_groups")
    first = next(iter(groups.values()), None) if isinstance(groups, Mapping) and groups else None
    if not isinstance(first, Mapping) or not isinstance(first.get("weights"), Mapping):
        return None
    weights: Mapping[str, Any] = first["weights"]
    style = f"{quantization.get('format', '')} {first.get('format', '')}"
    bits, kind, strategy = weights.get("num_bits"), weights.get("type"), str(weights.get("strategy", ""))
    if kind == "float" and bits == 8:
        return _fp8(strategy == "block", strategy == "tensor")
    if kind == "float" and bits == 4:
        return "mxfp4" if "mxfp4" in style or weights.get("group_size") == 32 else "nvfp4"
    if kind == "int" and bits == 8:
        return "int8-w8a8" if isinstance(first.get("input_activations"), Mapping) else "int8-w8a16"
    if kind == "int" and bits == 4:
        return "int4-g32-experts" if weights.get("group_size") == 32 else "int4-gptq-g128"
    return None
