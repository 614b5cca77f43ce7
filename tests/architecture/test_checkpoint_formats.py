"""quantization_config of published checkpoints -> ids of the catalog's formats."""

from __future__ import annotations

import pytest

from planner.architecture.checkpoint import packed_bits
from planner.architecture.quantization import native_format
from planner.catalog import load_catalog


def group(**weights):
    return {"group_0": {"weights": weights, "input_activations": weights.pop("inputs", None), "targets": ["Linear"]}}


CASES = [
    ({"quant_method": "fp8", "weight_block_size": [128, 128], "activation_scheme": "dynamic"}, "fp8-e4m3-block128"),
    ({"quant_method": "fp8", "activation_scheme": "static"}, "fp8-e4m3-tensor"),
    ({"quant_method": "fp8", "activation_scheme": "dynamic"}, "fp8-e4m3"),
    ({"quant_method": "fbgemm_fp8"}, "fp8-e4m3"),
    ({"quant_method": "mxfp4"}, "mxfp4"),
    ({"quant_method": "awq", "bits": 4, "group_size": 128}, "int4-awq-g128"),
    ({"quant_method": "gptq", "bits": 4, "group_size": 128}, "int4-gptq-g128"),
    ({"quant_method": "gptq", "bits": 8}, "int8-w8a16"),
    ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "nf4"),
    ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8-w8a16"),
    ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4"),
    ({"quant_method": "modelopt", "quant_algo": "FP8"}, "fp8-e4m3-tensor"),
    ({"quant_method": "compressed-tensors", "config_groups": group(num_bits=8, type="float", strategy="channel")},
     "fp8-e4m3"),
    ({"quant_method": "compressed-tensors", "config_groups": group(num_bits=8, type="float", strategy="tensor")},
     "fp8-e4m3-tensor"),
    ({"quant_method": "compressed-tensors", "config_groups": group(num_bits=8, type="float", strategy="block")},
     "fp8-e4m3-block128"),
    ({"quant_method": "compressed-tensors", "config_groups": group(num_bits=8, type="int", inputs={"num_bits": 8})},
     "int8-w8a8"),
    ({"quant_method": "compressed-tensors", "config_groups": group(num_bits=8, type="int")}, "int8-w8a16"),
    ({"quant_method": "compressed-tensors", "config_groups": group(num_bits=4, type="int", group_size=128)},
     "int4-gptq-g128"),
    ({"quant_method": "compressed-tensors", "config_groups": group(num_bits=4, type="int", group_size=32)},
     "int4-g32-experts"),
    ({"quant_method": "compressed-tensors", "config_groups": group(num_bits=4, type="float", group_size=16)}, "nvfp4"),
    ({"quant_method": "compressed-tensors", "format": "mxfp4-pack-quantized",
      "config_groups": group(num_bits=4, type="float", group_size=32)}, "mxfp4"),
]  # fmt: skip


@pytest.mark.parametrize(("quantization", "expected"), CASES)
def test_the_format_is_recognised(quantization, expected):
    assert native_format({"quantization_config": quantization}) == expected
    assert native_format({"text_config": {"quantization_config": quantization}}) == expected


def test_every_format_is_in_the_catalog():
    assert {expected for _, expected in CASES} <= set(load_catalog().formats)


@pytest.mark.parametrize(
    "config", [{}, {"quantization_config": None}, {"quantization_config": "fp8"}, {"quantization_config": {}},
               {"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {}}},
               {"quantization_config": {"quant_method": "unheard-of"}}],
)  # fmt: skip
def test_what_cannot_be_read_is_no_format(config):
    assert native_format(config) is None


@pytest.mark.parametrize(
    ("quantization", "bits"),
    [({"quant_method": "awq", "bits": 4}, 4), ({"quant_method": "mxfp4"}, 4), ({"quant_algo": "NVFP4"}, 4),
     ({"config_groups": group(num_bits=4, type="int")}, 4), ({"quant_method": "fp8"}, None), (None, None)],
)  # fmt: skip
def test_packed_bits(quantization, bits):
    assert packed_bits({"quantization_config": quantization}) == bits
