"""What the shipped catalog says: enough of everything, dated, and the figures that people get wrong."""

from __future__ import annotations

import re

import pytest

DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def test_there_is_enough_of_everything(shipped):
    assert len(shipped.accelerators) >= 40
    assert len(shipped.offers) >= 150
    assert {"vllm", "sglang", "trtllm", "llamacpp", "transformers"} <= set(shipped.engines)
    assert {
        "fp32", "tf32", "fp16", "bf16", "fp8-e4m3", "fp8-e4m3-tensor", "fp8-e4m3-block128", "fp8-e5m2", "int8-w8a8",
        "int8-w8a16", "int4-awq-g128", "int4-gptq-g128", "nf4", "mxfp4", "nvfp4", "gguf-q8_0", "gguf-q6_k",
        "gguf-q5_k_m", "gguf-q4_k_m", "gguf-q3_k_m", "int2-g64",
    } <= set(shipped.formats)  # fmt: skip
    assert {"bf16", "fp8", "int8", "nvfp4"} <= set(shipped.kv_formats)
    assert {"h100-sxm", "h200-sxm", "a100-sxm-40", "a100-sxm-80", "l40s", "a30", "h20-96", "rtx3090", "rtx4090",
            "mi300x"} <= set(shipped.accelerators)  # fmt: skip


def test_mappings_are_sorted_and_cannot_be_written(shipped):
    for kind in ("accelerators", "formats", "offers", "engines", "models"):
        assert list(shipped.entities(kind)) == sorted(shipped.entities(kind))
    with pytest.raises(TypeError):
        shipped.formats["mine"] = None


def test_every_figure_has_source_and_date(shipped):
    kinds = ("accelerators", "formats", "kv_formats", "engines", "models", "quality", "regions", "storage")
    for kind in kinds:
        for entity in shipped.entities(kind).values():
            assert entity.source.strip(), entity.id
            assert DATE.fullmatch(entity.as_of), entity.id
    for offer in shipped.offers.values():
        for row in (*offer.prices, *offer.items):
            assert row.source.strip(), offer.id
            assert DATE.fullmatch(row.as_of), offer.id
        assert not offer.host_power_w or offer.host_power_source
    for engine in shipped.engines.values():
        for row in (*engine.weights, *engine.kv_cache, *engine.settings):
            assert row.source.strip(), (engine.id, row)
            assert DATE.fullmatch(row.as_of), (engine.id, row)


@pytest.mark.parametrize(
    ("device", "compute", "tflops"),
    [
        ("h100-sxm", "fp8", 1979),
        ("h100-sxm", "fp16", 989.5),
        ("h200-sxm", "bf16", 989.5),
        ("a100-sxm-80", "bf16", 312),
        ("l40s", "fp8", 733),
        ("l40s", "bf16", 362),
        ("a30", "bf16", 165),
        ("h20-96", "fp16", 148),
        ("h20-96", "fp8", 296),
        ("rtx4090", "bf16", 165.2),
        ("rtx3090", "bf16", 71),
        ("mi300x", "fp8", 2614.9),
        ("b200-sxm", "fp4", 9000),
    ],
)
def test_peak_rates_are_dense(shipped, device, compute, tflops):
    assert shipped.accelerators[device].tflops[compute] == tflops
    assert shipped.accelerators[device].peak_flops(compute) == tflops * 1e12


def test_no_rate_is_a_sparse_figure_of_another(shipped):
    """FP8 is at most twice and FP4 at most four times the 16-bit rate, but for Blackwell Ultra, which has six."""
    for device in shipped.accelerators.values():
        rates = device.tflops
        half = rates.get("bf16") or rates["fp16"]
        limit = {"fp8": 4.0 if device.vendor == "Intel" else 2.03, "fp4": 6.01 if device.id in ULTRA else 8.05}
        for name, factor in limit.items():
            assert rates.get(name, 0) <= factor * half, (device.id, name)


ULTRA = ("b300-sxm", "gb300-nvl72")


def test_usable_memory_is_below_what_is_printed_on_the_box(shipped):
    assert shipped.accelerators["h100-sxm"].memory_gib_usable == 79.18
    assert shipped.accelerators["rtx4090"].memory_gib_usable == 23.52
    for device in shipped.accelerators.values():
        assert device.memory_usable_basis, device.id
        assert device.memory_usable_estimated == ("estimate" in device.memory_usable_basis) or device.id == "h20-96"
        if device.memory_bytes_reported:
            assert device.memory_bytes_usable <= device.memory_bytes_reported, device.id
            assert device.memory_bytes_usable > 0.9 * device.memory_bytes_reported, device.id


def test_links_are_one_way_and_per_device(shipped):
    link = shipped.accelerators["h100-sxm"].link
    assert (link.gbytes_per_s_one_way, link.switched, link.domain) == (450, True, 8)
    assert shipped.accelerators["gb200-nvl72"].link.domain == 72
    assert shipped.accelerators["rtx4090"].link.gbytes_per_s_one_way == 0
    assert not shipped.accelerators["mi300x"].link.switched
    for device in shipped.accelerators.values():
        assert (device.link.gbytes_per_s_one_way > 0) == (device.link.domain > 1), device.id


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("fp8-e4m3-block128", 8 + 32 / 16384),
        ("int4-awq-g128", 4.15625),
        ("nf4", 4 + 8 / 64 + 32 / 16384),
        ("mxfp4", 4.25),
        ("nvfp4", 4.5),
        ("gguf-q8_0", 8.5),
        ("gguf-q6_k", 6.5625),
        ("gguf-q5_k_m", 5.5),
        ("gguf-q4_k_m", 4.5),
        ("gguf-q3_k_m", 3.4375),
        ("int2-g64", 2.28125),
    ],
)
def test_bits_per_weight_follow_from_value_and_metadata(shipped, name, bits):
    assert shipped.formats[name].bytes_per_weight * 8 == pytest.approx(bits, abs=1e-12)


def test_a_tensor_takes_its_metadata_exactly(shipped):
    assert shipped.formats["fp8-e4m3"].tensor_bytes(4096, 1024) == 4096 * 1024 + 4096 * 4
    assert shipped.formats["fp8-e4m3-block128"].tensor_bytes(300, 200) == 300 * 200 + 3 * 2 * 4
    assert shipped.formats["int4-awq-g128"].tensor_bytes(8192, 8192) == 8192 * 8192 * 4.15625 / 8
    assert shipped.formats["nvfp4"].tensor_bytes(64, 64) == 64 * 64 * 4.5 / 8 + 8


def test_kv_formats_count_their_scales(shipped):
    sizes = {name: item.bytes_per_element for name, item in shipped.kv_formats.items()}
    assert (sizes["bf16"], sizes["fp8"], sizes["nvfp4"], sizes["q8_0"]) == (2, 1, 0.5625, 1.0625)


@pytest.mark.parametrize(
    ("engine", "name", "device", "level"),
    [
        ("vllm", "fp8-e4m3", "h100-sxm", "native"),
        ("vllm", "fp8-e4m3", "a100-sxm-80", "weight-only"),
        ("vllm", "fp8-e4m3", "t4", "no"),
        ("vllm", "int8-w8a8", "a100-sxm-80", "native"),
        ("vllm", "int8-w8a8", "b200-sxm", "no"),
        ("vllm", "nvfp4", "b200-sxm", "native"),
        ("vllm", "nvfp4", "h100-sxm", "weight-only"),
        ("vllm", "bf16", "v100-sxm2-32", "no"),
        ("sglang", "nvfp4", "h100-sxm", "no"),
        ("trtllm", "int4-awq-g128", "b200-sxm", "no"),
        ("trtllm", "fp8-e4m3-block128", "h100-sxm", "native"),
        ("llamacpp", "gguf-q4_k_m", "rtx3090", "weight-only"),
        ("llamacpp", "int4-awq-g128", "rtx3090", "no"),
        ("vllm", "bf16", "ascend-910b3", "no"),
    ],
)
def test_what_engines_run_where(shipped, engine, name, device, level):
    assert shipped.engines[engine].weight_support(name, shipped.accelerators[device]) == level


def test_defaults_depend_on_the_device(shipped):
    vllm, sglang = shipped.engines["vllm"], shipped.engines["sglang"]
    devices = shipped.accelerators
    assert vllm.default("max_num_batched_tokens", devices["h100-sxm"]) == 8192
    assert vllm.default("max_num_batched_tokens", devices["a100-sxm-80"]) == 2048
    assert vllm.default("max_num_seqs", devices["rtx4090"]) == 256
    assert sglang.default("cuda_graph_max_bs", devices["rtx4090"], 2) == 24
    assert sglang.default("cuda_graph_max_bs", devices["rtx4090"], 4) == 80
    assert sglang.default("chunked_prefill_size", devices["b200-sxm"]) == 16384
    with pytest.raises(KeyError):
        vllm.default("no_such_flag", devices["h100-sxm"])


def test_offers_are_whole_instances_with_their_prices(shipped):
    offer = shipped.offers["gcp/a2-highgpu-1g/us-central1"]
    assert {price.kind for price in offer.prices} == {"on-demand", "reserved-1y", "reserved-3y", "spot"}
    assert offer.price("reserved-3y").usd_per_hour < offer.price("on-demand").usd_per_hour
    kinds = {price.kind for offer in shipped.offers.values() for price in offer.prices}
    assert kinds == {"on-demand", "reserved-1y", "reserved-3y", "spot", "purchase"}
    assert {offer.id for offer in shipped.offers.values() if offer.link_domain > offer.gpus} == {
        offer.id for offer in shipped.offers.values() if offer.interconnect == "nvl72"
    }


def test_bought_servers_have_power_and_parts(shipped):
    bought = [offer for offer in shipped.offers.values() if offer.purchase]
    assert len(bought) >= 20
    for offer in bought:
        price = offer.price("purchase")
        assert offer.host_power_w, offer.id
        if offer.items:
            assert sum(item.usd for item in offer.items) == pytest.approx(price.capex_usd), offer.id
        if price.capex_low_usd:
            assert price.capex_low_usd <= price.capex_usd <= price.capex_high_usd, offer.id


def test_names_resolve_in_any_case(shipped):
    assert shipped.resolve("accelerators", "h100") == "h100-sxm"
    assert shipped.resolve("accelerators", "H100-SXM") == "h100-sxm"
    assert shipped.resolve("formats", "AWQ") == "int4-awq-g128"
    assert shipped.resolve("formats", "no-such") is None
    assert shipped.suggest("accelerators", "h10O-sxm") == "h100-sxm"


def test_storage_gives_load_times(shipped):
    sata = shipped.storage["sata-ssd"]
    assert sata.load_seconds(140e9) == pytest.approx(140 / 0.5 * 1.5)
    assert shipped.storage["nvme-gen4"].load_seconds(140e9) == pytest.approx(30)
    assert shipped.storage["cloud-disk"].load_seconds(15e9) == pytest.approx(48, abs=0.5)


def test_regions_have_power_and_pue(shipped):
    assert shipped.regions["cn"].electricity_usd_per_kwh.value == 0.08
    assert all(region.pue.value >= 1 for region in shipped.regions.values())


def test_every_figure_of_a_region_has_a_value_and_a_source(shipped) -> None:
    from dataclasses import fields

    from planner.catalog.schema.places import Figure, Region

    named = {item.name for item in fields(Region) if item.type == "Figure"}
    assert len(named) >= 4
    for region in shipped.regions.values():
        assert {name for name in named if isinstance(getattr(region, name), Figure)} == named, region.id
