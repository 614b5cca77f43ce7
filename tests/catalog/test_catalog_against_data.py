"""The catalog against the tables that its figures were taken from; skipped where those are not at hand."""

from __future__ import annotations

import csv
import json
import re

import pytest

TFLOPS = (
    "fp32_tflops",
    "tf32_tflops",
    "fp16_tflops",
    "bf16_tflops",
    "fp8_tflops",
    "int8_tops",
    "fp4_tflops",
    "int4_tops",
)


@pytest.fixture(scope="module")
def table(shared):
    """Return what reads a table by name."""

    def read(name: str) -> list[dict[str, str]]:
        with (shared / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return read


def test_accelerators_agree(shipped, table):
    checked = 0
    for row in table("accelerators.csv"):
        device = shipped.accelerators.get(row["id"])
        if device is None:
            continue
        for column in TFLOPS:
            name = column.partition("_")[0]
            if row[column]:
                assert device.tflops[name] == pytest.approx(float(row[column]), rel=1e-3), (device.id, name)
                checked += 1
            else:
                assert name not in device.tflops, (device.id, name)
        assert device.bandwidth_gbytes_per_s == float(row["mem_bw_gbs"]), device.id
        assert device.compute_capability == row["compute_capability"]
        assert device.confidence == row["confidence"]
        if row["memory_bytes_reported"]:
            assert device.memory_bytes_reported == int(row["memory_bytes_reported"]), device.id
        if row["cuda_total_gib"]:
            assert device.memory_gib_usable == float(re.search(r"[\d.]+", row["cuda_total_gib"])[0]), device.id
        if device.link.domain > 1:
            assert device.link.gbytes_per_s_one_way * 2 == float(row["link_gbs_bidir_per_gpu"]), device.id
        if row["tdp_w"]:
            assert device.tdp_w == float(row["tdp_w"]), device.id
    assert checked > 250


def test_what_is_left_out_of_the_accelerators_is_left_out_on_purpose(shipped, table):
    absent = {row["id"] for row in table("accelerators.csv")} - set(shipped.accelerators)
    assert absent == {
        "b100",  # barely shipped
        "mi250x",  # stands as mi250x-gcd, one of its two devices
        "tpu-v5e", "tpu-v5p", "tpu-v6e", "tpu-v7x", "trainium2", "inferentia2",  # no engine of the catalog runs there
    }  # fmt: skip


def test_rents_agree(shipped, table):
    """Each rent stands in the table: of that instance in that region, or as GPUs times the price of one."""
    known: dict[tuple[str, str, str], dict[str, set[float]]] = {}
    per_gpu: dict[tuple[str, str], set[float]] = {}
    for row in table("offers.csv"):
        kind, price = row["price_type"].replace("_", "-"), round(float(row["usd_per_hour"]), 4)
        if row["instance_type"].startswith("per-GPU"):
            per_gpu.setdefault((row["gpu_id"], kind), set()).add(price)
        else:
            regions = known.setdefault((row["instance_type"], row["gpu_id"], kind), {})
            regions.setdefault(row["region"], set()).add(price)
    checked = 0
    for offer in shipped.offers.values():
        for price in offer.prices:
            if price.usd_per_hour is None:
                continue
            regions = known.get((offer.instance, offer.accelerator, price.kind))
            if regions is None:
                each = per_gpu[offer.accelerator, price.kind]
                assert offer.instance == f"{offer.gpus}x-{offer.accelerator}"
                allowed = {round(value * offer.gpus, 4) for value in each}
            elif offer.region in regions:
                allowed = regions[offer.region]
            else:  # a region whose name is no word, such as "all regions (one list price)"
                (allowed,) = regions.values()
            assert round(price.usd_per_hour, 4) in allowed, (offer.id, price.kind)
            checked += 1
    assert checked > 600


def test_every_instance_type_has_its_cheapest_region(shipped, table):
    """A selection of regions may not hide the best price."""
    names = {"AWS": "aws", "GCP": "gcp", "Azure": "azure", "OCI": "oci"}
    cheapest: dict[tuple[str, str], float] = {}
    for row in table("offers.csv"):
        if row["provider"] in names and row["price_type"] == "on_demand" and row["gpu_id"] in shipped.accelerators:
            key = (names[row["provider"]], row["instance_type"])
            cheapest[key] = min(cheapest.get(key, float("inf")), float(row["usd_per_hour"]))
    held: dict[tuple[str, str], float] = {}
    for offer in shipped.offers.values():
        price = offer.price("on-demand")
        if price is not None:
            key = (offer.provider, offer.instance)
            held[key] = min(held.get(key, float("inf")), price.usd_per_hour)
    assert {key: held.get(key) for key in cheapest} == pytest.approx(cheapest)


def test_cards_of_bought_servers_agree(shipped, table):
    ranges = {
        (row["gpu_id"], row["usd_low"], row["usd_high"]) for row in table("purchase_prices.csv") if row["usd_low"]
    }
    ends = {(gpu, float(low), float(high)) for gpu, low, high in ranges}
    for offer in shipped.offers.values():
        for item in offer.items:
            if item.usd_low:
                assert (offer.accelerator, item.usd_low, item.usd_high) in ends, offer.id
                assert item.usd_each == (item.usd_low + item.usd_high) / 2


def test_quality_agrees_with_the_published_summary(shipped, table):
    families = {
        "fp8 (w8a8, all scalings)": "fp8-w8a8", "int8_w8a8": "int8-w8a8", "int8_w8a16": "int8-w8a16",
        "int4 w4a16 (AWQ/GPTQ/tuned)": "int4-w4a16", "nvfp4 PTQ (w4a4)": "nvfp4-w4a4",
        "mxfp4 PTQ (w4a4)": "mxfp4-w4a4", "bnb_nf4": "nf4", "gguf q4_*": "gguf-q4", "gguf q3_*": "gguf-q3",
        "int2 tuned/QAT (AQLM,EfficientQAT,AutoRound)": "int2-tuned", "kv_fp8": "kv-fp8", "kv_int8": "kv-int8",
        "kv_fp4": "kv-fp4",
    }  # fmt: skip
    checked = 0
    for row in table("quality_summary.csv"):
        scope = {"task/all": "", "ppl_ratio/all": "-perplexity"}.get(row["scope"])
        if scope is None or row["family"] not in families or row["size_class"] == "all":
            continue
        family = shipped.quality_families[families[row["family"]] + scope]
        (record,) = [item for item in family.records if item.size_class == row["size_class"]]
        assert record.n == int(row["n"])
        for field in ("median", "p10", "min", "max"):
            percent = float(row[field if field in ("min", "max") else f"{field}_recovery"])
            assert getattr(record, field) * 100 == pytest.approx(percent, abs=0.011), (family.id, field)
        checked += 1
    assert checked > 40


def test_block_scaled_checkpoints_have_the_size_that_the_format_says(shipped, shared):
    """DeepSeek-V3 in FP8 blocks: 8.21 bits per parameter with what stays in 16 bits."""
    rows = json.loads((shared / "quantized_checkpoints.json").read_text(encoding="utf-8"))
    sizes = {row["id"]: row["bits_per_param"] for row in rows if row["format"].startswith("FP8 block128")}
    assert sizes
    bits = shipped.formats["fp8-e4m3-block128"].bytes_per_weight * 8
    assert all(bits <= value <= bits * 1.03 for value in sizes.values() if value)
