"""planner estimate and the serving half of planner validate, through the command line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = [
    "estimate",
    "meta-llama/Llama-3.1-70B-Instruct",
    "--accelerator",
    "h100-sxm",
    "--weights",
    "fp8",
    "--input-tokens",
    "1024",
    "--output-tokens",
    "1024",
]


def planner(*args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-m", "planner", *args], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done


def figures(*args: str) -> dict[str, dict[str, float]]:
    data = json.loads(planner(*RUN, *args, "--format", "json").stdout)
    return {item["name"]: item for item in data["estimates"]}


def test_estimates_have_intervals_and_terms_that_add_up() -> None:
    found = figures("--gpus", "4", "--concurrency", "32")
    for item in found.values():
        assert item["low"] < item["value"] < item["high"]
    for name in ("ttft_mean_ms", "tpot_mean_ms"):
        assert sum(term["value"] for term in found[name]["terms"]) == pytest.approx(found[name]["value"], rel=1e-6)


def test_replicas_share_the_load() -> None:
    one = figures("--gpus", "4", "--concurrency", "32")
    two = figures("--gpus", "8", "--tp", "4", "--concurrency", "64")
    assert two["tpot_mean_ms"]["value"] == pytest.approx(one["tpot_mean_ms"]["value"])
    assert two["output_tokens_per_second"]["value"] == pytest.approx(2 * one["output_tokens_per_second"]["value"])


def test_text_says_what_limits_it() -> None:
    text = planner(*RUN, "--gpus", "4", "--request-rate", "1/s").stdout
    assert "Limited by" in text
    assert "TPOT mean is made of" in text


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--gpus", "4"], "say the load once"),
        (["--gpus", "4", "--concurrency", "1", "--batch", "1"], "say the load once"),
        (["--gpus", "6", "--tp", "4", "--concurrency", "1"], "not whole replicas"),
        (["--gpus", "1", "--concurrency", "1", "--weights", "bf16"], "leave no room"),
        (["--gpus", "1", "--concurrency", "1", "--engine", "vlm"], "did you mean vllm"),
        (["--gpus", "4", "--concurrency", "1", "--speculative-tokens", "3"], "needs both"),
    ],
)
def test_what_contradicts_itself_is_refused(flags: list[str], message: str) -> None:
    assert message in planner(*RUN, *flags, code=2).stderr


def test_serving_rows_get_their_predictions(tmp_path: Path) -> None:
    table = tmp_path / "runs.csv"
    header = (
        "model,accelerator,engine,engine_version,weights,isl,osl,concurrency,tp,pp,attention_dp,moe_tp,moe_ep,"
        "ttft_ms,tpot_ms,source"
    )
    table.write_text(
        f"{header}\nmeta-llama/Llama-3.1-70B,h100-sxm,vllm,0.11,fp8,1024,1024,32,4,1,1,4,1,174.8,16.4915,x\n"
        "nobody/nothing,h100-sxm,vllm,0.11,fp8,1024,1024,32,4,1,1,4,1,174.8,16.4915,x\n",
        encoding="utf-8",
    )
    out, page = tmp_path / "out.csv", tmp_path / "page.html"
    text = planner("validate", str(table), "--predictions", str(out), "--html", str(page)).stdout
    assert "TPOT" in text
    first, second = csv.DictReader(out.read_text(encoding="utf-8").splitlines())
    for name in ("predicted_ttft_ms", "predicted_tpot_ms", "predicted_output_tok_s"):
        assert float(first[f"{name}_low"]) < float(first[name]) < float(first[f"{name}_high"])
    assert first["error"] == ""
    assert "nobody/nothing" in second["error"]
    assert second["predicted_tpot_ms"] == ""
    assert float(first["predicted_tpot_ms"]) == pytest.approx(16.49, rel=0.3), "published run on the same machine"
    assert "<svg" in page.read_text(encoding="utf-8")
    assert "<script" not in page.read_text(encoding="utf-8")


def test_calibrate_asks_for_what_it_needs(tmp_path: Path) -> None:
    assert "at least one file" in planner("calibrate", code=2).stderr
    assert "where the calibration goes" in planner("calibrate", "x.csv", code=2).stderr
    assert "--device needs --accelerator" in planner("calibrate", "--device", code=2).stderr
    assert "cannot be read" in planner("calibrate", str(tmp_path / "absent.csv"), "-o", str(tmp_path), code=2).stderr


def test_one_cross_validation_gives_the_page_and_the_calibration(tmp_path: Path) -> None:
    table = tmp_path / "runs.csv"
    head = (
        "model,accelerator,engine,engine_version,weights,isl,osl,concurrency,"
        "tp,pp,attention_dp,moe_tp,moe_ep,ttft_ms,tpot_ms,source"
    )
    rows = [
        f"meta-llama/Llama-3.1-70B,{device},vllm,,fp8,1024,1024,{2**n},4,1,1,4,1,{90 + 2**n},{time + n},inferencex 2026"
        for device, time in (("h100-sxm", 13), ("h200-sxm", 12))
        for n in range(4)
    ]
    unknown = "nobody/nothing,h100-sxm,vllm,,fp8,1024,1024,1,4,1,1,4,1,100,10,inferencex 2026"
    table.write_text("\n".join([head, *rows, unknown]), encoding="utf-8")
    done = planner("calibrate", str(table), "--cross-validate", "--markdown", "-o", str(tmp_path / "own"))
    assert done.stdout.startswith("# Accuracy of the performance model")
    assert "1 further rows could not be compared" in done.stdout
    assert "| all | TPOT | 8 | 8 |" in done.stdout
    assert "not measured" in done.stdout, "nothing of a saturated queue is in the file"
    assert (tmp_path / "own" / "serving.yaml").is_file()
