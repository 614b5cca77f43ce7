"""The worked examples of the five founding notes on memory and number formats.

Each figure of the notes is reproduced as the rule of thumb that it is; beside it stands the right figure where the rule
leaves something out or the note errs. Their cost example is in ``test_tco_founding_notes.py``.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import pytest

from planner.architecture import count_parameters
from planner.architecture.model import ModelArchitecture
from planner.architecture.resolve import resolve_model
from planner.catalog import Catalog, load_catalog
from planner.memory.accounting.runtime import EngineOptions
from planner.memory.fitting import format_sizes
from planner.memory.inference import inference_budget
from planner.memory.kv_cache import kv_cache_bytes
from planner.memory.rule_of_thumb import compare_cache, rule_bytes
from planner.memory.weights import weight_bytes
from planner.number_formats.table import FormatRow, format_rows
from planner.units import GB, GIB, MIB

LLAMA_2_70B = "meta-llama/Llama-2-70b-chat-hf"
BITS = {"FP32": 32, "FP16": 16, "BF16": 16, "INT8": 8, "INT4": 4, "INT2": 2}


@cache
def catalog() -> Catalog:
    return load_catalog()


@cache
def model(name: str) -> ModelArchitecture:
    return resolve_model(name, catalog=catalog())


def checkpoint_gb(name: str, fmt: str) -> float:
    return weight_bytes(model(name), catalog().formats[fmt]).checkpoint / GB


# Note 1: what 70B parameters take


@pytest.mark.parametrize(
    ("fmt", "gb"), [("FP32", 280), ("FP16", 140), ("BF16", 140), ("INT8", 70), ("INT4", 35), ("INT2", 17.5)]
)
def test_70b_parameters_times_bytes(fmt: str, gb: float) -> None:
    assert rule_bytes(70e9, BITS[fmt]) / GB == gb


def test_280_gb_in_binary_gibibytes() -> None:
    assert rule_bytes(70e9, 32) / GIB == pytest.approx(260.77, abs=0.005)


@pytest.mark.parametrize(
    ("fmt", "saved_gb", "share"),
    [("FP16", 140, 0.5), ("INT8", 210, 0.75), ("INT4", 245, 0.875), ("INT2", 262.5, 0.9375)],
)
def test_what_a_format_saves_against_fp32(fmt: str, saved_gb: float, share: float) -> None:
    wide, narrow = rule_bytes(70e9, 32), rule_bytes(70e9, BITS[fmt])
    assert (wide - narrow) / GB == saved_gb
    assert 1 - narrow / wide == share


@pytest.mark.parametrize(
    ("fmt", "rule_gb", "exact_gb"),
    [
        ("fp32", 280, 275.907),
        ("bf16", 140, 137.953),
        ("int8-w8a8", 70, 69.529),
        ("int4-awq-g128", 35, 36.614),
        ("int2-g64", 17.5, 20.570),
    ],
)
def test_llama_2_70b_is_less_than_70b_and_keeps_some_tensors_wide(fmt: str, rule_gb: float, exact_gb: float) -> None:
    """The rule errs both ways: fewer parameters, but embeddings in 16 bit and scales from INT4 down."""
    assert checkpoint_gb(LLAMA_2_70B, fmt) == pytest.approx(exact_gb, abs=0.001)
    assert abs(exact_gb / rule_gb - 1) < 0.18


def test_parameters_of_llama_2_70b() -> None:
    """The note multiplies out 64 KV heads and two MLP matrices and finds 59B over 80 layers; "others" make it 70B."""
    hidden, width, vocab, layers = 8192, 28672, 32000, 80
    embedding = vocab * hidden
    noted_layer = 3 * hidden**2 + hidden**2 + 2 * hidden * width
    assert embedding == pytest.approx(262e6, rel=0.001)
    assert noted_layer == pytest.approx(738e6, rel=0.001)
    assert layers * noted_layer == pytest.approx(59e9, rel=0.002)

    count = count_parameters(model(LLAMA_2_70B))
    keys_and_values = 2 * 8 * 128 * hidden
    layer = 2 * hidden**2 + keys_and_values + 3 * hidden * width + 2 * hidden
    assert count.total == 68_976_648_192 == 2 * embedding + layers * layer + hidden
    assert dict(count.by_component)["lm_head"] == embedding  # of its own: the note takes it as shared


def test_group_metadata_of_70b() -> None:
    """8 bytes per 128 weights are 4.4 GB and INT4 39.4 GB; a 16-bit scale and a 4-bit zero point are 2.5 bytes."""
    groups = 70e9 / 128
    noted = groups * 8
    assert noted / GB == pytest.approx(4.4, abs=0.05)
    assert (rule_bytes(70e9, 4) + noted) / GB == pytest.approx(39.4, abs=0.05)
    assert catalog().formats["int4-awq-g128"].bytes_per_weight * 8 == pytest.approx(4 + 20 / 128)
    assert groups * 2.5 / GB == pytest.approx(1.37, abs=0.01)


def test_metadata_by_granularity() -> None:
    """Per tensor next to nothing, per channel some MB, blocks of 128 x 128 the same order, groups of 128 a GB."""
    fp8 = [catalog().formats[name] for name in ("fp8-e4m3-tensor", "fp8-e4m3", "fp8-e4m3-block128")]
    tensor, channel, block = (weight_bytes(model(LLAMA_2_70B), fmt).checkpoint for fmt in fp8)
    converted = 68_976_648_192 - 2 * 32000 * 8192 - 161 * 8192
    plain = converted + 2 * (2 * 32000 * 8192 + 161 * 8192)
    assert 0 <= tensor - plain < 10e6
    assert 10e6 < channel - plain < 32e6  # the note's bound
    assert 10e6 < block - plain < 32e6


@pytest.mark.parametrize(
    ("parameters", "fp32", "fp16", "int8", "int4"),
    [
        (1.5e9, 6, 3, 1.5, 0.75),  # GPT-2
        (7e9, 28, 14, 7, 3.5),
        (13e9, 52, 26, 13, 6.5),
        (30e9, 120, 60, 30, 15),
        (33e9, 132, 66, 33, 16.5),
        (65e9, 260, 130, 65, 32.5),
        (70e9, 280, 140, 70, 35),
        (168e9, 672, 336, 168, 84),
        (175e9, 700, 350, 175, 87.5),  # GPT-3; its exercise asks for BF16
    ],
)
def test_table_of_model_sizes(parameters: float, fp32: float, fp16: float, int8: float, int4: float) -> None:
    assert [rule_bytes(parameters, bits) / GB for bits in (32, 16, 8, 4)] == [fp32, fp16, int8, int4]


@pytest.mark.parametrize(
    ("name", "noted_gb", "exact_gb"),
    [
        ("openai-community/gpt2-xl", 3, 3.115),
        ("meta-llama/Llama-2-7b-hf", 14, 13.477),
        ("meta-llama/Llama-2-13b-chat-hf", 26, 26.032),
        ("huggyllama/llama-30b", 66, 65.058),
        ("huggyllama/llama-65b", 130, 130.571),
        (LLAMA_2_70B, 140, 137.953),
    ],
)
def test_the_models_of_the_tables_in_16_bit(name: str, noted_gb: float, exact_gb: float) -> None:
    assert checkpoint_gb(name, "bf16") == pytest.approx(exact_gb, abs=0.001)
    assert exact_gb == pytest.approx(noted_gb, rel=0.04)


# Note 1: what a GPU holds


@pytest.mark.parametrize(("tokens", "noted_gb", "exact_gib"), [(2048, 0.5, 0.625), (4096, 10, 1.25)])
def test_kv_cache_of_one_request(tokens: int, noted_gb: float, exact_gib: float) -> None:
    """0.5 GB at 2048 is near; 10 GB at 4096 is full multi-head attention, eight times the model's grouped queries."""
    architecture, kv = model(LLAMA_2_70B), catalog().kv_formats["bf16"]
    exact = kv_cache_bytes(architecture, kv, context=tokens, block=1)
    assert exact / GIB == exact_gib
    comparison = compare_cache(architecture, kv, tokens, exact)
    assert comparison.rule == 8 * exact
    assert comparison.rule + sum(step.value for step in comparison.steps) == exact
    if tokens == 4096:
        assert comparison.rule / GIB == noted_gb


def test_kv_cache_in_8_bit_halves() -> None:
    architecture, kv = model(LLAMA_2_70B), catalog().kv_formats
    sixteen, eight = (kv_cache_bytes(architecture, kv[name], context=4096) for name in ("bf16", "fp8"))
    assert eight == sixteen / 2


@pytest.mark.parametrize(("weights_gb", "request_gb", "noted"), [(70, 10, 0), (35, 10, 3), (35, 5, 7), (35, 2.5, 14)])
def test_noted_concurrency_of_one_80_gb_device(weights_gb: float, request_gb: float, noted: int) -> None:
    """80 GB less weights and 10 GB of everything else, over the cache of a request."""
    assert int((80 - weights_gb - 10) / request_gb) == noted


def test_real_concurrency_of_one_80_gb_device() -> None:
    """INT4 leaves room for 28 requests of 4096 tokens, 57 with an 8-bit cache; INT8 for a few, not for none."""
    shelf = catalog()
    device, engine = shelf.accelerators["a100-sxm-80"], shelf.engines["vllm"]
    options = EngineOptions(max_model_len=4096, max_num_seqs=64)

    def sequences(fmt: str, kv: str) -> float:
        budget = inference_budget(
            model(LLAMA_2_70B), shelf.formats[fmt], shelf.kv_formats[kv], device, engine, options=options
        )
        return budget.max_concurrency(4096)

    four = sequences("int4-awq-g128", "bf16")
    assert 25 < four < 31
    assert sequences("int4-awq-g128", "fp8") == pytest.approx(2 * four)
    assert 2 < sequences("int8-w8a8", "bf16") < 7


def test_weights_of_two_devices() -> None:
    """Tensor parallelism over two holds 70 GB each by the rule, 64.2 GiB = 69.0 GB in truth."""
    local = weight_bytes(model(LLAMA_2_70B), catalog().formats["bf16"], tp=2)
    assert (local.per_gpu - local.rotary) / GB == pytest.approx(68.98, abs=0.01)


def test_smallest_devices_for_16_bit() -> None:
    """Two 80 GB devices hold 70B in 16 bit, as noted; 13B needs more than the 24 GB of the noted A10 and A30."""
    shelf = catalog()

    def least(name: str, gpus: int) -> float:
        sizes = format_sizes(model(name), shelf, shelf.kv_formats["bf16"], context=2048)
        places = next(item.places for item in sizes if item.id == "bf16")
        return min(place.memory_bytes for place in places if place.gpus == gpus) / GIB

    assert 70 < least(LLAMA_2_70B, 2) <= 80
    assert 24 < least("meta-llama/Llama-2-13b-chat-hf", 1) <= 32
    assert 14 < least("meta-llama/Llama-2-7b-hf", 1) <= 24


@pytest.mark.parametrize(("storage", "rate"), [("sata-ssd", 0.5), ("nvme-gen3", 3.5), ("nvme-gen4", 7.0)])
@pytest.mark.parametrize(("gb", "noted_seconds"), [(280, 40), (140, 20), (70, 10), (35, 5)])
def test_loading_from_disk_and_half_as_long_again(storage: str, rate: float, gb: float, noted_seconds: float) -> None:
    place = catalog().storage[storage]
    assert (place.read_gbytes_per_s, place.overhead_share) == (rate, 0.5)
    assert place.load_seconds(gb * GB) == pytest.approx(noted_seconds * 7 / rate * 1.5)


# Notes 2 and 3: parameters times bytes again


def test_one_billion_parameters_in_fp32() -> None:
    """3.725 is GiB, though the note writes GB."""
    assert rule_bytes(1e9, 32) / GIB == pytest.approx(3.725, abs=0.0005)
    assert rule_bytes(1e9, 32) / GB == 4


def test_quantized_7b() -> None:
    assert (rule_bytes(7e9, 8) / GB, rule_bytes(7e9, 4) / GB) == (7, 3.5)
    seven = "meta-llama/Llama-2-7b-hf"
    assert checkpoint_gb(seven, "int8-w8a8") == pytest.approx(7.0, rel=0.01)
    assert checkpoint_gb(seven, "int4-awq-g128") == pytest.approx(3.89, abs=0.01)  # 11 % over the rule


# Note 3: number formats


def row(name: str, value: str = "123456.789", absmax: str | None = None) -> FormatRow:
    rows = format_rows(catalog().formats, Fraction(value), None if absmax is None else Fraction(absmax))
    return next(item for item in rows if item.id == name)


@pytest.mark.parametrize(
    ("name", "stored", "outcome"),
    [
        ("fp32", "123456.7890625", "rounded"),
        ("fp16", None, "overflow"),
        ("bf16", "123392", "rounded"),  # the note says 123456.8, which takes 17 bits of significand
        ("fp8-e5m2", None, "overflow"),  # the note says about 123000, but 57344 is the largest
        ("fp8-e4m3", None, "overflow"),
    ],
)
def test_how_123456_789_is_stored(name: str, stored: str | None, outcome: str) -> None:
    direct = row(name).direct
    assert direct is not None
    assert (direct.value, direct.outcome) == (None if stored is None else Fraction(stored), outcome)


def test_the_nearest_numbers_around_123456_789_in_narrow_formats() -> None:
    """BF16 has 8 significant bits: steps of 512 there. With unbounded exponents E5M2 would hold 131072 or 114688."""
    assert Fraction(123392) % 512 == 0
    assert abs(Fraction(123392) - Fraction("123456.789")) < 256
    e5m2 = row("fp8-e5m2")
    assert e5m2.max == 57344
    assert Fraction(123000) not in {Fraction(114688), Fraction(131072)}


@pytest.mark.parametrize(
    ("name", "absmax", "scale", "stored"),
    [
        ("int8-w8a8", "127000", 1000, 123000),  # the note's "about 127000" is the largest value of this scale
        ("int4-awq-g128", "140000", 20000, 120000),  # and "about 140000" that of this one
    ],
)
def test_integers_need_a_scale(name: str, absmax: str, scale: int, stored: int) -> None:
    scaled = row(name, absmax=absmax).scaled
    assert scaled is not None
    assert (scaled.scale, scaled.stored.value) == (scale, stored)


@pytest.mark.parametrize(
    ("name", "sign_exponent_fraction", "digits"),
    [
        ("fp32", (1, 8, 23), 6.9),
        ("fp16", (1, 5, 10), 3.0),
        ("bf16", (1, 8, 7), 2.1),
        ("fp8-e5m2", (1, 5, 2), 0.6),
        ("fp8-e4m3", (1, 4, 3), 0.9),
    ],
)
def test_bits_and_decimal_digits(name: str, sign_exponent_fraction: tuple[int, int, int], digits: float) -> None:
    item = row(name)
    assert (1, item.exponent_bits, item.fraction_bits) == sign_exponent_fraction
    assert item.bits == sum(sign_exponent_fraction)
    assert item.decimal_digits == pytest.approx(digits, abs=0.05)


@pytest.mark.parametrize(
    ("name", "noted_largest", "noted_smallest"),
    [
        ("fp32", 1e38, 1e-38),
        ("fp16", 6e4, 6e-5),
        ("bf16", 1e38, 1e-38),
        ("fp8-e5m2", 6e4, None),  # the note's 1e-6 is neither the smallest normal (6e-5) nor the subnormal (1.5e-5)
        ("fp8-e4m3", 5e2, None),  # nor 1e-3 here (1.6e-2 and 2e-3)
    ],
)
def test_dynamic_ranges(name: str, noted_largest: float, noted_smallest: float | None) -> None:
    item = row(name)
    assert noted_largest / 4 < float(item.max) < noted_largest * 4
    assert item.smallest_normal is not None
    if noted_smallest is not None:
        assert noted_smallest / 4 < float(item.smallest_normal) < noted_smallest * 4


@pytest.mark.parametrize(
    ("name", "largest"), [("fp16", 65504), ("int8-w8a8", 127), ("int4-awq-g128", 7), ("fp8-e4m3", 448)]
)
def test_largest_values(name: str, largest: int) -> None:
    assert row(name).max == largest


@pytest.mark.parametrize("name", ["fp32", "fp16", "bf16", "fp8-e5m2"])
def test_the_formula_for_the_largest_value(name: str) -> None:
    """(2 - 2^-m) x 2^(2^k - 2 - bias): right for IEEE-like formats, not for E4M3, whose top exponent holds numbers."""
    item = row(name)
    bias = 2 ** (item.exponent_bits - 1) - 1
    formula = (2 - Fraction(1, 2**item.fraction_bits)) * Fraction(2) ** (2**item.exponent_bits - 2 - bias)
    assert item.max == formula
    assert item.smallest_normal == Fraction(2) ** (1 - bias)


def test_the_formula_does_not_hold_for_e4m3() -> None:
    assert (2 - Fraction(1, 8)) * 2 ** (2**4 - 2 - 7) == 240 != row("fp8-e4m3").max


# Note 4: mixtures of experts, and activations


@pytest.mark.parametrize(("bits", "noted_gb"), [(32, 51.6), (16, 25.8), (8, 12.9)])
def test_8x7b_by_its_active_parameters(bits: int, noted_gb: float) -> None:
    """The note sizes memory by what a token reads; all experts are resident, 3.6 times as much."""
    assert rule_bytes(12.9e9, bits) / GB == pytest.approx(noted_gb)
    count = count_parameters(model("mistralai/Mixtral-8x7B-v0.1"))
    assert count.active == pytest.approx(12.9e9, rel=0.002)
    assert count.total == 46_702_792_704
    assert count.total / count.active == pytest.approx(3.6, abs=0.05)
    assert checkpoint_gb("mistralai/Mixtral-8x7B-v0.1", "bf16") == pytest.approx(93.4, abs=0.01)


def test_activations_of_7b_over_2048_tokens() -> None:
    """16 MB a layer and 512 MB in all is what training keeps; inference frees a layer before the next begins."""
    layer = 2048 * 4096 * 2
    assert (layer / MIB, 32 * layer / MIB) == (16, 512)
    noted_total = rule_bytes(7e9, 16) + 32 * layer
    assert noted_total / GB == pytest.approx(14.5, abs=0.05)

    shelf = catalog()
    budget = inference_budget(
        model("meta-llama/Llama-2-7b-hf"), shelf.formats["bf16"], shelf.kv_formats["bf16"],
        shelf.accelerators["a100-sxm-40"], shelf.engines["transformers"],
        options=EngineOptions(max_num_batched_tokens=2048),
    )  # fmt: skip
    widths = 2 * 2048 * (3 * 11008 + 4 * 4096)  # one MLP and four hidden vectors per token
    assert budget.runtime.activation_peak == widths + 60 * MIB
    assert budget.runtime.activation_peak / MIB == pytest.approx(253, abs=1)


# Note 5: one 7B model in three formats


@pytest.mark.parametrize(("bits", "bytes_each", "noted_gb"), [(32, 4, 28), (16, 2, 14), (8, 1, 7)])
def test_bytes_per_parameter(bits: int, bytes_each: int, noted_gb: int) -> None:
    assert bits / 8 == bytes_each
    assert rule_bytes(7_000_000_000, bits) == noted_gb * 1_000_000_000
